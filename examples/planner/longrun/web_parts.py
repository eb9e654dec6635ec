"""The app without the runtime around it and without the environment: sessions, door, routes."""

from starlette.routing import Mount, Router

from fairway_runtime.asgi import App, Receive, Scope, Send
from fairway_runtime.sessions import Sessions
from longrun.api import create_api
from longrun.door import Door, with_sessions
from longrun.entrance import Entrance
from longrun.service import Service
from longrun.sign_in import sign_in_routes

__all__ = ["create_app"]


def create_app(service: Service, pages: App | None = None) -> Sessions:
    """Everything behind the runtime's own layer. Without `pages` it is the API and the door."""
    entrance = Entrance(service)
    routes = [*sign_in_routes(entrance), Mount("/api", create_api(service, entrance))]
    router = Router([*routes, Mount("/", pages)] if pages is not None else routes)

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        """Streamlit has the only lifespan; a router would not pass it on."""
        is_lifespan = scope["type"] == "lifespan" and pages is not None
        await (pages if is_lifespan and pages is not None else router)(scope, receive, send)

    return with_sessions(Door(inner, service.people), service.settings)
