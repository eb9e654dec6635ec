"""Functions at an emulator: without Docker no image runs there; what one answers is said here."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from fairway.targets.aws.account import Account

__all__ = ["answering", "broken", "ready"]

Answer = Mapping[str, Any]


def said(payload: object, **more: Any) -> Answer:
    return {"Payload": io.BytesIO(json.dumps(payload).encode()), "ExecutedVersion": "7", **more}


def ready() -> Answer:
    return said({"statusCode": 200, "body": "{}"})


def broken() -> Answer:
    why = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 30.00 seconds"}
    return said(why, FunctionError="Unhandled")


def answering(account: Account, answer: Callable[[], Answer] = ready) -> list[Mapping[str, Any]]:
    """Have every function of this account answer so; what they were asked, as it comes."""
    asked: list[Mapping[str, Any]] = []

    def invoke(**arguments: Any) -> Answer:
        asked.append(arguments)
        return answer()

    vars(account.client("lambda")._raw)["invoke"] = invoke
    return asked
