"""The embedded store against the one in memory: whatever is asked of both, they answer alike."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlite_agreement import agree
from store_builders import NOON, Clock, Store

from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.sqlite_store import SqliteStore
from app.domain.conversations import Attachment, AttachmentKind, Position, Role, Summary, Turn
from app.errors import ServiceError

OWNERS = st.sampled_from(["ann", "bob", "$ne", ""])
NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.sampled_from(["", "printer", "toner printer", "Ünï\0code", "'; --"])
NUMBERS = st.integers(-1, 9)
Question = Callable[[Store], Awaitable[Any]]


class Stores(RuleBasedStateMachine):
    """Both stores, and the clock they share."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.clock = Clock()
        self.loop = asyncio.new_event_loop()
        self.memory: Any = MemoryStore(most_turns=6, most_attachments=2, clock=self.clock)
        self.sqlite: Any = SqliteStore(
            self.folder / "conversations.db", most_turns=6, most_attachments=2, clock=self.clock
        )
        self.loop.run_until_complete(self.sqlite.open())

    def teardown(self) -> None:
        self.loop.run_until_complete(self.sqlite.close())
        agree(self.folder / "conversations.db")
        self.loop.close()
        rmtree(self.folder)

    def both(self, question: Question) -> None:
        """See that both stores answer alike, or refuse alike."""
        answers = [self.loop.run_until_complete(answer(question(store))) for store in (self.memory, self.sqlite)]
        assert answers[0] == answers[1]

    @rule(owner=OWNERS, name=NAMES, texts=st.lists(st.tuples(NUMBERS, TEXTS), max_size=3))
    def append(self, owner: str, name: str, texts: list[tuple[int, str]]) -> None:
        # Ids are of one conversation; one that comes again has another text.
        turns = [Turn(f"{name} {owner} {number}", list(Role)[number % 2], text, NOON) for number, text in texts]
        # The model makes a conversation even where it refuses its turns: this is not part of the promise.
        if len({one.id for one in turns}) <= 6:
            self.both(lambda store: store.append(owner, name, turns))

    @rule(owner=OWNERS, name=NAMES, title=TEXTS)
    def create(self, owner: str, name: str, title: str) -> None:
        self.both(lambda store: store.create(owner, name, title))

    @rule(owner=OWNERS, name=NAMES, title=TEXTS)
    def rename(self, owner: str, name: str, title: str) -> None:
        self.both(lambda store: store.rename(owner, name, title))

    @rule(owner=OWNERS, name=NAMES, text=TEXTS)
    def keep_summary(self, owner: str, name: str, text: str) -> None:
        self.both(lambda store: store.keep_summary(owner, name, Summary(text, "x")))

    @rule(owner=OWNERS, name=NAMES, number=NUMBERS, text=TEXTS)
    def attach(self, owner: str, name: str, number: int, text: str) -> None:
        one = Attachment(str(number), AttachmentKind.FILE, text, (text,) * number, NOON)
        self.both(lambda store: store.attach(owner, name, one))

    @rule(owner=OWNERS, name=NAMES, number=NUMBERS)
    def detach(self, owner: str, name: str, number: int) -> None:
        self.both(lambda store: store.detach(owner, name, str(number)))

    @rule(owner=OWNERS, name=NAMES)
    def reset(self, owner: str, name: str) -> None:
        self.both(lambda store: store.reset(owner, name))

    @rule(owner=OWNERS, name=NAMES)
    def delete(self, owner: str, name: str) -> None:
        self.both(lambda store: store.delete(owner, name))

    @rule(owner=OWNERS)
    def erase(self, owner: str) -> None:
        self.both(lambda store: store.erase(owner))

    @rule(minutes=st.integers(0, 5))
    def expire(self, minutes: int) -> None:
        before = self.clock.now - timedelta(minutes=minutes)
        self.both(lambda store: store.expire(before, 100))

    @rule(minutes=st.integers(1, 3))
    def wait(self, minutes: int) -> None:
        self.clock.move(minutes)

    @rule(owner=OWNERS, name=NAMES, limit=NUMBERS, until=st.none() | NUMBERS)
    def history(self, owner: str, name: str, limit: int, until: int | None) -> None:
        self.both(lambda store: store.history(owner, name, limit, until))

    @rule(owner=OWNERS, limit=NUMBERS, minutes=NUMBERS, name=NAMES)
    def page(self, owner: str, limit: int, minutes: int, name: str) -> None:
        position = Position(self.clock.now - timedelta(minutes=minutes), name)
        self.both(lambda store: store.page(owner, limit, position if minutes else None))

    @rule(owner=OWNERS, query=st.sampled_from(["printer", "toner", "toner printer", "code"]))
    def find(self, owner: str, query: str) -> None:
        async def ids(store: Store) -> set[str]:
            return {one.overview.id for one in await store.find(owner, query, 10)}

        self.both(ids)

    @invariant()
    def all_is_alike(self) -> None:
        for owner in ("ann", "bob", "$ne", ""):
            self.both(lambda store, owner=owner: store.page(owner, 10))  # type: ignore[misc]
        for owner, name in product(("ann", "bob"), ("a", "b", "c", "d")):
            for question in ("overview", "summary", "attachments"):
                self.both(partial(_asked, question, owner, name))
            self.both(partial(_asked, "history", owner, name, 10))


def _asked(question: str, *given: object) -> Any:
    *parts, store = given
    return getattr(store, question)(*parts)


async def answer(asked: Awaitable[Any]) -> Any:
    """Return what was answered, or how it was refused."""
    try:
        return await asked
    except ServiceError as error:
        return error.code


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=15, stateful_step_count=30, deadline=None, derandomize=True)
