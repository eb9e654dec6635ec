"""Signing in and out: the rules that page and API share.

A name and an address may each try so often a minute, counted in Redis for all replicas. At most
two passwords are checked at once: each takes 32 MiB and a tenth of a second. Every try that found
somebody, and every one that did not, is in the audit log.
"""

import asyncio
import ipaddress
import os

from fairway_runtime.asgi import Scope
from fairway_runtime.bucket import Rate
from fairway_runtime.bulkhead import Bulkhead, BulkheadFull
from fairway_runtime.business import count
from fairway_runtime.clients import Clients
from fairway_runtime.limits import Limiter
from fairway_runtime.redis_link import RedisLink
from fairway_runtime.settings import Settings as RuntimeSettings
from longrun.people import DEVELOPMENT_PASSWORD, Person
from longrun.service import Busy, Service

__all__ = ["Entrance", "TooOften", "Wrong"]

BY_NAME, BY_ADDRESS = Rate.parse("10/min"), Rate.parse("30/min")
TYPED = "longrun.typed"  # the name that somebody typed, in a scope for the limiter


class Wrong(Exception):
    """Name and password do not go together. Its text is fit for a user."""


class TooOften(Exception):
    """Too many tries; `seconds` until the next one."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"too many tries to sign in; try again in {seconds} s")


class Entrance:
    """One process's way to sign in."""

    def __init__(self, service: Service) -> None:
        self._service = service
        settings, link = service.settings, None
        if settings.redis_url:
            link = RedisLink(settings.redis_url, "sign_in", seconds=settings.redis_seconds)
        trusted = RuntimeSettings.from_environment(
            {name: os.environ[name] for name in ("FAIRWAY_TRUSTED_PROXIES",) if name in os.environ}
        ).trusted_proxies
        self._clients = Clients(trusted)
        self._by_address = Limiter(
            BY_ADDRESS, clients=self._clients, link=link, scope_name="sign-in-address"
        )
        self._by_name = Limiter(
            BY_NAME, clients=Clients(user_of=_typed), link=link, scope_name="sign-in-name"
        )
        self._checks = Bulkhead("passwords", most=2, waiting=50, wait_seconds=10)

    async def sign_in(self, scope: Scope, name: str, password: str) -> Person:
        """Who this is. Raises `Wrong`, `TooOften`, `Busy`, `Unavailable`, `NotRecorded`."""
        for limiter in (self._by_address, self._by_name):
            taken = await limiter.take({**scope, TYPED: name.strip().lower()})
            if not taken.is_allowed:
                raise TooOften(max(1, round(taken.wait_seconds)))
        is_here = self.is_here(scope)
        try:
            async with self._checks:
                person = await asyncio.to_thread(
                    self._service.people.sign_in, name, password, is_here=is_here
                )
        except BulkheadFull:
            raise Busy("too many people sign in at once; try again in a moment") from None
        address = self._clients.name(scope)
        service = self._service
        if person is None:
            # Not the name: people type their password there.
            await service.recorder.keep_async(
                service.event("", "sign-in.refused", "person/", address=address)
            )
            count("sign_ins_refused_total")
            raise Wrong("name and password do not go together")
        event = service.event(person.id, "sign-in", f"person/{person.id}", address=address)
        await service.recorder.keep_async(event)
        count("sign_ins_total", role=person.role)
        return person

    async def sign_out(self, person: Person) -> None:
        """End all sessions of a person. Raises `Unavailable`, `NotRecorded`."""
        await asyncio.to_thread(self._service.people.sign_out, person)
        event = self._service.event(person.id, "sign-out", f"person/{person.id}")
        await self._service.recorder.keep_async(event)

    def is_here(self, scope: Scope) -> bool:
        """Whether a request comes from this very machine, through no proxy elsewhere."""
        address = self._clients.name(scope).removeprefix("ip:")
        try:
            return ipaddress.ip_network(address, strict=False).network_address.is_loopback
        except ValueError:
            return False

    def told_password(self, scope: Scope) -> str:
        """The password of the users of development, where they can come in; else ""."""
        is_told = self._service.settings.is_open and self.is_here(scope)
        return DEVELOPMENT_PASSWORD if is_told else ""


def _typed(scope: Scope) -> str | None:
    return str(scope[TYPED]) or "nobody"
