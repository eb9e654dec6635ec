"""Two emulators of AWS, and what each lacks of what is rendered: lists that fail when stale.

An emulator is a server on a free loopback port; `account(...)` speaks to it as to AWS. What it
lacks is left out of the stacks before they are applied, with what refers to it; everything else is
applied as it was rendered.
"""

import os
import re
import string
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from fairway.targets.aws.account import Account, Refused
from fairway.targets.aws.render.template import Resource, Stack
from fairway.targets.aws.waiting import Clock
from fairway.targets.local.ports import free_port

__all__ = [
    "MINISTACK",
    "MOTO",
    "QUICK",
    "Emulator",
    "account",
    "ministack",
    "moto",
    "prints",
    "reduced",
    "tasks_that_end",
]

REGION = "eu-central-1"
QUICK = Clock(look_seconds=0.01)


@dataclass(frozen=True, slots=True)
class Emulator:
    """`lacks` are types, `type.property`, or `type@attribute` for what others ask of it.

    `takes_tags`: it reads the tags of every type.
    """

    name: str
    lacks: frozenset[str]
    takes_tags: bool = True


MINISTACK = Emulator(
    "ministack",
    frozenset(
        {
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            "AWS::CloudWatch::Alarm.Metrics",
            "AWS::CodeDeploy::Application",
            "AWS::CodeDeploy::DeploymentConfig",
            "AWS::CodeDeploy::DeploymentGroup",
            "AWS::EC2::EIP",
            "AWS::EC2::FlowLog",
            "AWS::EC2::NatGateway",
            "AWS::EC2::NetworkAcl",
            "AWS::EC2::NetworkAclEntry",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::EC2::SubnetNetworkAclAssociation",
            "AWS::Logs::Delivery",
            "AWS::Logs::DeliveryDestination",
            "AWS::Logs::DeliverySource",
            "AWS::SecretsManager::RotationSchedule",
            "AWS::WAFv2::LoggingConfiguration",
            "AWS::WAFv2::WebACLAssociation",
        }
    ),
)
MOTO = Emulator(
    "moto",
    frozenset(
        {
            "AWS::ApplicationAutoScaling::ScalableTarget",
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            "AWS::CertificateManager::Certificate",
            "AWS::CloudWatch::Alarm",
            "AWS::CodeDeploy::Application",
            "AWS::CodeDeploy::DeploymentConfig",
            "AWS::CodeDeploy::DeploymentGroup",
            "AWS::EC2::NetworkAcl",
            "AWS::EC2::NetworkAclEntry",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SubnetNetworkAclAssociation",
            "AWS::ElasticLoadBalancingV2::LoadBalancer@CanonicalHostedZoneID",
            "AWS::ElasticLoadBalancingV2::LoadBalancer@LoadBalancerFullName",
            "AWS::ElasticLoadBalancingV2::TargetGroup@TargetGroupFullName",
            "AWS::Logs::Delivery",
            "AWS::Logs::DeliveryDestination",
            "AWS::Logs::DeliverySource",
            "AWS::Logs::MetricFilter",
            "AWS::S3::BucketPolicy",
            "AWS::Scheduler::Schedule",
            "AWS::ServiceDiscovery::HttpNamespace",
        }
    ),
    takes_tags=False,
)


def account(url: str, number: str = "0" * 12) -> Account:
    """Somebody's account at an emulator; ministack takes a key of twelve digits for its number."""
    key = "test" if number == "0" * 12 else number
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="test", region_name=REGION)
    made = session.client

    def client(service: str, **more: Any) -> Any:
        return made(service, endpoint_url=url, **more)

    session.client = client  # type: ignore[method-assign] # every client goes to the emulator
    return Account(session, REGION, who=f"arn:aws:iam::{number}:user/test", number=number)


@contextmanager
def ministack(folder: Path, *, engine: str = "") -> Generator[str]:
    """ministack; its address. At the address of a Docker `engine` its tasks are containers."""
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,  # where a request goes that nobody signed
        "DOCKER_HOST": engine or f"unix://{folder}/none",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


@contextmanager
def moto() -> Generator[str]:
    """The server of moto, in a thread; its address."""
    from moto.server import ThreadedMotoServer

    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)


def reduced(stack: Stack, emulator: Emulator) -> tuple[Stack, Mapping[str, Resource]]:
    """The stack without what the emulator lacks and what needs that; and what was left out.

    A list keeps those of its items that refer to nothing that is gone.
    """
    left = {name: spelled_out(each) for name, each in stack.resources.items()}
    gone: dict[str, Resource] = {}
    kinds = {name: each.type for name, each in left.items()}
    while now := {
        name: each
        for name, each in left.items()
        if lacks(emulator, each, kinds) or set(named(each.properties)) & gone.keys()
    }:
        gone |= now
        left = {
            name: replace(
                each,
                properties=pruned(each.properties, gone),
                after=tuple(other for other in each.after if other not in gone),
                update=None if set(named(each.update)) & gone.keys() else each.update,
            )
            for name, each in left.items()
            if name not in now
        }
    used = {id_ for each in left.values() for id_ in named(each.properties)}
    used |= set(named(stack.conditions))
    said = {id_: each for id_, each in stack.parameters.items() if id_ in used}
    tags = stack.tags if emulator.takes_tags else {}
    return replace(stack, resources=left, parameters=said, tags=tags), gone


def spelled_out(resource: Resource) -> Resource:
    """A random value without punctuation: ministack knows that only where each sign is named."""
    how = resource.properties.get("GenerateSecretString")
    if not isinstance(how, Mapping) or not how.get("ExcludePunctuation"):
        return resource
    named_each = {**how, "ExcludeCharacters": string.punctuation}
    return replace(resource, properties={**resource.properties, "GenerateSecretString": named_each})


def lacks(emulator: Emulator, resource: Resource, kinds: Mapping[str, str]) -> bool:
    of_it = {resource.type, *(f"{resource.type}.{key}" for key in resource.properties)}
    asked = {
        f"{kinds[id_]}@{name}" for id_, name in attributes(resource.properties) if id_ in kinds
    }
    return bool((of_it | asked) & emulator.lacks)


def attributes(value: Any) -> Iterator[tuple[str, str]]:
    """What a value asks of other resources: logical id, attribute."""
    match value:
        case {"Fn::GetAtt": [name, attribute]}:
            yield name, attribute
        case Mapping():
            for each in value.values():
                yield from attributes(each)
        case list() | tuple():
            for each in value:
                yield from attributes(each)
        case _:
            return


def named(value: Any) -> Iterator[str]:
    """The logical ids that a value refers to."""
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": [name, _]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from in_text(text)
        case {"Fn::Sub": [text, values]}:
            yield from in_text(text)
            yield from named(values)
        case Mapping():
            for each in value.values():
                yield from named(each)
        case list() | tuple():
            for each in value:
                yield from named(each)
        case _:
            return


def in_text(text: str) -> list[str]:
    return re.findall(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?\}", text)


def pruned(value: Any, gone: Mapping[str, Resource]) -> Any:
    """Without the items of lists that refer to what is gone."""
    if isinstance(value, Mapping):
        if {"Ref", "Fn::GetAtt", "Fn::Sub"} & value.keys():
            return value
        return {key: pruned(each, gone) for key, each in value.items()}
    if isinstance(value, list | tuple):
        kept = [pruned(each, gone) for each in value]
        return [each for each in kept if not set(named(each)) & gone.keys()]
    return value


def container_of(of: Account, task: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first container of a task's definition."""
    ecs = of.client("ecs")
    found = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    container: Mapping[str, Any] = found["taskDefinition"]["containerDefinitions"][0]
    return container


def prints(of: Account, cluster: str, arn: str, line: str) -> None:
    """Write a line to a task's log, as its container would."""
    logs = of.client("logs")
    task = of.client("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
    container = container_of(of, task)
    options = container["logConfiguration"]["options"]
    stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{arn.rpartition('/')[2]}"
    place = {"logGroupName": options["awslogs-group"], "logStreamName": stream}
    logs.create_log_stream(**place)
    said = {"timestamp": int(time.time() * 1000), "message": line}
    logs.put_log_events(**place, logEvents=[said])


@contextmanager
def tasks_that_end(of: Account, cluster: str, says: str = "done") -> Generator[list[str]]:
    """Without Docker a task runs for ever: each that Fairway starts says a line and ends well.

    Gives the commands that they were started with, as they come.
    """
    ecs = of.client("ecs")
    ran: list[str] = []
    over = threading.Event()

    def end(arn: str) -> None:
        task = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        container = container_of(of, task)
        overrides = task.get("overrides", {}).get("containerOverrides") or [{}]
        ran.append(" ".join(overrides[0].get("command") or container["command"]))
        try:
            prints(of, cluster, arn, says)
        finally:
            ecs.stop_task(cluster=cluster, task=arn)

    def watch() -> None:
        while not over.wait(0.1):
            with suppress(Refused):  # before there is a cluster
                for arn in ecs.list_tasks(cluster=cluster, startedBy="fairway")["taskArns"]:
                    end(arn)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield ran
    finally:
        over.set()
        thread.join()
