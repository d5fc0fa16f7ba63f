"""Finding conversations in MongoDB: by the server's text index where it has one, else word by word.

Either way the server first names candidates, and then shows what was found in them: which words, and in what messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.adapters.stores.excerpts import Word, words_of
from app.adapters.stores.mongo_connection import Collections
from app.adapters.stores.mongo_documents import MESSAGES, OVERVIEW, mine, overview
from app.adapters.stores.mongo_part import MongoPart
from app.adapters.stores.mongo_words import pattern, snippet
from app.domain.conversations import Found

# Word by word, no more than the newest so many conversations of an owner are looked through.
_SCANNED = 2000
_SHOWN = 3
# What is shown of a message, at most, in characters.
_MESSAGE = 4_000

_TEXT = {"$ifNull": ["$conversation_text", ""]}
_NEWEST = {"created_at": -1, "conversation_id": -1}


@dataclass(frozen=True)
class _Candidate:
    """A conversation in which words were found; `strength` is more than 0, the more the better."""

    id: Any
    strength: float


class MongoSearch(MongoPart):
    """A ConversationSearch. Results with more of the words come first."""

    text_search = False
    """Whether the server has a text index over `conversation_text`; known once open."""

    async def find(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        """Return conversations in which words of the query occur, best first; raises StoreFailed."""
        words = words_of(query)
        if limit <= 0 or not words:
            return ()
        async with self._connection.request() as collections:
            candidates = await _indexed(collections, owner, words, limit) if self.text_search else []
            # An index knows whole words of one language, without its commonest: beyond them, word by word.
            candidates = candidates or await _scanned(collections, owner, words, limit)
            details = await _details(collections, owner, words, candidates) if candidates else {}
        return _ranked(words, candidates, details)[:limit]


async def _indexed(collections: Collections, owner: str, words: Sequence[Word], limit: int) -> list[_Candidate]:
    """Return candidates by the text index: those with all words first, then those with any."""
    # In quotation marks a word is one that must occur. They hold neither those nor the minus sign that excludes.
    tokens = [token for word in words for token in word.tokens]
    searches = (" ".join(f'"{token}"' for token in tokens), " ".join(tokens))
    found: dict[Any, _Candidate] = {}
    for search in searches:
        stages: list[dict[str, Any]] = [
            {"$match": {"$text": {"$search": search}, **mine(owner)}},
            # Again: there are servers that look at the words alone where any are searched.
            {"$match": mine(owner)},
            {"$addFields": {"_strength": {"$meta": "textScore"}}},
            {"$sort": {"_strength": -1}},
            {"$limit": limit},
            {"$project": {"_strength": 1}},
        ]
        async for one in collections.conversations.aggregate(stages):
            found.setdefault(one["_id"], _Candidate(one["_id"], one["_strength"]))
        if len(found) >= limit:
            break
    return list(found.values())


async def _scanned(collections: Collections, owner: str, words: Sequence[Word], limit: int) -> list[_Candidate]:
    """Return candidates by looking through the owner's newest conversations."""
    patterns = [pattern(word) for word in words]
    occur = [{"conversation_text": {"$regex": one, "$options": "i"}} for one in patterns]
    often = [{"$size": {"$regexFindAll": {"input": _TEXT, "regex": one, "options": "i"}}} for one in patterns]
    stages: list[dict[str, Any]] = [
        {"$match": mine(owner)},
        {"$sort": _NEWEST},
        {"$limit": _SCANNED},
        {"$match": {"$or": occur}},
        {"$project": {"_found": _count(words), "_strength": {"$add": often}, "created_at": 1}},
        {"$sort": {"_found": -1, "_strength": -1, "created_at": -1, "_id": -1}},
        {"$limit": limit},
    ]
    return [_Candidate(one["_id"], one["_strength"]) async for one in collections.conversations.aggregate(stages)]


async def _details(
    collections: Collections, owner: str, words: Sequence[Word], candidates: list[_Candidate]
) -> dict[Any, dict[str, Any]]:
    """Return what is shown of each candidate, by its `_id`."""
    shows = {"$or": _tests(words, "$$turn.content")}
    shown = {"$slice": [{"$filter": {"input": MESSAGES, "as": "turn", "cond": shows}}, _SHOWN]}
    fields = {
        **OVERVIEW,
        "found": _count(words),
        "shown": {"$map": {"input": shown, "as": "turn", "in": {"$substrCP": ["$$turn.content", 0, _MESSAGE]}}},
    }
    wanted = {"_id": {"$in": [candidate.id for candidate in candidates]}, **mine(owner)}
    cursor = collections.conversations.aggregate([{"$match": wanted}, {"$project": fields}])
    return {one["_id"]: one async for one in cursor}


def _count(words: Sequence[Word]) -> dict[str, Any]:
    """Return the expression for how many of the words occur in a conversation."""
    return {"$add": [{"$cond": [test, 1, 0]} for test in _tests(words, _TEXT)]}


def _tests(words: Sequence[Word], text: Any) -> list[dict[str, Any]]:
    """Return the expressions for whether each of the words occurs in a text."""
    return [{"$regexMatch": {"input": text, "regex": pattern(word), "options": "i"}} for word in words]


def _ranked(
    words: Sequence[Word], candidates: list[_Candidate], details: dict[Any, dict[str, Any]]
) -> tuple[Found, ...]:
    """Return results, best first: more words are better than any strength, which decides among as many."""
    scored = []
    for candidate in candidates:
        # Gone since it was a candidate, or not.
        if (one := details.get(candidate.id)) is not None:
            strength = candidate.strength / (1 + candidate.strength)
            scored.append(((one["found"] + strength) / (len(words) + 1), one))
    scored.sort(key=lambda pair: (pair[0], pair[1]["created_at"]), reverse=True)
    best = scored[0][0] if scored else 1.0
    return tuple(_found(words, score / best, one) for score, one in scored)


def _found(words: Sequence[Word], score: float, one: dict[str, Any]) -> Found:
    text, marks = snippet(words, one["shown"] or one["opening"])
    return Found(overview(one), score, text, marks)
