"""What an operator types: people, verification, the archive."""

import io
from pathlib import Path

import pytest
from longrun.database import Database
from longrun.manage import main
from longrun.people import People
from longrun.recorder import Recorder
from longrun.settings import Settings
from longrun.spool import Entry, Spool
from longrun.trail import Trail

PASSWORD = "correct horse battery"
KEY = "a" * 32


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    url = f"sqlite:///{tmp_path}/managed.db"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("AUDIT_KEY", KEY)
    monkeypatch.delenv("BUCKET_NAME", raising=False)
    return Settings(database_url=url, audit_key=KEY.encode(), spool=tmp_path / "spool")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_somebody_is_added_gets_another_password_and_is_let_in_no_more(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(settings, "test", connections=1)
    people = People(settings, database)
    typed(monkeypatch, f"{PASSWORD}\n")
    assert main(["add", "Ada", "adviser"]) == 0
    assert people.sign_in("ada", PASSWORD, is_here=False) is not None
    typed(monkeypatch, f"{PASSWORD}\n")
    assert main(["add", "ada", "compliance"]) == 2
    typed(monkeypatch, "another one, longer\n")
    assert main(["password", "ada"]) == 0
    assert people.sign_in("ada", PASSWORD, is_here=False) is None
    assert people.sign_in("ada", "another one, longer", is_here=False) is not None
    assert main(["disable", "ada"]) == 0
    assert people.sign_in("ada", "another one, longer", is_here=False) is None
    assert main(["disable", "nobody"]) == 1
    told = capsys.readouterr()
    assert PASSWORD not in told.out + told.err
    database.close()


def test_a_short_password_is_refused_with_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "short\n")
    assert main(["add", "ada", "adviser"]) == 2
    assert "12 to 200 characters" in capsys.readouterr().err


def test_the_log_is_verified_with_a_head_and_without(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, f"{PASSWORD}\n")
    main(["add", "ada", "adviser"])
    database = Database(settings, "test", connections=1)
    recorder = Recorder(database, Trail(settings, database), Spool(settings.spool))
    for number in range(3):
        recorder.keep(Entry(f"id-{number}", "now", "ada", "test", "client/c", None, {}))
    recorder.close()
    database.close()
    capsys.readouterr()
    assert main(["verify"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("intact: 3 records, head 3:")
    assert main(["verify", told.split("head ")[1].strip()]) == 0
    assert main(["verify", "3:" + "0" * 64]) == 1
    assert main(["verify", "nonsense"]) == 2
    monkeypatch.setenv("AUDIT_KEY", "b" * 32)
    assert main(["verify"]) == 1


def test_without_a_bucket_the_archive_says_what_is_missing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["archive"]) == 2
    assert "BUCKET_NAME is not set" in capsys.readouterr().err


def test_a_database_that_is_away_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    assert main(["disable", "ada"]) == 1
    assert "does not answer" in capsys.readouterr().err
