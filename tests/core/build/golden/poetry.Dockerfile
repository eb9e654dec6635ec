# Runs web. Written by `fairway render`.
# Build it from the project's folder: docker build --file …/Dockerfile .

FROM python:3.12-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/venv UV_PYTHON=3.12 UV_PYTHON_DOWNLOADS=never UV_PYTHON_PREFERENCE=only-system
# What packages need to be built or imported; it stays here. The base decides their versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/root/.cache/pip ["python", "-m", "pip", "install", "--root-user-action=ignore", "uv==0.13.8"]
RUN ["uv", "venv", "/opt/venv"]
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "pip", "install", "--python", "/opt/venv/bin/python", "--no-deps", "fastapi==0.120.0", "psycopg==3.3.0", "psycopg-binary==3.3.0", "starlette==0.50.0"]
# The runtime, after the app's own packages: what the app has wins, and is there once.
RUN ["/opt/venv/bin/python", "-c", "import importlib.metadata, pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'fairway.pth').write_text('/opt/fairway\\n'); held = sorted({d.name for d in importlib.metadata.distributions()}); pathlib.Path('/tmp/held.txt').write_text('\\n'.join(held))"]
RUN --mount=type=cache,target=/root/.cache/uv ["uv", "pip", "install", "--python", "/opt/venv/bin/python", "--target", "/opt/fairway", "--excludes", "/tmp/held.txt", "fairway-runtime[all]==1.2.3"]
RUN ["find", "/opt", "-path", "*/tests/*", "-name", "*.pyc", "-delete"]
COPY . /app
# Readable by the user that runs it, writable by nobody.
RUN ["/opt/venv/bin/python", "-c", "import compileall, py_compile; compileall.compile_dir('/app', quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"]
RUN ["find", "/app", "/opt", "!", "-type", "l", "(", "-perm", "/022", "-o", "!", "-perm", "-444", "-o", "-perm", "/111", "!", "-perm", "-111", ")", "-exec", "chmod", "a+rX,go-w", "{}", "+"]

FROM python:3.12-slim
RUN ["groupadd", "--gid", "1000", "appuser"]
RUN ["useradd", "--uid", "1000", "--gid", "1000", "--no-create-home", "--no-log-init", "--home-dir", "/tmp", "--shell", "/usr/sbin/nologin", "appuser"]
ENV HOME=/tmp PATH=/opt/venv/bin:/opt/fairway/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=.:src PYTHONUNBUFFERED=1
COPY --from=build /opt /opt
COPY --from=build /app /app
WORKDIR /app
# The root is read-only at run time; without this, Fargate's /tmp belongs to root.
VOLUME ["/tmp"]
USER 1000:1000
ARG REVISION=unknown
LABEL org.opencontainers.image.revision="$REVISION"
EXPOSE 8000
ENV HOST=0.0.0.0 PORT=8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 CMD ["python", "-I", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/health', timeout=1)"]
CMD ["fairway-runtime", "run", "shop.app:app", "--kind", "asgi"]
