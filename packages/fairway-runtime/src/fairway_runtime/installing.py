"""`install(app)`: the same as `Fairway(app)`, for an app object that has to stay what it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fairway_runtime.middleware import Fairway

if TYPE_CHECKING:
    from fairway_runtime.limits import Limiter
    from fairway_runtime.settings import Settings

__all__ = ["install", "limiter_installed"]


class TakesMiddleware(Protocol):
    """FastAPI and Starlette apps, and what is made like them."""

    @property
    def add_middleware(self) -> Callable[..., Any]: ...


Application = TypeVar("Application", bound=TakesMiddleware)


def install(
    app: Application, settings: "Settings | None" = None, *, limiter: "Limiter | None" = None
) -> Application:
    """Put a `Fairway` around all of `app`, and give `app` back.

        app = FastAPI()
        install(app)

    Call it after every other `add_middleware`: what is added last is outermost. Raises `TypeError`
    for an app that takes no middleware: that one wants `app = Fairway(app)`.
    """
    add = getattr(app, "add_middleware", None)
    if add is None:
        raise TypeError(f"{type(app).__name__} takes no middleware: use `app = Fairway(app)`")
    add(Fairway, settings=settings, limiter=limiter)
    return app


def limiter_installed(app: object) -> "Limiter | None":
    """The limiter that `install` was given: where another Fairway stands outside, it is its too."""
    for one in getattr(app, "user_middleware", ()):
        if getattr(one, "cls", None) is Fairway:
            return getattr(one, "kwargs", {}).get("limiter")
    return None
