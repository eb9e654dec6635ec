"""Errors to Sentry, when SENTRY_DSN is set and the app has not set Sentry up by itself (R187).

The SDK's integrations stay off: they would patch the app's libraries and tell each error twice.
Importing this module imports the SDK.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import sentry_sdk
from sentry_sdk.utils import event_from_exception

from fairway_runtime.context import RequestContext

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

    from fairway_runtime.settings import Settings

__all__ = ["Sentry"]

_FLUSH_SECONDS = 2.0
_LEVELS = {"WARNING": "warning", "ERROR": "error", "CRITICAL": "fatal", "DEBUG": "debug"}


class Sentry:
    """A client of our own beside whatever the process does with the SDK."""

    def __init__(self, client: sentry_sdk.Client) -> None:
        self._client = client

    @classmethod
    def of(cls, settings: "Settings", redact: Callable[[str], str]) -> "Sentry | None":
        """What `settings` ask for; None when the app has initialised the SDK, which then tells."""
        if sentry_sdk.is_initialized():
            return None

        def hide(event: "Event", hint: "Hint") -> "Event":
            del hint
            return cast("Event", _redacted(event, redact))

        client = sentry_sdk.Client(
            dsn=settings.sentry_dsn,
            environment=settings.environment,
            release=settings.revision or None,
            server_name=settings.replica or None,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,  # they hold whatever the app was working on
            shutdown_timeout=_FLUSH_SECONDS,
            before_send=hide,
        )
        return cls(client)

    def capture(
        self, error: BaseException, context: RequestContext, fields: Mapping[str, object]
    ) -> None:
        """Queue one error; the SDK's own thread sends it."""
        scope = sentry_sdk.Scope(client=self._client)
        scope.set_transaction_name(str(fields["operation"]))
        scope.set_tag("correlation_id", context.correlation_id)
        if context.user_id is not None:
            scope.set_user({"id": context.user_id})
        if context.trace is not None:
            ids = {"trace_id": context.trace.id, "span_id": context.trace.span_id}
            scope.set_context("trace", ids)
        told = ("method", "path", "user_agent", "service")
        scope.set_context("fairway", {name: fields[name] for name in told if name in fields})
        event, hint = event_from_exception(error, client_options=self._client.options)
        event["breadcrumbs"] = {
            "values": [
                {
                    "timestamp": crumb["at"],
                    "level": _LEVELS.get(str(crumb["level"]), "info"),
                    "message": crumb["message"],
                }
                for crumb in context.crumbs or ()
            ]
        }
        self._client.capture_event(event, hint=hint, scope=scope)

    def flush(self) -> None:
        self._client.flush(_FLUSH_SECONDS)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:  # an event is JSON of any shape
    match value:
        case str():
            return redact(value)
        case dict():
            return {
                key: _redacted(item, redact) for key, item in cast("dict[str, Any]", value).items()
            }
        case list() | tuple():
            return [_redacted(item, redact) for item in cast("list[Any]", value)]
        case _:
            return value
