"""Stands between the real command line and ministack, so that it can be run as users run it.

On the way there, what ministack lacks is left out of templates, by the list that the other tests
have; `left_out` tells what was. On the way back, some answers are as AWS documents them and not as
ministack gives them:

- a secret that nobody gave a value has no version; ministack gives it one that is empty;
- a service whose image is `:bad` has tasks that end by themselves, and ECS gives its release up:
  without Docker ministack runs no container, and takes every task for well;
- such a task is listed with those that have stopped;
- a build prints a line and pushes its image, or fails where `fails_builds` is said: ministack says
  of each that it succeeded, and runs none.
"""

import http.client
import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fairway.targets.aws.account import Refused
from fairway.targets.aws.render.template import Keep, Resource, Stack, text
from tests.targets.aws.emulators import MINISTACK, account, prints, reduced

__all__ = ["BAD", "BUILD_LINE", "LAST_LINE", "Between", "between"]

BAD = ":bad"
LAST_LINE = "KeyError: 'DATABASE_URL'"
HOP_BY_HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
ECS = "AmazonEC2ContainerServiceV20141113"
GIVEN_UP = {
    "rolloutState": "FAILED",
    "rolloutStateReason": "ECS deployment circuit breaker: tasks failed to start.",
    "failedTasks": 3,
    "runningCount": 0,
}
CODEBUILD = "CodeBuild_20161006"
FAILED = {
    "buildStatus": "FAILED",
    "phases": [
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "contexts": [{"message": "Error while executing command: docker build. exit status 1"}],
        }
    ],
}
BUILD_LINE = "#7 naming to its registry done"
ENDED = {
    "lastStatus": "STOPPED",
    "stopCode": "EssentialContainerExited",
    "stoppedReason": "Essential container in task exited",
}


class Between:
    """What is changed on the way to the emulator at `url`, and on the way back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.account = account(url)
        self.left_out: dict[str, set[str]] = {}
        self.fails_builds = False
        self.images: dict[str, str] = {}
        self.printed: set[str] = set()

    # -- There -----------------------------------------------------------------------------------

    def asked(self, body: bytes, kind: str) -> bytes:
        """A request's body, with a template that the emulator can make."""
        if "x-www-form-urlencoded" not in kind:
            return body
        said = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if said.get("Action") != "CreateChangeSet":
            return body
        name = said["StackName"]
        if "TemplateURL" in said:
            s3 = self.account.client("s3")
            bucket, _, key = urlsplit(said["TemplateURL"]).path[1:].partition("/")
            whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            s3.put_object(Bucket=bucket, Key=f"{key}.reduced", Body=self.less(name, whole).encode())
            said["TemplateURL"] += ".reduced"
        else:
            said["TemplateBody"] = self.less(name, said["TemplateBody"])
        return urlencode(said).encode()

    def less(self, name: str, template: str) -> str:
        """The template without what ministack lacks; what is asked of whoever deploys stays."""
        whole = stack_of(name, template)
        less, gone = reduced(whole, MINISTACK)
        self.left_out.setdefault(name, set()).update(each.type for each in gone.values())
        asked = {id_: each for id_, each in whole.parameters.items() if "Default" not in each}
        return text(Stack(
            name=name,
            stack_name=name,
            description=whole.description,
            resources=less.resources,
            parameters={**less.parameters, **asked},
            tags={},
            conditions=whole.conditions,
        ))  # fmt: skip

    # -- Back ------------------------------------------------------------------------------------

    def answered(self, target: str, body: bytes, answer: bytes) -> bytes:
        """An answer as AWS gives it; `target` is what was asked."""
        service, _, verb = target.partition(".")
        if (service, verb) == ("secretsmanager", "DescribeSecret"):
            return changed(answer, lambda said: self.valued(json.loads(body), said))
        if (service, verb) == (CODEBUILD, "StartBuild"):
            return changed(answer, lambda said: self.builds(json.loads(body), said["build"]))
        if (service, verb) == (CODEBUILD, "BatchGetBuilds") and self.fails_builds:
            return changed(answer, lambda said: said["builds"][0].update(FAILED))
        if service != ECS:
            return answer
        match verb:
            case "DescribeServices":
                return changed(answer, self.given_up)
            case "ListTasks":
                return changed(answer, lambda said: self.stopped(json.loads(body), said))
            case "DescribeTasks":
                return changed(answer, self.ended)
            case _:
                return answer

    def valued(self, asked: Mapping[str, Any], said: dict[str, Any]) -> None:
        """A secret without a value has no version."""
        manager = self.account.client("secretsmanager")
        if said.get("VersionIdsToStages"):
            found = manager.get_secret_value(SecretId=asked["SecretId"])
            if not found.get("SecretString"):
                del said["VersionIdsToStages"]

    def builds(self, asked: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        """A build prints, and pushes its image where it does not fail."""
        logs, place = self.account.client("logs"), said["logs"]
        with suppress(Refused):  # the next build's group is there
            logs.create_log_group(logGroupName=place["groupName"])
        stream = {"logGroupName": place["groupName"], "logStreamName": place["streamName"]}
        logs.create_log_stream(**stream)
        line = {"timestamp": int(time.time() * 1000), "message": BUILD_LINE}
        logs.put_log_events(**stream, logEvents=[line])
        if not self.fails_builds:
            given = {each["name"]: each["value"] for each in asked["environmentVariablesOverride"]}
            self.account.client("ecr").put_image(
                repositoryName=asked["projectName"].removesuffix("-build"),
                imageTag=given["TAG"],
                imageManifest=json.dumps({"schemaVersion": 2, "tag": given["TAG"]}),
            )

    def given_up(self, said: dict[str, Any]) -> None:
        """ECS gives up a release whose image is bad."""
        for service in said["services"]:
            for each in service.get("deployments", ()):
                if self.is_bad(each["taskDefinition"]):
                    each.update(GIVEN_UP)

    def stopped(self, asked: Mapping[str, Any], said: dict[str, Any]) -> None:
        """The tasks of a bad image have stopped."""
        if asked.get("desiredStatus") != "STOPPED" or "serviceName" not in asked:
            return
        ecs = self.account.client("ecs")
        place = {"cluster": asked["cluster"]}
        arns = ecs.list_tasks(**place, serviceName=asked["serviceName"])["taskArns"]
        found = ecs.describe_tasks(**place, tasks=arns)["tasks"] if arns else []
        said["taskArns"] += [
            each["taskArn"] for each in found if self.is_bad(each["taskDefinitionArn"])
        ]

    def ended(self, said: dict[str, Any]) -> None:
        """A task of a bad image ended by itself, after a last line."""
        for task in said["tasks"]:
            is_of_service = str(task.get("group", "")).startswith("service:")
            if not is_of_service or not self.is_bad(task["taskDefinitionArn"]):
                continue
            if task["taskArn"] not in self.printed:
                self.printed.add(task["taskArn"])
                prints(self.account, task["clusterArn"], task["taskArn"], LAST_LINE)
            task.update(ENDED)
            task["containers"][0].update({"exitCode": 1, "lastStatus": "STOPPED"})

    def is_bad(self, definition: str) -> bool:
        """Whether a task definition's image is bad."""
        if definition not in self.images:
            ecs = self.account.client("ecs")
            found = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
            self.images[definition] = found["containerDefinitions"][0]["image"]
        return self.images[definition].endswith(BAD)


def changed(answer: bytes, change: Any) -> bytes:
    said = json.loads(answer)
    if "__type" not in said:
        change(said)
    return json.dumps(said).encode()


def kept(resource: Mapping[str, Any]) -> Keep | None:
    """What `Resource.said` wrote down."""
    if resource.get("DeletionPolicy") == "Delete":
        return "Replaced"
    policy: Keep | None = resource.get("UpdateReplacePolicy")
    return policy


def stack_of(name: str, template: str) -> Stack:
    """A rendered template, read back."""
    said = json.loads(template)
    found = {
        id_: Resource(
            type=each["Type"],
            properties=each["Properties"],
            keep=kept(each),
            after=tuple(each.get("DependsOn", ())),
            update=each.get("UpdatePolicy"),
        )
        for id_, each in said["Resources"].items()
    }
    return Stack(
        name=name,
        stack_name=name,
        description=said["Description"],
        resources=found,
        parameters=said.get("Parameters", {}),
        tags={},
        conditions=said.get("Conditions", {}),
    )


@contextmanager
def between(url: str) -> Generator[tuple[str, Between]]:
    """A server on a free port that leads to the emulator; its address, and what it changes."""
    changes = Between(url)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(changes))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", changes
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def handler(changes: Between) -> type[BaseHTTPRequestHandler]:
    place = urlsplit(changes.url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own word
            del format, args

        def lead(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = changes.asked(body, self.headers.get("Content-Type") or "")
            kept = {
                key: value
                for key, value in self.headers.items()
                if key.lower() not in HOP_BY_HOP | {"expect"}
            }
            connection = http.client.HTTPConnection(place, timeout=60)
            try:
                connection.request(self.command, self.path, body=body, headers=kept)
                found = connection.getresponse()
                answer = found.read()
            finally:
                connection.close()
            if found.status == 200:
                answer = changes.answered(self.headers.get("X-Amz-Target") or "", body, answer)
            self.send_response(found.status)
            for key, value in found.getheaders():
                if key.lower() not in HOP_BY_HOP:
                    self.send_header(key, value)
            length = found.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = lead  # noqa: N815 - http.server's names

    return Handler
