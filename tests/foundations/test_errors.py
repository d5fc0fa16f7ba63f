"""The tree of errors: as it is drawn, each with a code of its own."""

import re

import pytest

from app import errors
from app.errors import KnowledgeInvalid, ServiceError, StartRefused

EVERY = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, ServiceError)]


def drawn() -> list[tuple[int, str]]:
    """Return depth and name of every line of the drawing."""
    lines = re.findall(r"^((?:│   |    )*)(├── |└── )?([A-Z]\w+)(?:$|  )", str(errors.__doc__), re.MULTILINE)
    return [(len(indent) // 4 + bool(branch), name) for indent, branch, name in lines]


def test_the_drawing_shows_the_tree_as_it_is() -> None:
    parents: dict[int, str] = {}
    for depth, name in drawn():
        if depth:
            assert vars(errors)[name].__bases__[0].__name__ == parents[depth - 1]
        parents[depth] = name
    assert {name for _, name in drawn()} == {error.__name__ for error in EVERY}


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({error.code for error in EVERY}) == len(EVERY)


MADE = {
    "invalid input": (errors.InvalidInput("query", "too long"), "query: too long"),
    "not found": (errors.NotFound("conversation"), "conversation not found"),
    "overloaded": (errors.Overloaded("the embedder"), "the embedder is busy"),
    "dependency": (errors.GenerationFailed("model", "no memory"), "model: no memory"),
    "setting": (errors.SettingsInvalid("PORT", "is odd"), "PORT: is odd"),
    "server": (errors.DependencyUnreachable("REDIS_URL", "no answer"), "REDIS_URL: no answer"),
}


@pytest.mark.parametrize(("error", "message"), MADE.values(), ids=MADE)
def test_an_error_says_what_is_wrong(error: ServiceError, message: str) -> None:
    assert str(error) == message


def test_an_error_carries_its_facts() -> None:
    assert errors.InvalidInput("query", "too long").reason == "too long"
    assert errors.NotFound("conversation").what == "conversation"
    assert errors.NotReady("the model", 2.5).retry_after == 2.5
    assert errors.StoreFailed("sqlite", "disk").name == "sqlite"


def test_a_source_that_cannot_be_used_is_named_with_its_line() -> None:
    error = KnowledgeInvalid("a.md", 7, "is empty")
    assert (str(error), error.path, error.line, error.reason) == ("a.md:7: is empty", "a.md", 7, "is empty")
    assert "stays" in error.remedy


def test_a_start_that_is_refused_tells_the_way_out() -> None:
    assert StartRefused("no", "do this").remedy == "do this"
    assert "remove REDIS_URL" in errors.DependencyUnreachable("REDIS_URL", "no answer").remedy
