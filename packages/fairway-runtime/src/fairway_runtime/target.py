"""Finds the app that a command line names, and makes an ASGI app of it.

`module:object` is ASGI or WSGI, or with `is_factory` a function that makes one; `script.py` is a
Streamlit script. What goes wrong is a `TargetError` whose text is all that a user needs.
"""

import importlib
import inspect
import sys
import traceback
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import ModuleType, TracebackType
from typing import cast

from fairway_runtime import contract
from fairway_runtime.asgi import App

__all__ = ["Kind", "TargetError", "load"]

_HERE = str(Path(__file__).parent)


class Kind(StrEnum):
    """What an object speaks."""

    ASGI = "asgi"
    WSGI = "wsgi"
    SCRIPT = "script"


class TargetError(Exception):
    """The app can't be had: what is wrong, and how to mend it."""


def load(target: str, kind: Kind | None = None, *, is_factory: bool = False) -> App:
    """The ASGI app that `target` names; its kind is found out unless given.

    Runs the app's module. Raises `TargetError`; an error of the app's own code comes with the
    part of its traceback that is the app's.
    """
    if kind is Kind.SCRIPT or (kind is None and target.endswith(".py") and ":" not in target):
        return _streamlit(target)
    app = _find(target)
    if is_factory:
        app = _made(target, app)
    if not callable(app):
        raise TargetError(f"{target} is {_article(app)}, not an app: name an ASGI or WSGI callable")
    if kind is None:
        kind = _kind_of(target, app)
    elif not is_factory:
        _check_takes(target, app, 2 if kind is Kind.WSGI else 3)
    if kind is Kind.WSGI:
        return _from_wsgi(app)
    return cast("App", app)


def _find(target: str) -> object:
    """Import the module and walk to the object."""
    name, _, path = target.partition(":")
    if not name or not path:
        raise TargetError(f"{target!r} must be `module:object`, for example `main:app`")
    found: object = _import(name)
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise TargetError(_missing(name, path, found))
        found = getattr(found, attribute)
    return found


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            folder = sys.path[0] or str(Path.cwd())
            raise TargetError(
                f"there is no module {error.name!r} in {folder} or in this environment"
            ) from error
        raise TargetError(_told(f"importing {name} failed", error)) from error
    except Exception as error:
        raise TargetError(_told(f"importing {name} failed", error)) from error


def _missing(module: str, path: str, found: object) -> str:
    """What the module has instead: its own functions, and objects that can be called."""
    own: dict[str, object] = vars(found) if isinstance(found, ModuleType) else {}
    apps = [
        name
        for name, value in sorted(own.items())
        if name[0] != "_" and callable(value)
        if getattr(value, "__module__", "") == module
        if inspect.isfunction(value) or not inspect.isclass(value)
    ]
    apps += [name for name, value in sorted(own.items()) if _is_framework_app(value)]
    hint = f"; it has {', '.join(f'{module}:{name}' for name in apps[:5])}" if apps else ""
    return f"module {module!r} has no {path!r}{hint}"


def _is_framework_app(value: object) -> bool:
    """Whether this is an object of a web framework's (Starlette, Flask) that serves requests."""
    call = getattr(type(value), "__call__", None)  # noqa: B004 (its signature)
    return inspect.isfunction(call) and len(inspect.signature(call).parameters) in (3, 4)


def _made(target: str, factory: object) -> object:
    if not callable(factory):
        raise TargetError(f"{target} is {_article(factory)}, not a function that makes an app")
    try:
        return factory()
    except Exception as error:
        raise TargetError(_told(f"{target}() failed", error)) from error


def _kind_of(target: str, app: Callable[..., object]) -> Kind:
    """By its signature: three arguments and `await` is ASGI, two arguments is WSGI."""
    call = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004 (its signature)
    if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(app):
        return Kind.ASGI
    try:
        parameters = list(inspect.signature(app).parameters.values())
    except (TypeError, ValueError):
        return Kind.ASGI
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [
        one
        for one in parameters
        if one.kind in by_position and one.default is inspect.Parameter.empty
    ]
    if len(required) == 2:
        return Kind.WSGI
    if not required and inspect.isroutine(app):
        raise TargetError(f"{target} takes no arguments: if it makes the app, add --factory")
    return Kind.ASGI


def _check_takes(target: str, app: Callable[..., object], count: int) -> None:
    """Raise `TargetError` where `app` is a function that no server could call.

    Most often it makes the app. Without this every request would fail, and readiness would not
    know: it is answered before the app is asked.
    """
    if not inspect.isfunction(app):
        return
    try:
        inspect.signature(app).bind(*[None] * count)
    except TypeError:
        raise TargetError(
            f"{target} is a function that does not take a server's {count} arguments: if it makes"
            " the app, add --factory (`factory = true` in fairway.toml)"
        ) from None


def _from_wsgi(app: Callable[..., object]) -> App:
    try:
        from a2wsgi import WSGIMiddleware
    except ImportError as error:
        raise TargetError(
            "this is a WSGI app, and a2wsgi, which serves one, is not installed: add"
            " `a2wsgi` or `fairway-runtime[wsgi]` to the app's requirements"
        ) from error
    return cast("App", WSGIMiddleware(cast("Callable[..., list[bytes]]", app)))


def _streamlit(script: str) -> App:
    """Streamlit as an ASGI app, which `streamlit run` is not (C13)."""
    if not Path(script).is_file():
        raise TargetError(f"there is no script {script!r} in {Path.cwd()}")
    _check_compiles(Path(script))
    try:
        streamlit = importlib.import_module("streamlit")
    except ImportError as error:
        raise TargetError(_told("importing streamlit failed", error)) from error
    make = getattr(streamlit, "App", None)
    if make is None:
        version: object = getattr(streamlit, "__version__", "unknown")
        raise TargetError(
            f"Streamlit {version} can't be served as an ASGI app: "
            f"{contract.OLDEST_STREAMLIT} or later can; raise `streamlit` in the app's requirements"
        )
    from fairway_runtime.streamlit_app import StreamlitApp

    return StreamlitApp(make, str(Path(script).resolve()))


def _check_compiles(script: Path) -> None:
    """Raise `TargetError` where the script or one of its `pages/` is no Python.

    Streamlit reads a script when somebody comes: without this, a release of one that no visitor
    could see would count as ready.
    """
    for path in (script, *sorted(script.parent.glob("pages/*.py"))):
        try:
            compile(path.read_bytes(), str(path), "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, True)  # noqa: FBT003 (positional in compile's own signature)
        except (SyntaxError, ValueError) as error:
            text = "".join(traceback.format_exception_only(error)).rstrip()
            raise TargetError(f"the script does not compile:\n{text}") from error


def _article(thing: object) -> str:
    kind = type(thing).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def _told(what: str, error: Exception) -> str:
    """`what`, and the traceback without the frames of this library and of the import system."""
    ours = error.__traceback__
    while ours is not None and _is_ours(ours):
        ours = ours.tb_next
    shown = traceback.format_exception(error.with_traceback(ours), chain=ours is not None)
    return f"{what}:\n{''.join(shown).rstrip()}"


def _is_ours(frame: TracebackType) -> bool:
    file = frame.tb_frame.f_code.co_filename
    return file.startswith((_HERE, "<frozen importlib")) or file == importlib.__file__
