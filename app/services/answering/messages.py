"""What the service says in its own name; everything else it says comes from evidence."""

from typing import Final

NO_CONTEXT: Final = {
    "en": "The knowledge base holds nothing that answers this. Would you like to open a ticket for the service desk?",
    "de": "Die Wissensdatenbank enthält keine Antwort darauf. Möchten Sie ein Ticket für den Service Desk eröffnen?",
    "fr": "La base de connaissances ne contient pas de réponse. Voulez-vous ouvrir un ticket pour le support ?",
    "es": "La base de conocimientos no contiene la respuesta. ¿Quiere abrir un tique para el servicio de soporte?",
}


def no_context(language: str) -> str:
    """Return the refusal in a language, in English where we do not speak it."""
    return NO_CONTEXT.get(language, NO_CONTEXT["en"])
