"""Answering a caller who may have left in the meantime."""

import logging
from concurrent.futures import Future, InvalidStateError
from typing import Any

from app.domain.models import Generation
from app.errors import GenerationFailed, ServiceError

NAME = "language model"
_log = logging.getLogger(__name__)


def settle(future: "Future[Generation]", outcome: Generation | BaseException) -> None:
    """Give a waiting caller the answer, or an error; errors that are not ours become GenerationFailed."""
    try:
        if isinstance(outcome, Generation):
            future.set_result(outcome)
        else:
            future.set_exception(_ours(outcome))
    except InvalidStateError:
        return  # The caller has left.


def report_load(loading: "Future[Any]") -> None:
    """Log why a part of the model could not be loaded, if it could not."""
    error = None if loading.cancelled() else loading.exception()
    if error is not None:
        _log.error("language model failed", exc_info=error, extra={"during": "load"})


def reason(error: GenerationFailed) -> str:
    """Return what a failure says beside the name of what failed."""
    return str(error).removeprefix(f"{NAME}: ")


def _ours(error: BaseException) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    failure = GenerationFailed(NAME, type(error).__name__)
    failure.__cause__ = error
    return failure
