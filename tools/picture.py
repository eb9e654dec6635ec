"""Makes the README's pictures anew: `make picture`.

Runs a copy of the weather app, loads its sample, and in the middle of a release under a steady
load takes `fairway status --svg`; then the app's page, by Chromium where there is one. Nothing of
it is drawn by hand.
"""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs/pictures"
APP = ROOT / "examples/weather"
FAIRWAY = [sys.executable, "-m", "fairway.cli.main"]
PATH = "/api/v1/weather/stats?size=10"
CLIENTS = 4
PAUSE_SECONDS = 0.02
LOADED_SECONDS = 300.0


class Project:
    """The copy that is photographed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "weather"
        left_out = shutil.ignore_patterns(".venv", ".fairway", "__pycache__", ".*_cache", "tests")
        shutil.copytree(APP, self.folder, ignore=left_out)
        self.port = free_port()
        file = self.folder / "fairway.toml"
        text = file.read_text().replace("[service.api]\n", f"[service.api]\nport = {self.port}\n")
        file.write_text(text)

    def fairway(self, *arguments: str) -> str:
        """What a verb prints; its talk goes on to the terminal."""
        done = subprocess.run(
            [*FAIRWAY, *arguments], cwd=self.folder, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def status(self) -> Any:
        """What runs."""
        return json.loads(self.fairway("status", "--json"))

    def is_loaded(self) -> bool:
        """Whether the last job of the sample has succeeded."""
        jobs = {job["name"]: job for job in self.status()["jobs"]}
        return jobs["statistics"]["last_exit_code"] == 0

    def is_half_way(self) -> bool:
        """Whether traffic is shared while another replica of the new revision starts."""
        (service,) = self.status()["services"]
        starts = any(each["state"] == "starting" for each in service["replicas"])
        return 0 < service["release_percent"] < 100 and starts

    def ask_until(self, over: threading.Event) -> None:
        """One client of the steady load."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not over.wait(PAUSE_SECONDS):
            try:
                connection.request("GET", PATH)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()


def main() -> int:
    """The command."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        try:
            project.fairway("up", "--detach")
            wait(project.is_loaded)
            photograph_release(project)
            photograph_page(f"http://127.0.0.1:{project.port}/", Path(folder) / "profile")
        finally:
            project.fairway("down", "--delete-data", "--yes")
    return 0


def photograph_release(project: Project) -> None:
    """`up.svg`: a release in the middle, under load."""
    over = threading.Event()
    clients = [threading.Thread(target=project.ask_until, args=(over,)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(3)
    page = project.folder / "weather/page.py"
    page.write_text(page.read_text() + "\n# another revision\n")
    deploy = subprocess.Popen([*FAIRWAY, "deploy"], cwd=project.folder)
    try:
        wait(project.is_half_way, every=0.05)
        project.fairway("status", "--svg", str(PICTURES / "up.svg"))
    finally:
        deploy.wait()
        over.set()
        for client in clients:
            client.join()


def photograph_page(url: str, profile: Path) -> None:
    """`weather.png`: the app's page in a browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium here: docs/pictures/weather.png stays as it is", file=sys.stderr)
        return
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", f"--user-data-dir={profile}", "--hide-scrollbars"),
        *(f"--screenshot={PICTURES / 'weather.png'}", "--window-size=1280,900", url),
    ]
    subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)


def wait(reached: Any, *, every: float = 0.5) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + LOADED_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LOADED_SECONDS:g} s: {reached.__doc__}")
        time.sleep(every)


def free_port() -> int:
    """8000, as users see it, or another that nobody has."""
    for wanted in (8000, 8080, 8888, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("port 0 is always free")


if __name__ == "__main__":
    sys.exit(main())
