"""The reference of the file is made from the model and says every key."""

import re
from collections.abc import Callable

from fairway.core.spec.checked import KINDS
from fairway.core.spec.model import App
from fairway.core.spec.parse import parse
from fairway.core.spec.readers.table import Nodes, keys
from fairway.core.spec.reference import ENVIRONMENTS, INTRODUCTION, SECTIONS, file_reference
from tests.core.spec.test_readers import KEYS

PAGE = file_reference()


def test_the_reference_of_the_file_is_the_one_in_the_docs(
    golden: Callable[[str, str], None],
) -> None:
    golden("../../../../docs/reference/file.md", PAGE)


def test_every_key_is_in_the_reference() -> None:
    shown = {
        f"{cls.__name__}.{name}"
        for heading, cls, _ in SECTIONS
        for name in re.findall(r"^\| `(\w+)` \|", section(heading), re.MULTILINE)
    }
    assert shown == {name for name, _ in KEYS}


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_link_leads_to_a_heading() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", PAGE)) <= anchors


def test_the_examples_of_the_reference_are_read() -> None:
    (smallest,) = re.findall(r"```toml\n(.*?)```", INTRODUCTION, re.DOTALL)
    (environments,) = re.findall(r"```toml\n(.*?)```", ENVIRONMENTS.format(table=""), re.DOTALL)
    more = "[service.web]\nasgi = 'm:a'\nuses = 'sessions'\n[database.db]\n[cache.sessions]\n"
    assert parse(smallest).name == "hello"
    assert parse(f"app = 'x'\n{more}{environments}").app("dev").services["web"].uses == ()


def test_every_kind_of_node_is_known_to_the_checks() -> None:
    kinds = [name for name, key in keys(App).items() if isinstance(key.key.reader, Nodes)]
    assert sorted(kinds) == sorted(KINDS)
