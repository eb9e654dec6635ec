"""Parts of what is used, under the app's own names, as AWS's templates hold them."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.core.cost.layout import layout_of
from fairway.targets.aws.decide.order import secrets_read
from fairway.targets.aws.gaps import gaps
from fairway.targets.aws.render import choices_for, stacks
from fairway.targets.aws.render.limits import limits
from fairway.targets.aws.renewal.texts import Text
from tests.properties import examples
from tests.targets.aws.shapes import app_of, templates

SHOP = """
[variables]
PGHOST = "${db.host}"

[service.api]
asgi = "m:app"
public = true
before = "alembic upgrade head"
uses = ["db", "cache", "files", "web", "KEY"]

[service.api.variables]
POSTGRES_PORT = "${db.port}"
POSTGRES_USER = "${db.user}"
POSTGRES_PASSWORD = "${db.password}"
POSTGRES_DB = "${db.name}"
PLACE = "${db.host}:${db.port}/$${x}"
SQLALCHEMY_DATABASE_URI = "${db.url}"
ASYNC_URL = "postgresql+asyncpg://${db.user}:${db.password}@${db.host}:${db.port}/${db.name}?x=$${y}"
REDIS_HOST = "${cache.host}"
REDIS_PORT = "${cache.port}"
REDIS_PASSWORD = "${cache.password}"
BROKER = "${cache.url}"
S3 = "${files.endpoint}/${files.name}"
WEB = "${web.url} ${web.host}:${web.port}"
TOKEN = "${KEY}"

[service.web]
asgi = "m:web"

[database.db]
[cache.cache]
[bucket.files]
[secret.KEY]
"""


def stack(name: str, text: str = SHOP) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = templates(app_of(text))[f"{name}.json"]["Resources"]
    return found


def container(text: str = SHOP, name: str = "service-api") -> dict[str, Any]:
    task = next(each for key, each in stack(name, text).items() if key.endswith("Task"))
    found: dict[str, Any] = task["Properties"]["ContainerDefinitions"][0]
    return found


def plain(text: str = SHOP) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in container(text)["Environment"]}


def secret(text: str = SHOP, name: str = "service-api") -> dict[str, Any]:
    return {each["Name"]: each["ValueFrom"] for each in container(text, name)["Secrets"]}


@pytest.mark.validated("R57")
def test_a_host_comes_from_the_data_s_stack_and_what_the_file_decides_stands_there() -> None:
    found = plain()
    assert found["PGHOST"] == {"Ref": "TakeDatabaseDbHost"}
    assert found["POSTGRES_PORT"] == "5432"
    assert found["POSTGRES_DB"] == "shop_db"
    assert found["PLACE"] == {"Fn::Join": ["", [{"Ref": "TakeDatabaseDbHost"}, ":5432/${x}"]]}
    assert found["REDIS_HOST"] == {"Ref": "TakeCacheCacheHost"}
    assert found["REDIS_PORT"] == "6379"
    assert found["WEB"] == "http://web web:80"
    assert "TakeBucketFiles" in str(found["S3"])
    given = stack("data")["GiveDatabaseDbHost"]["Properties"]
    assert given["Name"] == "/fairway/shop/production/database/db/host"
    assert given["Value"] == {"Fn::GetAtt": ["DatabaseDb", "Endpoint.Address"]}


@pytest.mark.validated("R72")
def test_a_password_is_a_key_of_its_secret_and_the_role_reads_that_secret() -> None:
    found = secret()
    for name, key in (("POSTGRES_USER", "username"), ("POSTGRES_PASSWORD", "password")):
        place = {"Fn::Join": ["", [{"Ref": "TakeDatabaseDbLogin"}, f":{key}::"]]}
        assert found[name] == place
    assert found["SQLALCHEMY_DATABASE_URI"] == found["DATABASE_URL"]
    assert found["BROKER"] == found["REDIS_URL"] == {"Ref": "TakeCacheCacheUrl"}
    assert found["TOKEN"] == {"Ref": "TakeSecretKEY"}
    (policy,) = stack("service-api")["ServiceStartRole"]["Properties"]["Policies"]
    read = next(
        each["Resource"]
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == ["secretsmanager:GetSecretValue"]
    )
    assert sorted(each["Ref"] for each in read if not each["Ref"].startswith("Text")) == [
        "TakeCacheCachePassword",
        "TakeCacheCacheUrl",
        "TakeDatabaseDbLogin",
        "TakeDatabaseDbUrl",
        "TakeSecretKEY",
    ]
    assert text_of(secret()["ASYNC_URL"]) in [each["Ref"] for each in read]
    assert stack("data")["GiveDatabaseDbLogin"]["Properties"]["Value"] == {"Ref": "DatabaseDbLogin"}


def text_of(place: Any) -> str:
    """The id of the secret that a text is read from."""
    ((made, key),) = [place["Fn::Join"][1]]
    assert key == ":text::"
    found: str = made["Ref"]
    return found


@pytest.mark.validated("R72", "R75")
def test_a_text_with_a_password_is_a_secret_of_the_stack_that_needs_it() -> None:
    for name in ("service-api", "before"):
        made = stack(name)[text_of(secret(name=name)["ASYNC_URL"])]
        assert made["Type"] == "AWS::SecretsManager::Secret"
        assert made["Properties"]["KmsKeyId"] == {"Ref": "TakeKey"}
        said, values = made["Properties"]["SecretString"]["Fn::Sub"]
        text = json.loads(said)
        who = ":".join(
            f"{{{{resolve:secretsmanager:${{Part{n}}}:SecretString:{key}}}}}"
            for n, key in enumerate(("username", "password"), 1)
        )
        rest = ("@", "${Part3}", ":5432/shop_db?x=${y}")
        assert text["text"] == f"postgresql+asyncpg://{who}{''.join(rest)}"
        pairs = (["${Part1}", "username"], ":", ["${Part2}", "password"])
        assert text["form"] == ["postgresql+asyncpg://", *pairs, *rest]
        taken = ("TakeDatabaseDbLogin", "TakeDatabaseDbLogin", "TakeDatabaseDbHost")
        assert values == {f"Part{n}": {"Ref": key} for n, key in enumerate(taken, 1)}


WRITTEN = some.text(
    some.sampled_from('"\\${}[]:\n') | some.characters(codec="utf-8", exclude_characters="\0"),
    max_size=9,
).filter(lambda text: not text.endswith("$"))  # before a mention it would escape it
VALUES = {
    "TakeDatabaseDbLogin": '{"username": "app_1", "password": "p"}',
    "TakeDatabaseDbHost": "db.example",
    "TakeCacheCachePassword": '{"password": "c"}',
    "TakeSecretKEY": "k",
}
AROUND = """
[service.api]
asgi = "m:app"
uses = ["db", "cache", "KEY"]
variables = { X = %s }
[database.db]
[cache.cache]
[secret.KEY]
rotate = "90d"
"""


@pytest.mark.validated("R74")
@examples(40)
@given(some.lists(WRITTEN, min_size=5, max_size=5))
def test_whatever_is_written_around_a_secret_is_read_and_stays_when_it_is_renewed(
    written: list[str],
) -> None:
    parts = ("${db.password}", "${db.host}", "${cache.password}", "${KEY}", "")
    line = "".join(
        each.replace("${", "$${") + part for each, part in zip(written, parts, strict=True)
    )
    found = stack(
        "service-api", AROUND % json.dumps(line, ensure_ascii=False).replace("\x7f", "\\u007f")
    )
    (made,) = [each for name, each in found.items() if name.startswith("Text")]
    text = Text.of(put_in(*made["Properties"]["SecretString"]["Fn::Sub"]))

    def around(password: str, key: str) -> str:
        values = (password, "db.example", "c", key, "")
        return "".join(each + value for each, value in zip(written, values, strict=True))

    assert text.text == around("p", "k")
    assert text.holds("TakeDatabaseDbLogin")
    assert text.holds("TakeSecretKEY")
    assert not text.holds("TakeCacheCachePassword")
    anew = {"TakeDatabaseDbLogin": '{"password": "q"}', "TakeSecretKEY": "l"}
    before = replace(text, since={"TakeDatabaseDbLogin": 4.0})
    after = before.anew("TakeSecretKEY", lambda secret: anew[secret], 5.0)
    assert after.text == around("q", "l")
    assert after.since == {"TakeDatabaseDbLogin": 4.0, "TakeSecretKEY": 5.0}
    assert Text.of(after.said) == after
    assert after.anew("TakeSecretKEY", lambda secret: anew[secret], 6.0) is after


def put_in(text: str, values: dict[str, dict[str, str]]) -> str:
    """What CloudFormation makes of a text: the values of `Sub`, then of dynamic references."""
    text = re.sub(r"\$\{([^}!]+)\}", lambda found: values[found[1]]["Ref"], text)

    def secret(found: re.Match[str]) -> str:
        value = VALUES[found[1]]
        return str(json.loads(value)[found[2]]) if found[2] else value

    text = re.sub(r"\{\{resolve:secretsmanager:(\w+):SecretString:?(\w*)\}\}", secret, text)
    assert "{{" not in text
    return text.replace("TakeDatabaseDbHost", VALUES["TakeDatabaseDbHost"])


def test_another_text_is_another_secret_so_that_tasks_start_anew_and_a_rollback_finds_its_own() -> (
    None
):
    before, after = secret(), secret(SHOP.replace("x=$${y}", "x=2"))
    assert before.pop("ASYNC_URL") != after.pop("ASYNC_URL")
    assert before == after


@pytest.mark.requirement("R74")
def test_a_release_sees_new_versions_of_every_secret_that_is_read() -> None:
    for text in (SHOP, SHOP.replace("asgi =", 'kind = "function"\nasgi =', 1)):
        service = next(each for each in stacks(app_of(text)) if each.name == "service-api")
        assert [path.rpartition("production/")[2] for path in secrets_read(service)] == [
            "cache/cache/password",
            "cache/cache/url",
            "database/db/login",
            "database/db/url",
            "secret/KEY",
        ]


@pytest.mark.validated("R72")
def test_a_function_s_runtime_reads_a_key_as_ecs_does() -> None:
    text = SHOP.replace("asgi =", 'kind = "function"\nasgi =', 1)
    said = stack("service-api", text)["Function"]["Properties"]["Environment"]["Variables"]
    places = dict(pair["Fn::Join"][1] for pair in said["FAIRWAY_SECRETS"]["Fn::Join"][1])
    assert places["POSTGRES_PASSWORD"]["Fn::Join"][1][1] == ":password::"
    assert said["PGHOST"] == {"Ref": "TakeDatabaseDbHost"}
    assert "POSTGRES_PASSWORD" not in said


def test_from_outside_the_mesh_a_service_is_named_in_public() -> None:
    text = (
        '[service.api]\nasgi = "m:app"\npublic = true\n[job.j]\ncommand = "x"\nuses = ["api"]\n'
        'variables = { HOST_OF_API = "${api.host}", PORT_OF_API = "${api.port}" }\n'
    )
    said = {each["Name"]: each["Value"] for each in container(text, "job-j")["Environment"]}
    assert said["HOST_OF_API"] == {"Fn::Sub": "${TakeDomain}"}
    assert said["PORT_OF_API"] == "443"


def test_an_address_that_an_own_variable_replaces_is_not_taken() -> None:
    text = (
        '[service.api]\nasgi = "m:app"\nuses = ["db"]\n[database.db]\n'
        '[service.api.variables]\nDATABASE_URL = "postgresql+psycopg://${db.password}@${db.host}"'
    )
    assert sorted(secret(text)) == ["DATABASE_URL"]
    assert "TakeDatabaseDbUrl" not in templates(app_of(text))["service-api.json"]["Parameters"]


@pytest.mark.requirement("R72")
def test_every_text_with_a_password_is_counted_as_a_kept_secret_of_each_stack() -> None:
    without = SHOP.replace("ASYNC_URL", "#")
    assert layout_of(app_of(SHOP)).secrets == layout_of(app_of(without)).secrets + 2


@pytest.mark.parametrize(
    ("node", "text", "said"),
    [
        ('[database.db]\nurl = "env:X"', "${db.host}", "is one secret, not its parts"),
        ('[database.db]\nurl = "env:X"', "${db.url}?a=b", "put by people"),
        ('[cache.db]\nurl = "env:X"', "${db.password}", "is one secret, not its parts"),
        ("[secret.KEY]", "x-${KEY}", "put by people"),
    ],
)
def test_what_aws_cannot_put_together_is_a_problem_before(node: str, text: str, said: str) -> None:
    uses = "KEY" if "KEY" in node else "db"
    lines = f'[service.api]\nasgi = "m:app"\nuses = ["{uses}"]\nvariables = {{ V = "{text}" }}\n'
    app = app_of(f"{lines}{node}\n")
    (problem,) = limits(app, choices_for(app))
    assert problem.where == "service.api.variables.V"
    assert said in problem.what
    assert problem.mend


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ('[database.db]\nurl = "env:X"', "${db.url}"),
        ("[secret.db]\ngenerate = true", "x-${DB}"),
        ("[secret.db]\nrotate = '90d'", "x-${DB}"),
        ("[secret.db]", "${DB}"),
        ("[database.db]\nserverless = true", "x-${db.password}"),
    ],
)
def test_what_it_can_is_none(node: str, text: str) -> None:
    node = node.replace("[secret.db]", "[secret.DB]")
    uses = "DB" if "DB" in text else "db"
    lines = f'[service.api]\nasgi = "m:app"\nuses = ["{uses}"]\nvariables = {{ V = "{text}" }}\n'
    app = app_of(f"{lines}{node}\n")
    assert limits(app, choices_for(app)) == []


def test_that_the_cache_takes_tls_alone_is_said_to_who_reads_its_host() -> None:
    said = [gap for gap in gaps(app_of(SHOP)) if "REDIS" in gap.where]
    assert [gap.where for gap in said] == ["service.api.variables.REDIS_HOST"]
    assert "TLS" in said[0].what
