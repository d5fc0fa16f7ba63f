"""`doctor`: looks at an installation the way a colleague would, and names the fault and the remedy."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from app.adapters.calibration_file import read_measured
from app.adapters.index.store import FolderReleaseStore
from app.adapters.sources.glossaries import read_glossaries
from app.cli.console import out, print_json
from app.cli.serving import refuse_taken_port
from app.config import GenerationSettings, Settings, closest, names
from app.container import sources
from app.container.engines import engine_for, needs_generator, open_remote
from app.container.knowledge import CALIBRATION, calibration_for
from app.domain.answers import AnswerMode
from app.domain.models import EmbedderSpec
from app.errors import StartRefused
from app.modelfiles import locate
from app.modelfiles.device import has_gpu
from app.services.knowledge import passages
from app.services.knowledge.reading import fingerprint, read_all
from app.services.retrieval.calibration import UNCALIBRATED


class State(StrEnum):
    """`fault` keeps the service from working as configured; `note` is worth knowing."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    state: State
    detail: str
    remedy: str = ""


Check = Callable[[Settings], Iterator[Finding]]


async def doctor(*, as_json: bool) -> int:
    """Print the findings; 1 where there is a fault."""
    found = list(examine())
    healthy = all(finding.state is not State.FAULT for finding in found)
    if as_json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            out.print(f"{finding.state.value.upper():<6}{finding.check}: {finding.detail}")
            if finding.remedy:
                out.print(f"      remedy: {finding.remedy}")
    return 0 if healthy else 1


def examine(env_file: Path | None = Path(".env")) -> Iterator[Finding]:
    """Run every check; without usable settings there is nothing more to look at."""
    try:
        settings = Settings.load(env_file)
    except StartRefused as error:
        yield Finding("settings", State.FAULT, str(error), error.remedy)
        return
    yield Finding("settings", State.OK, "read")
    yield from _mistyped(dict(os.environ))
    for check, name in (
        (_embedding, "embedding model"),
        (_knowledge, "knowledge"),
        (_language_model, "language model"),
        (_port, "port"),
    ):
        yield from _guarded(name, check, settings)


def _guarded(name: str, check: Check, settings: Settings) -> Iterator[Finding]:
    """Run a check; a refusal it meets is its finding."""
    try:
        yield from check(settings)
    except StartRefused as error:
        yield Finding(name, State.FAULT, f"[{error.code}] {error}", error.remedy)


def _mistyped(environment: dict[str, str]) -> Iterator[Finding]:
    """Find variables that are nearly a setting's name: the shell cannot know, but we can guess."""
    known = names()
    for name in environment:
        near = closest(name) if name.isupper() and name not in known else None
        if near is not None and near not in environment:
            yield Finding("environment", State.NOTE, f"{name} is no setting", f"did you mean {near}?")


def _embedding(settings: Settings) -> Iterator[Finding]:
    files = locate.embedding_model(settings.embedding.embedding_model, settings.knowledge.model_cache_dir)
    device = "GPU" if has_gpu() else "CPU"
    yield Finding("embedding model", State.OK, f"{files.model_id}, weights {files.digest[:12]}, runs on the {device}")
    yield from _guarded("index", lambda inner: _index(inner, files), settings)
    yield from _guarded("calibration", lambda inner: _calibration(inner, files), settings)


def _calibration(settings: Settings, files: locate.ModelFiles) -> Iterator[Finding]:
    measured = read_measured(settings.knowledge.data_dir / CALIBRATION)
    if calibration_for(files.digest, measured) is UNCALIBRATED:
        detail = "scores are not calibrated for this embedding model, cautious ones are used"
        yield Finding("calibration", State.NOTE, detail, "python -m app eval calibrate")
    else:
        yield Finding("calibration", State.OK, "scores are calibrated for this embedding model")


def _index(settings: Settings, files: locate.ModelFiles) -> Iterator[Finding]:
    store = FolderReleaseStore(settings.knowledge.index_dir)
    manifest = store.current()
    if manifest is None:
        yield Finding("index", State.NOTE, "none yet; it is built at the first start", "python -m app index")
        return
    store.open(EmbedderSpec(files.model_id, files.digest, manifest.dimension, "none"))
    with sources(settings) as held:
        wanted = fingerprint(held, passages.RULES, files.digest, str(manifest.dimension))
    if wanted == manifest.sources:
        yield Finding("index", State.OK, f"release {manifest.release}, {manifest.passages} passages, up to date")
    else:
        yield Finding(
            "index", State.NOTE, "stale: the sources changed since; rebuilt at the next start", "python -m app index"
        )


def _knowledge(settings: Settings) -> Iterator[Finding]:
    with sources(settings) as held:
        documents = read_all(held)
    glossaries = read_glossaries(settings.knowledge.data_dir / "glossary")
    yield Finding("knowledge", State.OK, f"{len(documents)} documents, {len(glossaries)} glossaries")


def _language_model(settings: Settings) -> Iterator[Finding]:
    """Look at the model; one that no answer would use cannot keep the service from working."""
    generation = settings.generation
    mode = AnswerMode(generation.answer_mode)
    if generation.remote is not None:
        yield from _server(generation)
        return
    if generation.llm_backend == "extractive":
        yield Finding("language model", State.OK, "none: LLM_BACKEND=extractive")
        return
    used = needs_generator(mode, generation.llm_model_id, _measured_modes(settings))
    state = "writes answers" if used else f"not used: ANSWER_MODE={mode.value} takes the evidence's own sentences"
    try:
        files = locate.language_model(generation.llm_model_id, settings.knowledge.model_cache_dir)
        engine = engine_for(files, generation.llm_backend)
    except StartRefused as error:
        if used:
            raise
        yield Finding("language model", State.NOTE, f"[{error.code}] {error}; {state}", error.remedy)
        return
    why = "a GPU is here" if has_gpu() else "no GPU is here"
    yield Finding("language model", State.OK, f"{files.model_id} on {engine} ({why}), {state}")


def _server(generation: GenerationSettings) -> Iterator[Finding]:
    """Ask the server that is to write answers; StartRefused where it does not answer, or not to this key."""

    async def ask() -> str:
        async with AsyncExitStack() as stack:
            spec = (await open_remote(stack, generation, generation.remote or "openai")).spec
            return f"{spec.model_id} on a server ({spec.engine}), which answers"

    with ThreadPoolExecutor(1) as apart:  # the doctor itself runs in an event loop
        yield Finding("language model", State.OK, apart.submit(asyncio.run, ask()).result())


def _measured_modes(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Return which answers were measured to be the model's; a file that cannot be read is another check's finding."""
    try:
        measured = read_measured(settings.knowledge.data_dir / CALIBRATION)
    except StartRefused:
        return {}
    return measured.modes if measured else {}


def _port(settings: Settings) -> Iterator[Finding]:
    refuse_taken_port(settings.service)
    yield Finding("port", State.OK, f"{settings.service.host}:{settings.service.port} is free")
