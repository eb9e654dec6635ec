"""Tells what is away, on every page, and that it is back; without a click."""

import streamlit as st

from longrun.ui.state import service

__all__ = ["outages"]


@st.fragment(run_every="5s")
def outages() -> None:
    """A line for each of database and Redis while it is away."""
    database, redis = service().away()
    waiting = service().recorder.backlog
    if database:
        st.warning(database, icon=":material/cloud_off:")
    if redis:
        st.info(redis, icon=":material/cloud_off:")
    was_away = st.session_state.get("was_away", False)
    st.session_state["was_away"] = bool(database or redis)
    if was_away and not (database or redis):
        told = "Everything is back."
        if waiting:
            told += f" {waiting} records are on their way into the audit log."
        st.success(told, icon=":material/cloud_done:")
