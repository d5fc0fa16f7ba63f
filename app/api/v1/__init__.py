"""Version 1 of the REST API."""

from fastapi import APIRouter

from app.api.v1 import chat, documents, releases, search

router = APIRouter()
router.include_router(chat.router)
router.include_router(search.router)
router.include_router(documents.router)
router.include_router(releases.router)
