"""An app that is limited, and caches; below /static it is not limited."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fairway_runtime.cached import cached


@cached(ttl=0.2)
async def double(number: int) -> int:
    return number * 2


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def doubled(request: Request) -> Response:
    return PlainTextResponse(str(await double(int(request.query_params["n"]))))


app = Starlette(routes=[Route("/", hello), Route("/static/doubled", doubled)])
