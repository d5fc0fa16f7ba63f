"""The evaluation of answers: questions asked, and figures computed by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.answers import Answer, AnswerMode, Draft, Outcome, Sentence
from app.domain.evaluation import Labelled
from app.domain.knowledge import PassageKind
from app.domain.retrieval import Hit
from app.services.evaluation.answers import OWNER, AnswerJudge, Judged, key_facts_found, summarise
from app.services.evaluation.modes import better, compare
from app.services.evaluation.turns import turns_of
from tests.answer_builders import PRINTER, TEAMS, VPN, WIKI, chat_of, grounder_of, hit_of, passage_of, release_of
from tests.answer_spies import SpyStore

RELEASE = release_of(TEAMS, VPN, PRINTER, WIKI)


def labelled(
    text: str,
    *facts: tuple[str, ...],
    answerable: bool = True,
    history: tuple[tuple[str, str], ...] = (),
) -> Labelled:
    documents = (VPN.id,) if answerable else ()
    return Labelled("q-1", text, "en", "plain", documents, facts, answerable, history)


def judge_of(store: SpyStore | None = None, threshold: float = 0.2) -> AnswerJudge:
    kept = store or SpyStore()
    return AnswerJudge(chat_of(RELEASE, store=kept, threshold=threshold), kept, grounder_of(RELEASE), RELEASE)


async def test_a_right_answer_is_carried_and_tells_the_key_facts() -> None:
    ticks: list[int] = []
    question = labelled("vpn error 809", ("UDP ports 500", "udp 500"), ("reboot the phone",))
    [item] = await judge_of().run([question], lambda: ticks.append(1))
    assert item.sentences == (7, 7)
    assert item.hard_facts[0] == item.hard_facts[1] > 5
    assert item.key_facts == (1, 2)
    assert not item.refused
    assert ticks == [1]


async def test_a_refusal_is_seen() -> None:
    [item] = await judge_of(threshold=0.5).run([labelled("how do I bake bread", answerable=False)])
    assert item.refused
    assert (item.sentences, item.hard_facts, item.key_facts) == ((0, 0), (0, 0), (0, 0))


async def test_the_history_of_a_question_is_its_conversation() -> None:
    store = SpyStore()
    history = (("user", "vpn error 809"), ("assistant", "Restart the router."))
    [item] = await judge_of(store).run([labelled("and?", history=history)])
    assert item.answer.conversation_id == "evaluation-q-1"
    assert item.answer.hits[0].document.id == VPN.id
    (owner, _, turns), _ = store.appended
    assert owner == OWNER
    assert [(turn.role.value, turn.content) for turn in turns] == list(history)


def test_turns_have_ids_of_their_own_and_their_order() -> None:
    turns = turns_of(labelled("q", history=(("user", "a"), ("assistant", "b"))))
    assert [(turn.id, turn.role.value, turn.content) for turn in turns] == [
        ("q-1-0", "user", "a"),
        ("q-1-1", "assistant", "b"),
    ]
    assert turns_of(labelled("q")) == ()


class LyingChat:
    """Answers with sentences whose source says something else."""

    async def ask(self, _question: object) -> Answer:
        steps = passage_of(VPN, PassageKind.STEPS)
        told = ("Allow UDP ports 500 and 4501 in the firewall.", "Never share your password with anybody.")
        draft = Draft("x", Outcome.ANSWERED, tuple(Sentence(text, steps.id, 1) for text in told))
        return answer_of(draft, hit_of(VPN))


def answer_of(draft: Draft, *hits: Hit, seconds: float = 0.0) -> Answer:
    return Answer("q", draft, hits, 0.9, "c", "m", "en", datetime.now(UTC), seconds)


async def test_the_answers_own_report_is_not_believed() -> None:
    judge = replace(judge_of(), chat=LyingChat())  # type: ignore[arg-type]
    [item] = await judge.run([labelled("q")])
    assert item.sentences == (1, 2)
    good, every = item.hard_facts
    assert every - good == 1


@pytest.mark.parametrize(
    ("facts", "text", "found"),
    [
        ((("Win+R",), ("regedit", "registry editor")), "Press **win+r**, open the Registry Editor.", (2, 2)),
        ((("Win+R",), ("regedit", "registry editor")), "Press Win+X.", (0, 2)),
        ((), "anything", (0, 0)),
        ((("it’s",),), "it's", (1, 1)),
    ],
)
def test_key_facts_are_found_in_any_of_their_spellings(
    facts: tuple[tuple[str, ...], ...], text: str, found: tuple[int, int]
) -> None:
    assert key_facts_found(labelled("q", *facts), text) == found


def judged(
    outcome: Outcome,
    *,
    answerable: bool = True,
    counts: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0), (0, 0)),
    seconds: float = 0.0,
    hit: Hit | None = None,
) -> Judged:
    found = answer_of(Draft("x", outcome), *([hit] if hit else []), seconds=seconds)
    return Judged(labelled("q", answerable=answerable), found, *counts)


def test_figures_are_those_computed_by_hand() -> None:
    items = [
        judged(Outcome.ANSWERED, counts=((4, 4), (6, 8), (1, 2)), seconds=0.010),
        judged(Outcome.PARTIAL, counts=((1, 2), (2, 2), (2, 2)), seconds=0.020),
        judged(Outcome.NO_CONTEXT, counts=((0, 0), (0, 0), (0, 1)), seconds=0.001),
        judged(Outcome.ANSWERED, answerable=False, counts=((1, 1), (0, 0), (0, 0)), seconds=0.030),
        judged(Outcome.NO_CONTEXT, answerable=False, seconds=0.002),
    ]
    assert summarise(items) == pytest.approx(
        {
            "questions": 5,
            "answered": 3,
            "refused": 2,
            "refusal_recall": 1 / 2,
            "false_refusals": 1 / 3,
            "grounded_sentences": 6 / 7,
            "hard_fact_precision": 8 / 10,
            "key_fact_recall": 3 / 5,
            "partial": 1 / 3,
            "p50_ms": 10.0,
            "p95_ms": 30.0,
        }
    )


def test_figures_over_nothing_are_defined() -> None:
    figures = summarise([])
    assert figures["questions"] == figures["p95_ms"] == figures["refusal_recall"] == 0
    assert figures["grounded_sentences"] == figures["key_fact_recall"] == 1


def told(good: int, every: int, hit: Hit | None) -> Judged:
    return judged(Outcome.ANSWERED, counts=((0, 0), (0, 0), (good, every)), hit=hit)


def test_modes_are_compared_for_each_shape_of_document() -> None:
    steps, prose = hit_of(VPN), hit_of(PRINTER)
    table = compare(
        {
            AnswerMode.EXTRACT: [told(1, 2, steps), told(1, 2, prose), told(9, 9, None)],
            AnswerMode.GENERATE: [told(1, 2, steps), told(2, 2, prose)],
        }
    )
    assert set(table) == {"extract, steps", "extract, prose", "generate, steps", "generate, prose"}
    assert table["extract, steps"]["questions"] == 1
    assert table["generate, prose"]["key_fact_recall"] == 1
    assert better(table) == {"steps": "extract", "prose": "generate"}


def test_without_a_difference_no_model_is_needed() -> None:
    assert better(compare({AnswerMode.EXTRACT: [], AnswerMode.GENERATE: []})) == {
        "steps": "extract",
        "prose": "extract",
    }
