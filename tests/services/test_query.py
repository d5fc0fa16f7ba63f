"""A question made ready to be searched."""

from app.adapters.index.bm25_index import Bm25Index
from app.domain.conversations import Device, Question
from app.services.retrieval.glossary import Glossary
from app.services.retrieval.query import Reader

LEXICAL = Bm25Index([("The printer and the spooler", "en"), ("Der Drucker", "de")])
READER = Reader(LEXICAL, {"reset"}.__contains__, {"de": Glossary({"Drucker": "printer", "druckt nicht": "no print"})})


def test_an_english_question_is_put_right() -> None:
    query = READER.read(Question("Reset the pritner"), "en")
    assert (query.text, query.english, query.follow_up) == ("Reset the printer", "Reset the printer", False)
    assert query.texts == ("Reset the printer",)


def test_a_question_in_another_language_is_put_right_and_searched_with_its_gloss() -> None:
    query = READER.read(Question("Drukcer druckt nicht"), "de")
    assert query.texts == ("drucker druckt nicht", "printer no print")


def test_a_language_without_a_glossary_stays_as_it_is() -> None:
    assert READER.read(Question("Mi impresora"), "es").texts == ("Mi impresora",)


def test_a_follow_up_is_searched_with_the_question_before() -> None:
    query = READER.read(Question("And error 691?"), "en", "My VPN shows error 809\nAnd error 691?")
    assert query.text == "My VPN shows error 809\nAnd error 691?"
    assert query.follow_up
    assert query.codes == ("691",)


def test_a_follow_up_is_about_the_platform_it_names_itself() -> None:
    earlier = "Outlook on Windows does not start"
    assert READER.read(Question("And on a Mac?"), "en", earlier).platforms == {"macos"}
    assert READER.read(Question("And Teams?"), "en", earlier).platforms == {"windows"}


def test_the_device_counts_where_no_question_names_a_platform() -> None:
    device = Device(os="iPadOS 18")
    assert READER.read(Question("And Teams?", device=device), "en", "Outlook does not start").platforms == {"ios"}
    assert READER.read(Question("And on a Mac?", device=device), "en", "Outlook").platforms == {"macos"}


def test_names_nobody_wrote_about_are_counted() -> None:
    assert READER.read(Question("my Miro and the Spooler and Miro"), "en").unknown_names == 2
    assert READER.read(Question("mein Miro"), "de").unknown_names == 0  # every noun is written so
