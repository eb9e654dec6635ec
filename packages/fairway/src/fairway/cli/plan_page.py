"""The page of `fairway plan ENV` for a cloud, as text of any width.

Pure: `page(plan, width)` gives the lines; `paint` colours words and never changes their width.
Every amount stands on the right, every sentence that is too long goes on below itself.
"""

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap

from fairway.core.cost.assumptions import Assumptions, documented
from fairway.core.cost.line import Line, Saving
from fairway.core.plan.cloud import EMPTY, CloudPlan
from fairway.core.plan.diff import Change

__all__ = ["Paint", "page", "plain"]

Paint = Callable[[str, str], str]
"""`(text, role)`: role is `head`, `good`, `dim`, `money` or `warn`."""

NARROWEST, WIDEST = 76, 120
MONEY = 10
SMALL_USD = 0.005
NODE_MOST = 24
NAMES = 20  # a column of names
CODES = 4  # a column of codes


def plain(text: str, role: str) -> str:
    """No colours."""
    del role
    return text


def page(plan: CloudPlan, width: int, paint: Paint = plain) -> str:
    """The whole page."""
    width = min(max(width, NARROWEST), WIDEST)
    sections = (
        head(plan, width, paint),
        created(plan, width, paint),
        differing("Changes", plan.changes, width, paint),
        differing("Changed by hand", plan.drift, width, paint),
        costs(plan, width, paint),
        saved(plan, width, paint),
        advised(plan, width, paint),
        assumed(plan, width, paint),
        open_ends(plan, width, paint),
    )
    lines = [lines for section in sections if (lines := list(section))]
    return "\n\n".join("\n".join(each) for each in lines)


def head(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    found = plan.estimate
    counts = [
        f"{count} to {verb}"
        for count, verb in ((len(plan.creations), "create"), (len(plan.changes), "change"))
        if count
    ]
    what = ", ".join(counts) or "nothing to do"
    first = f"{plan.app} · {plan.environment} · {what} · {about(found.usd)} a month"
    yield from (paint(line, "head") for line in wrap(first, width))
    where = f"{plan.target.upper()} {found.region} ({plan.place})"
    second = f"{where}, against {plan.compared}"
    second += f": {plan.unasked}" if plan.compared == EMPTY else ""
    yield from (paint(line, "dim") for line in wrap(second, width))


def created(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """A line a node with its price; the cause beside it where there is room, else below."""
    if not plan.creations:
        return
    yield title("Creates", width, paint)
    name = min(max(len(each.node) for each in plan.creations), NODE_MOST)
    room = width - name - 4 - MONEY - 1
    is_wide = width >= 110
    first = room * 11 // 20 if is_wide else room
    for each in plan.creations:
        usd = money(plan.usd(each.node)) if plan.estimate.of(each.node) else ""
        left = wrap(each.what, first - 1) or [""]
        causes = wrap(each.cause, room - first) if is_wide else wrap(f"← {each.cause}", room)
        rows = max(len(left), len(causes)) if is_wide else len(left)
        for row in range(rows):
            lead = f"{paint('+', 'good')} {each.node:<{name}}" if row == 0 else " " * (name + 2)
            cell = left[row] if row < len(left) else ""
            beside = causes[row] if is_wide and row < len(causes) else ""
            gap = " " * max(room - first - len(beside), 0) if is_wide else ""
            amount = f"{usd if row == 0 else '':>{MONEY}}"
            text = f"{lead}  {cell:<{first}}{paint(beside, 'dim')}{gap} {paint(amount, 'money')}"
            yield text.rstrip()
        if not is_wide:
            for line in causes:
                yield f"{' ' * (name + 2)}  {paint(line, 'dim')}"


def differing(heading: str, changes: Sequence[Change], width: int, paint: Paint) -> Iterator[str]:
    """What becomes of what is there: a node, why, and below it what of it."""
    if not changes:
        return
    yield title(heading, width, paint)
    roles = {"+": "good", "-": "warn", "~": "head"}
    for each in changes:
        node = f"{each.kind} {each.node}".rstrip()
        first, *rest = wrap(each.cause, width - NODE_MOST - 4) or [""]
        yield f"{paint(each.sign, roles[each.sign])} {node:<{NODE_MOST}}  {paint(first, 'dim')}"
        for line in rest:
            yield f"{' ' * (NODE_MOST + 4)}{paint(line, 'dim')}"
        for detail in each.details:
            for row, line in enumerate(wrap(detail, width - 6)):
                yield f"{'      ' if row else '    '}{line}"


def costs(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """Every line of the bill below its node; what is too small to count, in one sentence."""
    found = plan.estimate
    yield title("Costs", width, paint)
    small: list[str] = []
    for node in plan.nodes:
        lines = found.of(node)
        shown = [line for line in lines if line.highest_usd >= SMALL_USD]
        small += [f"{line.what} ({node})" for line in lines if line.highest_usd < SMALL_USD]
        if not shown:
            continue
        total = f"{money(sum(line.usd for line in lines)):>{MONEY}}"
        yield f"{paint(f'{node:<{width - MONEY}}', 'head')}{paint(total, 'money')}"
        for line in shown:
            yield from cost_line(line, width, paint)
    yield f"{'':<{width - MONEY}}{'─' * MONEY}"
    yield f"{'a month':<{width - MONEY}}{paint(f'{money(found.usd):>{MONEY}}', 'money')}"
    if found.highest_usd - found.lowest_usd >= SMALL_USD:
        words = f"{money(found.lowest_usd)} at the fewest replicas to {money(found.highest_usd)}"
        yield f"  from {words} at the most"
    for row, line in enumerate(wrap(f"Below a cent: {', '.join(small)}.", width - 4)):
        if small:
            yield paint(f"    {line}" if row else f"  {line}", "dim")


def cost_line(line: Line, width: int, paint: Paint) -> Iterator[str]:
    amount = f"{quantity(line.quantity)} {unit(line.price.unit, line.quantity)}"
    price = f"{rate(line.price.usd * line.share)}"
    price += "" if line.price.per == 1 else f" / {short(line.price.per)}"
    numbers = f"{amount} × {price}"  # noqa: RUF001 - a product
    room = width - 2 - 2 - MONEY - max(len(numbers), 30)
    said = wrap(line.what, room) or [""]
    for row, words in enumerate(said):
        right = "" if row else f"{numbers:>{width - 4 - MONEY - room}}"
        usd = "" if row else f"{amount_of(line.usd):>{MONEY}}"
        yield f"  {words:<{room}}  {paint(right, 'dim')}{usd}".rstrip()


def saved(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """What would cost less, then what costs less already."""
    for words, is_taken in (("Would cost less with", False), ("Costs less already by", True)):
        found = [each for each in plan.estimate.savings if each.is_taken is is_taken]
        if not found:
            continue
        if is_taken and any(not each.is_taken for each in plan.estimate.savings):
            yield ""
        yield title(words, width, paint)
        for each in found:
            yield from saving_line(each, width)


def saving_line(each: Saving, width: int) -> Iterator[str]:
    usd = money(each.highest_usd)
    if each.highest_usd - each.lowest_usd >= SMALL_USD:
        low = money(each.lowest_usd)
        usd = f"up to {usd}" if each.lowest_usd < SMALL_USD else f"{low} to {usd}"
    room = width - NAMES - 4 - 18
    for row, words in enumerate(wrap(each.what, room)):
        name, amount = ("", "") if row else (each.node, usd)
        yield f"  {name:<{NAMES}}  {words:<{room}}{amount:>18}".rstrip()


def assumed(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """The numbers that the file does not say, in as many columns as there is room for."""
    yield title("Assumes", width, paint, "--assume NAME=NUMBER")
    given = plan.estimate.assumptions
    for name, default, measure, doc in documented():
        if name not in plan.concerned and getattr(given, name) == default:
            continue
        value = getattr(given, name)
        mark = " " if value == default else "*"
        words = f"{quantity(value)} {measure} {doc}"
        for row, line in enumerate(wrap(words, width - NAMES - 4)):
            yield f"{mark if not row else ' '} {name if not row else '':<{NAMES}}  {line}"
    if given != Assumptions():
        yield paint("* as you said", "dim")
    yield ""
    text = f"List prices without tax or free trials, read from {plan.prices_from} to "
    yield from (paint(line, "dim") for line in wrap(f"{text}{plan.prices_to}.", width))


def open_ends(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """What has no price, and what the target can't do."""
    if plan.estimate.unpriced:
        yield title("Not priced", width, paint)
        for each in plan.estimate.unpriced:
            yield from bullet(paint("?", "warn"), each, width)
    if plan.gaps:
        yield from apart(seen=bool(plan.estimate.unpriced))
        yield title("Not honoured there", width, paint)
        for gap in plan.gaps:
            yield from bullet(paint("!", "warn"), f"{gap.where}: {gap.what}", width)


def advised(plan: CloudPlan, width: int, paint: Paint) -> Iterator[str]:
    """Findings with their codes, then the notes of the file; each with its mend."""
    if not plan.findings and not plan.notes:
        return
    yield title("Advises", width, paint)
    told = [(each.code, each.problem) for each in plan.findings]
    told += [("note", each) for each in plan.notes]
    for code, problem in told:
        said = wrap(f"{problem.where}: {problem.what}", width - CODES - 1)
        for row, line in enumerate(said):
            head = paint(f"{code:<{CODES}}", "warn") if row == 0 else " " * CODES
            yield f"{head} {line}"
        for row, line in enumerate(wrap(problem.mend, width - CODES - 3)):
            yield f"{' ' * CODES} {paint('→', 'good') if row == 0 else ' '} {line}"


def apart(*, seen: bool) -> Iterator[str]:
    """A blank line, where something stands above."""
    if seen:
        yield ""


def bullet(mark: str, text: str, width: int) -> Iterator[str]:
    for row, line in enumerate(wrap(text, width - 2)):
        yield f"{mark if not row else ' '} {line}"


def title(text: str, width: int, paint: Paint, right: str = "") -> str:
    """A heading with its rule."""
    rule = "─" * (width - len(text) - len(right) - 1 - (1 if right else 0))
    return f"{paint(text, 'head')} {paint(rule + (f' {right}' if right else ''), 'dim')}"


def about(usd: float) -> str:
    """`about $262`."""
    return f"about ${usd:,.0f}"


def money(usd: float) -> str:
    """`$1,234.50`."""
    return f"${usd:,.2f}"


def amount_of(usd: float) -> str:
    """Below its node, without the sign; less than half a cent is `<0.01`."""
    return f"{usd:,.2f}" if usd >= SMALL_USD or usd == 0 else "<0.01"


def rate(usd: float) -> str:
    """A price, to as many digits as it has."""
    whole, _, cents = f"{usd:.10f}".rstrip("0").partition(".")
    return f"${whole}.{cents:0<2}"


def short(number: int) -> str:
    """`1M`, `1,000`."""
    return f"{number // 1_000_000}M" if number >= 1_000_000 else f"{number:,}"


def quantity(value: float) -> str:
    """Three digits at least, and no more than it needs: `1,247`, `2.53`, `3M`."""
    if value >= 1e6:
        return f"{value / 1e6:,.4g}M"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def unit(name: str, value: float) -> str:
    """`GB-hour` -> `GB-hours`; GB stays."""
    return name if name == "GB" or value == 1 else f"{name}s"
