"""Which language a question is in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.adapters.language import open_detector

SAID = {
    "My printer does not print any more": "en",
    "Mein Drucker druckt nicht mehr": "de",
    "VPN geht nicht": "de",
    "Mon imprimante ne marche plus du tout": "fr",
    "Mi impresora ya no imprime nada": "es",
}
IN_NO_LANGUAGE = ["0x80070002", "BSOD", "teams", "vpn 809", "", "   ", "\ud800", "🖨️", "打印机坏了"]


@pytest.fixture(scope="module")
def detect() -> Callable[[str], str]:
    return open_detector()


@pytest.mark.parametrize(("text", "language"), SAID.items())
def test_a_sentence_is_in_the_language_it_is_in(detect: Callable[[str], str], text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", IN_NO_LANGUAGE)
def test_what_is_in_no_language_passes_for_english(detect: Callable[[str], str], text: str) -> None:
    assert detect(text) == "en"


def test_threads_may_ask_at_once(detect: Callable[[str], str]) -> None:
    texts = [*SAID] * 20
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detect, texts)) == [SAID[text] for text in texts]
