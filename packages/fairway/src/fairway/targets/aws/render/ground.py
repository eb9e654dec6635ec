"""What every stack but the network's stands on: the network, its subnets, the key."""

from dataclasses import dataclass

from fairway.targets.aws.render.choices import Choices
from fairway.targets.aws.render.template import Draft, Value

__all__ = ["Ground", "stand_on"]


@dataclass(frozen=True, slots=True)
class Ground:
    """A stack in the making, with what it takes from the network's on the way."""

    draft: Draft
    choices: Choices

    @property
    def key(self) -> Value:
        """The ARN of the app's KMS key."""
        return self.draft.take("key")

    @property
    def network(self) -> Value:
        """The VPC's id."""
        return self.draft.take("network", "AWS::EC2::VPC::Id")

    def subnets(self, kind: str) -> Value:
        """The ids of the `public`, `services` or `data` subnets."""
        return self.draft.take(f"{kind}/subnets", "List<AWS::EC2::Subnet::Id>")


def stand_on(draft: Draft, choices: Choices) -> Ground:
    """The ground of a stack."""
    return Ground(draft, choices)
