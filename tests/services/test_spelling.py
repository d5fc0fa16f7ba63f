"""Mistyped words."""

import pytest

from app.adapters.index.bm25_index import Bm25Index
from app.services.retrieval.spelling import corrected

INDEX = Bm25Index([("The printer and the spooler", "en"), ("A black authenticator, a password", "en")])
KNOWN = {"slack", "reset", "sprinter", "my"}

QUESTIONS = {
    "my pritner is off": "my printer is off",
    "Reset my PASSWROD": "Reset my password",
    "slack": "slack",  # near to `black`, but a word the model knows
    "Blck slack": "black slack",
    "authentcator": "authenticator",
    "spooler": "spooler",
    "zzzzzz": "zzzzzz",
    "prin7er": "prin7er",
    "pri": "pri",
    "our Blacky board": "our Blacky board",  # written like a name
    "It hangs. Pritner too": "It hangs. printer too",
    "host.pritner.org, https://x/passwrod, me@pritner": "host.pritner.org, https://x/passwrod, me@pritner",
    "pritner-spoler, passwrod?": "printer-spooler, password?",
    "": "",
}


@pytest.mark.parametrize(("text", "right"), QUESTIONS.items())
def test_words_nobody_knows_become_those_that_were_meant(text: str, right: str) -> None:
    assert corrected(text, INDEX, KNOWN.__contains__) == right


def test_where_the_model_knows_every_word_none_is_changed() -> None:
    assert corrected("pritner passwrod", INDEX, lambda _word: True) == "pritner passwrod"
