"""Everything that may go wrong, as one tree. No HTTP in here: app.api.problems maps codes to statuses.

ServiceError
├── InvalidInput               what the caller sent cannot be used; names the field and the limit
├── DocumentRefused            a file cannot be taken in; names the reason
├── Conflict                   it is there already, or has moved on meanwhile; names what is in the way
│   └── ConversationFull       a conversation holds as much as it may; names the limit
├── ReleaseWorse               a new index release finds less than the one in use, which stays
├── NotFound                   no such thing, or not the caller's
├── NotAllowed                 the caller may not do this
│   └── NotIdentified          the caller did not say who it is
├── Overloaded                 no room right now; says when to come back
│   └── NotReady               a part is still loading
├── DeadlineExceeded           the time for the request is used up
├── DependencyFailed           something outside failed while it was used; names it
│   ├── GenerationFailed       the language model
│   └── StoreFailed            the conversation store
└── StartRefused               the service, or a command, cannot begin as it is configured
    ├── SettingsInvalid        a setting is wrong or contradicts another; names the variable
    ├── KnowledgeInvalid       a source file cannot be read; names file and line
    ├── ModelMissing           a model is not where it should be
    ├── ModelAltered           a model's files are not the ones expected
    ├── IndexMissing           no index release has been built
    ├── IndexCorrupt           a release's files do not match its manifest
    ├── IndexMismatch          a release was made by another model or dimension
    └── DependencyUnreachable  a configured server cannot be reached
"""

from pathlib import Path
from typing import ClassVar


class ServiceError(Exception):
    """The base of all our errors. `code` is stable and public; the message is for operators, never for clients."""

    code: ClassVar[str] = "internal"


class InvalidInput(ServiceError):
    """Input that cannot be used. `reason` may be shown to the caller: it names the limit, never the value."""

    code = "invalid_input"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class DocumentRefused(ServiceError):
    """A file cannot be taken in. `reason` is a word for programs, `detail` may be shown to whoever sent the file."""

    code = "document_refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Conflict(ServiceError):
    """What was asked for stands against what is there; `existing` is the id of what is in the way."""

    code = "conflict"

    def __init__(self, what: str, existing: str = "") -> None:
        super().__init__(f"{what} {existing}".strip())
        self.what = what
        self.existing = existing


class ConversationFull(Conflict):
    """A conversation holds as much as it may. `limit` says how much that is, in words a caller may read."""

    code = "conversation_full"

    def __init__(self, limit: str) -> None:
        super().__init__("conversation")
        self.limit = limit


class ReleaseWorse(ServiceError):
    """A new release finds fewer golden questions' documents than is allowed; the one in use stays."""

    code = "release_worse"

    def __init__(self, release: str, before: float, after: float) -> None:
        super().__init__(
            f"release {release} finds {after:.1%} of the golden questions, the one in use {before:.1%}; "
            f"it was not activated (python -m app releases activate {release})"
        )
        self.release = release


class NotAllowed(ServiceError):
    """The caller is known, or needs not be, and may not do this."""

    code = "not_allowed"


class NotIdentified(NotAllowed):
    """The caller gave no key, or one that is not valid."""

    code = "not_identified"


class NotFound(ServiceError):
    """No such thing, or not the caller's: the two are not told apart."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found")
        self.what = what


class Overloaded(ServiceError):
    """No room for this request now; `retry_after` in seconds."""

    code = "overloaded"

    def __init__(self, what: str, retry_after: float = 1.0) -> None:
        super().__init__(f"{what} is busy")
        self.retry_after = retry_after


class NotReady(Overloaded):
    """A part of the service is still loading."""

    code = "not_ready"


class DeadlineExceeded(ServiceError):
    """The time allowed for a request is used up."""

    code = "deadline_exceeded"


class DependencyFailed(ServiceError):
    """Something outside this process failed; `name` says what, the cause says how."""

    code = "dependency_failed"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


class GenerationFailed(DependencyFailed):
    """The language model could not write an answer."""

    code = "generation_failed"


class StoreFailed(DependencyFailed):
    """The conversation store could not read or write."""

    code = "store_failed"


class StartRefused(ServiceError):
    """The service or a command cannot begin; `remedy` tells the operator what to do."""

    code = "start_refused"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class SettingsInvalid(StartRefused):
    """A setting is wrong or contradicts another; `variable` is its name in the environment."""

    code = "settings_invalid"

    def __init__(self, variable: str, reason: str, remedy: str = "") -> None:
        super().__init__(f"{variable}: {reason}", remedy)
        self.variable = variable


class KnowledgeInvalid(StartRefused):
    """A source file cannot be used; `line` counts from 1."""

    code = "knowledge_invalid"

    def __init__(self, path: Path | str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}", "correct the file; the index in use stays as it was")
        self.path = str(path)
        self.line = line
        self.reason = reason


class ModelMissing(StartRefused):
    """A model is neither a known package, nor a folder, nor in the local hub cache."""

    code = "model_missing"


class ModelAltered(StartRefused):
    """A model's weights do not have the digest that was expected."""

    code = "model_altered"


class IndexMissing(StartRefused):
    """No index release has been built yet."""

    code = "index_missing"


class IndexCorrupt(StartRefused):
    """A release's files do not match its manifest."""

    code = "index_corrupt"


class IndexMismatch(StartRefused):
    """A release was made by another embedding model, or has another dimension."""

    code = "index_mismatch"


class DependencyUnreachable(StartRefused):
    """A server that is configured cannot be reached; `variable` is the setting that names it."""

    code = "dependency_unreachable"

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable}: {reason}", f"start the server, or remove {variable} to use the embedded default")
        self.variable = variable
