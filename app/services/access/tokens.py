"""Secrets that are handed out, and what is kept of them.

A key is `its_`, 32 random bytes and a checksum, as GitHub's keys are: a typing error is told from a key without asking
a store, and tools that look for leaked secrets know it by its looks. Only SHA-256 digests are kept: with 256 random
bits behind it, a digest can neither be turned round nor guessed.
"""

import base64
import hashlib
import hmac
import re
import secrets
import zlib

PREFIX = "its_"
_KEY = re.compile(r"its_[A-Za-z0-9_-]{49}")
_CHECKSUM = 6
_SESSION_ID_BYTES = 16


def new_key() -> str:
    """Return a new API key: 53 characters, 256 random bits among them."""
    body = PREFIX + secrets.token_urlsafe(32)
    return body + _checksum(body)


def looks_like_key(text: str) -> bool:
    """Tell whether a text has the form and the checksum of a key."""
    return _KEY.fullmatch(text) is not None and equal(_checksum(text[:-_CHECKSUM]), text[-_CHECKSUM:])


def new_session_id() -> str:
    """Return a name for a session: 128 random bits."""
    return secrets.token_urlsafe(_SESSION_ID_BYTES)


def new_secret() -> str:
    """Return the secret half of a session's id: 256 random bits."""
    return secrets.token_urlsafe(32)


def following(secret: str, signature: str) -> str:
    """Return the secret that takes another's place.

    It is the same for all who rotate a session at the same time, so that none of them invalidates what another has just
    handed out; without the signature, which only we can make, nobody gets from the old one to the new.
    """
    made = hashlib.sha256(f"{secret}\n{signature}".encode()).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def digest(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def equal(one: str, other: str) -> bool:
    """Compare in a time that does not tell where two texts differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def _checksum(body: str) -> str:
    return base64.urlsafe_b64encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode().rstrip("=")
