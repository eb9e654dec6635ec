"""Who may come in, and as what: an adviser sees what is hers, compliance sees everything.

People are rows of the database. What a session says of one (`Claims`) is believed while the
database confirms it, looked up at most every ten seconds, and while the database is away.
"""

import functools
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import text

from longrun.database import Database, Unavailable
from longrun.passwords import LONGEST, SHORTEST, hashed, is_right
from longrun.settings import Settings

__all__ = [
    "DEVELOPMENT_NAMES",
    "DEVELOPMENT_PASSWORD",
    "NameTaken",
    "People",
    "Person",
    "Role",
]

Role = Literal["adviser", "compliance"]
ROLES: tuple[Role, ...] = get_args(Role)
DEVELOPMENT_NAMES: Mapping[str, Role] = {"adviser": "adviser", "compliance": "compliance"}
DEVELOPMENT_PASSWORD = "only-on-this-machine"
FRESH_SECONDS = 10.0
MOST_KNOWN = 10_000
LONGEST_NAME = 100
COLUMNS = "id, name, role, generation"


class NameTaken(ValueError):
    """Somebody has this name."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `generation` counts sign-outs: older sessions are over."""

    id: str
    name: str
    role: Role
    generation: int

    @property
    def sees_everything(self) -> bool:
        return self.role == "compliance"

    def may_see(self, owner: str) -> bool:
        """Whether what `owner` made is open to this person."""
        return self.sees_everything or owner == self.id

    def claims(self) -> dict[str, Any]:
        """What a session keeps."""
        return {
            "user_id": self.id,
            "name": self.name,
            "role": self.role,
            "generation": self.generation,
        }

    @classmethod
    def claimed(cls, said: Mapping[str, Any]) -> "Person | None":
        """The person that a session (whose signature was checked) tells of."""
        if said.get("role") not in ROLES or not said.get("user_id"):
            return None
        role = cast("Role", said["role"])
        return cls(str(said["user_id"]), str(said.get("name", "")), role, int(said["generation"]))


class People:
    """The people of one database. Its questions block: call them from threads."""

    def __init__(
        self, settings: Settings, database: Database, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Person | None]] = OrderedDict()

    def sign_in(self, name: str, password: str, *, is_here: bool) -> Person | None:
        """The person of a name and a password, or None; `is_here`: asked from this machine.

        The users made for development come in from this machine only, and never in production.
        Raises `Unavailable`.
        """
        found = self._by_name(name)
        if found is None and self._settings.is_open and name in DEVELOPMENT_NAMES:
            self.make_development_people()
            found = self._by_name(name)
        kept = _nobody() if found is None else found[5]
        is_good = is_right(password[: LONGEST + 1], kept)
        if found is None or not is_good:
            return None
        if found[4] and not (self._settings.is_open and is_here):
            return None
        person = _person(found)
        self._learn(person.id, person)
        return person

    def sign_out(self, person: Person) -> None:
        """End all sessions of a person, wherever they are. Raises `Unavailable`."""
        statement = text("update person set generation = generation + 1 where id = :id")
        self._database.transact(lambda c: c.execute(statement, {"id": person.id}))
        with self._lock:
            self._known.pop(person.id, None)

    def remembered(self, said: Person) -> "Person | Literal['ask'] | None":
        """What is known of somebody without asking the database, or `ask`."""
        at, known = self._known.get(said.id, (None, None))
        is_new = known is not None and known.generation < said.generation
        if at is None or is_new or self._clock() - at > FRESH_SECONDS:
            return "ask"
        return known if known is not None and known.generation == said.generation else None

    def current(self, said: Person) -> Person | None:
        """The person that a session claims, as she is now; None where the session is over."""
        known = self.remembered(said)
        if known != "ask":
            return known
        try:
            rows = self._database.rows(
                f"select {COLUMNS} from person where id = :id and disabled_at is null", id=said.id
            )
        except Unavailable:
            self._learn(said.id, said)  # the signature alone must do, for now
            return said
        found = _person(rows[0]) if rows else None
        self._learn(said.id, found)
        return found if found is not None and found.generation == said.generation else None

    def names(self) -> dict[str, str]:
        """What everybody is called, by id; those who are out, too. Raises `Unavailable`."""
        return {row[0]: row[1] for row in self._database.rows("select id, name from person")}

    def add(self, name: str, role: str, password: str, *, is_development: bool = False) -> Person:
        """Let somebody in from now on. Raises `ValueError` for what can't be, `NameTaken`."""
        name = name.strip().lower()
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise ValueError(f"the name must have 1 to {LONGEST_NAME} characters that can be seen")
        if role not in ROLES:
            raise ValueError(f"the role must be one of {', '.join(ROLES)}")
        if not SHORTEST <= len(password) <= LONGEST:
            raise ValueError(f"the password must have {SHORTEST} to {LONGEST} characters")
        if not is_development and password == DEVELOPMENT_PASSWORD:
            raise ValueError("this password is everybody's")
        key = secrets.token_urlsafe(9)
        row = {
            "id": key,
            "name": name,
            "role": role,
            "password": hashed(password),
            "is_development": int(is_development),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        statement = text(
            "insert into person (id, name, role, generation, is_development, password, made_at)"
            " values (:id, :name, :role, 1, :is_development, :password, :made_at)"
            " on conflict (name) do nothing"
        )
        if not self._database.transact(lambda c: c.execute(statement, row).rowcount):
            raise NameTaken(f"somebody is called {name!r} already")
        return Person(key, name, role, 1)

    def change(self, name: str, *, password: str | None = None, is_disabled: bool = False) -> bool:
        """Give somebody another password, or let nobody in by this name; sessions end."""
        if password is not None and not SHORTEST <= len(password) <= LONGEST:
            raise ValueError(f"the password must have {SHORTEST} to {LONGEST} characters")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        statement = text(
            "update person set generation = generation + 1,"
            " password = coalesce(:password, password),"
            " disabled_at = case when :is_disabled = 1 then :now else null end where name = :name"
        )
        row = {
            "name": name.strip().lower(),
            "password": None if password is None else hashed(password),
            "is_disabled": int(is_disabled),
            "now": now,
        }
        return bool(self._database.transact(lambda c: c.execute(statement, row).rowcount))

    def make_development_people(self) -> None:
        """The users that the sign-in page names, where this is no production."""
        if not self._settings.is_open:
            return
        for name, role in DEVELOPMENT_NAMES.items():
            try:
                self.add(name, role, DEVELOPMENT_PASSWORD, is_development=True)
            except NameTaken:
                continue

    def refuse_development_people(self) -> None:
        """Refuse to start in production over a database that knows users of development."""
        if self._settings.is_open:
            return
        rows = self._database.rows(
            "select name from person where is_development = 1 and disabled_at is null"
        )
        if rows:
            names = ", ".join(sorted(row[0] for row in rows))
            raise RuntimeError(
                f"this database has users with a password that everybody knows ({names}), and"
                f" ENVIRONMENT is {self._settings.environment}: disable them with"
                " `python -m longrun.manage disable NAME`, or use another database"
            )

    def _by_name(self, name: str) -> Any:
        rows = self._database.rows(
            f"select {COLUMNS}, is_development, password from person"
            " where name = :name and disabled_at is null",
            name=name.strip().lower()[:LONGEST_NAME],
        )
        return rows[0] if rows else None

    def _learn(self, key: str, person: Person | None) -> None:
        with self._lock:
            self._known[key] = (self._clock(), person)
            self._known.move_to_end(key)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)


@functools.cache
def _nobody() -> str:
    """What a name that nobody has is checked against, so that it takes as long."""
    return hashed(secrets.token_hex())


def _person(row: Any) -> Person:
    return Person(row[0], row[1], row[2], int(row[3]))
