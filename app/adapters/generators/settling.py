"""Answering a caller who may have left in the meantime."""

from concurrent.futures import Future, InvalidStateError

from app.domain.models import Generation
from app.errors import GenerationFailed, ServiceError

NAME = "language model"


def settle(future: "Future[Generation]", outcome: Generation | BaseException) -> None:
    """Give a waiting caller the answer, or an error; errors that are not ours become GenerationFailed."""
    try:
        if isinstance(outcome, Generation):
            future.set_result(outcome)
        else:
            future.set_exception(_ours(outcome))
    except InvalidStateError:
        return  # The caller has left.


def reason(error: GenerationFailed) -> str:
    """Return what a failure says beside the name of what failed."""
    return str(error).removeprefix(f"{NAME}: ")


def _ours(error: BaseException) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    failure = GenerationFailed(NAME, type(error).__name__)
    failure.__cause__ = error
    return failure
