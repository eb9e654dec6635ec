"""A verdict as a table for people: what was compared, the numbers, and why it ended so.

Place in the flow: the engine writes it into the journal's talk, the CLI prints it. Pure, plain
text, no colour. Must not: judge.
"""

from fairway.core.release.analysis import Comparison, Share, Verdict, rounded

__all__ = ["describe"]

HEADINGS = ("compared", "canary", "baseline or limit", "test", "p", "fails at", "")


def describe(verdict: Verdict) -> str:
    """The verdict with its reason, then one line for each comparison; ends with a newline."""
    rows = [HEADINGS, *(row(each) for each in verdict.comparisons)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [f"{verdict.verdict}: {verdict.reason}"]
    if verdict.comparisons:
        lines += ["", *(laid_out(each, widths) for each in rows)]
    notes = dict.fromkeys(
        note for each in verdict.comparisons for note in each.note.split("; ") if note
    )
    return "\n".join([*lines, *notes]) + "\n"


def row(each: Comparison) -> tuple[str, ...]:
    against = counted(each.against) if isinstance(each.against, Share) else f"{each.against:.2%}"
    return (
        each.what,
        counted(each.canary),
        against,
        each.test,
        rounded(each.p_value).removeprefix("= "),
        rounded(each.threshold).removeprefix("= "),
        outcome(each),
    )


def outcome(each: Comparison) -> str:
    """In a word; why a difference that chance does not explain is let go."""
    if each.fails:
        return "worse"
    if each.is_sure:
        return "too little to matter"
    return "ok"


def counted(share: Share) -> str:
    return f"{share.rate:.2%}, {share.count:,} of {share.of:,}"


def laid_out(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
