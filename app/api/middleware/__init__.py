"""What happens to every request before and after its route; the order is set in app.application."""

from app.api.middleware.admission import AdmissionControl
from app.api.middleware.headers import Cors, SecurityHeaders, StripHeaders
from app.api.middleware.identity import AccessLog, RequestId
from app.api.middleware.limits import BodyCap, Deadline
from app.api.middleware.paths import HeadAsGet, LastResort, Paths

__all__ = [
    "AccessLog",
    "AdmissionControl",
    "BodyCap",
    "Cors",
    "Deadline",
    "HeadAsGet",
    "LastResort",
    "Paths",
    "RequestId",
    "SecurityHeaders",
    "StripHeaders",
]
