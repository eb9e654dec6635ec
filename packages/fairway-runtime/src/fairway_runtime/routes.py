"""The template of the route that served a request: `/items/{id}`, never `/items/7`.

Frameworks leave in the ASGI scope what they matched; this reads it after the app ran. What left
nothing (a 404, a WSGI app, a scope that a middleware copied) is `other`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from fairway_runtime import contract
from fairway_runtime.asgi import Scope

__all__ = ["RouteNames"]

_MOST_KEPT = 1000
_REST = "/{path}"  # how Starlette ends the path of a mount


class RouteNames:
    """Finds route templates, and remembers those that took a search."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[object, str]] = {}  # endpoints need not be hashable

    def of(self, scope: Scope, entry_root: str) -> str:
        """The template for `scope` after the app ran; `entry_root` is its root path before.

        The template of a mounted app's route begins with its mount's. Never fails: what a
        framework unknown to us left in the scope may be anything.
        """
        try:
            route: object = scope.get("route")
            if route is None:
                return self._by_endpoint(scope, entry_root)
            included: Mapping[str, object] | None = scope.get("fastapi")
            if included:  # FastAPI serves one route object under each prefix that includes it
                context = included.get("effective_route_context")
                if getattr(context, "original_route", None) is route:
                    route = context
            path: object = getattr(route, "path_format", None) or getattr(route, "path", None)
            if not isinstance(path, str):
                return contract.OTHER_LABEL
            root: str = scope.get("root_path", "")
            if root == entry_root:
                return path
            prefix = _mounted(root.removeprefix(entry_root), scope, route)
            return f"{prefix}{_REST}" if _is_mount(route) else prefix + path
        except Exception:
            return contract.OTHER_LABEL

    def _by_endpoint(self, scope: Scope, entry_root: str) -> str:
        """Only an endpoint is known: a mount's app, or a route of Starlette before 1.0."""
        endpoint: object = scope.get("endpoint")
        if endpoint is None:
            return contract.OTHER_LABEL
        known = self._found.get(id(endpoint))
        if known is not None and known[0] is endpoint:
            return known[1]
        routes: Iterable[object] = getattr(scope.get("router"), "routes", ())
        templates = list(_templates(routes, endpoint, ""))
        if len(templates) == 1:
            if len(self._found) < _MOST_KEPT:
                self._found[id(endpoint)] = (endpoint, templates[0])
            return templates[0]
        path: str = scope["path"].removeprefix(entry_root)
        return next((one for one in templates if _fits(one, path)), contract.OTHER_LABEL)


def _templates(routes: Iterable[object], endpoint: object, prefix: str) -> Iterator[str]:
    """Every template that leads to `endpoint`, through mounts too."""
    for route in routes:
        path: str = getattr(route, "path", "")
        if _is_mount(route):
            if getattr(route, "app", None) is endpoint:
                yield f"{prefix}{path}{_REST}"
            inner: Iterable[object] = getattr(route, "routes", None) or ()
            yield from _templates(inner, endpoint, prefix + path)
        elif getattr(route, "endpoint", None) is endpoint:
            yield prefix + str(getattr(route, "path_format", path))


def _is_mount(route: object) -> bool:
    """Whether this is Starlette's Mount or the like: it has an app and no endpoint of its own."""
    return hasattr(route, "routes") and not hasattr(route, "endpoint")


def _mounted(prefix: str, scope: Scope, route: object) -> str:
    """A mount's path with its own parameters put back: `/tenants/7` becomes `/tenants/{id}`."""
    parameters = cast("Mapping[str, object]", scope.get("path_params") or {})
    of_route = cast("Mapping[str, object]", getattr(route, "param_convertors", None) or {})
    names = {str(value): name for name, value in parameters.items() if name not in of_route}
    if not names:
        return prefix
    parts = (f"{{{names[part]}}}" if part in names else part for part in prefix.split("/"))
    return "/".join(parts)


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        want == have or want.startswith("{") for want, have in zip(wanted, given, strict=True)
    )
