"""Overview: the answer in one look."""

import streamlit as st

from longrun.analysis import Analysis, money, percent
from longrun.ui import charts
from longrun.ui.state import answered

__all__ = ["findings", "show"]

WORDS = {
    "high": "High probability of lasting",
    "moderate": "Moderate probability of lasting",
    "elevated": "Elevated risk of running out",
}
ICONS = {
    "good": ":material/check_circle:",
    "note": ":material/info:",
    "warning": ":material/warning:",
    "serious": ":material/error:",
}


def show() -> None:
    st.title("How long does the money last?")
    result = answered()
    if result is None:
        return
    plan, found, told = result
    success = found.success_probability
    st.subheader(WORDS[told.risk])
    first, second, third = st.columns(3)
    first.metric(f"Lasts {plan.years} years", percent(success.value))
    first.caption(f"95 % interval: {percent(success.low)} to {percent(success.high)}")
    second.metric("Left at the end, middle", money(found.ending.p50.value))
    second.caption(f"One in ten: {money(found.ending.p10.value)} or less")
    third.metric("Spending a year", money(plan.annual_spending))
    third.caption(f"{plan.annual_spending / plan.portfolio:.1%} of {money(plan.portfolio)}")
    charts.fan(found)
    findings(told)
    st.caption(told.disclosure)


def findings(told: Analysis) -> None:
    """What the analysis found, each with its weight in words."""
    draw = {"good": st.success, "note": st.info, "warning": st.warning, "serious": st.error}
    for finding in told.findings:
        draw[finding.level](finding.text.replace("$", "\\$"), icon=ICONS[finding.level])
    for suggestion in told.suggestions:
        st.info(suggestion.replace("$", "\\$"), icon=":material/lightbulb:")
    if told.flags:
        st.caption(f"Flags for compliance: {', '.join(told.flags)}")
