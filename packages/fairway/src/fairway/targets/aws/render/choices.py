"""What an environment is given on AWS where the file says nothing: zones, the way out, processor.

Place in the flow: `render` takes `Choices`; the CLI lets people change them. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fairway.core.spec.model import App

if TYPE_CHECKING:
    from fairway.core.build.images import Image

__all__ = ["Builds", "Choices", "Egress", "Processor", "Traces", "choices_for"]

Egress = Literal["nat-per-zone", "one-nat", "endpoints"]
Processor = Literal["X86_64", "ARM64"]
Builds = Literal["here", "remote"]
Traces = Literal["none", "xray"]

MOST_ZONES = 3  # every region that this is for has three


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How an environment is laid out; `log_days` is how long logs are kept.

    `images`: nodes, each with the name of its image, where an app has several. `builds`: whether
    AWS builds them, from sources that are sent to it. `traces`: where spans go.
    """

    zones: int
    egress: Egress
    processor: Processor = "X86_64"
    log_days: int = 30
    builds: Builds = "here"
    traces: Traces = "none"
    images: tuple[tuple[str, str], ...] = ()

    def image_of(self, node: str) -> str:
        """The name of a node's image; empty where there is only one."""
        return next((image for name, image in self.images if name == node), "")


def choices_for(
    app: App,
    *,
    egress: Egress | None = None,
    processor: Processor | None = None,
    builds: Builds = "here",
    traces: Traces = "none",
    images: "Sequence[Image]" = (),
) -> Choices:
    """Two zones, or as many as a database asks for; one NAT, but one a zone in production.

    Development and staging lose the way out with a zone; production does not (R30).
    """
    asked = max((database.zones for database in app.databases.values()), default=1)
    is_production = app.environment not in {"dev", "staging", "local"}
    return Choices(
        zones=min(MOST_ZONES, max(2, asked)),
        egress=egress or ("nat-per-zone" if is_production else "one-nat"),
        processor=processor or "X86_64",
        log_days=90 if is_production else 14,
        builds=builds,
        traces=traces,
        images=tuple((node, image.name) for image in images for node in image.nodes if image.name),
    )
