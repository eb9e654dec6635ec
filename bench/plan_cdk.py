"""The weather app as a Python CDK stack, installed from PyPI and npm into a folder of its own.

What `bench/plan.py` is held against: the same shape by hand (network, balancer, Fargate service
with scaling, PostgreSQL in two zones with a replica, bucket, two scheduled tasks, alarms, logs),
written as CDK's own examples write it. It looks nothing up and builds no image.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["Cdk", "installed"]

FOLDER = Path(__file__).parent.parent / ".tools" / "bench-cdk"
UV = Path(__file__).parent.parent / ".tools" / "bin" / "uv"
PYTHON_PACKAGES = ("aws-cdk-lib==2.275.0", "constructs==10.8.1")
NPM_PACKAGE = "aws-cdk@2.1148.1"
INSTALL_SECONDS = 600.0

STACK = """\
import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_ecs_patterns as patterns
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3

app = cdk.App()
stack = cdk.Stack(app, "Weather")
network = ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=2)
database = rds.DatabaseInstance(
    stack,
    "Database",
    engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_16),
    instance_type=ec2.InstanceType("t4g.micro"),
    vpc=network,
    multi_az=True,
    allocated_storage=20,
    storage_encrypted=True,
    backup_retention=cdk.Duration.days(7),
    deletion_protection=True,
)
replica = rds.DatabaseInstanceReadReplica(
    stack,
    "Replica",
    source_database_instance=database,
    instance_type=ec2.InstanceType("t4g.micro"),
    vpc=network,
)
bucket = s3.Bucket(
    stack,
    "Files",
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
    encryption=s3.BucketEncryption.S3_MANAGED,
    enforce_ssl=True,
    versioned=True,
    intelligent_tiering_configurations=[s3.IntelligentTieringConfiguration(name="tiering")],
)
cluster = ecs.Cluster(stack, "Cluster", vpc=network, enable_fargate_capacity_providers=True)
image = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13-slim")
secrets = {"DATABASE_SECRET": ecs.Secret.from_secrets_manager(database.secret)}
environment = {"BUCKET_NAME": bucket.bucket_name, "PORT": "8000"}
service = patterns.ApplicationLoadBalancedFargateService(
    stack,
    "Api",
    cluster=cluster,
    cpu=512,
    memory_limit_mib=1024,
    desired_count=2,
    circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
    task_image_options=patterns.ApplicationLoadBalancedTaskImageOptions(
        image=image,
        container_port=8000,
        environment=environment,
        secrets=secrets,
        log_driver=ecs.LogDrivers.aws_logs(
            stream_prefix="api", log_retention=logs.RetentionDays.THREE_MONTHS
        ),
    ),
)
service.target_group.configure_health_check(path="/ready")
capacity = service.service.auto_scale_task_count(min_capacity=2, max_capacity=10)
capacity.scale_on_cpu_utilization("Cpu", target_utilization_percent=70)
capacity.scale_on_memory_utilization("Memory", target_utilization_percent=80)
capacity.scale_on_schedule(
    "Night",
    schedule=scaling.Schedule.cron(hour="22", minute="0"),
    min_capacity=1,
    max_capacity=3,
)
capacity.scale_on_schedule(
    "Day",
    schedule=scaling.Schedule.cron(hour="5", minute="0"),
    min_capacity=2,
    max_capacity=10,
)
database.connections.allow_default_port_from(service.service)
bucket.grant_read_write(service.task_definition.task_role)
for name, hour in (("Ingest", "6"), ("Statistics", "7")):
    task = patterns.ScheduledFargateTask(
        stack,
        name,
        cluster=cluster,
        schedule=scaling.Schedule.cron(hour=hour, minute="0"),
        scheduled_fargate_task_image_options=patterns.ScheduledFargateTaskImageOptions(
            image=image,
            cpu=512,
            memory_limit_mib=1024,
            environment=environment,
            secrets=secrets,
        ),
    )
    bucket.grant_read_write(task.task_definition.task_role)
errors = balancing.HttpCodeTarget.TARGET_5XX_COUNT
for name, metric, threshold in (
    ("Errors", service.target_group.metrics.http_code_target(errors), 10),
    ("Slow", service.target_group.metrics.target_response_time(statistic="p95"), 2),
    ("Cpu", service.service.metric_cpu_utilization(), 90),
    ("Memory", service.service.metric_memory_utilization(), 90),
):
    cloudwatch.Alarm(
        stack, f"{name}Alarm", metric=metric, threshold=threshold, evaluation_periods=3
    )
app.synth()
"""


class Cdk:
    """An installed CDK with the stack beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "env" / "bin" / "python"
        self.command = folder / "node_modules" / ".bin" / "cdk"

    def synth(self) -> float:
        """Seconds of one `cdk synth`, process start to exit."""
        argv = (str(self.command), "synth", "--quiet", "--app", f"{self.python} app.py")
        return self._timed(argv)

    def app(self) -> float:
        """Seconds of the stack's own program, without the command around it."""
        return self._timed((str(self.python), "app.py"))

    def resources(self) -> int:
        """How many resources its template holds."""
        templates = (self.folder / "cdk.out").glob("*.template.json")
        return sum(len(json.loads(each.read_text())["Resources"]) for each in templates)

    def _timed(self, argv: tuple[str, ...]) -> float:
        quiet = {"CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DISABLE_VERSION_CHECK": "1", "CI": "1"}
        environment = {**os.environ, **quiet}
        began = time.monotonic()
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
        seconds = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(f"{argv[0]} ended with {done.returncode}\n{done.stderr}")
        return seconds


def installed(folder: Path = FOLDER) -> Cdk | None:
    """The CDK, installed where it is not yet; None where there is no node, or no network."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(STACK)
    cdk = Cdk(folder)
    uv = str(UV) if UV.exists() else "uv"
    steps = (
        (npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", ".", NPM_PACKAGE),
        (uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, "env"),
        (uv, "pip", "install", "--quiet", "--python", str(cdk.python), *PYTHON_PACKAGES),
    )
    for argv in steps:
        try:
            subprocess.run(argv, cwd=folder, check=True, timeout=INSTALL_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"the CDK can't be installed: {error}", file=sys.stderr)
            return None
    return cdk
