"""The usual stack: what teams wire into a FastAPI app today, from PyPI, each as its README says.

It has an environment of its own, so that nothing of it reaches the project's.
"""

import subprocess
import sys
from pathlib import Path

from bench.project import say

__all__ = ["SOURCE", "make"]

UV = Path(__file__).parent.parent / ".tools" / "bin" / "uv"
PACKAGES = (
    "asgi-correlation-id==5.0.1",
    "fastapi",
    "httptools",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-instrumentation-fastapi==0.66b2",
    "opentelemetry-sdk==1.45.2",
    "prometheus-fastapi-instrumentator==8.1.0",
    "secure==2.0.1",
    "slowapi==0.1.10",
    "structlog==26.1.0",
    "uvicorn",
    "uvloop",
)
SOURCE = """
import os, sys, time
import structlog, uvicorn
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from prometheus_fastapi_instrumentator import Instrumentator
from secure import Secure
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ],
    cache_logger_on_first_use=True,
)
log = structlog.get_logger()
app = FastAPI()

@app.get("/items/{item}")
async def item(item: int):
    return {"item": item}

secure_headers = Secure.with_default_headers()

@app.middleware("http")
async def logged(request: Request, call_next):
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=correlation_id.get())
    began = time.perf_counter()
    response = await call_next(request)
    log.info("request", method=request.method, path=request.url.path,
             status=response.status_code, duration_ms=(time.perf_counter() - began) * 1000)
    return response

@app.middleware("http")
async def secured(request: Request, call_next):
    response = await call_next(request)
    await secure_headers.set_headers_async(response)
    return response

app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["100000000/second"])
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
app.add_middleware(SlowAPIMiddleware)
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
app.add_middleware(CorrelationIdMiddleware)
Instrumentator().instrument(app).expose(app)
provider = TracerProvider(sampler=ParentBasedTraceIdRatio(0.1))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[2])))
FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning",
            loop="uvloop", http="httptools", timeout_keep_alive=600)
"""


def make(folder: Path) -> list[str]:
    """An environment and the program in `folder`; the command that serves, without its arguments.

    RuntimeError where the packages can't be had.
    """
    say("installing the usual stack")
    python = folder / "venv" / "bin" / "python"
    for words in (
        ["venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        ["pip", "install", "--quiet", "--python", str(python), *PACKAGES],
    ):
        done = subprocess.run([UV, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"uv {words[0]}: {done.stderr}")
    program = folder / "usual.py"
    program.write_text(SOURCE)
    return [str(python), str(program)]
