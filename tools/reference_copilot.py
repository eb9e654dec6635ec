"""The table in docs/guides/leaving-copilot.md: each field of Copilot's manifests, from the code."""

import re
from pathlib import Path

from fairway.core.copilot.fields import SECTIONS

__all__ = ["page"]

GUIDE = Path(__file__).parent.parent / "docs" / "guides" / "leaving-copilot.md"
REGION = re.compile(r"(<!-- fields:.*?-->\n).*?(<!-- end of fields -->)", re.DOTALL)


def page() -> str:
    """The guide with its table as it should be."""
    lines: list[str] = []
    for title, fields in SECTIONS.items():
        lines += [f"### {title}", "", "| field | | |", "|---|---|---|"]
        lines += [
            f"| `{field.path.replace('[0]', '0')}` | {field.verdict} | {field.says} |"
            for field in sorted(fields, key=lambda one: one.path)
        ]
        lines.append("")
    text = "\n".join(lines)
    return REGION.sub(lambda found: f"{found[1]}\n{text}{found[2]}", GUIDE.read_text())
