"""The process table: real processes, started, lost, found again and ended."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from fairway.core.problem import Problems
from fairway.targets.local import lifetime, procfs, records, strays
from fairway.targets.local.ports import is_free
from fairway.targets.local.processes import Command, ProcessTable
from tests.targets.local.sessions import niceness_of_session

PYTHON = sys.executable
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[ProcessTable]:
    table = ProcessTable(tmp_path / "run")
    yield table
    await end(table)


async def end(table: ProcessTable) -> None:
    """Leave nothing of a test behind."""
    for each in table.all():
        await table.stop(each.name, grace_seconds=0)
    await table.reap_strays()


def shell(tmp_path: Path, script: str, name: str = "app", **more: object) -> Command:
    settings: dict[str, object] = {
        "name": name,
        "argv": ("/bin/sh", "-c", script),
        "directory": tmp_path,
        "environment": ENVIRONMENT,
        "log": tmp_path / f"{name}.log",
        **more,
    }
    return Command(**settings)  # pyright: ignore[reportArgumentType] - one place, plain values


async def until(holds: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


def marked(tmp_path: Path) -> set[int]:
    """Every living process that carries the mark of the table under `tmp_path`."""
    project = strays.project_of(tmp_path / "run")
    stats = procfs.scan()
    said = procfs.marks(stats).said
    return {pid for pid, (of, _) in said.items() if of == project and stats[pid].alive}


# -- Start and find ------------------------------------------------------------------------------


async def test_a_started_process_is_found_with_its_labels_and_its_output(
    table: ProcessTable, tmp_path: Path
) -> None:
    command = shell(tmp_path, "echo said; echo wrong >&2; exec sleep 60", labels={"port": "8001"})
    running = await table.start(command)

    assert table.find("app") == running
    assert running.alive
    assert running.labels == {"port": "8001"}
    await until(lambda: command.log.read_text() == "said\nwrong\n")


async def test_a_start_repeated_returns_the_process_that_runs(
    table: ProcessTable, tmp_path: Path
) -> None:
    both = await asyncio.gather(
        table.start(shell(tmp_path, "exec sleep 60")), table.start(shell(tmp_path, "exec sleep 60"))
    )
    assert both[0].pid == both[1].pid
    assert (await table.start(shell(tmp_path, "exec sleep 60"))).pid == both[0].pid


async def test_a_process_leads_its_own_session_and_has_no_input(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "cat; pwd; exec sleep 60"))
    stat = procfs.read(running.pid)
    assert stat is not None
    assert stat.session == stat.group == running.pid
    await until(lambda: running.log.read_text() == f"{tmp_path}\n")


# What SIGKILL makes of a server for a moment: its first thread is over and shows as a zombie, and
# its last one still has the port.
LAST_THREAD_LISTENS = """
import ctypes, socket, threading
listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=listening.accept).start()
print(listening.getsockname()[1], flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[__import__("platform").machine()], 0)
"""


async def test_a_process_is_alive_until_its_last_thread_is_over(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "", argv=(PYTHON, "-c", LAST_THREAD_LISTENS)))
    await until(lambda: (stat := procfs.read(running.pid)) is not None and stat.state == "Z")
    again = table.find("app")
    assert again is not None
    assert again.alive
    port = int(running.log.read_text())
    assert not is_free(port)

    await table.stop("app", grace_seconds=0)
    assert table.find("app") is None
    assert is_free(port)


async def test_all_are_listed_by_name(table: ProcessTable, tmp_path: Path) -> None:
    for name in ("web.10", "a", "ingest#3", "web.2"):
        await table.start(shell(tmp_path, "exec sleep 60", name))
    assert [each.name for each in table.all()] == ["a", "ingest#3", "web.10", "web.2"]


async def test_a_later_engine_finds_what_an_earlier_one_started(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "exec sleep 60"))
    assert ProcessTable(tmp_path / "run").find("app") == running


async def test_the_record_shows_no_environment(table: ProcessTable, tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "DATABASE_URL": "postgresql://x:planted-secret@localhost/x"}
    await table.start(shell(tmp_path, "exec sleep 60", environment=environment))
    record = (tmp_path / "run" / "app.json").read_text()
    assert "planted-secret" not in record
    assert json.loads(record)["argv"] == ["/bin/sh", "-c", "exec sleep 60"]


async def test_a_record_of_another_process_with_that_pid_is_not_believed(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "exec sleep 60"))
    path = tmp_path / "run" / "app.json"
    written = json.loads(path.read_text())
    for change in ({"started": written["started"] - 1}, {"boot": "another"}):
        path.write_text(json.dumps({**written, "token": "another", **change}))
        later = ProcessTable(tmp_path / "run")
        found = later.find("app")
        assert found is not None
        assert not found.alive
        assert not (await later.stop("app", grace_seconds=0)).killed
        stat = procfs.read(running.pid)
        assert stat is not None
        assert stat.alive
        path.write_text(json.dumps(written))


async def test_a_record_that_cannot_be_read_is_replaced(
    table: ProcessTable, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "app.json").write_text('{"pid": 1')
    assert table.find("app") is None
    assert (await table.start(shell(tmp_path, "exec sleep 60"))).alive


async def test_a_straggler_of_a_dead_engine_gives_way_to_the_process_that_has_the_name(
    table: ProcessTable, tmp_path: Path
) -> None:
    # What the straggler's shell does once it is scheduled again: write its record under a name
    # that has one by now.
    first = await table.start(shell(tmp_path, "exec sleep 60"))
    late = ProcessTable(tmp_path / "run")
    second = await late._start(shell(tmp_path, "exec sleep 60"))
    assert second.pid == first.pid
    await until(lambda: marked(tmp_path) == {first.pid})


# -- Starts that fail ----------------------------------------------------------------------------


async def refusal(table: ProcessTable, command: Command) -> str:
    with pytest.raises(Problems) as caught:
        await table.start(command)
    assert table.find(command.name) is None
    assert table.strays() == ()
    return str(caught.value)


async def test_a_missing_program_is_a_problem(table: ProcessTable, tmp_path: Path) -> None:
    said = await refusal(table, shell(tmp_path, "", argv=("no-such-program", "-x")))
    assert said.startswith("process app: there is no program no-such-program\n")


async def test_a_program_that_may_not_be_executed_is_a_problem(
    table: ProcessTable, tmp_path: Path
) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    said = await refusal(table, shell(tmp_path, "", argv=("./tool",)))
    assert "./tool may not be executed" in said
    assert "chmod +x ./tool" in said


async def test_a_missing_folder_is_a_problem(table: ProcessTable, tmp_path: Path) -> None:
    said = await refusal(table, shell(tmp_path, "", directory=tmp_path / "gone"))
    assert f"its folder is missing: {tmp_path / 'gone'}" in said


async def test_a_log_that_cannot_be_written_is_a_problem(
    table: ProcessTable, tmp_path: Path
) -> None:
    said = await refusal(table, shell(tmp_path, "", log=tmp_path))
    assert f"{tmp_path}: is a directory" in said


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, without a byte left."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    (small / "run").mkdir()
    with pytest.raises(OSError, match="No space"):
        (small / "filler").write_bytes(b"x" * 70_000)
    yield small
    subprocess.run(["umount", small], check=True)


async def test_a_full_disk_is_a_problem_that_says_so(tmp_path: Path, full_disk: Path) -> None:
    command = shell(tmp_path, "exec sleep 60", log=full_disk / "app.log")
    said = await refusal(ProcessTable(full_disk / "run"), command)
    assert said.startswith("process app: the disk is full: 0 KiB are free where ")


@root_only
async def test_a_process_can_run_as_another_user(table: ProcessTable, tmp_path: Path) -> None:
    await table.start(shell(tmp_path, "id -u; id -g; id -G; exec sleep 60", user=12345))
    log = tmp_path / "app.log"
    await until(lambda: log.read_text() == "12345\n12345\n12345\n")


# -- How processes end ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)]
)
@pytest.mark.parametrize("keeps", [False, True])
async def test_the_exit_code_is_known(
    table: ProcessTable, tmp_path: Path, script: str, code: int, keeps: bool
) -> None:
    await table.start(shell(tmp_path, script, keeps_exit_code=keeps))
    assert await table.wait("app", 10) == code
    found = ProcessTable(tmp_path / "run").find("app")
    assert found is not None
    assert (found.alive, found.exit_code) == (False, code)


async def test_waiting_has_an_end(table: ProcessTable, tmp_path: Path) -> None:
    await table.start(shell(tmp_path, "exec sleep 60"))
    before = time.monotonic()
    assert await table.wait("app", 0.1) is None
    assert 0.05 < time.monotonic() - before < 5


async def test_no_zombie_is_left_though_nobody_asks(table: ProcessTable, tmp_path: Path) -> None:
    running = await table.start(shell(tmp_path, "exit 3"))
    await until(lambda: procfs.read(running.pid) is None)


async def test_the_end_of_an_adopted_process_is_noticed_at_once(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "exec sleep 60"))
    waiting = asyncio.create_task(ProcessTable(tmp_path / "run").wait("app", 30))
    await asyncio.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    before = time.monotonic()
    await waiting
    assert time.monotonic() - before < 5


@pytest.mark.requirement("R221", "R226")
async def test_stopping_asks_first(table: ProcessTable, tmp_path: Path) -> None:
    script = "trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    running = await table.start(shell(tmp_path, script))
    await until(lambda: "up" in running.log.read_text())
    stopped = await table.stop("app", grace_seconds=20)
    assert (stopped.exit_code, stopped.killed) == (0, False)
    assert "drained" in running.log.read_text()
    assert table.find("app") is None
    assert list((tmp_path / "run").iterdir()) == []


async def test_what_ignores_sigterm_is_killed_with_all_its_descendants(
    table: ProcessTable, tmp_path: Path
) -> None:
    # Two grandchildren ignore the signal too: one in the group, one that left the session.
    deaf = "trap '' TERM; while :; do sleep 0.05; done"
    script = f"trap '' TERM; ({deaf}) & setsid sh -c \"{deaf}\" & echo up; wait; {deaf}"
    running = await table.start(shell(tmp_path, script))
    await until(lambda: len(marked(tmp_path)) >= 3 and "up" in running.log.read_text())
    stopped = await table.stop("app", grace_seconds=0.2)
    assert stopped.killed
    assert marked(tmp_path) == set()


async def test_descendants_end_even_where_their_leader_is_gone(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "setsid sh -c 'sleep 60; :' & exit 4"))
    assert await table.wait("app", 10) == 4
    await until(lambda: marked(tmp_path))
    assert not ProcessTable(tmp_path / "run").find("app").alive  # pyright: ignore[reportOptionalMemberAccess]
    stopped = await table.stop("app", grace_seconds=0)
    assert (stopped.exit_code, stopped.killed) == (4, True)
    assert marked(tmp_path) == set()
    assert procfs.read(running.pid) is None


async def test_who_changes_its_program_is_not_taken_for_gone(
    table: ProcessTable, tmp_path: Path
) -> None:
    """For a moment of every `execve` the kernel shows an environment of nothing."""
    again = 'N=$((N+1)); export N; exec /bin/sh -c "$AGAIN"'
    command = shell(
        tmp_path,
        'setsid sh -c "$AGAIN" & exit 4',
        environment={**ENVIRONMENT, "AGAIN": again},
    )
    await table.start(command)
    assert await table.wait("app", 10) == 4
    record = records.read(tmp_path / "run" / "app.json")
    assert record is not None
    looks = [lifetime.tree(record) for _ in range(400)]
    assert [look for look in looks if not look.alive and look.settled] == []
    stopped = await table.stop("app", grace_seconds=0)
    assert stopped.killed
    assert marked(tmp_path) == set()


@pytest.mark.requirement("R223")
async def test_where_the_leader_alone_is_told_the_rest_is_left_to_it_and_ends_with_it(
    table: ProcessTable, tmp_path: Path
) -> None:
    """As in a container: a pool's processes would drop what they do."""
    pool = "trap 'echo told' TERM; while :; do sleep 0.05; done"
    leader = (
        f"({pool}) & trap 'sleep 0.3; echo ended; exit 0' TERM; echo up; while :; do wait; done"
    )
    running = await table.start(shell(tmp_path, leader, labels={"told": "leader"}))
    await until(lambda: len(marked(tmp_path)) >= 2 and "up" in running.log.read_text())
    before = time.monotonic()
    stopped = await table.stop("app", grace_seconds=20)
    assert stopped.exit_code == 0
    assert running.log.read_text().split() == ["up", "ended"]
    assert marked(tmp_path) == set()
    assert time.monotonic() - before < 10


async def test_a_wrapper_says_how_its_killed_program_ended(
    table: ProcessTable, tmp_path: Path
) -> None:
    deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    running = await table.start(shell(tmp_path, deaf, keeps_exit_code=True))
    await until(lambda: "up" in running.log.read_text())
    stopped = await table.stop("app", grace_seconds=0.1)
    assert (stopped.exit_code, stopped.killed) == (137, True)


async def test_stopping_twice_does_no_harm(table: ProcessTable, tmp_path: Path) -> None:
    await table.start(shell(tmp_path, "exec sleep 60"))
    assert (await table.stop("app", grace_seconds=5)).exit_code == 143
    assert (await table.stop("app", grace_seconds=5)).exit_code is None


async def test_only_an_ended_process_can_be_forgotten(table: ProcessTable, tmp_path: Path) -> None:
    running = await table.start(shell(tmp_path, "exec sleep 60"))
    with pytest.raises(ValueError, match=f"app still runs as process {running.pid}"):
        table.forget("app")
    os.kill(running.pid, signal.SIGKILL)
    await table.wait("app", 5)
    table.forget("app")
    assert table.find("app") is None


# -- What they take ------------------------------------------------------------------------------


async def test_usage_counts_the_whole_tree(table: ProcessTable, tmp_path: Path) -> None:
    busy = f"{PYTHON} -c 'x = bytearray(50_000_000)\nwhile True: pass'"
    running = await table.start(shell(tmp_path, f"{busy} & setsid {busy} & wait"))

    def grown() -> bool:
        usage = table.usage("app")
        return usage is not None and usage.rss_bytes > 100_000_000 and usage.cpu_seconds > 0.3

    await until(grown, 20)
    usage = table.usage("app")
    assert usage is not None
    assert usage.processes >= 3
    await table.stop("app", grace_seconds=0)
    assert table.usage("app") is None
    assert procfs.read(running.pid) is None


async def test_a_starting_process_stands_back_until_told_otherwise(
    table: ProcessTable, tmp_path: Path
) -> None:
    running = await table.start(shell(tmp_path, "sleep 60 & wait"))
    before = os.sched_getscheduler(running.pid)

    table.set_priority("app", starting=True)
    assert niceness_of_session(running.pid) in {"19", None}
    if os.geteuid() == 0:
        threads = procfs.members(procfs.scan(), running.pid)
        assert {os.sched_getscheduler(each.pid) for each in threads} == {os.SCHED_IDLE}

    await asyncio.sleep(0.12)  # an ordinary user may change an autogroup ten times a second
    table.set_priority("app", starting=False)
    assert os.sched_getscheduler(running.pid) == before
    assert niceness_of_session(running.pid) in {"0", None}
    table.set_priority("nobody", starting=True)


# -- Engines that die ----------------------------------------------------------------------------

ENGINE = """
import asyncio, sys
from pathlib import Path
from fairway.targets.local.processes import Command, ProcessTable

home = Path(sys.argv[1])

async def main():
    table = ProcessTable(home / "run")
    print("ready", flush=True)
    for ordinal in range(1000):
        await table.start(Command(
            name=f"web.{ordinal}", argv=("/bin/sh", "-c", "sleep 300 & wait"), directory=home,
            environment={"PATH": "/usr/bin:/bin"}, log=home / "log",
            keeps_exit_code=ordinal % 2 == 1,
        ))

asyncio.run(main())
"""


def kill_an_engine(home: Path, after_seconds: float) -> None:
    with subprocess.Popen(
        [PYTHON, "-c", ENGINE, home], env=ENVIRONMENT, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"ready\n"
        time.sleep(after_seconds)
        engine.kill()


@pytest.mark.real
async def test_an_engine_killed_at_any_moment_leaves_nothing_unknown(tmp_path: Path) -> None:
    """Every process is either found by the next engine or gone; no start is half done."""
    chance = random.Random(20261120)
    for turn in range(12):
        home = tmp_path / str(turn)
        home.mkdir()
        await asyncio.to_thread(kill_an_engine, home, chance.uniform(0, 0.04))

        later = ProcessTable(home / "run")
        # A child that was on its way is nobody's yet, and then writes its record: all is known
        # once nothing has been unknown for a while.
        known = 0
        while known < 5:
            await until(lambda later=later: later.strays() == ())
            await asyncio.sleep(0.02)
            known = known + 1 if later.strays() == () else 0
        known = {each.pid for each in later.all() if each.alive}
        for pid in marked(home):
            stat = procfs.read(pid)
            assert stat is None or stat.session in known
        again = await later.start(shell(tmp_path, "exec sleep 60", "web.0"))
        assert again.alive
        await end(later)
        assert marked(home) == set()


async def test_what_no_record_names_is_reaped(table: ProcessTable, tmp_path: Path) -> None:
    running = await table.start(shell(tmp_path, "setsid sh -c 'sleep 60; :' & exec sleep 60"))
    await until(lambda: len(marked(tmp_path)) >= 3)
    assert table.strays() == ()
    (tmp_path / "run" / "app.json").unlink()

    strays = table.strays()
    assert {each.name for each in strays} == {"app"}
    assert "sleep 60" in {each.command for each in strays}
    assert running.pid in {each.pid for each in strays}
    await table.reap_strays()
    assert marked(tmp_path) == set()


async def test_another_projects_processes_are_no_strays(
    table: ProcessTable, tmp_path: Path
) -> None:
    other = ProcessTable(tmp_path / "other" / "run")
    await other.start(shell(tmp_path, "exec sleep 60"))
    # Its record is there before it carries the mark: it becomes the command at this moment.
    await until(lambda: len(marked(tmp_path / "other")) == 1)
    shutil.rmtree(tmp_path / "other" / "run")
    assert table.strays() == ()
    assert len(other.strays()) == 1
    await end(other)
