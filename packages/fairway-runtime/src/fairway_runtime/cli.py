"""`fairway-runtime run TARGET`: serve an app with everything on, without a change to it.

`fairway-runtime audit` verifies and exports its audit log (`audit_cli`).

Exit codes: 0 after a drain, 1 when the app or its port can't be had, 2 for bad settings or usage.
Errors are sentences on stderr; stdout carries the log's lines.
"""

import argparse
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from fairway_runtime import audit_cli, contract, logs
from fairway_runtime.settings import Dependency, Settings, SettingsError
from fairway_runtime.target import Kind, TargetError, load
from fairway_runtime.versions import is_older

if TYPE_CHECKING:
    from fairway_runtime.middleware import Fairway

__all__ = ["main"]


class _Stop(Exception):
    """Nothing can go on: what to say, and the exit code."""

    def __init__(self, exit_code: int, text: str) -> None:
        self.exit_code = exit_code
        super().__init__(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        if os.environ.get(contract.SECRETS):
            _fetch_secrets(os.environ)
        if options.command == "audit":
            return _audit(options, os.environ)
        return _run(options, os.environ)
    except _Stop as stop:
        print(f"fairway-runtime: {stop}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        return 0


def _leave(_sig: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM before the server listens: nothing has begun, so nothing needs to end."""
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fairway-runtime", description="Production behaviour for any ASGI app."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="serve an app")
    run.add_argument("target", metavar="TARGET", help="module:object, or a Streamlit script.py")
    run.add_argument("--host", help=f"address to listen on (default: ${contract.HOST})")
    run.add_argument("--port", type=int, help=f"port to listen on (default: ${contract.PORT})")
    run.add_argument("--kind", type=Kind, choices=list(Kind), help="default: found out")
    run.add_argument("--factory", action="store_true", help="TARGET makes the app when called")
    audit_cli.declare(commands.add_parser("audit", help="verify or export an audit log"))
    return parser


def _fetch_secrets(env: MutableMapping[str, str]) -> None:
    """Put what stands elsewhere into the environment, before anybody reads it."""
    from fairway_runtime.secret_manager import SecretsError, fetched  # few hosts need it

    try:
        env.update(fetched(env, datetime.now(UTC)))
    except SecretsError as error:
        raise _Stop(1, str(error)) from error


def _run(options: argparse.Namespace, env: Mapping[str, str]) -> int:
    try:
        settings = Settings.from_environment(env)
    except SettingsError as error:
        raise _Stop(2, f"the environment can't be used:\n{error}") from error
    if options.host is not None:
        settings = replace(settings, host=options.host)
    if options.port is not None:
        settings = replace(settings, port=options.port)
    if sys.path[:1] != [str(Path.cwd())]:
        sys.path.insert(0, str(Path.cwd()))
    listener = _bind(settings.host, settings.port)
    own_lines = logs.lines_for(settings)
    if settings.is_logging:
        logs.install(settings, own_lines)
    _unbuffer()
    try:
        app = load(options.target, options.kind, is_factory=options.factory)
    except TargetError as error:
        raise _Stop(1, str(error)) from error
    own: Dependency | None = getattr(app, "dependency", None)  # what an app of ours asks of itself
    if own is not None:
        settings = replace(settings, dependencies=(*settings.dependencies, own))
    serve = _server()
    from fairway_runtime.installing import limiter_installed
    from fairway_runtime.middleware import Fairway

    fairway = app
    if not isinstance(fairway, Fairway):
        fairway = Fairway(app, settings, own_lines, limiter=limiter_installed(app))
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    own_lines.write("INFO", None, {"operation": "listen", "url": f"http://{shown}:{port}"})
    return serve(fairway, listener)


def _server() -> "Callable[[Fairway, socket.socket], int]":
    """What serves, upon the app's own uvicorn if it has one."""
    try:
        from uvicorn import __version__ as version
    except ImportError as error:
        raise _Stop(1, f"{error}: add `uvicorn` to the app's requirements") from error
    if is_older(version, contract.OLDEST_UVICORN):
        raise _Stop(
            1,
            f"uvicorn {version} can't be built upon: {contract.OLDEST_UVICORN} or later can; "
            "raise `uvicorn` in the app's requirements",
        )
    from fairway_runtime.server import serve

    return serve


def _audit(options: argparse.Namespace, env: Mapping[str, str]) -> int:
    try:
        return audit_cli.run(options, env, print)
    except (ValueError, OSError, ImportError) as error:
        raise _Stop(2, str(error)) from error
    except Exception as error:
        if type(error).__module__.startswith(("psycopg", "botocore", "boto3")):
            raise _Stop(2, f"the log or the bucket can't be used: {error}") from error
        raise


def _bind(host: str, port: int) -> socket.socket:
    """The listening socket, taken before the app is imported: a taken port is said at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OverflowError as error:
        raise _Stop(2, f"port {port} is not between 0 and 65535") from error
    except OSError as error:
        raise _Stop(1, _unbound(host, port, error)) from error
    return listener


def _unbound(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is already in use: stop what uses it, or choose another"
        case errno.EACCES:
            return f"port {port} may not be used without privileges: choose one from 1024"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine"
        case _:
            return f"can't listen on {host} port {port}: {error.strerror or error}"


def _unbuffer() -> None:
    """Let what the app prints leave line by line too: nothing waits in a buffer for SIGKILL."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
