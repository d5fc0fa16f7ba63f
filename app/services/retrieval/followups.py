"""Follow-up questions: when a question leans on what was asked before, and how the two are put together.

Nothing is invented: a standalone question is made of what the person wrote, in this order: the question, the rarest
words of older questions, the one asked last, and the question again. Said first and last it counts most in the
embedding, and is never what is cut off. Over mtrag's follow-ups (`python -m benchmarks.mtrag`) this found more than the
question alone, together with the last one, or with all of them.

A question that begins like a follow-up ("and on a Mac?", "still nothing"), or is short and points back ("how do I undo
that?"), is always read so. Any other is first taken at its word, and read together with the earlier ones only where by
itself it finds little, and its own words stand in what the two find together: a change of topic must not be answered
with the last topic's answer. Rules and figures were chosen on the tune half, with the marked follow-ups on one side and
changes of topic (every question after an unrelated one) on the other.
"""

import re
from collections.abc import Callable, Sequence

from app.domain.conversations import Role, Turn
from app.ports import LexicalIndex

Weigh = Callable[[str], float]
"""Says how much a word tells: its rarity, 0 for a word that is not indexed or tells nothing."""

SURE = 0.8
"""The score from which a question taken at its word needs no other."""

_LEAST_COVERED = 0.3
_AS_WELL = 0.8
_FEW_WORDS = 2
_SHORT = 8
_MIDDLING = 20
_LONG = 40
_MAX_CHARS = 600
_TOPIC_WORDS = 4
_FADING = 0.6
"""What a word of a question counts beside one of the question after it."""

_WORD = re.compile(r"[^\W_]+(?:[-'’._/][^\W_]+)*")
_OPENING = re.compile(
    r"^\W*(and|but|ok|okay|what about|how about|what (else|now)|still|same|yes|did|done|tried|works? now|that"
    r"|(?-i:[Ii]t)|now|(i|we) (did|tried|started)|i'm still|too late"
    r"|no(?=\W*$|[,.!;:]|\s+(luck|change|difference|it|that|i)\b)"
    r"|und|aber|immer noch|geht|noch immer|was (ist mit|nun|jetzt)|wie sieht es|auch (auf|mit|bei)"
    r"|et|mais|toujours|encore|pareil|c'est pareil|idem|oui"
    r"|y|pero|sigue|ya|todavía|lo mismo|igual|sí)\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(that|those|them|they|instead|the same|(?-i:it)"
    r"|das(?!\s+(?-i:[A-ZÄÖÜ]))|dies(e[mnrs]?)?|davon|damit|dafür|dazu|daran|darauf|dabei|dort|stattdessen|sonst"
    r"|ça|cela|ceci|celui(-ci|-là)?|celle(-ci|-là)?|ceux|dedans|sinon"
    r"|eso|esto|aquello|ello|lo|los|hacerlo|allí|tampoco)(?!\w)",
    re.IGNORECASE,
)
_ABOUT_BEFORE = re.compile(
    r"\b(no such|what (else|next)|(does|is|do|undo|try|tried|did) that|that (button|folder|entry|link|menu|one|step)"
    r"|the (other|second|quick) one|und (jetzt|nun)|et maintenant|et après|y ahora)\b|\bnext\?",
    re.IGNORECASE,
)


def rarity(lexical: LexicalIndex) -> Weigh:
    """Return what weighs words by their rarity in an index."""

    def weigh(word: str) -> float:
        match = lexical.match(word, ())
        return match.rarity * (1 - match.unknown)

    return weigh


def standalone(history: Sequence[Turn], text: str, weigh: Weigh) -> str:
    """Return a question that can be understood without its history: itself where nothing was asked before."""
    asked = asked_in(history)
    if not asked:
        return text
    topic = " ".join(topic_words(asked[:-1], f"{asked[-1]} {text}", weigh))
    return "\n".join(part for part in (text, topic, asked[-1], text) if part)


def topic_words(asked: Sequence[str], known: str, weigh: Weigh, most: int = _TOPIC_WORDS) -> list[str]:
    """Return the words of questions, oldest first, that tell most and are not in `known`, in the order they came.

    A word counts by its rarity, every time it is used, and the less the longer ago.
    """
    there = {word.casefold() for word in _WORD.findall(known)}
    found: dict[str, float] = {}
    for back, question in enumerate(reversed(asked), 1):
        for word in _WORD.findall(question):
            if word.casefold() not in there and (weight := weigh(word)) > 0:
                found[word.casefold()] = found.get(word.casefold(), 0.0) + weight * _FADING**back
    best = set(sorted(found, key=lambda word: (-found[word], word))[:most])
    spoken = (word for question in asked for word in _WORD.findall(question))
    return list({word.casefold(): word for word in spoken if word.casefold() in best}.values())


def surely_follows(text: str) -> bool:
    """Tell whether a question points back to what was said before, or is too short to be anything else."""
    words = len(_WORD.findall(text))
    if words <= _FEW_WORDS:
        return True
    if words > _LONG:
        return False
    if _OPENING.match(text) or (words <= _MIDDLING and _ABOUT_BEFORE.search(text)):
        return True
    return words <= _SHORT and _POINTS_BACK.search(text) is not None


def belongs_together(alone: float, own_covered: float, joined_covered: float) -> bool:
    """Tell whether a question that does not begin like a follow-up is one all the same.

    `alone` is its score at its word; the two shares say how many of its own words stand in the best document it finds
    alone, and in the best one it finds together with the earlier question.
    """
    return alone < SURE and joined_covered >= max(_LEAST_COVERED, _AS_WELL * own_covered)


def asked_in(history: Sequence[Turn]) -> list[str]:
    """Return what was asked, oldest first, each cut to a length that leaves room for the new question."""
    return [turn.content[:_MAX_CHARS] for turn in history if turn.role is Role.USER]
