"""What an app misses of PostgreSQL: an extension that the server here does not come with.

The server comes as a wheel, with few of them; a cloud's has more. Pure: lines in, a sentence out.
"""

import re
from collections.abc import Sequence

__all__ = ["with_extension_advice"]

UNAVAILABLE = re.compile(r'extension "([\w-]{1,63})" is not available')
WITHOUT = {"uuid-ossp": "gen_random_uuid() needs none"}


def with_extension_advice(lines: Sequence[str]) -> tuple[str, ...]:
    """The last lines of a process, and a line more for each extension that is not there."""
    missed = dict.fromkeys(name for line in lines for name in UNAVAILABLE.findall(line))
    return (*lines, *(_advice(name) for name in missed))


def _advice(name: str) -> str:
    other = f"{WITHOUT[name]}: write that, or name" if name in WITHOUT else "Name"
    return (
        f"The PostgreSQL on this machine has no extension {name}. "
        f'{other} a server that has it: url = "env:NAME" in the [database.…].'
    )
