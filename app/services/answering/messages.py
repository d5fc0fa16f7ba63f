"""What the service says in its own name; everything else it says comes from evidence."""

from typing import Final

NO_CONTEXT: Final = {
    "en": "The knowledge base holds nothing that answers this. Would you like to open a ticket for the service desk?",
    "de": "Die Wissensdatenbank enthält keine Antwort darauf. Möchten Sie ein Ticket für den Service Desk eröffnen?",
    "fr": "La base de connaissances ne contient pas de réponse. Voulez-vous ouvrir un ticket pour le support ?",
    "es": "La base de conocimientos no contiene la respuesta. ¿Quiere abrir un tique para el servicio de soporte?",
}

NO_ROOM: Final = {
    "en": "The knowledge base answers this, but not within so few tokens. Please ask for a longer answer.",
    "de": "Die Wissensdatenbank enthält eine Antwort, aber keine so kurze. Bitte lassen Sie eine längere zu.",
    "fr": "La base de connaissances contient une réponse, mais pas aussi courte. Autorisez-en une plus longue.",
    "es": "La base de conocimientos contiene una respuesta, pero no tan corta. Permita una más larga, por favor.",
}


def no_context(language: str) -> str:
    """Return the refusal in a language, in English where we do not speak it."""
    return NO_CONTEXT.get(language, NO_CONTEXT["en"])


def no_room(language: str) -> str:
    """Return what is said where no sentence of the evidence fits within the length asked for."""
    return NO_ROOM.get(language, NO_ROOM["en"])
