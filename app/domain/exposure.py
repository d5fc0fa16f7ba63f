"""Which ways to start are unsafe: secrets that can be guessed, doors open without anybody having said so."""

from dataclasses import dataclass

_LEAST_LENGTH = 32
_LEAST_VARIETY = 8
_MOST_LETTERS_LEFT = 3
# Words that stand in examples and in other services' defaults. A secret made of them alone is in every attacker's list.
_BANNED = (
    "change", "changeme", "changethis", "changeit", "secret", "secretkey", "password", "passw0rd", "default",
    "flowise", "langflow", "example", "insecure", "development", "production", "itsupport", "replaceme",
    "replace", "supersecret", "topsecret", "your", "admin", "test", "qwerty", "letmein", "django", "session",
    "signing", "token", "please", "super", "secure", "long", "random", "string", "with", "this", "me", "it",
    "key", "jwt", "dev", "prod", "the", "value", "here", "some", "very", "must", "be", "and", "to", "in",
    "for", "my", "a", "support", "value", "least", "at", "characters", "is", "its",
    "of", "i",
)  # fmt: skip
_SEQUENCES = ("0123456789abcdef", "1234567890", "abcdefghijklmnop")
_LONGEST_PERIOD = 15
REMEDY = "openssl rand -hex 32"


@dataclass(frozen=True, slots=True)
class Unsafe:
    """Why the service may not start: the variable to change, what is wrong, and what to do."""

    variable: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a service is to be started: `host` is where it listens, `loopback` whether only this machine reaches it."""

    host: str
    loopback: bool
    allow_anonymous: bool = False
    require_key: bool = False
    secret: str | None = None
    previous_secret: str | None = None
    admin_key: str | None = None


def weakness(secret: str) -> str | None:
    """Return why a secret can be guessed; None for one that looks random."""
    if len(secret) < _LEAST_LENGTH:
        return f"is weak; at least {_LEAST_LENGTH} characters"
    if len(set(secret)) < _LEAST_VARIETY:
        return f"is weak; at least {_LEAST_VARIETY} different characters"
    if _repeats(secret) or any(run in secret.lower() for run in _SEQUENCES):
        return "is weak; it repeats itself, or counts up"
    if any(char.isalpha() for char in secret) and len(_without_words(secret)) <= _MOST_LETTERS_LEFT:
        return "is weak; it is made of words that stand in every example"
    return None


def unsafe(how: Exposure) -> Unsafe | None:
    """Return the first reason why a service may not be started like this; None where it may."""
    secrets = {"SECRET_KEY": how.secret, "SECRET_KEY_PREVIOUS": how.previous_secret, "ADMIN_KEY": how.admin_key}
    for variable, secret in secrets.items():
        reason = None if secret is None else weakness(secret)
        if reason is not None:
            return Unsafe(variable, reason, REMEDY)
    if how.previous_secret is not None and how.secret is None:
        return Unsafe("SECRET_KEY", "is not set, and SECRET_KEY_PREVIOUS is", REMEDY)
    if how.allow_anonymous and how.require_key:
        return Unsafe("REQUIRE_KEY", "contradicts ALLOW_ANONYMOUS", "set one of the two")
    return None if how.loopback else _unsafe_outside(how)


def _unsafe_outside(how: Exposure) -> Unsafe | None:
    reached = f"{how.host} can be reached from other machines"
    if not how.allow_anonymous and not how.require_key:
        remedy = "set ALLOW_ANONYMOUS=true if that is wanted, or REQUIRE_KEY=true, or HOST=127.0.0.1"
        return Unsafe("HOST", f"{reached}, and anyone could ask", remedy)
    if how.secret is None:
        return Unsafe("SECRET_KEY", f"is not set, and {reached}", REMEDY)
    return None


def _repeats(secret: str) -> bool:
    """Tell whether a secret is a short piece over and over."""
    times = len(secret)
    return any(secret == (secret[:size] * times)[:times] for size in range(1, _LONGEST_PERIOD + 1))


def _without_words(secret: str) -> str:
    """Return the letters that are left of a secret when the words of examples are taken out, longest first."""
    left = "".join(char for char in secret.lower() if char.isalpha())
    for word in sorted(_BANNED, key=len, reverse=True):
        left = left.replace(word, " ")
    return "".join(left.split())
