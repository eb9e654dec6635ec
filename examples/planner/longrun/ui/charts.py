"""Charts, in colours that read on light and dark. Beside each, its figures as a table."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import streamlit as st

from fairway_runtime import operation
from longrun.answers import Answer

__all__ = ["comparison", "fan", "histogram", "ruin"]

BLUE, RED = "#4c8bf5", "#e5484d"
MONEY = "$.3s"
Rows = list[dict[str, Any]]


def _show(chart: Any, rows: Rows, name: str) -> None:
    with operation("render_charts", chart=name):
        st.altair_chart(chart, width="stretch")
        with st.expander(f"Figures: {name}"):
            st.dataframe(rows, hide_index=True, width="stretch")


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=rows)


def fan(found: Answer) -> None:
    """Wealth over time: the middle scenario, half of them, eight of ten."""
    wealth = {band.percentile: band.wealth for band in found.monthly_bands}
    rows = [
        {
            "year": month / 12,
            **{f"p{percentile}": wealth[percentile][month] for percentile in wealth},
        }
        for month in range(0, len(wealth[50]), 3)
    ]
    years = alt.X("year:Q", title="Years from now")
    base = alt.Chart(_data(rows)).properties(height=320)
    tips = [
        alt.Tooltip("year:Q", title="Year", format=".1f"),
        *(alt.Tooltip(f"p{p}:Q", title=f"P{p}", format="$,.0f") for p in wealth),
    ]
    wide = base.mark_area(color=BLUE, opacity=0.25).encode(
        years,
        alt.Y("p10:Q", title=f"Wealth, money {found.money}", axis=alt.Axis(format=MONEY)),
        alt.Y2("p90:Q"),
        tooltip=tips,
    )
    half = base.mark_area(color=BLUE, opacity=0.35).encode(years, alt.Y("p25:Q"), alt.Y2("p75:Q"))
    middle = base.mark_line(color=BLUE, strokeWidth=3).encode(years, alt.Y("p50:Q"), tooltip=tips)
    _show(wide + half + middle, rows[::4], "wealth by year")
    st.caption("Line: the middle scenario. Dark: half of the scenarios. Pale: eight of ten.")


def histogram(found: Answer) -> None:
    """How much is left at the end, in how many scenarios."""
    edges = found.histogram_edges
    rows = [
        {"from": edges[place], "to": edges[place + 1], "scenarios": count}
        for place, count in enumerate(found.histogram_counts)
    ]
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(color=BLUE)
        .encode(
            alt.X("from:Q", title="Wealth at the end", axis=alt.Axis(format=MONEY), bin="binned"),
            alt.X2("to:Q"),
            alt.Y("scenarios:Q", title="Scenarios"),
            tooltip=[
                alt.Tooltip("from:Q", format="$,.0f"),
                alt.Tooltip("to:Q", format="$,.0f"),
                "scenarios:Q",
            ],
        )
        .properties(height=260)
    )
    _show(chart, rows, "wealth at the end")
    st.caption(f"{found.above_histogram:,} scenarios end above this range.")


def ruin(found: Answer) -> None:
    """The probability of having run out by each year, with its interval."""
    rows = [
        {"year": year, "probability": one.value, "low": one.low, "high": one.high}
        for year, one in enumerate(found.ruin_by_year, 1)
    ]
    base = alt.Chart(_data(rows)).properties(height=260)
    years = alt.X("year:Q", title="Years from now")
    share = alt.Axis(format=".0%")
    within = base.mark_area(color=RED, opacity=0.25).encode(
        years, alt.Y("low:Q", title="Has run out", axis=share), alt.Y2("high:Q")
    )
    line = base.mark_line(color=RED, strokeWidth=3).encode(
        years,
        alt.Y("probability:Q"),
        tooltip=[
            "year:Q",
            *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("probability", "low", "high")),
        ],
    )
    _show(within + line, rows, "having run out, by year")
    st.caption("Shaded: the 95 % interval of chance.")


def comparison(names: Sequence[str], found: Sequence[Answer], what: str) -> None:
    """The probability of lasting, with intervals, side by side."""
    rows = [
        {
            what: name,
            "lasts": one.success_probability.value,
            "low": one.success_probability.low,
            "high": one.success_probability.high,
            "middle ending": one.ending.p50.value,
            "worst tenth ending": one.ending.p10.value,
        }
        for name, one in zip(names, found, strict=True)
    ]
    base = alt.Chart(_data(rows)).properties(height=max(120, 34 * len(rows)))
    place = alt.Y(f"{what}:N", sort=None, title=None, axis=alt.Axis(labelLimit=220))
    bars = base.mark_bar(color=BLUE, opacity=0.7).encode(
        alt.X(
            "lasts:Q", title="Lasts", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1])
        ),
        place,
        tooltip=[
            f"{what}:N",
            *(alt.Tooltip(f"{n}:Q", format=".1%") for n in ("lasts", "low", "high")),
        ],
    )
    ranges = base.mark_rule(color=RED, strokeWidth=2).encode(
        alt.X("low:Q"), alt.X2("high:Q"), place
    )
    _show(bars + ranges, rows, what)
    st.caption("Bars: how often it lasted. Red: the 95 % interval of chance.")
