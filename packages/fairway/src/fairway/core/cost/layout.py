"""What an app needs around its nodes on AWS, as numbers that a bill counts. Pure.

The file says none of it: how many zones the network spans, how many gateways lead out, how many
keys, alarms and metrics there are. One value, so that a renderer can say what it really makes
(`estimate(app, prices, assumptions, layout=…)`) and a test can hold the two against each other.
"""

from dataclasses import dataclass, replace
from typing import Literal

from fairway.core.spec.mentioned import mixed_texts
from fairway.core.spec.model import App
from fairway.core.spec.renewal import started_anew

__all__ = ["CACHE_CLASS", "DATABASE_CLASS", "Egress", "Layout", "fargate_size", "layout_of"]

Egress = Literal["nat-per-zone", "one-nat", "endpoints"]
MOST_ZONES = 3

DATABASE_CLASS = "db.t4g.micro"
CACHE_CLASS = "cache.t4g.micro"
ALARMS_PER_SERVICE = 4  # error rate, p95, memory, CPU (R189-R192)
ALARMS_PER_WORKER = 3  # memory; how many run, of how many
ALARMS_PER_DATABASE = 2  # CPU, free storage
WAF_RULES = 4  # AWS' lists of reputation, bad inputs and common attacks, and a rate
METRICS_PER_SERVICE = 2  # filters on the runtime's lines: what failed, what was simulated
SECRETS_PER_DATABASE = 3  # its owner's password, the current login, the whole address with it
SECRETS_PER_CACHE = 2  # its password, and its whole address
ENDPOINTS = 11  # of AWS' services, where no NAT leads out; one more to start services anew
SLEEPING = {"dev": 0.0, "staging": 0.0}  # capacity units of a serverless database at rest
LEAST_ACU = 0.5
MOST_ACU = 16.0

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html,
# read 2026-11: vCPU -> smallest, largest memory in MiB, and the step between.
FARGATE = (
    (0.25, 512, 2048, 512),
    (0.5, 1024, 4096, 1024),
    (1.0, 2048, 8192, 1024),
    (2.0, 4096, 16384, 1024),
    (4.0, 8192, 30720, 1024),
    (8.0, 16384, 61440, 4096),
    (16.0, 32768, 122880, 8192),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Counts; `is_arm` is whether tasks run on Graviton, `cache_engine` what caches run.

    `alarms` are the metrics that alarms look at: each is billed as one. `edge_rules` and
    `balancer_rules` are those of a firewall there; 0 where there is none. `traced` are the services
    whose requests X-Ray records; `has_builds`: AWS builds the images.
    """

    zones: int
    nat_gateways: int
    interface_endpoints: int
    balancers: int
    keys: int
    secrets: int
    alarms: int
    metrics: int
    dashboards: int
    log_days: int
    cache_nodes: int
    least_acu: float
    most_acu: float = MOST_ACU
    edge_rules: int = 0
    balancer_rules: int = 0
    has_insights: bool = True
    traced: int = 0
    has_builds: bool = False
    is_arm: bool = False
    cache_engine: str = "valkey"


def layout_of(
    app: App,
    *,
    zones: int | None = None,
    egress: Egress | None = None,
    is_arm: bool = False,
    log_days: int | None = None,
) -> Layout:
    """What the AWS target makes around an app; production has everything in two zones.

    What is not given is as the target chooses it: `egress` is how services reach what is outside.
    """
    databases = [each for each in app.databases.values() if each.is_made]
    caches = [each for each in app.caches.values() if each.is_made]
    elsewhere = sum(each.is_server for each in app.databases.values()) - len(databases)
    elsewhere += sum(each.enabled for each in app.caches.values()) - len(caches)
    across = zones or min(MOST_ZONES, max([2, *(each.zones for each in databases)]))
    is_production = app.environment not in {"dev", "staging", "local"}
    way = egress or ("nat-per-zone" if is_production else "one-nat")
    gateways = {"nat-per-zone": across, "one-nat": 1, "endpoints": 0}[way]
    public = [each for each in app.services.values() if each.public and each.kind == "container"]
    kept = any(each.cache and each.public for each in app.services.values())
    walls = any(each.firewall for each in (*app.sites.values(), *app.services.values()))
    return Layout(
        zones=across,
        nat_gateways=gateways,
        interface_endpoints=ENDPOINTS + bool(started_anew(app)) if way == "endpoints" else 0,
        balancers=1 if public else 0,
        keys=1,
        secrets=len(app.secrets)
        + SECRETS_PER_DATABASE * len(databases)
        + SECRETS_PER_CACHE * len(caches)
        + elsewhere
        + mixed_texts(app),
        alarms=ALARMS_PER_SERVICE * len(app.services)
        + ALARMS_PER_WORKER * len(app.workers)
        + ALARMS_PER_DATABASE * len(databases),
        metrics=METRICS_PER_SERVICE * len(app.services),
        dashboards=1,
        edge_rules=WAF_RULES if walls and (app.sites or kept) else 0,
        balancer_rules=WAF_RULES if any(each.firewall for each in public) else 0,
        log_days=log_days or (90 if is_production else 14),
        cache_nodes=2 if is_production else 1,
        least_acu=SLEEPING.get(app.environment, LEAST_ACU),
        is_arm=is_arm,
    )


def one_gateway(layout: Layout) -> Layout:
    """The same with a single way out."""
    return replace(layout, nat_gateways=min(layout.nat_gateways, 1))


def fargate_size(cpu: float, memory_mib: int) -> tuple[float, float] | None:
    """The smallest task that holds so much: vCPU and GiB; None where Fargate has none."""
    for vcpu, least, most, step in FARGATE:
        if cpu <= vcpu and memory_mib <= most:
            steps = max(-(-(memory_mib - least) // step), 0)
            return vcpu, (least + steps * step) / 1024
    return None
