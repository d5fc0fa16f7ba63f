"""Whatever text comes to the MongoDB store, it is kept as it is or not at all; none of it is anything but text."""

from collections.abc import AsyncIterator
from typing import Any

import pymongo
import pytest
from store_builders import NOON, attachment, exchange, turn

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Attachment, AttachmentKind, Summary
from app.errors import NotFound, StoreFailed

pytest_plugins = ["live_servers"]

LITERAL = [
    "{{7*7}}",
    "{0.__class__}",
    "%s%n",
    "${jndi:x}",
    "$$ROOT",
    "$conversation_text",
    '{"$ne": ""}',
    "a\0b",
    "\x7f",
]


@pytest.fixture
async def store(mongo_uri: str) -> AsyncIterator[MongoStore]:
    async with MongoStore(mongo_uri) as opened:
        yield opened


@pytest.mark.parametrize("text", LITERAL)
async def test_text_is_text_wherever_it_stands(store: MongoStore, text: str) -> None:
    turns = exchange(text, text)
    file = Attachment(text, AttachmentKind.EXAMPLE, text, (text,), NOON)
    await store.append(text, text, turns)
    await store.append(text, text, turns[::-1])
    await store.attach(text, text, file)
    await store.keep_summary(text, text, Summary(text, text))
    assert (await store.rename(text, text, text)).title == text
    assert await store.history(text, text, 5) == turns
    assert await store.history(text, text, 5, 1) == turns[:1]
    assert await store.attachments(text, text) == (file,)
    assert await store.summary(text, text) == Summary(text, text)
    assert [one.id for one in await store.page(text, 5)] == [text]
    await store.find(text, text, 5)
    await store.detach(text, text, text)
    await store.delete(text, text)
    with pytest.raises(NotFound):
        await store.overview(text, text)


@pytest.mark.parametrize("half", ["\ud83d", "before \udc00 behind"])
async def test_half_a_character_fails_and_leaves_nothing(store: MongoStore, mongo_uri: str, half: str) -> None:
    await store.append("ann", "c", (turn(),))
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client.get_default_database()
        before = list(database["conversations"].find())
        for call in (
            store.append("ann", "c", (turn("whole"), turn(half))),
            store.append("ann", half, (turn("whole"),)),
            store.append(half, "d", (turn("whole"),)),
            store.create("ann", "d", half),
            store.rename("ann", "c", half),
            store.keep_summary("ann", "c", Summary(half, "1")),
            store.attach("ann", "c", attachment("vpn.log", "whole", half)),
            store.history(half, "c", 5),
            store.page(half, 5),
            store.erase(half),
        ):
            with pytest.raises(StoreFailed):
                await call
        assert list(database["conversations"].find()) == before
        assert database["conversation_attachments"].count_documents({}) == 0
    assert await store.find("ann", half, 5) == ()
    assert store.outages == 0
