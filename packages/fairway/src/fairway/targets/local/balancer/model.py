"""What the balancer is told: the services it fronts, and the endpoints behind each.

Values only; `config.py` says them in Envoy's words, `server.py` puts them into effect.
"""

from dataclasses import dataclass

from fairway_runtime import contract

__all__ = ["LOOPBACK", "Endpoint", "Front"]

LOOPBACK = "127.0.0.1"  # nothing of the local target listens on another address


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One replica's listener.

    `weight` is relative to the other endpoints of the service and at least 1. A draining
    endpoint finishes the requests that it has and gets no new ones, sticky sessions included.
    """

    port: int
    weight: int = 1
    draining: bool = False
    address: str = LOOPBACK
    replica: str = ""

    def __post_init__(self) -> None:
        if self.weight < 1:
            raise ValueError(f"a weight is at least 1, not {self.weight}: drain the endpoint")

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same endpoint in two lists: where it listens."""
        return (self.address, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One public service: its port, and how requests to it are treated.

    `request_seconds` bounds a request with all its retries (R235; 0: no bound); WebSockets are
    exempt. `ready_path` must answer 2xx within `check_seconds`; None: taking a connection is
    enough. One replica has at most `max_connections` requests and WebSockets at once, further
    ones wait in the queue that `Reading.pending` shows. When more than `max_pending`
    wait, the next is answered 503 at once.
    """

    service: str
    port: int
    sticky: bool = False
    request_seconds: float = contract.DEFAULT_REQUEST_SECONDS
    ready_path: str | None = contract.READY_PATH
    check_seconds: float = 2 * contract.DEFAULT_CHECK_SECONDS  # that of a dependency, and more
    max_connections: int = 1024
    max_pending: int = 1024
    websocket: bool = True
