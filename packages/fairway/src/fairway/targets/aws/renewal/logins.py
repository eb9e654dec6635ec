"""The logins of a database that take turns, and how the server comes to know them (R74).

PostgreSQL has one password a role, and what runs keeps the one that it started with. So two
logins take turns: a renewal gives the one that is not current a new password and makes it the
current one; the one before is good until the next renewal (docs/adr/0024). A part of the renewal's
code in AWS Lambda, as `wire.py` is: the standard library alone. Pure.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["GROUP", "OWNER", "Login", "next_login", "preparation"]

OWNER = "app"  # the login that the server was made with; it makes the others
GROUP = "app_owner"  # owns all that the app makes, whichever login it came by
LOGINS = ("app_1", "app_2")
LOCK_SECONDS = 3  # who waits for a table's owner to change keeps others waiting


@dataclass(frozen=True, slots=True)
class Login:
    """A role and its password."""

    username: str
    password: str

    @classmethod
    def of(cls, text: str) -> "Login":
        """What a secret holds."""
        said = json.loads(text)
        return cls(said["username"], said["password"])

    @property
    def text(self) -> str:
        """As a secret holds it."""
        return json.dumps({"username": self.username, "password": self.password})

    def within(self, url: str) -> str:
        """An address with this login in it."""
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{self.username}:{self.password}@{place}").geturl()


def next_login(current: str) -> str:
    """The login whose turn it is: the one that nothing uses."""
    first, second = LOGINS
    return second if current == first else first


def preparation(login: str, kept: str) -> str:
    """The statements, one transaction, after which `login` has a password; `kept`: its verifier.

    Only who administers a role may let others in, and since PostgreSQL 16 no role administers
    itself: so not the owner but a group of its own has all that the app makes. The owner's
    rights on RDS go over to it. What the owner had before there was the group is handed over.
    """
    roles = "".join(
        f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
        f'THEN CREATE ROLE "{role}" NOLOGIN; END IF; '
        for role in (GROUP, login)
    )
    return f"""\
SET ROLE NONE; SET LOCAL lock_timeout = '{LOCK_SECONDS}s';
DO $$ BEGIN {roles}
IF EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('rds_superuser')
           AND member = '"{OWNER}"'::regrole)
THEN GRANT rds_superuser TO "{GROUP}"; END IF; END $$;
GRANT "{GROUP}" TO "{OWNER}", "{login}";
ALTER ROLE "{OWNER}" SET role = '{GROUP}';
ALTER ROLE "{login}" SET role = '{GROUP}';
REASSIGN OWNED BY "{OWNER}" TO "{GROUP}";
ALTER ROLE "{login}" LOGIN PASSWORD '{kept}';
"""
