"""How the service and its parts are."""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """`degraded` means usable with something missing; `unavailable` means not usable."""

    OK = "ok"
    DEGRADED = "degraded"
    LOADING = "loading"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Check:
    """One part: its name, how it is, facts for an operator (no hosts, no paths). `vital` parts decide readiness."""

    name: str
    condition: Condition
    detail: str
    vital: bool


@dataclass(frozen=True, slots=True)
class Health:
    """All checks; usable when every vital part is."""

    checks: tuple[Check, ...]

    @property
    def usable(self) -> bool:
        """Tell whether questions can be answered."""
        return all(check.condition in {Condition.OK, Condition.DEGRADED} for check in self.checks if check.vital)

    @property
    def condition(self) -> Condition:
        """Sum up: unavailable or loading where a vital part is, degraded where any part is not ok."""
        if not self.usable:
            vital = {check.condition for check in self.checks if check.vital}
            return Condition.UNAVAILABLE if Condition.UNAVAILABLE in vital else Condition.LOADING
        whole = all(check.condition is Condition.OK for check in self.checks)
        return Condition.OK if whole else Condition.DEGRADED
