"""Where the local target keeps what: every path under `.fairway/`, in one place."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one project."""

    project: Path

    @property
    def state(self) -> Path:
        """Everything."""
        return self.project / ".fairway"

    @property
    def run(self) -> Path:
        """Records of processes."""
        return self.state / "run"

    @property
    def data(self) -> Path:
        """What survives `down`: databases, caches, buckets."""
        return self.state / "data"

    @property
    def revisions(self) -> Path:
        """Immutable copies of the app."""
        return self.state / "revisions"

    @property
    def assumed(self) -> Path:
        """Files that were made in memory for a revision of a folder without one."""
        return self.state / "assumed"

    @property
    def environments(self) -> Path:
        """Python environments of revisions that `.venv` does not fit any more."""
        return self.state / "environments"

    @property
    def runtime(self) -> Path:
        """The runtime library, beside the app's own environment."""
        return self.state / "runtime"

    @property
    def secrets(self) -> Path:
        """Generated values, readable by the owner only."""
        return self.state / "secrets"

    @property
    def balancer(self) -> Path:
        """Envoy's files."""
        return self.state / "balancer"

    @property
    def ports(self) -> Path:
        """Which public port a service was given."""
        return self.state / "ports.json"

    def log(self, process: str) -> Path:
        """Where a process writes."""
        return self.state / "logs" / f"{process}.log"
