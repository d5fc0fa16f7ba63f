"""Text to index terms."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.index.analysis import _STOP, LANGUAGES, query_terms, row_terms, stem, words

COMPOUNDS = {
    "Wi-Fi": ["wifi", "wi", "fi"],
    "win11": ["win11", "win", "11"],
    "5.7.1": ["571"],
    "0x8004FC12": ["8004fc12"],
    "8004fc12": ["8004fc12"],
    "0x00000709": ["709"],
    "0x709": ["709"],
    "0x0000000A": ["0a"],
    "0x0A": ["0a"],
    "0xZZ": ["0xzz"],
    "ERR_CERT_DATE_INVALID": ["errcertdateinvalid", "err", "cert", "date", "invalid"],
    "l’écran": ["lecran", "ecran"],
    "Größe": ["grosse"],
    "TCP/IP": ["tcpip", "tcp", "ip"],
    "The printer is not printing": ["printer", "printing"],
    "der die das le la el los the": [],
    "... --- ???": [],
    "": [],
}


@pytest.mark.parametrize(("text", "found"), COMPOUNDS.items())
def test_a_text_gives_its_informative_words(text: str, found: list[str]) -> None:
    assert list(words(text)) == found


STEMS = [("printers", "en", "printer"), ("drucken", "de", "druck"), ("printers", "xx", "printer"), ("v2s", "en", "v2s")]


@pytest.mark.parametrize(("word", "language", "stemmed"), STEMS)
def test_a_word_is_stemmed_in_its_language_and_a_code_in_none(word: str, language: str, stemmed: str) -> None:
    assert stem(word, language) == stemmed


def test_a_row_is_analysed_in_its_own_language() -> None:
    assert row_terms("Drucker drucken", "de") == [stem("drucker", "de"), "druck"]
    assert row_terms("Drucker drucken", "en") == [stem("drucker", "en"), "drucken"]


def test_a_word_of_a_question_stands_for_its_stems_in_all_languages() -> None:
    (stems,) = query_terms("drucken Drucken")
    assert stems == tuple(sorted({stem("drucken", language) for language in LANGUAGES}))
    assert len(stems) > 1


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=60), st.sampled_from([*LANGUAGES, "xx"]))
def test_any_text_can_be_analysed_and_no_word_is_a_stop_word(text: str, language: str) -> None:
    found = list(words(text))
    assert _STOP.isdisjoint(found)
    assert all(found)
    assert len(row_terms(text, language)) == len(found)
    assert len(query_terms(text)) == len(set(found))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(["the", "Die", "DON'T", "l'", "0xface", "no", "№", "a-b", "Wi", "_", "¿", "1", "ß"])))
def test_words_next_to_one_another_hide_no_stop_word(parts: list[str]) -> None:
    for joint in " -'_./":
        assert _STOP.isdisjoint(words(joint.join(parts)))


def test_threads_may_stem_at_once() -> None:
    texts = [f"printing drucken imprimir imprimantes {'ab' * number}" for number in range(200)]
    alone = [query_terms(text) for text in texts]
    stem.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(query_terms, texts)) == alone
