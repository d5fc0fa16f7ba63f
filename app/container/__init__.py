"""The composition root: settings become adapters, adapters become services. Every construction decision is here.

Nothing named in the settings means the embedded part; named but unreachable means a refusal to start, never a silent
fallback. Whatever is opened is closed in reverse order by one exit stack.
"""

from app.container.engines import open_embedder
from app.container.knowledge import open_keeper, open_search_over, sources
from app.container.parts import Parts, open_parts
from app.container.services import open_services

__all__ = ["Parts", "open_embedder", "open_keeper", "open_parts", "open_search_over", "open_services", "sources"]
