"""How a document fits the environment a question is about: its platform, versions, application and site.

What a question names counts before what the caller's device says. Nothing here leaves a document out, except another
site's: a document for other versions or platforms only may still be the one that helps, so it is put further back and
says so in its warnings.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.conversations import Device, Question
from app.domain.knowledge import Document
from app.domain.retrieval import HitWarning
from app.services.retrieval.platforms import is_for_another, platforms_of, values_of
from app.services.retrieval.query import Query
from app.services.retrieval.versions import Span, Versions, apart, mismatched, numbered, versions_of

OTHER_VERSION: Final = 0.1
"""Taken from a document that is for other versions only: near-duplicates for two versions differ by less."""

OTHER_DEVICE: Final = 0.04
"""Taken, beside what every other platform costs, where the caller's device itself says which one it is."""

SAME_APP: Final = 0.05
"""Given to a document about the application the caller has in front of them."""

EVERY_SITE: Final = frozenset({"any", "all", "*"})
_WORDS: Final = re.compile(r"\w+")
_ORDINARY: Final = frozenset(
    {"microsoft", "google", "apple", "adobe", "mozilla", "cisco", "for", "the", "app", "desktop", "new", "classic"}
)
_NAMED_VERSION: Final = re.compile(r"(?P<name>[^\d]*[^\d\s])\s+v?\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a question is about beside its words.

    `told` says that the platforms are the device's own and no guess from the text; `said` is what may name versions of
    products nobody listed; `app` holds the words of the application's name, which `product` is where its versions are
    not known by `versions_of`.
    """

    platforms: frozenset[str]
    told: bool
    versions: Versions
    said: str
    app: frozenset[str]
    product: str
    site: str


def environment_of(question: Question, query: Query) -> Environment:
    """Return the environment of a question; `query.text` also holds an earlier question it leans on."""
    device = question.device
    own = platforms_of(device.os, Device())
    # Somebody who asks about the phone from a laptop: the laptop's versions are none of the question's.
    system = _system(device) if not query.platforms or query.platforms & own else ""
    named = {**versions_of(system, _application(device)), **versions_of(query.text), **versions_of(question.text)}
    return Environment(
        platforms=query.platforms,
        told=bool(query.platforms & own),
        versions=named,
        said=f"{question.text}\n{query.text}\n{device.app} {device.version}",
        app=name_words(device.app),
        product="" if not device.version or _is_known(device.app) else device.app.casefold(),
        site=device.site.strip().casefold(),
    )


def _system(device: Device) -> str:
    """Return the system with its version, which is the application's where there is one."""
    return device.os if device.app else f"{device.os} {device.version}"


def _application(device: Device) -> str:
    return f"{device.app} {device.version}\n{device.version} {device.app}" if device.app else ""


def _is_known(app: str) -> bool:
    """Tell whether an application's versions are known by their own rules: Outlook 16.0 is no other than 2019."""
    return bool(versions_of(f"{app} 2019", f"{app} 11"))


def name_words(name: str) -> frozenset[str]:
    """Return the words that tell an application's name from others, without its maker and its version."""
    return frozenset(word for word in _WORDS.findall(name.casefold()) if word not in _ORDINARY and not word.isdigit())


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a document says it is for; `others` are products of any name, as in `FortiClient 7`."""

    versions: Versions
    others: Mapping[str, frozenset[Span]]
    about: tuple[frozenset[str], ...]
    sites: frozenset[str]


class Fitting:
    """Tells how documents of one release fit an environment; what a document says of itself is read once."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._scopes: dict[str, _Scope] = {}

    def penalty(self, document_id: str, around: Environment) -> float:
        """Return what to take from a document's merit, beside what every other platform costs."""
        document = self._documents[document_id]
        taken = OTHER_VERSION * self._other_versions(document, around)
        taken += OTHER_DEVICE * (around.told and _is_elsewhere(document, around))
        return taken - SAME_APP * self._about_app(document, around)

    def holds_at_site(self, document_id: str, around: Environment) -> bool:
        """Tell whether a document holds where the caller is; one that names no site holds everywhere."""
        sites = self._scope(self._documents[document_id]).sites if around.site else frozenset()
        return not sites or around.site in sites or bool(sites & EVERY_SITE)

    def warnings(self, document: Document, around: Environment) -> tuple[HitWarning, ...]:
        """Return what a reader must know before using a document."""
        told = (
            (HitWarning.VERSION_MISMATCH, self._other_versions(document, around)),
            (HitWarning.OTHER_PLATFORM, _is_elsewhere(document, around)),
            (HitWarning.OTHER_SITE, not self.holds_at_site(document.id, around)),
        )
        return tuple(warning for warning, holds in told if holds)

    def _other_versions(self, document: Document, around: Environment) -> bool:
        scope = self._scope(document)
        if any(mismatched(around.versions, scope.versions)):
            return True
        others = dict(scope.others)
        if around.product and around.product in document.title.casefold():
            others.setdefault(around.product, numbered(around.product, document.title))
        return any(apart(numbered(name, around.said), own) for name, own in others.items())

    def _about_app(self, document: Document, around: Environment) -> bool:
        return bool(around.app) and any(around.app <= words for words in self._scope(document).about)

    def _scope(self, document: Document) -> _Scope:
        scope = self._scopes.get(document.id)
        if scope is None:
            scope = self._scopes[document.id] = scope_of(document)
        return scope


def _is_elsewhere(document: Document, around: Environment) -> bool:
    """Tell whether a document is for other platforms only; what is done in a browser is done on any of them."""
    return bool(around.platforms) and is_for_another(document, around.platforms | {"web"})


def scope_of(document: Document) -> _Scope:
    """Read from a document's title and metadata what it is for."""
    listed = [*values_of(document, "versions"), *values_of(document, "version")]
    systems = [name for name in values_of(document, "platform") if name != "any"]
    if len(systems) == 1:
        listed = [f"{systems[0]} {item}" if item[:1].isdigit() else item for item in listed]
    known = versions_of(document.title, *listed)
    unknown = [match["name"] for item in listed if not versions_of(item) and (match := _NAMED_VERSION.match(item))]
    aliases = [alias for names in document.aliases.values() for alias in names]
    apps = [*values_of(document, "apps"), *values_of(document, "app"), *values_of(document, "category")]
    return _Scope(
        versions=known,
        others={name: numbered(name, "\n".join([document.title, *listed])) for name in unknown},
        about=tuple(name_words(text) for text in (document.title, *apps, *aliases)),
        sites=frozenset(site.strip().casefold() for site in values_of(document, "site")),
    )
