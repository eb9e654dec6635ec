"""Portfolio analysis: the fan, the ending, ruin by year, and other allocations."""

import streamlit as st

from longrun.answers import Answer
from longrun.ui import charts
from longrun.ui.state import answered, solved

__all__ = ["show"]

MIXES = ((20, 70, 10), (40, 50, 10), (60, 35, 5), (80, 20, 0), (100, 0, 0))


def show() -> None:
    st.title("Portfolio analysis")
    result = answered()
    if result is None:
        return
    plan, found, _ = result
    st.subheader("Wealth over time")
    charts.fan(found)
    st.subheader("Having run out, by year")
    charts.ruin(found)
    st.subheader("Wealth at the end")
    charts.histogram(found)
    st.subheader("Other allocations")
    if plan.returns_model == "lognormal":
        st.caption("The same plan and the same random numbers, with other weights.")
    names, answers = [f"{plan.equity:g} / {plan.bond:g} / {plan.cash:g} (this plan)"], [found]
    for equity, bond, cash in MIXES:
        mixed = plan.model_copy(update={"equity": equity, "bond": bond, "cash": cash})
        other: Answer | None = solved(mixed)
        if other is None:
            return
        names.append(f"{equity} / {bond} / {cash}")
        answers.append(other)
    charts.comparison(names, answers, "shares / bonds / cash")
