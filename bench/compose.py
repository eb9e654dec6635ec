"""The same shape under Docker Compose, where an engine is present: what most teams use today.

Balancer, two replicas, PostgreSQL, Redis, an object store, and migrations that run once before.
Images are pulled and built before the clock starts; it runs from `docker compose up` without any
container to the first 200 through the balancer.
"""

import math
import shutil
import subprocess
import time
from pathlib import Path

from bench.first_answer import NoAnswer, wait_for_200
from bench.project import READ, Project, say
from fairway.targets.local.ports import free_port

__all__ = ["up_seconds"]

READY_SECONDS = 120.0
IMAGES_SECONDS = 900.0

DOCKERFILE = """\
FROM python:3.11-slim
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /bin/uv
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev
COPY . .
RUN .venv/bin/python -m compileall -q weather migrations
ENV PATH=/app/.venv/bin:$PATH
CMD ["uvicorn", "weather.api:app", "--host", "0.0.0.0", "--port", "8000"]
"""
IGNORED = ".venv\n.fairway\n**/__pycache__\n"
BALANCER = """\
events {}
http {
  upstream api { server api:8000; }
  server { listen 80; location / { proxy_pass http://api; } }
}
"""
SHAPE = """\
x-app: &app
  build: .
  image: fairway-bench-weather
  environment:
    DATABASE_URL: postgresql://weather:weather@db/weather
    REDIS_URL: redis://cache:6379/0
    BUCKET_NAME: weather-files
    AWS_ENDPOINT_URL_S3: http://files:9000
    AWS_ACCESS_KEY_ID: weather
    AWS_SECRET_ACCESS_KEY: weather-weather
services:
  db:
    image: postgres:16
    environment: {{POSTGRES_USER: weather, POSTGRES_PASSWORD: weather}}
    healthcheck: {{test: pg_isready -U weather -h 127.0.0.1, interval: 200ms, retries: 300}}
  cache:
    image: redis:7
    healthcheck: {{test: redis-cli ping, interval: 200ms, retries: 300}}
  files:
    image: minio/minio
    command: server /data
    environment: {{MINIO_ROOT_USER: weather, MINIO_ROOT_PASSWORD: weather-weather}}
  migrate:
    <<: *app
    command: alembic upgrade head
    depends_on: {{db: {{condition: service_healthy}}}}
  api:
    <<: *app
    deploy: {{replicas: 2}}
    depends_on:
      migrate: {{condition: service_completed_successfully}}
      cache: {{condition: service_healthy}}
      files: {{condition: service_started}}
  balancer:
    image: nginx:1.28
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["./balancer.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: [api]
"""


def up_seconds(project: Project) -> float:
    """Seconds to the first 200, from nothing; NaN where it could not be measured, which is said."""
    if not has_engine():
        say("docker compose was not measured: no Docker engine answers here")
        return math.nan
    port = free_port()
    folder = project.folder
    texts = {
        "Dockerfile": DOCKERFILE,
        ".dockerignore": IGNORED,
        "balancer.conf": BALANCER,
        "compose.yaml": SHAPE.format(port=port),
    }
    for name, text in texts.items():
        Path(folder, name).write_text(text)
    try:
        for words in (["pull", "--ignore-buildable"], ["build"]):
            compose(folder, *words, seconds=IMAGES_SECONDS)
        began = time.monotonic()
        compose(folder, "up", "--detach", seconds=READY_SECONDS)
        return wait_for_200(port, READ, seconds=READY_SECONDS) - began
    except (subprocess.SubprocessError, NoAnswer) as error:
        say(f"docker compose was not measured: {error}")
        return math.nan
    finally:
        compose(folder, "down", "--volumes", seconds=READY_SECONDS, check=False)


def has_engine() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30)
    return asked.returncode == 0


def compose(folder: Path, *words: str, seconds: float, check: bool = True) -> None:
    subprocess.run(
        ["docker", "compose", *words], cwd=folder, timeout=seconds, check=check, capture_output=True
    )
