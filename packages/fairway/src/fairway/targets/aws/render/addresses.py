"""The addresses inside an app's network, the same in each app: who may speak to whom is by these.

    10.0.0.0/22     public subnets: the balancer and NAT, nothing else
    10.0.8.0/22     data subnets: databases and caches, no way to the internet
    10.0.16.0/20 …  service subnets, one /20 a zone: 4,091 tasks each

Pure values.
"""

from fairway.core.addresses import NETWORK

__all__ = ["ANYWHERE", "DATA", "NETWORK", "PUBLIC", "SERVICES", "data", "public", "services"]

ANYWHERE = "0.0.0.0/0"
PUBLIC = "10.0.0.0/22"
DATA = "10.0.8.0/22"
SERVICES = ("10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20")


def public(zone: int) -> str:
    """The public subnet of a zone, counted from 0."""
    return f"10.0.{zone}.0/24"


def data(zone: int) -> str:
    """The data subnet of a zone."""
    return f"10.0.{8 + zone}.0/24"


def services(zone: int) -> str:
    """The service subnet of a zone."""
    return SERVICES[zone]
