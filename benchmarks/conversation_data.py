"""Made-up help-desk conversations: the same for the same seed, with words as common and as rare as in real ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product
from random import Random
from uuid import uuid4

from app.domain.conversations import Role, Turn

TENANT = "tenant"
_OTHERS = 400
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

_COMMON = """
the and my to is not in on a it for with error since after again please password login vpn outlook printer
account laptop teams network windows update drive access email screen wifi server office certificate license sharepoint
file slow restart connect reset locked install calendar mailbox phone token monitor excel user open click settings start
profile folder sign browser cache driver dock headset camera proxy firewall domain group policy shared backup sync quota
battery bluetooth keyboard mouse usb cable adapter citrix remote desktop session timeout expired denied missing failed
crash freeze blank black loop stuck offline online queue toner paper jam scan fax badge ticket approval request manager
drucker passwort netzwerk konto bildschirm laufwerk anmeldung zugriff fehler zertifikat postfach kalender aktualisierung
"""
_PARTS = "netz drucker server konto mail datei zeit dienst system gruppen rechte speicher"
_ENDS = "warteschlange verwaltung freigabe sperre richtlinie anmeldung sicherung dienst fehler"
_RARE = 40_000


@dataclass(frozen=True, slots=True)
class Made:
    """A conversation to be written: the appends it is made of, in their order."""

    owner: str
    id: str
    appends: tuple[tuple[Turn, Turn], ...]


class Writing:
    """Writes messages whose words follow Zipf's law."""

    def __init__(self, seed: int = 5) -> None:
        self.random = Random(seed)  # noqa: S311 - made-up data
        parts, ends = _PARTS.split(), _ENDS.split()
        compounds = [a + b + c for a, b, c in product(parts, parts, ends) if a != b]
        self.words = [*_COMMON.split(), *compounds, *(self._code() for _ in range(_RARE))]
        self._weights = list(accumulate(1 / (rank + 4) for rank in range(len(self.words))))

    def conversation(self, owner: str, number: int) -> Made:
        """Return a conversation of one to four exchanges."""
        moment = _BEGIN + timedelta(minutes=number)
        count = self.random.choices((1, 2, 3, 4), (5, 3, 2, 1))[0]
        return Made(owner, self.id(), tuple(self.exchange(moment) for _ in range(count)))

    def conversations(self, count: int) -> Iterator[Made]:
        """Return so many of one tenant, and among them a fifth as many of others."""
        for number in range(count):
            yield self.conversation(TENANT, number)
            if number % 5 == 0:
                yield self.conversation(f"other {self.random.randrange(_OTHERS)}", number)

    def exchange(self, moment: datetime = _BEGIN) -> tuple[Turn, Turn]:
        """Return a question of some 12 words and an answer of some 60."""
        question = Turn(self.id(), Role.USER, self.text(6, 18), moment)
        return question, Turn(self.id(), Role.ASSISTANT, self.text(30, 90), moment, "answered")

    def text(self, least: int, most: int) -> str:
        """Return a text of so many words."""
        return " ".join(self.random.choices(self.words, cum_weights=self._weights, k=self.random.randint(least, most)))

    def query(self) -> str:
        """Return what somebody may look for: a word or a few, common and rare, at times not typed to its end."""
        words = self.random.choices(self.words, cum_weights=self._weights, k=self.random.choice((1, 1, 2, 2, 3, 4)))
        if self.random.random() < 1 / 3:
            words.append(self.random.choice(self.words))
        if self.random.random() < 1 / 4:
            words[-1] = words[-1][: max(3, len(words[-1]) - 2)]
        return " ".join(words)

    def id(self) -> str:
        """Return an id: not the same for the same seed, so that a file can be filled further."""
        return str(uuid4())

    def _code(self) -> str:
        number = self.random.randrange(16**6)
        return self.random.choice((f"kb{number:07d}", f"0x{number:08x}", f"srv-{number % 10_000}", f"pc{number:x}"))
