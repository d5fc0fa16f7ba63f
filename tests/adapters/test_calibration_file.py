"""What was measured, kept in a file."""

import json
from pathlib import Path

import pytest

from app.adapters.calibration_file import Measured, read_measured, write_measured
from app.errors import SettingsInvalid

MEASURED = Measured("d" * 64, -6.5, (1.0, 2.5), 0.3, 0.7, 0.6, {"SmolLM2": {"steps": "extract"}})


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    write_measured(path, Measured("other"))
    write_measured(path, MEASURED)
    assert read_measured(path) == MEASURED
    assert [item.name for item in tmp_path.iterdir()] == ["calibration.json"]


def test_a_file_that_is_not_there_was_never_measured(tmp_path: Path) -> None:
    assert read_measured(tmp_path / "calibration.json") is None


BROKEN = {
    "half a file": '{"model_digest": "d", "bias": 1',
    "another file": '{"model_digest": "d", "surprise": 1}',
    "no digest": '{"bias": 1.0}',
    "a weight that is no number": '{"model_digest": "d", "weights": ["heavy"]}',
    "a threshold nothing reaches or misses": '{"model_digest": "d", "threshold": NaN}',
    "nothing": "",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_used_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"^DATA_DIR: calibration\.json cannot be read$") as caught:
        read_measured(path)
    assert "remove it and run: python -m app eval calibrate" in caught.value.remedy


def test_the_file_can_be_read_by_people(tmp_path: Path) -> None:
    write_measured(tmp_path / "c.json", MEASURED)
    text = (tmp_path / "c.json").read_text(encoding="utf-8")
    assert json.loads(text)["weights"] == [1.0, 2.5]
    assert len(text.splitlines()) > 8
