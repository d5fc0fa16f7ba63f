"""The FastAPI application: settings in, routes and middleware put together, services opened while it runs."""

from app.application.factory import create_app, log_plan
from app.application.stack import limited

__all__ = ["create_app", "limited", "log_plan"]
