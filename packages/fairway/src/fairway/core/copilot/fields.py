"""Every field of Copilot's manifests, and what becomes of it: the one table of the import.

The importer goes by it, and docs/guides/leaving-copilot.md prints it (a test holds the two
together). Fields are those of copilot-cli v1.34 (`internal/pkg/manifest`), its last release. Pure.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["FIELDS", "SECTIONS", "Field", "Verdict", "field_of"]

Verdict = Literal["taken", "by itself", "left"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its path; `*` stands for one key, `**` for whatever is below.

    taken: it is said in fairway.toml, as `says` shows. by itself: Fairway does it, or needs it no
    more. left: Fairway has no word for it; `says` is why, and what to do.
    """

    path: str
    verdict: Verdict
    says: str

    def holds(self, path: tuple[str, ...]) -> bool:
        """Whether this is the field of a value's path."""
        own = self.path.split(".")
        deep = own[-1] == "**"
        own = own[:-1] if deep else own
        if len(path) < len(own) or (len(path) > len(own) and not deep):
            return False
        return all(mine in {"*", theirs} for mine, theirs in zip(own, path, strict=False))


def _table(text: str, verdict: Verdict) -> tuple[Field, ...]:
    """Rows of a path and what is said; `the same` is what the row above says."""
    found: list[Field] = []
    for row in text.strip().splitlines():
        path, says = row.split(maxsplit=1)
        found.append(Field(path, verdict, found[-1].says if says == "the same" else says))
    return tuple(found)


WORKLOADS = (
    *_table(
        """
        name                    the table's name: `[service.NAME]`
        type                    service, worker, job or site; which ones are public
        image.build             the Dockerfile's `CMD` says how it runs
        image.build.dockerfile  the same
        image.build.context     `folder`
        image.port              `port`, from 1024
        command                 how it runs: `asgi`, `wsgi`, `script` or `command`
        entrypoint              the same, before `command`
        cpu                     `cpu`: 1024 units are one processor
        memory                  `memory`
        count                   `replicas = 2`
        count.spot              `replicas`; and `interruptible`, which services have not
        count.range             `replicas = "2..10"`
        count.range.min         `replicas`
        count.range.max         `replicas`
        count.cpu_percentage    `scale = { cpu = "70%" }`
        count.cpu_percentage.value      the same
        count.memory_percentage         `scale = { memory = "80%" }`
        count.memory_percentage.value   the same
        count.requests          `scale = { requests = … }`, a second in place of a minute
        count.requests.value    the same
        http                    `public`
        http.stickiness         `sticky`
        http.deregistration_delay       `timeouts = { drain = … }`
        http.healthcheck        `probe`, for a `command`; else Fairway's own answers
        http.healthcheck.path   the same
        http.healthcheck.grace_period   `timeouts = { startup = … }`
        variables.*             `variables`; the environment's and the app's names are filled in
        secrets.*               `[secret.NAME]` and `uses`; put its value, it is not read
        secrets.*.secretsmanager        the same
        on.schedule             `schedule`; `@every` and `rate()` where cron can
        timeout                 `timeout`
        retries                 `retries`
        files.[0].source        `root` of the site
        """,
        "taken",
    ),
    *_table(
        """
        exec                    `fairway exec` needs nothing in the file
        exec.enable             the same
        platform                x86_64 is the default; for ARM: `fairway render --processor ARM64`
        platform.architecture   the same
        platform.osfamily       it is Linux
        network.connect         who calls whom is said by `uses`
        network.connect.alias   inside the app a service is reached by its name
        network.vpc.placement   services stand in private subnets
        http.path               `/` is what Fairway's balancer sends
        http.redirect_to_https  HTTP leads to HTTPS always
        http.target_container   there is one container
        http.targetContainer    the same
        http.target_port        the service's port
        http.hosted_zone        `HOSTED_ZONE_ID` is asked for when it is deployed
        http.healthcheck.port           the service's port
        http.healthcheck.healthy_threshold      Fairway's own
        http.healthcheck.unhealthy_threshold    Fairway's own
        http.healthcheck.interval       Fairway's own
        http.healthcheck.timeout        Fairway's own: 1 s
        image.healthcheck.**    the container is asked by Python, without a shell
        storage.readonly_fs     the root is read-only always
        files.[0].recursive     everything below `root` is served
        """,
        "by itself",
    ),
    *_table(
        """
        image.location          Fairway makes the image from the code
        image.build.args.**     the Dockerfile is Fairway's own; say it in `build` or `variables`
        image.build.target      the Dockerfile is Fairway's own
        image.build.cache_from  the build's cache is mounted
        image.credentials       Fairway makes the image from the code
        image.labels.**         an image has the label of its revision only
        image.depends_on.**     there is one container
        count.range.spot_from   all of a worker runs on spot capacity, or none: `interruptible`
        count.cooldown.**       write `scale.up_after` and `scale.down.after`
        count.cpu_percentage.cooldown.**        the same
        count.memory_percentage.cooldown.**     the same
        count.requests.cooldown.**              the same
        count.response_time.**  replicas follow CPU, memory and requests
        count.queue_delay.**    no queue is read; workers follow CPU and memory
        http.alias              the domain is given when it is deployed
        http.alias.**           the same
        http.version            services speak HTTP/1.1 behind the balancer
        http.allowed_source_ips the balancer is open to all; `firewall = true` has rate rules
        http.healthcheck.success_codes  ready is 200
        http.additional_rules.**        a service has a name of its own, not a path
        http.alb                the balancer is Fairway's own
        http.private            write `public = false` and `uses`
        http.private.endpoint   write `public = false` and `uses`
        nlb.**                  there is no balancer of TCP
        network.vpc.security_groups.**  rules follow `uses`; patch the stack for others
        network.vpc.placement.subnets.**        subnets are Fairway's own
        variables.*.from_cfn    declare what that stack made, and name it in `uses`
        secrets.*.from_cfn      declare it: `[secret.NAME]`, or the database whose secret it is
        env_file                write its lines into `variables`
        storage.ephemeral       a task has 20 GiB
        storage.volumes.**      replicas come and go with their disk: a bucket or a database keeps
        sidecars.**             there is one container; TLS, headers and metrics are the runtime's
        publish.**              there are no topics; objects start jobs: `on_new`
        subscribe.**            no queue of SQS is made; a worker takes tasks from what it `uses`
        logging.**              logs are kept 90 days in production, 14 elsewhere; patch the stack
        deployment.rolling      the old one stops when the new one is ready: `release`
        deployment.rollback_alarms.**   releases go back on failed requests and p95: `[alarm]`
        taskdef_overrides.**    write a patch of the stack
        observability.tracing   chosen when it is rendered: `fairway render --traces xray`
        tags.**                 tags are the app and the environment
        http.certificate        a certificate is made for the domain
        files.**                a site is one folder
        """,
        "left",
    ),
)
ENVIRONMENT = (
    *_table(
        """
        name                    the environment's name: `[environment.NAME]`
        type                    nothing
        network.vpc.cidr        `[environment.NAME] addresses`, where it is private and /16 to /20
        """,
        "taken",
    ),
    *_table(
        """
        observability.container_insights        it is on
        network.vpc.flow_logs   they are on
        network.vpc.flow_logs.**        they are on
        http.public.access_logs         they are on
        http.public.access_logs.**      they are in Fairway's own bucket
        """,
        "by itself",
    ),
    *_table(
        """
        network.vpc.id          the network is Fairway's own; data moves by dump and restore
        network.vpc.subnets.**  the network is Fairway's own
        network.vpc.security_group.**   rules follow `uses`; patch the stack for others
        http.public.certificates        certificates are made for the domain
        http.public.ssl_policy  TLS 1.3
        http.public.ingress.**  the balancer is open to all, or to its CDN
        http.public.security_groups.**  rules follow `uses`; patch the stack for others
        http.private.**         there is no inner balancer: services reach each other by name
        cdn                     a `[site]`, or `cache` of a service, brings the CDN
        cdn.**                  a `[site]`, or `cache` of a service, brings the CDN
        """,
        "left",
    ),
)
PIPELINE = (
    *_table(
        """
        source.properties.branch        `[pipeline] on_push = { BRANCH = FIRST_STAGE }`
        stages.*.name           the environment
        stages.*.requires_approval      `promote = { STAGE = "by hand" }`
        """,
        "taken",
    ),
    *_table(
        """
        name                    a pipeline has no name
        version                 nothing
        """,
        "by itself",
    ),
    *_table(
        """
        source.**               the repository is where the pipeline runs
        build.**                the build is Fairway's own
        stages.*.test_commands  `test` of a service asks the new revision before it takes over
        stages.*.deployments.** stacks are deployed in Fairway's order
        stages.*.pre_deployments.**     what runs once before is `before` of a service
        stages.*.post_deployments.**    `test` of a service, or a job
        """,
        "left",
    ),
)
SECTIONS: dict[str, tuple[Field, ...]] = {
    "Services, jobs and sites": WORKLOADS,
    "Environments": ENVIRONMENT,
    "Pipelines": PIPELINE,
}
FIELDS: dict[Literal["workload", "environment", "pipeline"], tuple[Field, ...]] = {
    "workload": WORKLOADS,
    "environment": ENVIRONMENT,
    "pipeline": PIPELINE,
}


def field_of(
    kind: Literal["workload", "environment", "pipeline"], path: tuple[str, ...]
) -> Field | None:
    """The field of a value's path: the first that fits, a longer path before a shorter one."""
    fitting = [field for field in FIELDS[kind] if field.holds(path)]
    fitting.sort(key=lambda field: (field.path.endswith("**"), -field.path.count(".")))
    return fitting[0] if fitting else None
