"""Version 1 of the REST API."""

from fastapi import APIRouter

from app.api.v1 import chat, search

router = APIRouter()
router.include_router(chat.router)
router.include_router(search.router)
