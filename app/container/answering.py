"""Puts the chat service together: what writes answers, what is remembered, what goes with a question."""

from collections.abc import Callable
from dataclasses import dataclass

from app.adapters.index.analysis import analyse
from app.adapters.tokens import open_counter
from app.config import Settings
from app.domain.answers import AnswerMode
from app.ports import ConversationArchive, Embedder, Generator, Leases, ResponseCache
from app.services.answering.composer import Composer, ComposeRules
from app.services.answering.grounding import Grounder
from app.services.chat import ChatService
from app.services.conversation.budget import Budget
from app.services.conversation.memory import ConversationMemory
from app.services.conversation.own_knowledge import OwnKnowledge
from app.services.conversation.summaries import Conversations
from app.services.retrieval.retriever import Retriever
from app.services.semantic_cache import Composes, RecallingComposer, SemanticCache
from app.services.summarising import Summariser


@dataclass(frozen=True, slots=True)
class Asked:
    """What answers are made with."""

    settings: Settings
    embedder: Embedder
    generator: Generator | None
    grounder: Grounder
    rules: ComposeRules


@dataclass(frozen=True, slots=True)
class Answered:
    """Where answers are kept, who makes them where several processes share that, and whether meaning is remembered."""

    cache: ResponseCache
    leases: Leases | None = None
    semantic: bool = False


def unmeasured(settings: Settings) -> AnswerMode:
    """Return how a model answers that was not measured: a server that somebody named is there to write."""
    return AnswerMode.GENERATE if settings.generation.remote else AnswerMode.EXTRACT


def open_chat(
    asked: Asked, search: Callable[[], Retriever], store: ConversationArchive, answered: Answered
) -> ChatService:
    """Return the chat service over a search and a store."""
    composer: Composes = Composer(open_counter(), asked.generator, asked.grounder, asked.rules)
    if answered.semantic:
        threshold = asked.settings.stores.semantic_threshold
        remembered = SemanticCache(asked.embedder, analyse, threshold=threshold)
        composer = RecallingComposer(composer, remembered)
    return ChatService(
        search=search,
        composer=composer,
        store=store,
        cache=answered.cache,
        leases=answered.leases,
        memory=_memory(asked, store, asked.generator if composer.writes else None),
        own=OwnKnowledge(asked.embedder, analyse),
    )


def _memory(asked: Asked, store: ConversationArchive, writer: Generator | None) -> ConversationMemory:
    """Return what looks back in conversations; only a model that writes answers is shown them, and has a budget."""
    if writer is None:
        return ConversationMemory(store, store)
    generation = asked.settings.generation
    budget = Budget(generation.max_tokens, generation.reply_tokens)
    summariser = Summariser(asked.embedder, writer.count_tokens)
    return ConversationMemory(store, store, Conversations(summariser, store, writer.count_tokens, budget))
