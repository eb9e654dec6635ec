"""The addresses inside an app's network: who may speak to whom is by these.

Of 10.0.0.0/16, which it has where the file says no `addresses` (others follow the same way):

    10.0.0.0/22     public subnets: the balancer and NAT, nothing else
    10.0.8.0/22     data subnets: databases and caches, no way to the internet
    10.0.16.0/20 …  service subnets, one /20 a zone: 4,091 tasks each

A smaller network has smaller subnets: those of services a sixteenth each, down to /24 and 251
tasks; the others /27 at least, which is what a balancer asks for. Pure values.
"""

from fairway.core.addresses import bits, part

__all__ = ["ANYWHERE", "data", "data_block", "public", "public_block", "room", "services"]

ANYWHERE = "0.0.0.0/0"
SMALLEST = 27  # of a balancer's subnet: AWS, Application Load Balancers, 2026-11
SIXTEENTH = 4
TAKEN = 5  # of each subnet, by AWS itself
ZONES = 2  # bits for up to four zones


def public_block(network: str) -> str:
    """What holds the public subnets of every zone."""
    return part(network, _zone_bits(network) - ZONES, 0)


def data_block(network: str) -> str:
    """What holds the data subnets: the second half of the first sixteenth."""
    half = part(network, bits(network) + SIXTEENTH + 1, 1)
    return part(half, _zone_bits(network) - ZONES, 0)


def public(network: str, zone: int) -> str:
    """The public subnet of a zone, counted from 0."""
    return part(public_block(network), _zone_bits(network), zone)


def data(network: str, zone: int) -> str:
    """The data subnet of a zone."""
    return part(data_block(network), _zone_bits(network), zone)


def services(network: str, zone: int) -> str:
    """The service subnet of a zone."""
    return part(network, bits(network) + SIXTEENTH, 1 + zone)


def room(network: str, zones: int) -> int:
    """The tasks that the service subnets have addresses for."""
    each = 1 << (32 - bits(network) - SIXTEENTH)
    return zones * (each - TAKEN)


def _zone_bits(network: str) -> int:
    """The size of a zone's public subnet, and of its data's."""
    return min(bits(network) + 2 * SIXTEENTH, SMALLEST)
