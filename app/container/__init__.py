"""The composition root: settings become adapters, adapters become services. Every construction decision is here.

Nothing named in the settings means the embedded part; named but unreachable means a refusal to start, never a silent
fallback. Whatever is opened is closed in reverse order by one exit stack.
"""

from app.container.engines import open_embedder
from app.container.parts import Parts, open_builder, open_parts, open_search_over, open_services, sources

__all__ = ["Parts", "open_builder", "open_embedder", "open_parts", "open_search_over", "open_services", "sources"]
