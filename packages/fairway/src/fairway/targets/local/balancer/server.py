"""Envoy at work: started or adopted, told of services and endpoints, asked, drained, stopped.

Effects only. What Envoy is told is rendered in `config.py`, in which order endpoints change is
decided in `weights.py`, what its statistics mean in `stats.py`. The files in `home` are the
state: a `Balancer` made anew, after a crash of the engine, goes on from them.
"""

import asyncio
import resource
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fairway.core.problem import Problem, Problems
from fairway.targets.local import binaries, log_files
from fairway.targets.local.balancer import config, ports, stats, weights
from fairway.targets.local.balancer.admin import AdminError
from fairway.targets.local.balancer.folder import Folder
from fairway.targets.local.balancer.listener import ACCESS_LOG
from fairway.targets.local.balancer.model import LOOPBACK, Endpoint, Front
from fairway.targets.local.processes import Command, ProcessTable

__all__ = ["NAME", "Balancer"]

NAME = "balancer"

# With 2 apps on 2 cores (November 2026) a second worker took 4-20 % more processor time a request,
# for -1 to +20 % of throughput; and shares and limits are exact only within one worker.
WORKERS = 1
START_SECONDS = 10.0
USABLE_SECONDS = 3.0
DRAIN_SECONDS = 30.0
POLL_SECONDS = 0.005
QUIET_SECONDS = 0.02
CLOSE_NOTICE_SECONDS = 0.1  # keep-alive clients are told to close, before we stop to listen
ACCESS_LOG_BYTES = 64 * 1024**2  # rotated beyond this; one predecessor is kept
LOG_BYTES = 16 * 1024**2  # of Envoy's own words, cut beyond this in the same way
MOST_CLIENTS = 8192


class Balancer:
    """The one Envoy of an app, in the folder `home`.

    What changes something returns when Envoy has applied it. Where Envoy refuses, it raises
    `Problems` with Envoy's reason, and what was in force stays in force.
    """

    def __init__(self, home: Path, processes: ProcessTable) -> None:
        self._processes = processes
        self._folder = Folder(home, self._is_alive)
        self._change = asyncio.Lock()

    async def start(
        self, fronts: Sequence[Front], endpoints: Mapping[str, Sequence[Endpoint]] | None = None
    ) -> None:
        """Listen for `fronts`: start Envoy, or adopt the one that runs.

        `endpoints` are those of an Envoy that is started; one that is adopted keeps its own.
        Problems where a public port is taken, the wheel is missing, or Envoy doesn't come up.
        """
        files = config.render(fronts, endpoints or {}, max_clients=_most_clients())
        command = self._command(files[config.BOOTSTRAP])
        running = self._processes.find(NAME)
        if running is not None and running.alive:
            if running.labels.get("shape") == command.labels["shape"] and await self._is_live():
                await self.set_fronts(fronts)
                return
            await self.stop()
        _refuse_taken_ports(fronts)
        async with self._change:
            for path, text in files.items():
                self._folder.write(path, text)
            self._folder.remove(config.ADMIN_SOCKET)
            log_from = self._folder.log_size()
            await self._processes.start(command)
            try:
                for path in (config.CLUSTERS, config.LISTENERS):
                    await self._folder.confirm(path, log_from=log_from, seconds=START_SECONDS)
                await self._listens(front.port for front in fronts)
            except Problems:
                await self._processes.stop(NAME, grace_seconds=1.0)
                raise

    async def set_fronts(self, fronts: Sequence[Front]) -> None:
        """Make `fronts` the services that are listened for; connections to others drain.

        Clusters come before the listeners that route to them, and go after them.
        """
        async with self._change:
            held = config.ports_in(self._folder.read(config.LISTENERS) or config.listeners(()))
            _refuse_taken_ports(front for front in fronts if front.port not in held.values())
            for front in fronts:
                path = config.endpoints_path(front.service)
                if front.service not in held or self._folder.read(path) is None:
                    self._folder.write(path, config.endpoints(front.service, ()))
            old = self._folder.read(config.CLUSTERS) or config.clusters(())
            new = config.clusters(fronts)
            await self._folder.apply(config.CLUSTERS, config.with_clusters_of(old, new))
            try:
                await self._folder.apply(config.LISTENERS, config.listeners(fronts))
            except Problems:
                await self._folder.apply(config.CLUSTERS, old)
                raise
            await self._folder.apply(config.CLUSTERS, new)
            for service in held.keys() - {front.service for front in fronts}:
                self._folder.remove(config.endpoints_path(service))
            await self._listens(front.port for front in fronts)

    async def set_endpoints(
        self,
        service: str,
        endpoints: Sequence[Endpoint],
        *,
        usable_seconds: float = USABLE_SECONDS,
    ) -> None:
        """Make `endpoints` those of `service`; returns when new ones get traffic.

        Endpoints that leave serve on until those that arrive have passed their ready check.
        Problems where one that arrives doesn't within `usable_seconds`: then all of them, old
        and new, are in the balancer, and whoever passes the check gets traffic.
        """
        path = config.endpoints_path(service)
        async with self._change:
            text = self._folder.read(path)
            if text is None:
                raise Problems([Problem("balancer", f"there is no service {service}")])
            before = config.endpoints_in(text)
            new = weights.newcomers(before, endpoints)
            for step in weights.steps(before, endpoints):
                await self._folder.apply(path, config.endpoints(service, step))
                await self._usable(service, new, usable_seconds)

    def served(self) -> frozenset[str]:
        """The replicas that its files name, draining ones too: all of them had traffic."""
        files = sorted(self._folder.home.glob(config.endpoints_path("*")))
        named = (config.endpoints_in(file.read_text()) for file in files)
        return frozenset(each.replica for endpoints in named for each in endpoints)

    async def endpoints(self) -> Mapping[str, tuple[stats.EndpointState, ...]]:
        """Service -> its endpoints as Envoy sees them: health, requests in flight."""
        return stats.endpoint_states(await self._folder.ask("/clusters?format=json"))

    async def quiet(self, port: int, seconds: float) -> bool:
        """Whether the replica on `port` has no request in flight, within the time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                states = (await self.endpoints()).values()
            except AdminError:
                return True  # nobody sends it any
            if not any(each.in_flight for all_ in states for each in all_ if each.port == port):
                return True
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(QUIET_SECONDS)

    async def stats(self) -> Mapping[str, stats.Reading]:
        """Service -> counters, queue and latencies now; `stats.rates` compares two of them.

        AdminError where Envoy doesn't run.
        """
        await self._bound_logs()
        query = f"/stats?format=json&histogram_buckets=cumulative&filter={stats.READING_FILTER}"
        return stats.readings(await self._folder.ask(query))

    async def accepts(self) -> bool:
        """Whether Envoy is up and every public port takes connections."""
        listeners = self._folder.read(config.LISTENERS)
        if listeners is None or not await self._is_live():
            return False
        taking = [await _takes_connections(port) for port in config.ports_in(listeners).values()]
        return all(taking)

    async def stop(self, *, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Refuse new connections, let requests in flight finish, end Envoy.

        WebSockets are not waited for. Nothing to do where Envoy doesn't run.
        """
        async with self._change:
            if self._is_alive():
                with suppress(AdminError, TimeoutError):
                    await self._folder.ask("/drain_listeners?graceful&skip_exit", method="POST")
                    await asyncio.sleep(CLOSE_NOTICE_SECONDS)
                    await self._folder.ask("/drain_listeners", method="POST")
                    await asyncio.wait_for(self._quiet(), drain_seconds)
            await self._processes.stop(NAME, grace_seconds=2.0)
            self._folder.remove(config.ADMIN_SOCKET)

    def _command(self, bootstrap: str) -> Command:
        options = (
            *("-c", config.BOOTSTRAP, "--concurrency", str(WORKERS), "-l", "warning"),
            "--disable-hot-restart",  # no shared memory: apps on one machine don't meet
            *("--drain-strategy", "immediate", "--drain-time-s", f"{DRAIN_SECONDS:.0f}"),
            *("--file-flush-interval-msec", "1000"),
        )
        # A balancer needs two descriptors a request: take all that this user may have.
        raised = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"'
        argv = ("/bin/sh", "-c", raised, str(binaries.envoy()), *options)
        return Command(
            name=NAME,
            argv=argv,
            directory=self._folder.home,
            environment={"PATH": "/usr/bin:/bin"},
            log=self._folder.log,
            labels={"shape": config.digest("\0".join((*argv, bootstrap)))},
        )

    def _is_alive(self) -> bool:
        running = self._processes.find(NAME)
        return running is not None and running.alive

    async def _is_live(self) -> bool:
        try:
            return (await self._folder.ask("/ready")).strip() == "LIVE"
        except AdminError:
            return False

    async def _listens(self, public: Iterable[int]) -> None:
        """Return when every port takes connections: some milliseconds after Envoy says so."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        for port in public:
            while not await _takes_connections(port):
                if asyncio.get_running_loop().time() > deadline:
                    what = f"port {port} takes no connections"
                    raise Problems([Problem("balancer", what)], exit_code=1)
                await asyncio.sleep(POLL_SECONDS)

    async def _quiet(self) -> None:
        """Return when no request is in flight."""
        while True:
            if not any(each.in_flight for each in (await self.stats()).values()):
                return
            await asyncio.sleep(QUIET_SECONDS)

    async def _usable(
        self, service: str, keys: Collection[tuple[str, int]], seconds: float
    ) -> None:
        """Return when Envoy finds all of `keys` healthy; Problems where it doesn't in time."""
        deadline = asyncio.get_running_loop().time() + seconds
        while keys:
            states = (await self.endpoints()).get(service, ())
            seen = {state.key: state.why for state in states}
            waiting = {key: seen.get(key, "not seen yet") for key in keys if seen.get(key, "?")}
            if not waiting:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise Problems(
                    [
                        Problem(
                            f"service {service}",
                            f"the replica on port {port} gets no traffic: {why}",
                            f"It must answer 200 to the ready check within {seconds:g} s.",
                        )
                        for (_, port), why in sorted(waiting.items())
                    ],
                    exit_code=1,
                )
            await asyncio.sleep(POLL_SECONDS)

    async def _bound_logs(self) -> None:
        if not self._change.locked():  # a change that is under way reads why Envoy refuses it
            log_files.cut(self._folder.log, limit_bytes=LOG_BYTES)
        log = self._folder.home / ACCESS_LOG
        if log.exists() and log.stat().st_size > ACCESS_LOG_BYTES:
            log.replace(log.with_suffix(".1.jsonl"))
            await self._folder.ask("/reopen_logs", method="POST")


def _refuse_taken_ports(fronts: Iterable[Front]) -> None:
    taken = [
        Problem(
            f"service {front.service}",
            refusal,
            f"Stop what holds it, or give [service.{front.service}] another `port`.",
        )
        for front in fronts
        if (refusal := ports.refusal(LOOPBACK, front.port))
    ]
    if taken:
        raise Problems(taken, exit_code=1)


async def _takes_connections(port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _most_clients() -> int:
    """How many connections from clients the descriptors of this user allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CLIENTS if hard == resource.RLIM_INFINITY else min(MOST_CLIENTS, (hard - 256) // 2)
