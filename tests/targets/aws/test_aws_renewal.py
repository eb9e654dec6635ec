"""What renews secrets, at work: on a real PostgreSQL over TLS, with moto's Secrets Manager and ECS.

The server is the local target's own, with `app` as RDS makes its master user: no superuser, but one
who makes roles and databases. Before it stands what speaks TLS, as RDS does.
"""

import asyncio
import base64
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from fairway.targets.aws.render.renewal import code
from fairway.targets.aws.renewal.logins import GROUP, Login
from fairway.targets.aws.renewal.steps import Renewal, Renewer
from fairway.targets.aws.renewal.texts import Text
from fairway.targets.aws.renewal.wire import Connection, Refused
from fairway.targets.local.ports import free_port
from fairway.targets.local.postgres import Postgres
from fairway.targets.local.processes import ProcessTable
from tests.targets.aws.emulators import moto

# What moto itself warns of is not ours.
pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]

RUNS = {"runningCount": 1, "pendingCount": 0, "rolloutState": "COMPLETED"}
OLD = {**RUNS, "createdAt": datetime(2020, 1, 1, tzinfo=UTC)}
NEW = {**RUNS, "createdAt": datetime(2100, 1, 1, tzinfo=UTC)}
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
CLUSTER = "shop-production"
REGION = "eu-central-1"
TEXTS = "/fairway/shop/production/text"
AS_ON_RDS = """
DO $$ DECLARE r text; BEGIN
FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'app%' OR rolname = 'rds_superuser' LOOP
EXECUTE format('REASSIGN OWNED BY %I TO postgres', r);
EXECUTE format('DROP OWNED BY %I', r);
EXECUTE format('DROP ROLE %I', r);
END LOOP; END $$;
CREATE ROLE rds_superuser NOLOGIN;
CREATE ROLE app LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD 'first';
GRANT rds_superuser TO app WITH ADMIN OPTION;
"""


# -- A server, as on RDS -----------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """Where PostgreSQL is: its administrator's address, that over TLS, and its log."""

    admin: str
    port: int
    log: Path

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for each in statements:
                connection.execute(each.encode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path("/var/tmp")
    home = parent / f"fairway-test-{secrets.token_hex(6)}"
    home.mkdir()
    table = ProcessTable(home / "run")
    postgres = Postgres(home / "db", table, "db", log=home / "db.log")

    async def start() -> None:
        await postgres.start()
        await postgres.ensure_database("ready")

    async def stop() -> None:
        await table.stop("db", grace_seconds=10, signal=signal.SIGQUIT)

    asyncio.run(start())
    try:
        said = postgres.admin_environment()
        place = f"127.0.0.1:{said['PGPORT']}/postgres"
        admin = f"postgresql://{said['PGUSER']}:{said['PGPASSWORD']}@{place}"
        with over_tls(int(said["PGPORT"]), tmp_path_factory.mktemp("tls")) as port:
            made = Server(admin, port, home / "db.log")
            made.run("ALTER SYSTEM SET log_statement = 'ddl'", "SELECT pg_reload_conf()")
            yield made
    finally:
        asyncio.run(stop())
        shutil.rmtree(home)


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while some := await source.read(65536):
            sink.write(some)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


@contextmanager
def over_tls(target: int, folder: Path) -> Generator[int]:
    """Speak TLS before a server that has none; the port."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db"]
    made += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port, loop = free_port(), asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(8) == struct.pack("!ii", 8, 80877103)
            writer.write(b"S")
            await writer.start_tls(context)
            inner, outer = await asyncio.open_connection("127.0.0.1", target)
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    listening = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        open_still = asyncio.all_tasks(loop)
        for each in open_still:
            each.cancel()
        loop.run_until_complete(asyncio.wait(open_still) if open_still else asyncio.sleep(0))
        loop.close()


# -- An account, as on AWS ---------------------------------------------------------------------


class Killed(Exception):
    """The function ended here."""


@dataclass
class Acts:
    """Counts what changes anything; ends the function after the act of that number."""

    last: int = 0
    done: int = 0

    def after(self, act: str) -> None:
        if act.startswith(("get_", "describe_", "SELECT")):
            return
        self.done += 1
        if self.done == self.last:
            raise Killed


class Watched:
    """A client of AWS, whose calls are acts."""

    def __init__(self, client: Any, acts: Acts) -> None:
        self.client, self.acts = client, acts
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**said: Any) -> Any:
            answer = getattr(self.client, name)(**said)
            if name == "put_secret_value" and "VersionStages" in said:
                self._move_label(said["SecretId"], said["ClientRequestToken"])
            self.acts.after(name)
            return answer

        return call

    def _move_label(self, secret: str, version: str) -> None:
        """A label belongs to one version: AWS moves it, moto gives it to both."""
        found = self.client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        for each, stages in found.items():
            if "AWSPENDING" in stages and each != version:
                self.client.update_secret_version_stage(
                    SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=each
                )


class Counted(Connection):
    """A connection, whose statements are acts."""

    def __init__(self, url: str, acts: Acts) -> None:
        super().__init__(url)
        self.acts = acts

    def query(self, sql: str) -> list[str]:
        found = super().query(sql)
        self.acts.after(sql)
        return found


@dataclass
class World:
    """A database and its secrets; `acts` are those of what renews them."""

    manager: Any
    ecs: Any
    ssm: Any
    login: str
    key: str
    renewal: Renewal
    acts: Acts = field(default_factory=Acts)
    wait: Callable[[float], None] = lambda _: None

    @property
    def renewer(self) -> Renewer:
        def connect(url: str) -> Connection:
            return Counted(url, self.acts)

        manager, ecs, ssm = (
            Watched(each, self.acts) for each in (self.manager, self.ecs, self.ssm)
        )
        return Renewer(manager, ecs, ssm, CLUSTER, TEXTS, connect, self.wait)

    def step(self, name: str, token: str, secret: str = "") -> None:
        renewal = Renewal(self.renewal.services) if secret else self.renewal
        self.renewer.do(name, secret or self.login, token, renewal)

    def renew(self, token: str, secret: str = "") -> None:
        for name in STEPS:
            self.step(name, token, secret)

    def value(self, secret: str) -> str:
        found = self.manager.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")
        return str(found["SecretString"])

    @property
    def current(self) -> Login:
        return Login.of(self.value(self.login))

    @property
    def url(self) -> str:
        return self.value(self.renewal.url)

    @property
    def text(self) -> str:
        """An address that an app has put together, around the login and the key."""
        return Text.of(self.value("text")).text

    def put_together(self, user: str, password: str) -> None:
        """Make the text anew and hand it over, as a stack does."""
        place = self.url.rpartition("@")[2]
        who = ((self.login, "username"), ":", (self.login, "password"))
        form = ("postgresql://", *who, f"@{place}&application_name=", (self.key, ""))
        whole = f"postgresql://{user}:{password}@{place}&application_name={self.value(self.key)}"
        said = Text(whole, form).said
        try:
            self.manager.put_secret_value(SecretId="text", SecretString=said)
        except self.manager.exceptions.ResourceNotFoundException:
            made = self.manager.create_secret(Name="text", SecretString=said)["ARN"]
            path = f"{TEXTS}/service-api/text"
            self.ssm.put_parameter(Name=path, Type="String", Value=made, Overwrite=True)

    def deployment(self, service: str) -> Mapping[str, Any]:
        found = self.ecs.describe_services(cluster=CLUSTER, services=[service])["services"]
        deployment: Mapping[str, Any] = found[0]["deployments"][0]
        return deployment


def token(number: int) -> str:
    return f"{number:032d}"


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ECS_SERVICE_RUNNING", "1")
        with moto() as url:
            yield url


@pytest.fixture
def world(aws: str, server: Server) -> World:
    """A database as CloudFormation leaves it, and two services that read its address."""
    server.run(
        "DROP DATABASE IF EXISTS shop_db WITH (FORCE)",
        AS_ON_RDS,
        "CREATE DATABASE shop_db OWNER app",
    )
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    session = boto3.Session(region_name=REGION, **keys)
    manager, ecs, ssm = (
        session.client(each, endpoint_url=aws) for each in ("secretsmanager", "ecs", "ssm")
    )
    for each in ssm.get_parameters_by_path(Path=TEXTS, Recursive=True)["Parameters"]:
        ssm.delete_parameter(Name=each["Name"])
    for each in manager.list_secrets()["SecretList"]:
        manager.delete_secret(SecretId=each["ARN"], ForceDeleteWithoutRecovery=True)

    first = Login("app", "first")
    place = f"127.0.0.1:{server.port}/shop_db?sslmode=require"
    url = first.within(f"postgresql://x:y@{place}")
    said = {"owner": first.text, "login": first.text, "key": "old", "url": url}
    owner, login, key, url = (
        manager.create_secret(Name=name, SecretString=value)["ARN"] for name, value in said.items()
    )
    made = World(manager, ecs, ssm, login, key, Renewal(("api", "mails", "gone"), owner, url))
    made.put_together("app", "first")
    with suppress(ecs.exceptions.ClusterNotFoundException):
        for each in ("api", "mails"):
            with suppress(ecs.exceptions.ServiceNotFoundException):
                ecs.delete_service(cluster=CLUSTER, service=each, force=True)
    ecs.create_cluster(clusterName=CLUSTER)
    container = {"name": "web", "image": "x", "memory": 128}
    ecs.register_task_definition(family="web", containerDefinitions=[container])
    for each in ("api", "mails"):
        ecs.create_service(cluster=CLUSTER, serviceName=each, taskDefinition="web", desiredCount=1)
    return made


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


# -- A login of a database ---------------------------------------------------------------------


@pytest.mark.requirement("R74")
def test_whoever_connects_while_a_password_is_renewed_twice_is_never_refused(world: World) -> None:
    held = [world.text]  # what runs started with
    failed: list[BaseException] = []
    over, made = threading.Event(), [0]

    def connect() -> None:
        while not over.is_set():
            for url in (held[0], world.url, world.text):
                try:
                    ask(url, "SELECT 1")
                except psycopg.Error as error:
                    failed.append(error)
                made[0] += 1

    thread = threading.Thread(target=connect)
    thread.start()
    try:
        for number in (1, 2, 3):
            before, reached = world.deployment("api")["id"], made[0] + 4
            world.renew(token(number))
            assert world.deployment("api")["id"] != before
            while made[0] < reached and not failed:
                over.wait(0.01)
            held[0] = world.text  # its tasks were started anew
            reached = made[0] + 4  # and those that were under way have ended
            while made[0] < reached and not failed:
                over.wait(0.01)
    finally:
        over.set()
        thread.join()
    assert not failed
    assert made[0] > 10
    assert world.current.username == "app_1"


def test_the_login_before_is_good_until_the_next_renewal_and_the_owner_s_own_is_renewed_too(
    world: World,
) -> None:
    urls = [world.url]
    for number in (1, 2, 3):
        world.renew(token(number))
        urls.append(world.url)
        ask(urls[-1], "SELECT 1")
        ask(world.text, "SELECT 1")
        ask(urls[-2], "SELECT 1") if number != 2 else None
        for old in urls[:-2]:
            with pytest.raises(psycopg.OperationalError, match="authentication failed"):
                ask(old, "SELECT 1")
    said = Login.of(world.value(world.renewal.owner))
    assert said.username == "app"
    assert said.password != "first"
    ask(said.within(world.url), "SELECT 1")


def test_what_one_login_makes_the_other_may_alter_and_the_owner_s_tables_go_over(
    world: World,
) -> None:
    ask(world.url, "CREATE TABLE before (x int); CREATE SEQUENCE s; CREATE VIEW v AS SELECT 1")
    world.renew(token(1))
    first = world.url
    assert ask(first, "SELECT current_user, session_user") == [(GROUP, "app_1")]
    ask(first, "ALTER TABLE before ADD y int; CREATE TABLE made (x int)")
    world.renew(token(2))
    ask(world.url, "ALTER TABLE made ADD y int; ALTER TABLE before ADD z int; DROP VIEW v")
    ask(world.url, "CREATE SCHEMA other; CREATE EXTENSION IF NOT EXISTS plpgsql")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert ask(world.url, owners) == [(GROUP,)]
    # The rights that the owner has on RDS are those of what the app makes.
    assert ask(first, "SELECT pg_has_role('rds_superuser', 'member')") == [(True,)]
    # A session that began as the owner still may.
    owner = Login.of(world.value(world.renewal.owner)).within(world.url)
    ask(owner, "ALTER TABLE made ADD z int")


@pytest.mark.requirement("R73")
def test_no_password_comes_into_the_server_s_log_though_it_logs_every_statement(
    world: World, server: Server
) -> None:
    given = [world.current.password]
    for number in (1, 2, 3):
        world.renew(token(number))
        given += [world.current.password, Login.of(world.value(world.renewal.owner)).password]
    log = server.log.read_text()
    assert 'ALTER ROLE "app_1" LOGIN PASSWORD \'SCRAM-SHA-256$4096:' in log
    assert 'ALTER ROLE "app" PASSWORD \'SCRAM-SHA-256$4096:' in log
    assert not [each for each in given if each != "first" and each in log]


@pytest.mark.requirement("R74")
def test_a_renewal_that_is_killed_after_any_act_goes_on_with_its_token(world: World) -> None:
    world.renew(token(1))
    number = 1
    while True:
        before, number = world.url, number + 1
        world.acts = Acts(last=number - 1)
        killed = False
        for name in STEPS:
            try:
                world.step(name, token(number))
            except Killed:
                killed = True
                ask(before, "SELECT 1")
                ask(world.text, "SELECT 1")
                world.step(name, token(number))
        ask(before, "SELECT 1")
        assert ask(world.text, "SELECT current_user") == [(GROUP,)]
        assert world.current.within(world.url) == world.url != before
        assert world.current.within(world.text) == world.text
        owner = Login.of(world.value(world.renewal.owner))
        ask(owner.within(world.url), "SELECT 1")
        if not killed:
            break
    assert number > 10


def test_a_renewal_that_is_given_up_on_its_way_leaves_the_next_one_whole(world: World) -> None:
    world.renew(token(1))
    last = 0
    while True:
        last += 1
        world.acts = Acts(last=last)
        try:
            world.renew(token(1000 + last))
            break
        except Killed:
            pass
        for _ in range(3):  # an address that was left behind is mended first
            with suppress(Refused):
                world.renew(token(2000 + last))
                break
            began = int(time.time())
            while int(time.time()) == began:  # moto knows when a value was put to the second
                time.sleep(0.01)
        assert world.current.within(world.url) == world.url
        assert world.current.within(world.text) == world.text
        assert ask(world.text, "SELECT current_user") == [(GROUP,)]
        assert world.manager.describe_secret(SecretId=world.login)["VersionIdsToStages"][
            token(2000 + last)
        ].count("AWSCURRENT")
        ask(Login.of(world.value(world.renewal.owner)).within(world.url), "SELECT 1")
    assert last > 10


@pytest.mark.requirement("R75")
def test_nothing_is_renewed_while_tasks_run_that_are_older_than_the_login(world: World) -> None:
    world.renew(token(1))
    before = world.current
    world.ecs = ecs = Told(OLD)
    with pytest.raises(Refused, match="tasks of api are older than the login"):
        world.step("createSecret", token(2))
    assert ecs.started == ["api"]
    assert world.current == before
    ecs.deployments = [{**OLD, "runningCount": 0}, {**NEW, "rolloutState": "IN_PROGRESS"}]
    with pytest.raises(Refused, match="a release of api is in progress"):
        world.step("createSecret", token(2))
    ecs.deployments = [NEW]
    world.renew(token(2))
    assert world.current != before
    assert ecs.started == ["api", "api"]


def test_a_release_that_comes_between_is_waited_for(world: World) -> None:
    before = world.url
    for name in STEPS[:3]:
        world.step(name, token(1))
    world.ecs = ecs = Told({**NEW, "rolloutState": "IN_PROGRESS"})
    with pytest.raises(Refused, match="a release of api is in progress"):
        world.step("finishSecret", token(1))
    assert (world.url, world.current.username) == (before, "app")

    def end(seconds: float) -> None:
        assert seconds >= 1
        ecs.deployments = [NEW]

    world.wait = end
    world.step("finishSecret", token(1))
    assert world.current.username == "app_1"
    assert ecs.started == ["api"]


def test_an_address_that_a_renewal_left_behind_is_mended_before_the_next(world: World) -> None:
    world.renew(token(1))
    first = world.url
    # The second one was given up between the address and the login.
    for name in STEPS[:3]:
        world.step(name, token(2))
    pending = world.manager.get_secret_value(SecretId=world.login, VersionId=token(2))
    left = Login.of(pending["SecretString"]).within(first)
    world.manager.put_secret_value(SecretId=world.renewal.url, SecretString=left)
    began = int(time.time())
    while int(time.time()) == began:  # moto tells when a value was put to the second
        time.sleep(0.01)
    with pytest.raises(Refused, match="tasks of api, mails are older"):
        world.step("createSecret", token(3))
    assert world.url == first
    world.renew(token(3))
    ask(world.url, "SELECT 1")


@pytest.mark.requirement("R74")
def test_a_text_that_a_deploy_made_of_the_login_before_is_mended_before_the_next(
    world: World,
) -> None:
    world.renew(token(1))
    before = world.current
    world.renew(token(2))
    assert before != world.current
    world.put_together(before.username, before.password)
    with pytest.raises(Refused, match="tasks of api, mails are older"):
        world.step("createSecret", token(3))
    assert world.current.within(world.text) == world.text
    world.renew(token(3))
    ask(world.text, "SELECT 1")


def test_neither_a_text_that_was_just_made_nor_a_key_beside_makes_tasks_look_old(
    world: World,
) -> None:
    world.renew(token(1))
    world.ecs = ecs = Told({**RUNS, "createdAt": datetime.now(UTC)})
    began = int(time.time())
    while int(time.time()) == began:  # moto knows when a value was put to the second
        time.sleep(0.01)
    world.put_together(world.current.username, world.current.password)
    world.step("createSecret", token(2))
    world.renew(token(1), world.key)
    assert world.text.endswith(world.value(world.key))
    world.step("createSecret", token(3))
    assert ecs.started == ["api"]  # by the key


def test_a_text_that_was_taken_back_is_left_and_one_that_cannot_be_read_is_told(
    world: World,
) -> None:
    world.ssm = Pages(world.ssm, times=1)
    world.renew(token(1))
    ask(world.text, "SELECT 1")
    world.ssm = Pages(world.ssm, times=2)
    with pytest.raises(world.manager.exceptions.ClientError):
        world.renew(token(2))


def test_a_table_that_somebody_holds_keeps_a_renewal_waiting_for_seconds_only(
    world: World,
) -> None:
    ask(world.url, "CREATE TABLE held (x int)")
    world.step("createSecret", token(1))
    with psycopg.connect(world.url) as connection:
        connection.execute("SELECT * FROM held")
        with pytest.raises(Refused, match="55P03"):
            world.step("setSecret", token(1))
    world.step("setSecret", token(1))
    world.step("testSecret", token(1))


def test_without_a_cluster_there_is_nothing_to_start_anew(world: World) -> None:
    renewer = world.renewer
    alone = replace(renewer, cluster="none-such")
    alone.create(world.login, token(1), world.renewal)
    alone.set(world.login, token(1), world.renewal)
    alone.finish(world.login, token(1), world.renewal)
    assert world.current.username == "app_1"


@pytest.mark.requirement("R74")
def test_what_the_template_holds_renews_both_as_secrets_manager_asks_for_it(
    world: World, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewal = world.renewal
    said = {
        world.key: {"services": ["api"]},
        world.login: {"services": ["api"], "owner": renewal.owner, "url": renewal.url},
    }
    for name, value in {
        "AWS_ENDPOINT_URL": aws,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    index = types.ModuleType("index")
    monkeypatch.setitem(sys.modules, "index", index)
    exec(compile(code(), "index.py", "exec", dont_inherit=True), vars(index))
    told = {"cluster": CLUSTER, "secrets": said, "texts": TEXTS}
    monkeypatch.setattr(index, "SETTINGS", json.dumps(told))
    for secret in said:
        for step in STEPS:
            event = {"SecretId": secret, "ClientRequestToken": token(1), "Step": step}
            index.handler(event, None)
    assert len(world.value(world.key)) == 48
    who = "SELECT session_user, current_setting('application_name')"
    assert ask(world.text, who) == [("app_1", world.value(world.key))]


# -- A random value ----------------------------------------------------------------------------


@pytest.mark.requirement("R74")
def test_the_rotation_makes_a_new_value_once_and_then_current_and_starts_its_readers_anew(
    world: World,
) -> None:
    secret, before = world.key, world.deployment("mails")["id"]
    for name in (STEPS[0], *STEPS[:3]):
        world.step(name, token(1), secret)
    assert world.value(secret) == "old"
    world.acts = Acts(last=1)  # killed after the text
    with pytest.raises(Killed):
        world.step("finishSecret", token(1), secret)
    for _ in range(2):
        world.step("finishSecret", token(1), secret)
    made = world.value(secret)
    assert world.text == f"{world.url}&application_name={made}"
    assert len(made) == 48
    assert made.isalnum()
    assert world.deployment("mails")["id"] != before
    versions = world.manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert "AWSCURRENT" in versions[token(1)]
    assert len(versions) == 2


# -- The wire ----------------------------------------------------------------------------------


def test_a_wrong_password_is_told_with_postgresql_s_own_code(world: World) -> None:
    with pytest.raises(Refused, match="password authentication failed") as refused:
        Connection(Login("app", "wrong").within(world.url))
    assert refused.value.code == "28P01"


def test_a_statement_that_fails_is_told_and_the_connection_goes_on(world: World) -> None:
    with Connection(world.url) as connection:
        with pytest.raises(Refused, match="42601: syntax error"):
            connection.query("nonsense")
        assert connection.query("SELECT x FROM generate_series(1, 3) x") == ["1", "2", "3"]
        assert connection.query("SELECT NULL") == [""]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([b"R" + struct.pack("!ii", 8, 0)], "goes on with"),  # trusts anybody
        ([b"R" + struct.pack("!ii", 8, 3)], "goes on with"),  # wants it in the open
        (["SCRAM", "first", "wrong signature"], "does not know the password"),
        (["SCRAM", "another nonce"], "nonce is not ours"),
        ([], "hung up"),
    ],
)
def test_a_server_that_does_not_show_that_it_knows_the_password_is_refused(
    answers: list[str | bytes], words: str
) -> None:
    with (
        pretends(answers) as port,
        pytest.raises(Refused, match=words),
    ):
        Connection(f"postgresql://app:p@127.0.0.1:{port}/shop_db", is_plain=True)


def test_a_server_without_tls_is_refused() -> None:
    with pretends([b"N"]) as port, pytest.raises(Refused, match="speaks no TLS"):
        Connection(f"postgresql://app:p@127.0.0.1:{port}/shop_db")


@contextmanager
def pretends(answers: list[str | bytes]) -> Generator[int]:
    """A server that gives these answers, whatever it is told."""
    listener = socket.create_server(("127.0.0.1", 0))

    def scram(code: int, text: str) -> bytes:
        return b"R" + struct.pack("!ii", 8 + len(text), code) + text.encode()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            for each in answers:
                said = peer.recv(4096)
                nonce = said.rpartition(b"r=")[2].decode(errors="replace")
                salt = base64.b64encode(b"salt").decode()
                match each:
                    case bytes():
                        peer.sendall(each)
                    case "SCRAM":
                        peer.sendall(scram(10, "SCRAM-SHA-256\0\0"))
                    case "first":
                        peer.sendall(scram(11, f"r={nonce}server,s={salt},i=4096"))
                    case "another nonce":
                        peer.sendall(scram(11, f"r=other,s={salt},i=4096"))
                    case _:
                        peer.sendall(scram(12, f"v={salt}"))
            peer.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


class Pages:
    """SSM, which tells of a secret that is not there first, for so many times."""

    exceptions = None

    def __init__(self, client: Any, *, times: int) -> None:
        self.client, self.times = client, times

    def get_parameters_by_path(self, **said: Any) -> Mapping[str, Any]:
        if "NextToken" in said or not self.times:
            said.pop("NextToken", None)
            found: Mapping[str, Any] = self.client.get_parameters_by_path(**said)
            return found
        self.times -= 1
        return {"Parameters": [{"Value": "gone"}], "NextToken": "rest"}


class Told:
    """ECS with one service, as somebody tells of it."""

    class exceptions:  # noqa: N801 - boto3's own word
        class ClusterNotFoundException(Exception):
            pass

    def __init__(self, *deployments: Mapping[str, Any]) -> None:
        self.deployments: Sequence[Mapping[str, Any]] = deployments
        self.started: list[str] = []

    def describe_services(self, **_: Any) -> Mapping[str, Any]:
        service = {"serviceName": "api", "status": "ACTIVE", "deployments": self.deployments}
        return {"services": [service]}

    def update_service(self, *, service: str, **said: Any) -> None:
        assert said["forceNewDeployment"]
        self.started.append(service)
