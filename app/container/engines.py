"""Which engine runs a model: said in the log, so that nobody has to guess.

Engines are imported where they are chosen: torch alone takes seconds that a start on OpenVINO need not spend.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, Literal

from app.adapters import model_hub
from app.adapters.generators.quantisation import Quantisation
from app.adapters.tokens import open_counter
from app.config import GenerationSettings, Settings
from app.domain.answers import AnswerMode
from app.errors import ModelAltered, NotReady
from app.modelfiles import locate
from app.modelfiles.device import has_gpu
from app.modelfiles.locate import ModelFiles
from app.ports import Embedder, Generator, Reranker

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.1


async def open_embedder(stack: AsyncExitStack, settings: Settings) -> Embedder:
    """Open the embedding model: OpenVINO on a CPU, torch on a GPU or where OpenVINO cannot take the model."""
    cache = settings.knowledge.model_cache_dir
    name = settings.embedding.embedding_model
    files = await asyncio.to_thread(locate.embedding_model, name, cache, model_hub.download)
    engine = settings.embedding.embedding_engine
    if engine == "torch" or (engine == "auto" and has_gpu()):
        embedder = await _torch_embedder(stack, files)
    else:
        embedder = await _openvino_embedder(stack, files, cache, strict=engine == "openvino")
    spec = embedder.spec
    log.info("embedding model", extra={"model": spec.model_id, "engine": spec.engine, "dimension": spec.dimension})
    return embedder


async def _openvino_embedder(stack: AsyncExitStack, files: ModelFiles, cache: Path, *, strict: bool) -> Embedder:
    from app.adapters.embedders.layout import NotConvertible  # noqa: PLC0415
    from app.adapters.embedders.openvino_embedder import OpenVinoEmbedder  # noqa: PLC0415

    try:
        embedder = await asyncio.to_thread(OpenVinoEmbedder, files, cache)
    except NotConvertible as error:
        if strict:
            raise
        log.warning("embedding model runs on torch", extra={"model": files.model_id, "reason": str(error)})
        return await _torch_embedder(stack, files)
    stack.callback(embedder.close)
    return embedder


async def _torch_embedder(stack: AsyncExitStack, files: ModelFiles) -> Embedder:
    from app.adapters.embedders.torch_embedder import TorchEmbedder  # noqa: PLC0415

    embedder = await asyncio.to_thread(TorchEmbedder, files)
    stack.callback(embedder.close)
    return embedder


async def open_reranker(stack: AsyncExitStack, settings: Settings) -> Reranker | None:
    """Open the cross-encoder that puts candidates in order; None where none is set."""
    name = settings.retrieval.reranker_model
    if name is None:
        return None
    from app.adapters.rerankers.cross_encoder import CrossEncoderReranker  # noqa: PLC0415

    cache = settings.knowledge.model_cache_dir
    files = await asyncio.to_thread(locate.reranking_model, name, cache, model_hub.download)
    reranker = await asyncio.to_thread(CrossEncoderReranker, files)
    stack.callback(reranker.close)
    spec = reranker.spec
    log.info("reranker", extra={"model": spec.model_id, "engine": spec.engine, "device": spec.device})
    return reranker


def needs_generator(mode: AnswerMode, model_id: str, measured: Mapping[str, Mapping[str, str]]) -> bool:
    """Tell whether any answer would be written by the model: one that never writes is not loaded."""
    if mode is AnswerMode.AUTO:
        return AnswerMode.GENERATE in measured.get(model_id, {}).values()
    return mode is AnswerMode.GENERATE


async def open_generator(
    stack: AsyncExitStack, settings: Settings, mode: AnswerMode, measured: Mapping[str, Mapping[str, str]]
) -> Generator | None:
    """Open the language model, which goes on loading in the background; None where no answer would use it.

    A server that is configured must be there, whether answers use it or not.
    """
    chosen = settings.generation
    if chosen.remote is not None:
        return await open_remote(stack, chosen, chosen.remote)
    name = chosen.llm_model_id
    if chosen.llm_backend == "extractive":
        log.info("language model not loaded", extra={"model": name, "mode": mode.value, "why": "LLM_BACKEND"})
        return None
    if not needs_generator(mode, name, measured):
        log.info("language model not loaded", extra={"model": name, "mode": mode.value, "why": "extractive"})
        return None
    cache = settings.knowledge.model_cache_dir
    files = await asyncio.to_thread(locate.language_model, name, cache, model_hub.download)
    generator = await _generator(stack, files, settings)
    spec = generator.spec
    log.info("language model", extra={"model": spec.model_id, "engine": spec.engine, "device": spec.device})
    return generator


async def open_remote(
    stack: AsyncExitStack, chosen: GenerationSettings, engine: Literal["azure", "openai"]
) -> Generator:
    """Open a server's language model. Raises DependencyUnreachable, SettingsInvalid."""
    from app.adapters.remote.endpoint import azure_endpoint, openai_endpoint  # noqa: PLC0415
    from app.adapters.remote.limits import RemoteLimits, Route  # noqa: PLC0415
    from app.adapters.remote.openai_generator import OpenAiGenerator  # noqa: PLC0415

    key = chosen.api_key.get_secret_value() if chosen.api_key else None
    if engine == "azure":
        where = azure_endpoint(chosen.azure_api_url or "", key, chosen.azure_deployment, chosen.azure_api_version)
    else:
        where = openai_endpoint(chosen.openai_api_url or "", chosen.llm_model_id, key)
    limits = RemoteLimits(
        timeout_seconds=chosen.llm_timeout_seconds,
        concurrency=chosen.llm_concurrency,
        waiting=4 * chosen.llm_concurrency,
        context_tokens=chosen.max_tokens,
    )
    proxy = chosen.llm_proxy.get_secret_value() if chosen.llm_proxy else None
    remote = OpenAiGenerator(where, open_counter(), limits, route=Route(proxy, chosen.llm_ca_file))
    stack.push_async_callback(remote.aclose)
    await remote.reach()
    log.info("language model", extra={"model": remote.spec.model_id, "engine": engine, "device": "server"})
    return remote


async def loaded(generator: Generator | None) -> None:
    """Wait until a language model is loaded; raises GenerationFailed where it cannot be."""
    while generator is not None:
        try:
            generator.count_tokens("")
        except NotReady:
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            return


async def _generator(stack: AsyncExitStack, files: ModelFiles, settings: Settings) -> Generator:
    cache = settings.knowledge.model_cache_dir
    wanted = Quantisation(settings.generation.llm_quantisation)
    if engine_for(files, settings.generation.llm_backend) == "openvino":
        from app.adapters.generators.openvino_generator import OpenVinoGenerator  # noqa: PLC0415

        local = await asyncio.to_thread(partial(OpenVinoGenerator, files, cache, quantisation=wanted))
        stack.callback(local.close)
        return local
    from app.adapters.generators.transformers_generator import TransformersGenerator  # noqa: PLC0415

    torch_model = await asyncio.to_thread(partial(TransformersGenerator, files, quantisation=wanted))
    stack.callback(torch_model.close)
    return torch_model


def engine_for(files: ModelFiles, backend: str) -> str:
    """Choose the engine for a model's files: OpenVINO for GGUF and its own format on a CPU, else transformers.

    Raises ModelAltered where the engine asked for cannot run the files.
    """
    for_openvino = files.path.suffix == ".gguf" or (files.path.is_dir() and locate.is_openvino(files.path))
    if backend == "openvino" and not for_openvino:
        raise ModelAltered(f"{files.model_id} is not in a format OpenVINO reads", "set LLM_BACKEND=transformers")
    if backend == "auto":
        return "openvino" if for_openvino and not has_gpu() else "transformers"
    return backend
