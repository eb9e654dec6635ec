"""Analysis Q&A: findings, and questions that the figures answer."""

import streamlit as st

from fairway_runtime import count
from longrun.analysis import EXAMPLES, ask
from longrun.text import plain_text
from longrun.ui.overview import findings
from longrun.ui.state import answered, record

__all__ = ["show"]


def show() -> None:
    st.title("Analysis Q&A")
    result = answered()
    if result is None:
        return
    plan, found, told = result
    typed = st.text_input("Your question", max_chars=1000, key="question", placeholder=EXAMPLES[0])
    chosen = st.pills("Or one of these", EXAMPLES)
    question = plain_text(typed) or chosen
    if question:
        reply, is_answered = ask(question, plan, found)
        if st.session_state.get("asked") != question:  # not at each run of the page
            st.session_state["asked"] = question
            if record("analyse", plan, found, told) is None:
                return
            count("analysis_requests_total")
        st.markdown(f"**{_escaped(question)}**")
        (st.success if is_answered else st.warning)(_escaped(reply))
    st.subheader("What stands out")
    findings(told)
    st.caption("Worked out from this plan's figures by fixed rules, on this machine.")
    st.caption(told.disclosure)


def _escaped(text: str) -> str:
    """Text as text: Markdown would take some signs for its own."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|~$:" else sign for sign in text)
