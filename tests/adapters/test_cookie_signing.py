"""Signed cookies, and the secret that is made where none is set."""

import multiprocessing
from pathlib import Path

import pytest

from app.adapters.access.signing import HmacSigner, kept_secret
from app.domain.exposure import weakness
from app.errors import StartRefused

OLD, NEW = "old-" * 10, "new-" * 10


def test_what_was_signed_is_known_and_nothing_else() -> None:
    signer = HmacSigner(NEW)
    signed = signer.sign("id.secret")
    assert signer.unsign(signed) == "id.secret"
    assert signer.sign("id.secret") == signed
    for at in range(len(signed) - 1):
        wrong = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
        assert signer.unsign(wrong) is None, at
    for text in ("", ".", "x", signed[:-1], f"{signed}.", signed.upper(), "\udcff", "ä", '{"$ne": ""}'):
        assert signer.unsign(text) is None


def test_the_secret_before_is_known_and_signs_no_longer() -> None:
    before, both, after = HmacSigner(OLD), HmacSigner(NEW, OLD), HmacSigner(NEW)
    assert both.unsign(before.sign("x")) == "x"
    assert both.sign("x") == after.sign("x") != before.sign("x")
    assert after.unsign(before.sign("x")) is None


def test_a_signature_is_an_hmac_of_sha_256() -> None:
    assert len(HmacSigner(NEW).sign("x").rpartition(".")[2]) == 43


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    secret = kept_secret(folder)
    assert kept_secret(folder) == secret
    assert weakness(secret) is None
    assert kept_secret(tmp_path / "other") != secret
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_processes_that_start_together_agree_on_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        secrets = pool.map(kept_secret, [tmp_path / "state"] * 16)
    assert len(set(secrets)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    kept_secret(tmp_path)
    (tmp_path / "secret").chmod(mode)
    with pytest.raises(StartRefused, match="others") as caught:
        kept_secret(tmp_path)
    assert "SECRET_KEY" in caught.value.remedy


@pytest.mark.parametrize("held", [b"", b"short", b"\xff" * 64])
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, held: bytes) -> None:
    kept_secret(tmp_path)
    (tmp_path / "secret").write_bytes(held)
    with pytest.raises(StartRefused, match="secret"):
        kept_secret(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match="cannot be kept") as caught:
        kept_secret(tmp_path / "file" / "state")
    assert caught.value.remedy == "set SECRET_KEY"
