"""Version 1 of the REST API."""

from fastapi import APIRouter

from app.api.v1 import chat, config, conversation_examples, conversations, documents, files, releases, search, sessions

router = APIRouter()
router.include_router(chat.router)
router.include_router(search.router)
router.include_router(conversations.router)
router.include_router(conversation_examples.router)
router.include_router(files.router)
router.include_router(config.router)
router.include_router(documents.router)
router.include_router(releases.router)
router.include_router(sessions.router)
