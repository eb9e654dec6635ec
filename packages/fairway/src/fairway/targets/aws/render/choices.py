"""What an environment is given on AWS where the file says nothing: zones, the way out, processor.

Place in the flow: `render` takes `Choices`; the CLI lets people change them. Pure.
"""

from dataclasses import dataclass
from typing import Literal

from fairway.core.spec.model import App

__all__ = ["Choices", "Egress", "Processor", "choices_for"]

Egress = Literal["nat-per-zone", "one-nat", "endpoints"]
Processor = Literal["X86_64", "ARM64"]

MOST_ZONES = 3  # every region that this is for has three


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How an environment is laid out; `log_days` is how long logs are kept."""

    zones: int
    egress: Egress
    processor: Processor = "X86_64"
    log_days: int = 30


def choices_for(
    app: App, *, egress: Egress | None = None, processor: Processor | None = None
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
    )
