"""Signed cookies, and the secret they are signed with where none is set."""

import hashlib
import os
import secrets
from pathlib import Path

from itsdangerous import BadSignature, Signer

from app.errors import StartRefused

SECRET_FILE = "secret"  # noqa: S105 - a file's name
_SALT = "it-support session"
_LEAST_BYTES = 32
_OTHERS = 0o077


class HmacSigner:
    """Signs with HMAC-SHA256. What was signed with the `previous` secret is still known, and signed no longer."""

    def __init__(self, secret: str, previous: str | None = None) -> None:
        self._signer = Signer(
            [secret] if previous is None else [previous, secret],
            salt=_SALT,
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def sign(self, text: str) -> str:
        """Return the text with a signature."""
        return self._signer.sign(text).decode()

    def unsign(self, signed: str) -> str | None:
        """Return the text; None where the signature is not ours."""
        try:
            return self._signer.unsign(signed.encode("utf-8", "surrogateescape")).decode()
        except (BadSignature, UnicodeDecodeError):
            return None


def kept_secret(folder: Path) -> str:
    """Return the secret kept in a folder, for this user's eyes only; the first time, make it.

    Processes that start at the same time agree on one. Raises StartRefused where it cannot be made or trusted.
    """
    path = folder / SECRET_FILE
    try:
        if not path.exists():
            _make(path)
        others, secret = path.stat().st_mode & _OTHERS, path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path}: the secret cannot be kept there ({error})", "set SECRET_KEY") from error
    if others:
        raise StartRefused(f"{path}: others than its owner may use it", f"delete {path}, or set SECRET_KEY")
    if len(secret) < _LEAST_BYTES:
        raise StartRefused(f"{path}: holds no secret", f"delete {path}, or set SECRET_KEY")
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(secrets.token_hex(_LEAST_BYTES))
            file.flush()
            os.fsync(descriptor)
        # A link, which unlike a renaming fails where another process was quicker: its secret is the one then.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
