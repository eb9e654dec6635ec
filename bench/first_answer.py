"""Waits for the first 200 of a server that is just starting, as somebody outside would see it."""

import http.client
import time
from collections.abc import Callable

__all__ = ["NoAnswer", "wait_for_200"]

POLL_SECONDS = 0.005
ANSWER_SECONDS = 5.0


class NoAnswer(Exception):
    """There was no 200 in time."""


def wait_for_200(
    port: int,
    path: str,
    *,
    seconds: float,
    is_enough: Callable[[bytes], bool] = lambda _: True,
) -> float:
    """Ask every 5 ms until the answer is 200 and its body is enough; the moment (monotonic).

    Each question has a connection of its own. Raises `NoAnswer` after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while (asked_at := time.monotonic()) < deadline:
        status, body = answer(port, path)
        if status == 200 and is_enough(body):
            return time.monotonic()
        time.sleep(max(0.0, asked_at + POLL_SECONDS - time.monotonic()))
    raise NoAnswer(f"no 200 from port {port}{path} within {seconds:g} s")


def answer(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of one GET; status 0 where there is no answer."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        asked.request("GET", path, headers={"Connection": "close"})
        response = asked.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        asked.close()
