"""The report as PDF: figures, charts, assumptions, seed, version and disclosure.

Drawn as vectors with the standard fonts, so it is small and quick. Text is drawn, never
interpreted; characters that the standard fonts lack become `?`. Same input and day, same bytes.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from longrun.analysis import Analysis, money, percent
from longrun.answers import Answer
from longrun.inputs import LIMITS, PlanInput

__all__ = ["report"]

INK, BLUE, PALE, RED, GREY = (25, 32, 44), (36, 86, 164), (196, 214, 240), (178, 42, 48), (110,) * 3
WIDE, HIGH = 170.0, 58.0
SIGNS = {"\u2013": "-", "\u2014": "-", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "..."}


class _Page(FPDF):
    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("helvetica", size=8)
        self.set_text_color(*GREY)
        self.cell(0, 8, f"Longrun - page {self.page_no()} of {{nb}}", align="C")


def report(plan: PlanInput, found: Answer, analysis: Analysis, day: date) -> bytes:
    """Lay the report out; `day` is the date on it."""
    pdf = _Page(format="A4")
    pdf.set_creation_date(datetime.combine(day, time(), UTC))
    pdf.set_title("Retirement plan")
    pdf.set_creator(f"Longrun {found.version}")
    pdf.set_margins(20, 18)
    pdf.set_auto_page_break(True, 20)
    pdf.add_page()
    _heading(pdf, plan, day)
    _summary(pdf, plan, found, analysis)
    _section(pdf, f"Wealth over time (money {found.money})")
    _fan(pdf, found)
    _section(pdf, "Probability of having run out, by year")
    _ruin(pdf, found)
    _section(pdf, "Wealth at the end")
    _bars(pdf, found)
    _section(pdf, "Assumptions")
    _assumptions(pdf, plan, found)
    _section(pdf, "Disclosure")
    _text(pdf, analysis.disclosure)
    _text(
        pdf,
        (
            f"To reproduce: Longrun {found.version}, seed {found.seed}, "
            f"{found.scenarios:,} scenarios, and the assumptions above. "
            "Intervals are for 95 % and hold chance alone."
        ),
    )
    return bytes(pdf.output())


def _latin(text: str) -> str:
    for sign, plain in SIGNS.items():
        text = text.replace(sign, plain)
    return text.encode("latin-1", "replace").decode("latin-1")


def _text(pdf: FPDF, text: str, size: float = 10, style: str = "") -> None:
    pdf.set_font("helvetica", style, size)
    pdf.set_text_color(*INK)
    pdf.multi_cell(0, size * 0.5, _latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(1.2)


def _section(pdf: FPDF, title: str) -> None:
    if pdf.get_y() > 190:
        pdf.add_page()
    pdf.ln(3)
    _text(pdf, title, 13, "B")


def _heading(pdf: FPDF, plan: PlanInput, day: date) -> None:
    _text(pdf, "Retirement plan", 22, "B")
    who = plan.client_name or "No name given"
    _text(pdf, f"{who}, age {plan.age}. {day.isoformat()}.", 11)
    if plan.notes:
        _text(pdf, f"Notes: {plan.notes}")


def _summary(pdf: FPDF, plan: PlanInput, found: Answer, analysis: Analysis) -> None:
    success, ending = found.success_probability, found.ending
    _text(
        pdf,
        (
            f"Lasts {plan.years} years in {percent(success.value)} of {found.scenarios:,} "
            f"scenarios (95 % interval {percent(success.low)} to {percent(success.high)})"
        ),
        13,
        "B",
    )
    _text(
        pdf,
        (
            f"Ending wealth: middle {money(ending.p50.value)}; "
            f"one in ten {money(ending.p10.value)} or less; "
            f"one in ten {money(ending.p90.value)} or more."
        ),
    )
    for finding in analysis.findings:
        _text(pdf, f"- {finding.text}")
    for suggestion in analysis.suggestions:
        _text(pdf, f"- {suggestion}")
    if analysis.flags:
        _text(pdf, f"For review: {', '.join(analysis.flags)}")


def _frame(pdf: FPDF, marks: Sequence[str], ends: tuple[str, str]) -> tuple[float, float]:
    """Axes with three marks at the left and both ends below; where the drawing begins."""
    x, y = pdf.l_margin + 18, pdf.get_y()
    pdf.set_draw_color(*GREY)
    pdf.set_line_width(0.2)
    pdf.set_font("helvetica", size=8)
    pdf.set_text_color(*GREY)
    for place, mark in enumerate(marks):
        level = y + HIGH - HIGH * place / (len(marks) - 1)
        pdf.line(x, level, x + WIDE - 18, level)
        pdf.text(pdf.l_margin, level + 1, mark)
    pdf.text(x, y + HIGH + 4, ends[0])
    pdf.text(x + WIDE - 18 - pdf.get_string_width(ends[1]), y + HIGH + 4, ends[1])
    pdf.set_y(y + HIGH + 7)
    return x, y


def _short(dollars: float) -> str:
    for size, name in ((1e9, "b"), (1e6, "m"), (1e3, "k")):
        if dollars >= size:
            return f"${dollars / size:.1f}{name}"
    return f"${dollars:.0f}"


def _room(pdf: FPDF) -> None:
    if pdf.get_y() + HIGH + 12 > pdf.h - 20:
        pdf.add_page()


def _fan(pdf: FPDF, found: Answer) -> None:
    _room(pdf)
    bands = {band.percentile: band.wealth[::3] for band in found.monthly_bands}
    top = max(*bands[90], 1.0)
    months = len(found.monthly_bands[0].wealth) - 1
    x, y = _frame(
        pdf,
        [_short(top * part / 2) for part in range(3)],
        ("now", f"after {months // 12} years"),
    )
    step = (WIDE - 18) / max(1, len(bands[50]) - 1)

    def points(percentile: int) -> list[tuple[float, float]]:
        wealth = bands[percentile]
        return [(x + i * step, y + HIGH * (1 - w / top)) for i, w in enumerate(wealth)]

    for low, high, shade in ((10, 90, PALE), (25, 75, (150, 182, 226))):
        pdf.set_fill_color(*shade)
        pdf.polygon([*points(low), *reversed(points(high))], style="F")
    pdf.set_draw_color(*BLUE)
    pdf.set_line_width(0.6)
    pdf.polyline(points(50))
    _text(pdf, "Line: middle scenario. Dark: half of the scenarios. Pale: eight of ten.", 8)


def _ruin(pdf: FPDF, found: Answer) -> None:
    _room(pdf)
    values = [0.0, *(figure.value for figure in found.ruin_by_year)]
    top = max(0.1, *values)
    x, y = _frame(
        pdf, [f"{top * part / 2:.0%}" for part in range(3)], ("now", f"year {len(values) - 1}")
    )
    step = (WIDE - 18) / (len(values) - 1)
    pdf.set_draw_color(*RED)
    pdf.set_line_width(0.6)
    pdf.polyline([(x + i * step, y + HIGH * (1 - v / top)) for i, v in enumerate(values)])


def _bars(pdf: FPDF, found: Answer) -> None:
    _room(pdf)
    counts = found.histogram_counts
    top = max(1, *counts)
    shares = [f"{top * part / 2 / found.scenarios:.0%}" for part in range(3)]
    x, y = _frame(pdf, shares, ("$0", _short(found.histogram_edges[-1])))
    step = (WIDE - 18) / len(counts)
    pdf.set_fill_color(*BLUE)
    for place, count in enumerate(counts):
        height = HIGH * count / top
        pdf.rect(x + place * step, y + HIGH - height, step * 0.9, height, style="F")
    _text(pdf, f"{found.above_histogram:,} scenarios end above this range.", 8)


def _assumptions(pdf: FPDF, plan: PlanInput, found: Answer) -> None:
    said = plan.model_dump()
    rows = [
        (limit.label, money(said[name]) if limit.unit == "$" else f"{said[name]:,g} {limit.unit}")
        for name, limit in LIMITS.items()
        if name in said
    ]
    rows += [("Withdrawal rule", plan.rule), ("Returns", plan.returns_model)]
    for income in plan.incomes:
        years = f"years {income.start_year:g} to {income.end_year:g}"
        rows.append((f"Income: {income.name}", f"{money(income.annual)} a year, {years}"))
    rows += [(f"Once: {f.name}", f"{money(f.amount)} in year {f.year:g}") for f in plan.flows]
    rows += [("Version", found.version), ("Taxes and fees", "left out")]
    pdf.set_text_color(*INK)
    for name, value in rows:
        pdf.set_font("helvetica", size=9)
        pdf.cell(95, 5, _latin(name)[:70])
        pdf.cell(0, 5, _latin(value)[:60], new_x=XPos.LMARGIN, new_y=YPos.NEXT)
