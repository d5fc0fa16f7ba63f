"""The seams: what the services need from the outside world, in the service's own words.

Every method may be called from several tasks at once unless its docstring says otherwise. Adapters translate their
vendor's exceptions into `app.errors` at their edge and keep the cause.
"""

from app.ports.access import CookieSigner, KeyStore, KeyUse, SessionStore
from app.ports.index import LexicalIndex, Release, ReleaseShelf, ReleaseStore, VectorIndex
from app.ports.knowledge import Extractor, KnowledgeSource
from app.ports.models import Embedder, Generator, Reranker
from app.ports.stores import (
    AttachmentStore,
    ConversationArchive,
    ConversationDirectory,
    ConversationRemoval,
    ConversationSearch,
    ConversationStore,
    Leases,
    ResponseCache,
    SummaryStore,
)

__all__ = [
    "AttachmentStore",
    "ConversationArchive",
    "ConversationDirectory",
    "ConversationRemoval",
    "ConversationSearch",
    "ConversationStore",
    "CookieSigner",
    "Embedder",
    "Extractor",
    "Generator",
    "KeyStore",
    "KeyUse",
    "KnowledgeSource",
    "Leases",
    "LexicalIndex",
    "Release",
    "ReleaseShelf",
    "ReleaseStore",
    "Reranker",
    "ResponseCache",
    "SessionStore",
    "SummaryStore",
    "VectorIndex",
]
