"""The service as an ASGI application: `uvicorn main:app`, `gunicorn main:app -k uvicorn.workers.UvicornWorker`."""

from app.application import create_app

app = create_app()
