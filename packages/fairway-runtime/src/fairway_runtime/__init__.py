"""Production behaviour for any ASGI app, without a change to it.

    from fairway_runtime import Fairway
    app = Fairway(app)      # or, where `app` has to stay what it is: install(app)

or nothing at all: `fairway-runtime run module:app`. Importing this package costs next to nothing:
each name is fetched when it is first used.
"""

TYPE_CHECKING = False  # `typing` itself would be most of what importing this package costs
if TYPE_CHECKING:
    from fairway_runtime.business import count, level, observe
    from fairway_runtime.context import correlation_id, identify
    from fairway_runtime.errors import breadcrumb
    from fairway_runtime.installing import install
    from fairway_runtime.limits import Limiter
    from fairway_runtime.middleware import Fairway
    from fairway_runtime.operations import operation
    from fairway_runtime.settings import Settings
    from fairway_runtime.traces import outgoing_headers

__all__ = [
    "Fairway",
    "Limiter",
    "Settings",
    "breadcrumb",
    "correlation_id",
    "count",
    "identify",
    "install",
    "level",
    "observe",
    "operation",
    "outgoing_headers",
]

__version__ = "0.1.0"

_HOMES = {
    "Fairway": "middleware",
    "Limiter": "limits",
    "Settings": "settings",
    "breadcrumb": "errors",
    "correlation_id": "context",
    "count": "business",
    "identify": "context",
    "install": "installing",
    "level": "business",
    "observe": "business",
    "operation": "operations",
    "outgoing_headers": "traces",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
