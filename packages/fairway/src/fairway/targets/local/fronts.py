"""Which public port each service has: the file's, or one that it keeps once it was given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairway.core.problem import Problem, Problems
from fairway.core.spec.model import App, Service
from fairway.targets.local.balancer.model import Front
from fairway.targets.local.balancer.ports import refusal
from fairway.targets.local.layout import Layout
from fairway.targets.local.ports import HOST, is_free
from fairway_runtime import contract

__all__ = ["FIRST_PORT", "Fronts"]

FIRST_PORT = 8000


@dataclass(slots=True)
class Fronts:
    """The fronts of one project."""

    layout: Layout
    ports: dict[str, int] = field(default_factory=dict[str, int])
    public: set[str] = field(default_factory=set[str])

    def of(self, app: App) -> tuple[Front, ...]:
        """A front for every service; ports are stable across releases and restarts."""
        kept = self.kept()
        self.ports = {}
        for name, service in sorted(app.services.items()):
            self.ports[name] = self.port(service, kept.get(name), {*self.ports.values()})
        self.public = {name for name, service in app.services.items() if service.public}
        self.keep()
        return tuple(self.front(service) for _, service in sorted(app.services.items()))

    def front(self, service: Service) -> Front:
        return Front(
            service=service.name,
            port=self.ports[service.name],
            sticky=service.sticky,
            request_seconds=service.timeouts.request_seconds,
            ready_path=contract.READY_PATH if service.command is None else service.probe,
        )

    def port(self, service: Service, kept: int | None, taken: set[int]) -> int:
        """The file's port whatever holds it (the balancer says so); else a free one."""
        if service.port is not None:
            return service.port
        if kept is not None and kept not in taken:
            return kept
        first = FIRST_PORT if service.public else FIRST_PORT + 1000
        return next(port for port in range(first, 65536) if port not in taken and is_free(port))

    def see_free(self, app: App) -> None:
        """Raise `Problems` for each port that the file newly names and somebody else has.

        Seen before a release begins: it would bring replicas into service behind an address that
        is another program's.
        """
        ours = {*self.kept().values(), *self.ports.values()}
        found = [
            Problem(f"service.{name}.port", why, "End that program, or name another port.")
            for name, service in sorted(app.services.items())
            if service.port is not None and service.port not in ours
            if (why := refusal(HOST, service.port))
        ]
        if found:
            raise Problems(found, exit_code=1)

    def give_up_taken(self, app: App) -> bool:
        """Forget ports that the file does not name and somebody else has; whether there were."""
        kept = self.kept()
        taken = {
            name
            for name, port in kept.items()
            if name in app.services and app.services[name].port is None and not is_free(port)
        }
        self.ports = {name: port for name, port in kept.items() if name not in taken}
        self.keep()
        return bool(taken)

    def addresses(self) -> Mapping[str, str]:
        """Service -> URL; public ones first matter to people, all of them to each other."""
        return {name: f"http://127.0.0.1:{port}" for name, port in sorted(self.ports.items())}

    def kept(self) -> dict[str, int]:
        try:
            found = json.loads(self.layout.ports.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in found.items()}

    def keep(self) -> None:
        path = self.layout.ports
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.ports, sort_keys=True) + "\n")
        temporary.replace(path)
