"""How much of a text written by a person another text says: words and hard facts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.services.answering.facts import hard_facts, plain, stands_in
from app.services.answering.sentences import sentences, without_mark
from app.services.evaluation.metrics import mean


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two texts share.

    `f1` is that of their words (Rajpurkar et al. 2016, articles kept). Hard facts as (found, all): `recalled` of the
    gold text in the other, `precise` of the other in the gold text or the source.
    """

    f1: float
    recalled: tuple[int, int]
    precise: tuple[int, int]


def alike(text: str, gold: str, source: str = "") -> Likeness:
    """Compare a text with the gold one; `source` is what else its hard facts may stand in."""
    wanted, said = facts_of(gold), facts_of(text)
    return Likeness(
        token_f1(text, gold),
        (sum(stands_in(fact, text) for fact in wanted), len(wanted)),
        (sum(stands_in(fact, f"{gold}\n{source}") for fact in said), len(said)),
    )


def facts_of(text: str) -> list[str]:
    """Return the hard facts of a text's sentences, each once; numbers of steps and labels of risk are none."""
    return list(dict.fromkeys(fact for each in sentences(text) for fact in hard_facts(without_mark(each))))


def token_f1(text: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall of a text's words against another's; 0 where one has none."""
    said, wanted = (Counter(word.strip(".,;:!?()\"'") for word in plain(each).split()) for each in (text, gold))
    shared = sum((said & wanted).values())
    return 2 * shared / (sum(said.values()) + sum(wanted.values())) if shared else 0.0


def of_all(found: Sequence[Likeness]) -> dict[str, float]:
    """Return the means: token F1 per text, shares of hard facts over all texts."""
    return {
        "token_f1": mean([item.f1 for item in found]),
        "hard_fact_recall": share([item.recalled for item in found]),
        "hard_fact_precision": share([item.precise for item in found]),
    }


def share(counts: Sequence[tuple[int, int]]) -> float:
    """Return the share of what was found, 1 where there was nothing to be found."""
    every = sum(count for _, count in counts)
    return sum(good for good, _ in counts) / every if every else 1.0
