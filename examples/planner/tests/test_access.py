"""Signing in and out, and what each role sees, in the API and on the sign-in page."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from longrun.database import Database
from longrun.door import local_path
from longrun.passwords import hashed, is_right
from longrun.people import (
    DEVELOPMENT_NAMES,
    DEVELOPMENT_PASSWORD,
    NameTaken,
    People,
    Person,
)
from longrun.service import Service
from longrun.settings import Settings
from longrun.web_parts import create_app
from starlette.websockets import WebSocketDisconnect

from tests.conftest import ADA, BEN, CLEO, KEY, Enter, cookies, entered, settings_in

PLAN: dict[str, Any] = {"portfolio": 1_000_000, "annual_spending": 40_000, "scenarios": 100}
PASSWORD = "correct horse battery"
HERE = ("127.0.0.1", 5000)


def stranger(service: Service, address: tuple[str, int] = HERE) -> TestClient:
    """A browser of nobody, at an address."""
    return TestClient(create_app(service), client=address, follow_redirects=False)


def test_a_password_is_kept_as_a_salted_hash_that_tells_its_cost() -> None:
    kept = hashed(PASSWORD)
    assert kept.startswith("scrypt$32768$8$3$")
    assert PASSWORD not in kept
    assert kept != hashed(PASSWORD)
    assert is_right(PASSWORD, kept)
    assert not is_right(PASSWORD + " ", kept)
    assert not is_right(PASSWORD, "-")
    assert not is_right(PASSWORD, kept.replace("scrypt", "plain"))


def test_who_signs_in_gets_a_signed_cookie_under_a_new_id(service: Service) -> None:
    service.people.add("Dora", "adviser", PASSWORD)
    with stranger(service) as client:
        refused = client.post("/api/login", json={"name": "dora", "password": "wrong"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        answer = client.post("/api/login", json={"name": " DORA", "password": PASSWORD})
        assert answer.json() == {"name": "dora", "role": "adviser"}
        first = answer.headers["set-cookie"]
        assert "HttpOnly" in first
        assert "SameSite=Lax" in first
        assert client.get("/api/me").json() == {"name": "dora", "role": "adviser"}
        again = client.post("/api/login", json={"name": "dora", "password": PASSWORD})
        assert again.headers["set-cookie"] != first


def test_a_forged_cookie_is_a_stranger(service: Service) -> None:
    client = entered(service, ADA)
    (name, value), *_ = client.cookies.items()
    client.cookies = {name: value[:-3] + ("AAA" if value[-3:] != "AAA" else "BBB")}
    assert client.get("/me").status_code == 401


def test_signing_out_ends_the_sessions_of_all_browsers(service: Service) -> None:
    first, second = entered(service, ADA), entered(service, ADA)
    assert second.get("/me").status_code == 200
    assert first.post("/logout").status_code == 204
    assert second.get("/me").status_code == 401


def test_somebody_who_is_disabled_is_out_at_once(service: Service) -> None:
    client = entered(service, ADA)
    assert client.get("/me").status_code == 200
    service.people.change("ada", is_disabled=True)
    service.people._known.clear()  # ten seconds later  # pyright: ignore[reportPrivateUsage] (time passes)
    assert client.get("/me").status_code == 401


def test_an_adviser_sees_her_own_rows_and_compliance_sees_all(enter: Enter) -> None:
    ada, ben, cleo = enter(ADA), enter(BEN), enter(CLEO)
    plan = {**PLAN, "client_id": "c-1"}
    assert ada.post("/simulate", json=plan).status_code == 200
    assert ben.post("/simulate", json={**plan, "seed": 2}).status_code == 200
    query = {"client_id": "c-1"}
    assert [one["plan"]["seed"] for one in ada.get("/history", params=query).json()] == [1]
    assert [one["plan"]["seed"] for one in ben.get("/history", params=query).json()] == [2]
    assert len(cleo.get("/history", params=query).json()) == 2
    own = ada.post("/scenarios", json={"name": "Own", "plan": plan}).json()["id"]
    shared = ada.post("/scenarios", json={"name": "Ours", "plan": plan, "shared": True})
    assert ben.get(f"/scenarios/{own}").status_code == 404
    assert cleo.get(f"/scenarios/{own}").status_code == 200
    assert ben.get(f"/scenarios/{shared.json()['id']}").json()["name"] == "Ours"


def test_rows_of_before_there_were_owners_are_compliances(service: Service) -> None:
    nobody = Person("", "", "adviser", 1)
    key = service.store.save("Old", "c-1", {}, owner=nobody)
    assert service.store.scenario(key, ADA) is None
    assert service.store.scenario(key, CLEO) is not None
    assert service.store.scenarios("c-1", BEN) == []


def test_nobody_takes_the_place_of_anothers_scenario(service: Service) -> None:
    key = service.store.save("Ada's", "c-1", {}, owner=ADA)
    with pytest.raises(Exception, match="database"):
        service.store.save("Ben's", "c-1", {}, owner=BEN, key=key)
    kept = service.store.scenario(key, ADA)
    assert kept is not None
    assert kept.name == "Ada's"


@pytest.mark.parametrize("path", ["/audit", "/audit/verification"])
def test_the_audit_log_is_compliances_to_read(enter: Enter, path: str) -> None:
    refused = enter(ADA).get(path)
    assert refused.status_code == 403
    assert "compliance" in refused.json()["detail"]
    assert enter(CLEO).get(path).status_code == 200
    assert enter(None).get(path).status_code == 401


def test_a_page_leads_a_stranger_to_the_sign_in_page_and_back(service: Service) -> None:
    service.people.add("dora", "adviser", PASSWORD)
    with stranger(service) as client:
        sent = client.get("/portfolio?scenario=abc")
        assert sent.status_code == 303
        assert sent.headers["location"] == "/login?next=%2Fportfolio%3Fscenario%3Dabc"
        page = client.get(sent.headers["location"])
        assert 'value="/portfolio?scenario=abc"' in page.text
        form = {"name": "dora", "password": PASSWORD, "next": "/portfolio?scenario=abc"}
        done = client.post("/login", data=form)
        assert done.status_code == 303
        assert done.headers["location"] == "/portfolio?scenario=abc"
        assert client.get("/logout").status_code == 200
        assert client.post("/logout").headers["location"] == "/login"
        assert client.get("/logout").status_code == 303


def test_the_sign_in_page_escapes_what_was_typed_and_never_shows_a_password(
    service: Service,
) -> None:
    with stranger(service) as client:
        typed = {"name": '"><script>x</script>', "password": "secret-text", "next": "/"}
        page = client.post("/login", data=typed)
    assert page.status_code == 401
    assert "<script>" not in page.text
    assert "secret-text" not in page.text
    assert 'role="alert"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "text", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb", ""]
)
def test_signing_in_leads_nowhere_else(text: str) -> None:
    assert local_path(text) == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ],
)
def test_another_sites_page_changes_nothing(enter: Enter, headers: dict[str, str]) -> None:
    refused = enter(ADA).post("/simulate", json=PLAN, headers=headers)
    assert refused.status_code == 403
    assert "another site" in refused.json()["detail"]


def test_a_strangers_page_gets_no_websocket(service: Service) -> None:
    with stranger(service) as client:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
            pass
        assert client.put("/_stcore/upload_file/a/b").status_code == 401
        assert client.get("/media/abc.pdf").status_code == 303


def test_ten_tries_a_minute_are_enough_for_a_name(service: Service) -> None:
    with stranger(service) as client:
        tries = [
            client.post("/api/login", json={"name": "ada", "password": "x"}).status_code
            for _ in range(11)
        ]
        other = client.post("/api/login", json={"name": "ben", "password": "x"})
    assert tries == [401] * 10 + [429]
    assert other.status_code == 401


def test_the_users_of_development_come_in_from_this_machine_alone(service: Service) -> None:
    said = {"name": "adviser", "password": DEVELOPMENT_PASSWORD}
    with stranger(service) as here:
        page = here.get("/login").text
        assert DEVELOPMENT_PASSWORD in page
        assert all(name in page for name in DEVELOPMENT_NAMES)
        assert here.post("/api/login", json=said).json()["role"] == "adviser"
    with stranger(service, ("203.0.113.9", 5000)) as elsewhere:
        assert DEVELOPMENT_PASSWORD not in elsewhere.get("/login").text
        assert elsewhere.post("/api/login", json=said).status_code == 401
        forwarded = {"x-forwarded-for": "127.0.0.1"}
        assert elsewhere.post("/api/login", json=said, headers=forwarded).status_code == 401


def test_production_knows_no_default_password(tmp_path: Path) -> None:
    open_one = settings_in(tmp_path)
    database = Database(open_one, "test", connections=1)
    closed = Settings(
        database_url=open_one.database_url,
        environment="production",
        session_keys=(KEY,),
        audit_key=KEY,
        spool=tmp_path / "spool",
    )
    people = People(closed, database)
    people.make_development_people()
    people.refuse_development_people()
    assert people.sign_in("adviser", DEVELOPMENT_PASSWORD, is_here=True) is None
    People(open_one, database).make_development_people()
    assert people.sign_in("adviser", DEVELOPMENT_PASSWORD, is_here=True) is None
    with pytest.raises(RuntimeError, match="everybody knows"):
        people.refuse_development_people()
    with pytest.raises(ValueError, match="everybody's"):
        people.add("eve", "adviser", DEVELOPMENT_PASSWORD)
    service = Service(closed)
    with stranger(service) as client:
        assert DEVELOPMENT_PASSWORD not in client.get("/login").text
    service.close()
    database.close()


@pytest.mark.parametrize("missing", ["SESSION_KEY", "AUDIT_KEY"])
def test_production_does_not_start_without_secrets_of_its_own(missing: str) -> None:
    said = {
        "ENVIRONMENT": "production",
        "SESSION_KEY": "s" * 32,
        "AUDIT_KEY": "a" * 32,
    }
    Settings.from_environment(said).require_keys()
    with pytest.raises(ValueError, match=missing):
        Settings.from_environment({**said, missing: ""}).require_keys()
    with pytest.raises(ValueError, match=missing):
        Settings.from_environment({**said, missing: "short"})
    Settings.from_environment({}).require_keys()


def test_a_secret_is_in_no_text_of_the_settings() -> None:
    found = Settings.from_environment(
        {"SESSION_KEY": "s" * 32, "AUDIT_KEY": "a" * 32, "DATABASE_URL": "postgresql://u:pw@h/d"}
    )
    assert "ssss" not in repr(found)
    assert "aaaa" not in repr(found)
    assert "pw" not in repr(found)


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "adviser", PASSWORD),
        ("x" * 101, "adviser", PASSWORD),
        ("a\nb", "adviser", PASSWORD),
        ("eve", "owner", PASSWORD),
        ("eve", "adviser", "short"),
        ("eve", "adviser", "x" * 201),
        ("ada", "adviser", PASSWORD),
    ],
)
def test_nobody_is_added_who_can_not_be(
    service: Service, name: str, role: str, password: str
) -> None:
    with pytest.raises((ValueError, NameTaken)):
        service.people.add(name, role, password)


def test_while_the_database_is_away_sessions_go_on_and_nobody_new_comes_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lost = Settings(
        database_url="sqlite:////nowhere/at/all.db",
        environment="test",
        session_keys=(KEY,),
        spool=tmp_path / "spool",
    )
    service = Service(lost)
    client = stranger(service)
    told = client.post("/api/login", json={"name": "ada", "password": "x"})
    assert told.status_code == 503
    page = client.post("/login", data={"name": "ada", "password": "x"})
    assert page.status_code == 503
    assert "does not answer" in page.text
    client.cookies = cookies(lost, ADA)
    assert client.get("/api/me").json()["name"] == "ada"
    service.close()
    assert "password" not in capfd.readouterr().err


def test_a_look_up_is_not_made_at_each_request(service: Service) -> None:
    clock = [0.0]
    database = Database(service.settings, "counted", connections=1)
    people = People(service.settings, database, clock=lambda: clock[0])
    assert people.remembered(ADA) == "ask"
    assert people.current(ADA) == ADA
    assert people.remembered(ADA) == ADA
    clock[0] = 11.0
    assert people.remembered(ADA) == "ask"
    database.close()
