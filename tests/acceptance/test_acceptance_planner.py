"""The retirement planner as its user runs it: `fairway up`, a browser, a release in between."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from fairway.targets.local.ports import free_port

pytestmark = [pytest.mark.acceptance, pytest.mark.real, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
PLANNER = ROOT / "examples" / "planner"
LEFT_OUT = shutil.ignore_patterns(".venv", ".fairway", "__pycache__", ".*_cache", "*.db*")
PLAN = {"client_id": "acceptance", "portfolio": 1_000_000, "annual_spending": 40_000}
OURS = {"PYTHONPATH", "VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL"}


class Planner:
    """A copy of the project beside a copy of the runtime, which it takes by path."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "examples" / "planner"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {n: value for n, value in os.environ.items() if n not in OURS}
        shutil.copytree(PLANNER, self.folder, ignore=LEFT_OUT)
        runtime = Path("packages", "fairway-runtime")
        shutil.copytree(ROOT / runtime, home / runtime, ignore=LEFT_OUT)
        file = self.folder / "fairway.toml"
        file.write_text(file.read_text().replace("8501", str(self.port)))

    def fairway(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "fairway.cli.main", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.fairway("status", "--json"))

    def post(self, path: str, body: object) -> tuple[dict[str, str], bytes]:
        asked = Request(
            f"{self.url}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urlopen(asked, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Generator[Planner]:
    found = Planner(tmp_path_factory.mktemp("planner"))
    try:
        found.fairway("up", "--detach", "--json")
        yield found
    finally:
        found.fairway("down")


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of the planner's own environment, in which its browser's driver is."""
    command = [ROOT / ".tools" / "bin" / "uv", "sync", "--quiet", "--locked", "--project", PLANNER]
    subprocess.run([*command, "--python", sys.executable], check=True)
    return PLANNER / ".venv" / "bin" / "python"


@pytest.mark.requirement("R33", "R48", "R49")
def test_the_planner_must_run_as_two_sticky_replicas_with_postgres_and_redis(
    planner: Planner,
) -> None:
    status = planner.status()
    (service,) = status["services"]
    assert service["ready"] == 2
    assert {node["kind"] for node in status["nodes"]} == {"balancer", "database", "cache"}
    assert {node["state"] for node in status["nodes"]} == {"up"}


@pytest.mark.requirement("R94", "R100", "R274")
def test_a_simulation_must_be_computed_once_for_all_replicas_and_recorded(
    planner: Planner,
) -> None:
    answers: dict[str, bytes] = {}
    deadline = time.monotonic() + 30
    while len(answers) < 2 and time.monotonic() < deadline:
        headers, body = planner.post("/api/simulate", {**PLAN, "seed": 11})
        assert headers["x-recorded"] == "true"
        answers[headers["x-fairway-replica"]] = body
    assert len(answers) == 2
    assert len(set(answers.values())) == 1
    with urlopen(f"{planner.url}/api/history?client_id=acceptance", timeout=30) as answer:
        history = json.loads(answer.read())
    assert {one["plan"]["seed"] for one in history} == {11}
    logs = planner.fairway("logs")
    assert logs.count("run_monte_carlo_vectorized") == 1


@pytest.mark.browser
@pytest.mark.requirement("R105", "R154", "R234")
def test_a_client_must_get_from_inputs_to_a_report_and_stay_through_a_release(
    planner: Planner, python: Path
) -> None:
    """Both in one: the browser that made the journey has its page open while a release rolls."""
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    browser = subprocess.Popen(
        [python, "-m", "tests.journey", planner.url, "--release"],
        cwd=PLANNER,
        env=planner.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert browser.stdin is not None
    assert browser.stdout is not None
    try:
        assert browser.stdout.readline().strip() == "released?"
        page = planner.folder / "longrun" / "ui" / "overview.py"
        page.write_text(page.read_text() + "\n# another revision\n")
        planner.fairway("deploy")
        told, _ = browser.communicate("yes\n", timeout=120)
    finally:
        browser.kill()
        browser.wait()
    seen = json.loads(told)
    assert "$1,000 to $100,000,000" in seen["wrong_input"]
    assert len(seen["pages"]) == 7
    assert -1 not in seen["pages"].values()
    assert "?scenario=" in seen["saved"]
    assert "95 % interval" in seen["answer"]
    assert seen["report"]["bytes"] < 2_000_000
    assert len(seen["report"]["has"]) == 4
    assert "$50,000" in seen["after_release"]
