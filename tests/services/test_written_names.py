"""Words written like names."""

import pytest

from app.services.retrieval.names import begins_sentence, names_in

TEXTS = {
    "My Miro board and InDesign are gone": ("Miro", "InDesign"),
    "Miro is slow": (),
    "It is slow. Miro that is": (),
    'She said: "Teams" and (Zoom)': ("Zoom",),
    "line one\nTeams is slow": (),
    "in Teams Teams": ("Teams", "Teams"),
    "what is A B": (),
    "": (),
}


@pytest.mark.parametrize(("text", "names"), TEXTS.items())
def test_a_capital_within_a_sentence_makes_a_name(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(("text", "at", "begins"), [("  ¿Hola", 3, True), ("a b", 2, False), ("no… Yes", 4, True)])
def test_where_a_sentence_begins(text: str, at: int, *, begins: bool) -> None:
    assert begins_sentence(text, at) is begins
