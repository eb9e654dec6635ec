"""Secrets that stand in AWS Secrets Manager are in the environment before the app starts."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairway_runtime.secret_manager import Request, SecretsError, fetched, signed

ARN = "arn:aws:secretsmanager:eu-central-1:222222222222:secret:fairway/shop/db-AbCdEf"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"}
NOW = datetime(2026, 11, 21, 9, 30, 5, tzinfo=UTC)


class Server:
    """Answers in turn, the last one again and again; remembers what it was asked."""

    def __init__(self, *answers: tuple[int, object] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> tuple[int, bytes]:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer[0], json.dumps(answer[1]).encode()


@pytest.mark.requirement("R56", "R72")
def test_what_the_environment_lacks_is_fetched_and_what_it_has_wins() -> None:
    server = Server((200, {"SecretString": "postgresql://u:p@h/d"}))
    env = {
        **KEYS,
        "FAIRWAY_SECRETS": f"DATABASE_URL={ARN} SESSION_KEY={ARN}",
        "SESSION_KEY": "mine",
    }
    assert fetched(env, NOW, server) == {"DATABASE_URL": "postgresql://u:p@h/d"}
    (asked,) = server.asked
    assert asked.url == "https://secretsmanager.eu-central-1.amazonaws.com"
    assert json.loads(asked.body) == {"SecretId": ARN}


@pytest.mark.requirement("R72")
def test_a_key_of_a_secret_that_holds_json_is_read_and_the_secret_asked_for_once() -> None:
    server = Server((200, {"SecretString": '{"username": "app", "password": "hunter2"}'}))
    env = {**KEYS, "FAIRWAY_SECRETS": f"DB_USER={ARN}:username:: DB_PASSWORD={ARN}:password::"}
    assert fetched(env, NOW, server) == {"DB_USER": "app", "DB_PASSWORD": "hunter2"}
    (asked,) = server.asked
    assert json.loads(asked.body) == {"SecretId": ARN}


@pytest.mark.parametrize("text", ["hunter2", '{"user": "app"}', '["password"]'])
def test_a_secret_without_the_key_is_told_without_its_value(text: str) -> None:
    server = Server((200, {"SecretString": text}))
    env = {**KEYS, "FAIRWAY_SECRETS": f"DB_PASSWORD={ARN}:password::"}
    with pytest.raises(SecretsError) as caught:
        fetched(env, NOW, server)
    assert str(caught.value) == "DB_PASSWORD: its secret has no key password"


@pytest.mark.parametrize("token", ["", "a-session-token=="])
def test_a_request_is_signed_as_the_sdk_signs_it(token: str) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = signed(ARN, {**KEYS, "AWS_SESSION_TOKEN": token}, NOW)
    known = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], token or None)
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in {"authorization", "x-amz-date", "x-amz-security-token", "host"}
    }
    theirs = AWSRequest("POST", request.url + "/", data=request.body, headers=headers)
    theirs.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    auth = SigV4Auth(known, "secretsmanager", "eu-central-1")
    theirs.headers["X-Amz-Date"] = theirs.context["timestamp"]
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    text = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    assert request.headers["authorization"].endswith(f"Signature={auth.signature(text, theirs)}")


def test_china_has_an_address_of_its_own_and_another_may_be_said() -> None:
    there = ARN.replace("arn:aws:", "arn:aws-cn:").replace("eu-central-1", "cn-north-1")
    assert signed(there, KEYS, NOW).url == "https://secretsmanager.cn-north-1.amazonaws.com.cn"
    env = {**KEYS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:4566"}
    assert signed(ARN, env, NOW).headers["host"] == "127.0.0.1:4566"


def test_a_server_that_stumbles_is_asked_again() -> None:
    server = Server(OSError("reset"), (503, {}), (200, {"SecretString": "v"}))
    assert fetched({**KEYS, "FAIRWAY_SECRETS": f"KEY={ARN}"}, NOW, server) == {"KEY": "v"}
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, {"__type": "ResourceNotFoundException", "Message": "no such secret"}),
         "KEY: Secrets Manager answers 400: no such secret"),
        ((400, {"__type": "AccessDeniedException"}),
         "KEY: Secrets Manager answers 400: AccessDeniedException"),
        ((500, {}), "KEY: Secrets Manager answers 500: no reason"),
        ((200, {"SecretBinary": "eA=="}), f"KEY: {ARN} holds no text"),
        (OSError("timed out"), "KEY: Secrets Manager does not answer: timed out"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_named_with_its_reason(
    answer: tuple[int, object] | Exception, said: str
) -> None:
    with pytest.raises(SecretsError) as failed:
        fetched({**KEYS, "FAIRWAY_SECRETS": f"KEY={ARN}"}, NOW, Server(answer))
    assert str(failed.value) == said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"FAIRWAY_SECRETS": "KEY"}, "FAIRWAY_SECRETS must be NAME=ARN, not KEY"),
        ({"FAIRWAY_SECRETS": f"KEY={ARN}"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be"),
    ],
)
def test_an_environment_that_says_too_little_is_told(env: dict[str, str], said: str) -> None:
    with pytest.raises(SecretsError, match=said):
        fetched(env, NOW, Server((200, {})))


def test_a_server_without_its_secrets_does_not_start() -> None:
    words = [sys.executable, "-m", "fairway_runtime", "run", "nothing:app"]
    ended = subprocess.run(
        words,
        env={"FAIRWAY_SECRETS": f"KEY={ARN}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("fairway-runtime: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


@pytest.mark.real
@pytest.mark.requirement("R56", "R70")
@pytest.mark.filterwarnings("ignore")
def test_a_secret_of_a_server_that_speaks_as_aws_does_is_read(tmp_path: Path) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        env = {**KEYS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": url}
        client = boto3.client(
            "secretsmanager",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        arn = client.create_secret(Name="fairway/shop/key", SecretString="of moto")["ARN"]
        env["FAIRWAY_SECRETS"] = f"KEY={arn}"
        assert fetched(env, datetime.now(UTC)) == {"KEY": "of moto"}
        (tmp_path / "shop.py").write_text(
            "import os, pathlib\npathlib.Path('seen').write_text(os.environ['KEY'])\n"
        )
        words = [sys.executable, "-m", "fairway_runtime", "run", "shop:app", "--port", "0"]
        subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, timeout=30, check=False)
        assert (tmp_path / "seen").read_text() == "of moto"  # before the app is imported
        env["FAIRWAY_SECRETS"] = f"KEY={arn}x-AbCdEf"
        with pytest.raises(SecretsError, match="KEY: Secrets Manager answers 40"):
            fetched(env, datetime.now(UTC))
    finally:
        server.stop()
