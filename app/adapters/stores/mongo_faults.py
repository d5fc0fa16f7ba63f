"""What MongoDB and its driver raise, and what it means to us. The only module that knows PyMongo's exceptions."""

from bson.errors import BSONError
from pymongo.errors import (
    CollectionInvalid,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    ProtocolError,
    PyMongoError,
)

RAISED = (PyMongoError, BSONError, TimeoutError, UnicodeEncodeError, OverflowError)
"""Everything that a call may raise for which the store is to blame, or what it was given to keep."""

Duplicate = DuplicateKeyError
Refused = OperationFailure
Taken = CollectionInvalid

_UNAUTHENTICATED = frozenset({13, 18, 8000})
# BSONObjectTooLarge, and what an update says that would grow a document past it.
_TOO_LARGE = frozenset({10334, 17419, 17420})
_COLLECTION_EXISTS = 48


def is_outage(error: BaseException) -> bool:
    """Tell whether the server did not answer, or cannot serve; what it refused for its content is no outage."""
    if isinstance(error, PyMongoError) and error.timeout:
        return True
    return isinstance(error, (TimeoutError, ConnectionFailure, ProtocolError))


def is_too_large(error: BaseException) -> bool:
    """Tell whether a document would pass the size a document may have."""
    return isinstance(error, DocumentTooLarge) or getattr(error, "code", None) in _TOO_LARGE


def is_there_already(error: BaseException) -> bool:
    """Tell whether a collection was not made because it is there."""
    return isinstance(error, CollectionInvalid) or getattr(error, "code", None) == _COLLECTION_EXISTS


def is_refusal(error: BaseException) -> bool:
    """Tell whether the server answered, and said no."""
    return isinstance(error, OperationFailure) and not error.timeout


def refusal(error: BaseException) -> str:
    """Say what a server refused, without its own words: they may quote what it was sent."""
    code = getattr(error, "code", None)
    if code in _UNAUTHENTICATED:
        return "the server refuses these credentials"
    return f"the server refuses (code {code})"
