"""The generator that needs no model."""

import pytest

from app.adapters.generators.echo_generator import EchoGenerator
from app.domain.models import Generation, Prompt


@pytest.mark.parametrize(
    ("user", "most", "expected"),
    [
        ("How do I reset it?", 9, Generation("Open Settings [1].", 7, 3, "stop")),
        ("How do I reset it?", 2, Generation("Open Settings", 7, 2, "length")),
        ("Anything  else", 9, Generation("Anything  else", 4, 2, "stop")),
        ("", 9, Generation("", 2, 0, "stop")),
    ],
)
async def test_it_says_what_is_scripted_or_what_it_heard(user: str, most: int, expected: Generation) -> None:
    generator = EchoGenerator({"printer": "No.", "reset": "Open Settings [1]."}, context_tokens=100)
    assert await generator.generate(Prompt("Be brief.", user), max_tokens=most) == expected
    assert generator.spec.context_tokens == 100
