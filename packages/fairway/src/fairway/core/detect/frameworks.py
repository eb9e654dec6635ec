"""The web frameworks that are recognised, by the full names of what makes an app."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["ASGI_APP", "CONSTRUCTORS", "STREAMLIT", "WRAPPERS", "WSGI_APP", "Framework"]

Kind = Literal["asgi", "wsgi", "script", "command"]


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework and how its apps are served.

    `attribute` is appended to the object's name where the app is only a part of it (Dash).
    """

    name: str
    kind: Kind
    attribute: str = ""


STREAMLIT = Framework("Streamlit", "script")
ASGI_APP = Framework("ASGI", "asgi")
WSGI_APP = Framework("WSGI", "wsgi")

FASTAPI = Framework("FastAPI", "asgi")
STARLETTE = Framework("Starlette", "asgi")
LITESTAR = Framework("Litestar", "asgi")
FLASK = Framework("Flask", "wsgi")
FALCON = Framework("Falcon", "wsgi")
DASH = Framework("Dash", "wsgi", "server")
BLACKSHEEP = Framework("BlackSheep", "asgi")

CONSTRUCTORS: Mapping[str, Framework] = {
    "apiflask.APIFlask": FLASK,
    "blacksheep.Application": BLACKSHEEP,
    "blacksheep.server.Application": BLACKSHEEP,
    "bottle.Bottle": Framework("Bottle", "wsgi"),
    "bottle.default_app": Framework("Bottle", "wsgi"),
    "channels.routing.ProtocolTypeRouter": Framework("Django", "asgi"),
    "connexion.App": Framework("Connexion", "asgi"),
    "connexion.AsyncApp": Framework("Connexion", "asgi"),
    "connexion.FlaskApp": Framework("Connexion", "asgi"),
    "dash.Dash": DASH,
    "dash.dash.Dash": DASH,
    "django.core.asgi.get_asgi_application": Framework("Django", "asgi"),
    "django.core.wsgi.get_wsgi_application": Framework("Django", "wsgi"),
    "falcon.API": FALCON,
    "falcon.App": FALCON,
    "falcon.asgi.App": Framework("Falcon", "asgi"),
    "fastapi.FastAPI": FASTAPI,
    "fastapi.applications.FastAPI": FASTAPI,
    "fasthtml.FastHTML": Framework("FastHTML", "asgi"),
    "fasthtml.common.FastHTML": Framework("FastHTML", "asgi"),
    "fasthtml.common.fast_app": Framework("FastHTML", "asgi"),
    "flask.Flask": FLASK,
    "flask.app.Flask": FLASK,
    "flask_openapi3.OpenAPI": FLASK,
    "litestar.Litestar": LITESTAR,
    "litestar.app.Litestar": LITESTAR,
    "quart.Quart": Framework("Quart", "asgi"),
    "quart.app.Quart": Framework("Quart", "asgi"),
    "sanic.Sanic": Framework("Sanic", "asgi"),
    "starlette.applications.Starlette": STARLETTE,
    "starlite.Starlite": LITESTAR,
    "streamlit.App": Framework("Streamlit", "asgi"),
}

# Calls that take an app and give one back that serves it, beside every `…Middleware`.
WRAPPERS: Mapping[str, Framework] = {
    "asgiref.wsgi.WsgiToAsgi": ASGI_APP,
    "a2wsgi.WSGIMiddleware": ASGI_APP,
    "a2wsgi.ASGIMiddleware": WSGI_APP,
    "gradio.mount_gradio_app": FASTAPI,
    "gradio.routes.mount_gradio_app": FASTAPI,
    "socketio.ASGIApp": ASGI_APP,
    "socketio.WSGIApp": WSGI_APP,
    "engineio.ASGIApp": ASGI_APP,
    "whitenoise.WhiteNoise": WSGI_APP,
    "asgi_correlation_id.CorrelationIdMiddleware": ASGI_APP,
}
