"""The services the channels (REST, real time, command line) work with, put together once by the container."""

from dataclasses import dataclass, field

from app.ports import ConversationStore, Leases
from app.services.conversation.service import ConversationService
from app.services.documents.service import DocumentService
from app.services.files.service import FileService
from app.services.releases.keeper import ReleaseKeeper
from app.services.seams import Access, Anybody, Chat, HealthReport, Search


@dataclass(frozen=True)
class Services:
    """What an application serves; without a knowledge base of its own it has neither documents nor releases."""

    chat: Chat
    search: Search
    health: HealthReport
    store: ConversationStore
    documents: DocumentService | None = None
    releases: ReleaseKeeper | None = None
    conversations: ConversationService | None = None
    files: FileService | None = None
    leases: Leases | None = None
    access: Access = field(default_factory=Anybody)
