"""Word-by-word translation into English."""

import unicodedata

import pytest

from app.services.retrieval.glossary import Glossary

GLOSSARY = Glossary(
    {
        "Drucker": "printer",
        "Treiber": "driver",
        "Sicherheit": "security",
        "Anmeldung": "sign-in",
        "Größe": "size",
        "Wartung": "maintenance",
        "Arbeit": "work",
        "ab und zu": "sometimes",
        "ab": "from",
        "geht nicht": "does not work",
        "ist": "",
        "Fenster": "window",
        "écran": "screen",
        "l'écran noir": "black screen",
    }
)

SAID = {
    "Drucker": "printer",
    "DRUCKER geht nicht!": "printer does not work",
    "Mein Drucker druckt ab und zu": "Mein printer druckt sometimes",
    "ab heute": "from heute",
    "Das Fenster ist zu groß": "Das window zu groß",
    # Compounds, with and without what joins their parts:
    "Druckertreiber": "printer driver",
    "Sicherheitswartung": "security maintenance",
    "Anmeldungsgröße": "sign-in size",
    "Druckerei": "Druckerei",
    "Druckerxtreiber": "Druckerxtreiber",
    "Treiberab": "Treiberab",
    "Abentreiber": "Abentreiber",
    # Accents and case:
    "grosse GRÖSSE Große": "size size size",
    "ECRAN ecran": "screen screen",
    "l'écran noir": "black screen",
    # What is no word of the language stays:
    "ERR_CERT 0x80070002 5.7.1 outlook.com": "ERR_CERT 0x80070002 5.7.1 outlook.com",
    "": "",
    "?!": "",
}


@pytest.mark.parametrize(("text", "english"), SAID.items())
def test_known_phrases_become_english_and_the_rest_stays(text: str, english: str) -> None:
    assert GLOSSARY.translate(text) == english


@pytest.mark.parametrize("text", ["Größe ändern", "Anmeldungsgröße", "l'écran noir", "Grüße"])
def test_accents_written_apart_are_the_same_accents(text: str) -> None:
    assert GLOSSARY.translate(unicodedata.normalize("NFD", text)) == GLOSSARY.translate(text)


def test_an_empty_glossary_changes_no_word() -> None:
    assert Glossary({}).translate("Der Drucker, schon wieder!") == "Der Drucker schon wieder"
