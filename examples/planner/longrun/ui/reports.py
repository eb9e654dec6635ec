"""Reports: the PDF for the client, and the figures as CSV."""

import csv
import io
from datetime import UTC, datetime

import streamlit as st

from fairway_runtime import count, operation
from longrun.analysis import Analysis
from longrun.answers import Answer
from longrun.inputs import PlanInput
from longrun.report import report
from longrun.ui.state import answered, record

__all__ = ["show", "table"]


def show() -> None:
    st.title("Reports")
    result = answered()
    if result is None:
        return
    plan, found, told = result
    st.write("The report holds the result, the charts, every assumption, seed and version.")
    with operation("render_charts"):
        made = report(plan, found, told, datetime.now(UTC).date())
    st.download_button(
        "Download the report (PDF)",
        made,
        "retirement-plan.pdf",
        "application/pdf",
        type="primary",
        on_click=_downloaded,
        args=(plan, found, told),
    )
    st.download_button(
        "Download the figures (CSV)",
        table(found),
        "retirement-plan.csv",
        "text/csv",
        on_click="ignore",
    )
    st.caption(f"PDF: {len(made) / 1000:.0f} kB. Seed {found.seed}, version {found.version}.")
    st.caption(told.disclosure)


def _downloaded(plan: PlanInput, found: Answer, told: Analysis) -> None:
    """It was taken away: R178, and the audit log."""
    count("pdf_downloads_total")
    record("report", plan, found, told)


def table(found: Answer) -> bytes:
    """Wealth by month at each percentile, and the probability of having run out by then."""
    file = io.StringIO()
    writer = csv.writer(file)
    percentiles = [band.percentile for band in found.monthly_bands]
    writer.writerow(["month", *(f"p{one}" for one in percentiles), "ran_out_by_end_of_year"])
    for month, wealth in enumerate(zip(*(b.wealth for b in found.monthly_bands), strict=True)):
        year = month // 12
        is_year_end = month % 12 == 0 and month > 0
        writer.writerow([month, *wealth, found.ruin_by_year[year - 1].value if is_year_end else ""])
    return file.getvalue().encode()
