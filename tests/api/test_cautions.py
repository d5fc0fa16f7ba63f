"""The page has words, in every language it speaks, for every warning the service gives."""

import re

import pytest

from app.api.system import WEB
from app.domain.retrieval import HitWarning

TEXT = (WEB / "static" / "cautions.js").read_text("utf-8")


@pytest.mark.parametrize("warning", HitWarning)
def test_every_warning_has_its_words(warning: HitWarning) -> None:
    block = re.search(rf"  {warning.value}: \{{\n(.*?)\n  \}},", TEXT, re.DOTALL)
    assert block is not None
    spoken = re.findall(r'^    (\w\w): "[^"]+\.",$', block[1], re.MULTILINE)
    assert spoken == ["en", "de", "fr", "es"]


def test_nothing_becomes_markup() -> None:
    scripts = [path.read_text("utf-8") for path in (WEB / "static").glob("*.js")]
    assert any('class: "caution", textContent: words' in script for script in scripts)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", "\n".join(scripts))
