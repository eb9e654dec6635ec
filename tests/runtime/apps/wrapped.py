"""One line makes this app a hardened one, whatever server runs it."""

import os
import time

from fastapi import FastAPI

from fairway_runtime import Fairway, count

api = FastAPI()


@api.get("/pid")
async def pid() -> int:
    count("asked_total", kind="pid")
    return os.getpid()


@api.get("/compute")
async def compute(seconds: float) -> str:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:  # an app's mistake: nothing else runs meanwhile
        pass
    return "done"


app = Fairway(api)
