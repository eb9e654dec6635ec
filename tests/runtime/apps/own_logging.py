"""Sets up its own logging, as many apps do, to the terminal and to a file."""

import logging.config
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"own": {"format": "OWN %(message)s"}},
        "handlers": {
            "terminal": {"class": "logging.StreamHandler", "formatter": "own"},
            "file": {
                "class": "logging.FileHandler",
                "filename": os.environ["OWN_LOG"],
                "formatter": "own",
            },
        },
        "loggers": {"own": {"handlers": ["terminal", "file"], "propagate": False}},
        "root": {"handlers": ["terminal"], "level": "INFO"},
    }
)


async def home(_request: Request) -> PlainTextResponse:
    print("printed")
    logging.getLogger("own").warning("from its own logger")
    logging.getLogger("other").info("from another")
    return PlainTextResponse("home")


app = Starlette(routes=[Route("/", home)])
