"""Scenarios & stress: bad beginnings, and plans that were saved, side by side."""

import streamlit as st

from longrun.answers import Answer
from longrun.database import Unavailable
from longrun.inputs import PlanInput
from longrun.store import Saved
from longrun.stress import TEMPLATES
from longrun.text import plain_text
from longrun.ui import charts
from longrun.ui.state import answered, apply, note, plan, service, solved
from longrun.ui.visitor import person

__all__ = ["show"]


def show() -> None:
    st.title("Scenarios & stress")
    result = answered()
    if result is None:
        return
    asked, found, _ = result
    st.subheader("Bad beginnings")
    st.caption("Stylised and hard, not forecasts: after them the plan's own assumptions hold.")
    answers = [found]
    for template in TEMPLATES:
        one = solved(asked, template.name)
        if one is None:
            return
        answers.append(one)
    key = asked.model_dump_json()
    if st.session_state.get("stressed") != key:  # not at each run of the page
        worst = {
            template.name: one.success_probability.value
            for template, one in zip(TEMPLATES, answers[1:], strict=True)
        }
        if not note("stress", asked, outputs=worst):
            return
        st.session_state["stressed"] = key
    charts.comparison(["As planned", *(one.title for one in TEMPLATES)], answers, "beginning")
    with st.expander("What each means"):
        for template in TEMPLATES:
            st.markdown(f"**{template.title}.** {template.about}")
    _save()
    _compare(asked, found)


def _save() -> None:
    st.subheader("Save and share")
    with st.form("save-form"):
        name = plain_text(st.text_input("Name of this scenario", max_chars=100))
        is_shared = st.checkbox("Everybody who signs in and has the link may open it")
        is_sent = st.form_submit_button("Save")
    if is_sent and not name:
        st.error("Name of this scenario: it is empty. Give it a name.")
    elif is_sent:
        key = apply(plan(), name, is_shared=is_shared)
        if key:
            whom = "everybody who signs in" if is_shared else "you and compliance"
            st.success(f"Saved. This link opens it, for {whom}:")
            address = str(st.context.url or "").partition("?")[0]
            st.code(f"{address}?scenario={key}", language=None, wrap_lines=True)


def _compare(asked: PlanInput, found: Answer) -> None:
    st.subheader("Compare")
    if not asked.client_id:
        st.info("Give the client a number (Client & assumptions): scenarios are listed by it.")
        return
    try:
        kept = service().store.scenarios(asked.client_id, person())
    except Unavailable as error:
        st.warning(f"Saved scenarios can't be shown: {error}.")
        return
    named = [one for one in kept if one.name != "Last applied"]
    if not named:
        st.info("No scenario of this client is saved yet.")
        return
    chosen = st.multiselect("Saved scenarios", named, format_func=_title, max_selections=5)
    names, answers = ["This plan"], [found]
    for one in chosen:
        other = solved(PlanInput.model_validate(one.plan))
        if other is not None:
            names.append(_title(one))
            answers.append(other)
    charts.comparison(names, answers, "scenario")


def _title(one: Saved) -> str:
    return f"{one.name} ({one.saved_at[:16].replace('T', ' ')} UTC)"
