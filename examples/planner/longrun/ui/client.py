"""Client & assumptions: everything that goes in, with its range, and what is wrong with it."""

from importlib import import_module
from typing import Any, cast

import streamlit as st
from pydantic import ValidationError

from longrun.inputs import LIMITS, PlanInput, troubles
from longrun.ui.state import apply, plan, service

pandas: Any = import_module("pandas")  # Streamlit brings it; it has no types

__all__ = ["show"]

RULES = {
    "fixed": "Fixed, in today's money",
    "percent": "Percent of the portfolio",
    "guardrail": "Guardrails",
}
RETURNS = {"lognormal": "Log-normal, from the assumptions", "historical": "History, 1928 to 2024"}


def show() -> None:
    st.title("Client & assumptions")
    now = plan()
    with st.form("plan-form"):
        said: dict[str, Any] = {**_client(now), **_money(now), **_market(now), **_model(now)}
        is_sent = st.form_submit_button("Apply", type="primary", width="stretch")
    if is_sent:
        _apply(said)


def _apply(said: dict[str, Any]) -> None:
    try:
        changed = PlanInput.model_validate(said)
    except ValidationError as error:
        for trouble in troubles(error.errors()):
            limit = LIMITS.get(trouble.field)
            where = limit.label if limit else trouble.field
            st.error(f"{where}: {trouble.what}. {trouble.mend}".replace("$", "\\$"))
        return
    apply(changed)
    st.success("Applied. Every page shows this plan now; the address of this page keeps it.")


def _number(now: PlanInput, name: str, *, is_whole: bool = False) -> float:
    """A field without bounds of its own: what is out of range is told, not changed."""
    limit, value = LIMITS[name], cast("float", getattr(now, name))
    unit = f" ({limit.unit})" if limit.unit not in ("", "years") else ""
    about = f"{limit}".replace("$", "\\$")
    if is_whole:
        return st.number_input(f"{limit.label}{unit}", value=int(value), step=1, help=about)
    step = 1000.0 if limit.unit == "$" else 0.1
    shape = "%.0f" if limit.unit == "$" else "%.2f"
    return st.number_input(
        f"{limit.label}{unit}", value=float(value), step=step, format=shape, help=about
    )


def _client(now: PlanInput) -> dict[str, Any]:
    st.subheader("Client")
    left, right = st.columns(2)
    with left:
        name = st.text_input("Name", now.client_name, max_chars=1000)
        age = _number(now, "age", is_whole=True)
    with right:
        key = st.text_input(
            "Client number",
            now.client_id,
            max_chars=1000,
            help="History and audit log list simulations by it.",
        )
        years = _number(now, "years", is_whole=True)
    notes = st.text_area("Notes", now.notes, max_chars=1000)
    return {"client_name": name, "client_id": key, "age": age, "years": years, "notes": notes}


def _money(now: PlanInput) -> dict[str, Any]:
    st.subheader("Money")
    left, right = st.columns(2)
    with left:
        portfolio = _number(now, "portfolio")
    with right:
        spending = _number(now, "annual_spending")
    rule = st.radio(
        "Withdrawal rule",
        list(RULES),
        list(RULES).index(now.rule),
        format_func=RULES.__getitem__,
        horizontal=True,
    )
    with st.expander("Incomes, money once, guardrails"):
        st.caption("Incomes a year, in today's money, from and until so many years from now.")
        incomes = _table(
            "incomes",
            [one.model_dump() for one in now.incomes],
            ("name", "annual", "start_year", "end_year"),
        )
        st.caption("Money once: received above 0, spent below 0.")
        flows = _table("flows", [one.model_dump() for one in now.flows], ("name", "amount", "year"))
        band = _number(now, "guardrail_band")
        step = _number(now, "guardrail_step")
    return {
        "portfolio": portfolio,
        "annual_spending": spending,
        "rule": rule,
        "incomes": incomes,
        "flows": flows,
        "guardrail_band": band,
        "guardrail_step": step,
    }


def _table(key: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[dict[str, Any]]:
    shown = pandas.DataFrame(
        {
            name: pandas.Series(
                [row[name] for row in rows], dtype="str" if name == "name" else float
            )
            for name in columns
        }
    )
    config = {
        name: st.column_config.TextColumn("What")
        if name == "name"
        else st.column_config.NumberColumn(LIMITS[name].label, help=str(LIMITS[name]))
        for name in columns
    }
    edited = cast("Any", st.data_editor)(
        shown,
        num_rows="dynamic",
        key=f"table-{key}",
        column_config=config,
        hide_index=True,
        width="stretch",
    )
    typed = cast("list[dict[str, Any]]", edited.to_dict("records"))
    filled = [
        {name: value for name, value in row.items() if not pandas.isna(value)} for row in typed
    ]
    return [row for row in filled if row]


def _market(now: PlanInput) -> dict[str, Any]:
    st.subheader("Portfolio and markets")
    said: dict[str, Any] = {}
    for column, asset in zip(st.columns(3), ("equity", "bond", "cash"), strict=True):
        with column:
            for name in (asset, f"{asset}_return", f"{asset}_volatility"):
                said[name] = _number(now, name)
    st.caption("Shares, bonds and cash add up to 100 %.")
    said["inflation"] = _number(now, "inflation")
    with st.expander("Correlations"):
        for name in ("equity_bond", "equity_cash", "bond_cash"):
            said[f"{name}_correlation"] = _number(now, f"{name}_correlation")
    return said


def _model(now: PlanInput) -> dict[str, Any]:
    st.subheader("Simulation")
    model = st.radio(
        "Returns",
        list(RETURNS),
        list(RETURNS).index(now.returns_model),
        format_func=RETURNS.__getitem__,
        horizontal=True,
    )
    cap = service().settings.max_scenarios
    left, right = st.columns(2)
    with left:
        scenarios = _number(now, "scenarios", is_whole=True)
        st.caption(f"At most {cap:,} here.")
    with right:
        seed = _number(now, "seed", is_whole=True)
    is_real = st.checkbox("Show results in today's money", now.todays_money)
    return {"returns_model": model, "scenarios": scenarios, "seed": seed, "todays_money": is_real}
