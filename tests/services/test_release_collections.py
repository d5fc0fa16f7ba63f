"""A release in use is left out of garbage collections, and one that is no longer in use is not kept for ever."""

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.services.releases.current import CurrentSearch, leave_out_of_collections


class Loop:
    """Refers to itself, as large structures do: only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self
        self.release = SimpleNamespace()


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    # What tests before this one left out, and is garbage by now, would count.
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_is_there_at_a_switch_is_not_looked_through_again() -> None:
    search = CurrentSearch(cast("Any", lambda _: Loop()), leave_out_of_collections)
    before = gc.get_freeze_count()
    search.switch(cast("Any", None))
    assert gc.get_freeze_count() > before
    assert not any(isinstance(found, Loop) for found in gc.get_objects())


def test_the_one_before_goes_at_the_switch_after() -> None:
    search = CurrentSearch(cast("Any", lambda _: Loop()), leave_out_of_collections)
    search.switch(cast("Any", None))
    first = weakref.ref(cast("Any", search.pinned()))
    search.switch(cast("Any", None))
    assert first() is None
