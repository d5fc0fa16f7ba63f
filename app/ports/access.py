"""Seams to what tells callers apart: sessions, keys, and the signature on a cookie."""

from datetime import datetime
from typing import Protocol

from app.domain.identities import ApiKey, Session


class SessionStore(Protocol):
    """Keeps sessions until they end. Every method raises StoreFailed where the store cannot."""

    async def get(self, session_id: str) -> Session | None:
        """Return a session; None where there is none, or no longer."""
        ...

    async def put(self, session: Session, until: datetime, over: str | None = None) -> bool:
        """Keep a session until then; with `over`, only in the place of one that has this digest.

        Tell whether it is kept: False where the one there has another digest by now, or was removed. Atomic.
        """
        ...

    async def remove(self, session_id: str) -> None:
        """Take a session away, if it is there."""
        ...

    async def remove_owner(self, owner: str) -> None:
        """Take all sessions of an owner away."""
        ...


class KeyStore(Protocol):
    """Keeps API keys, their digests alone. Every method raises StoreFailed where the store cannot."""

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; raises Conflict where one of its name is there that is not revoked."""
        ...

    async def find(self, digest: str) -> ApiKey | None:
        """Return the key that has this digest, whether it still holds or not."""
        ...

    async def every(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first."""
        ...

    async def revoke(self, name: str, moment: datetime) -> ApiKey:
        """Revoke the key of this id, or else the one of this name, and return it; raises NotFound.

        A key that is revoked already is found by its id alone, and stays as it is.
        """
        ...


class KeyUse(Protocol):
    """Notes when keys are used."""

    async def used(self, key_id: str, moment: datetime) -> None:
        """Note that a key was used; raises StoreFailed."""
        ...


class CookieSigner(Protocol):
    """Signs what a browser is given to bring back."""

    def sign(self, text: str) -> str:
        """Return the text with a signature; the same for the same text."""
        ...

    def unsign(self, signed: str) -> str | None:
        """Return the text; None where the signature is not ours."""
        ...
