"""Audit: which simulations were run for a client, with what went in and what came out."""

import streamlit as st

from longrun.analysis import percent
from longrun.store import Unavailable
from longrun.text import plain_text
from longrun.ui.state import plan, service

__all__ = ["show"]


def show() -> None:
    st.title("Audit")
    client = plain_text(st.text_input("Client number", plan().client_id, max_chars=1000))
    if not client:
        st.info("Give a client number: simulations are listed by it.")
        return
    try:
        found = service().store.simulations(client)
    except Unavailable as error:
        st.warning(f"The history can't be shown: {error}. Nothing in it is lost.")
        return
    is_flagged = st.checkbox("Only those with flags")
    shown = [one for one in found if one.flags or not is_flagged]
    if not shown:
        st.info("No simulation to show for this client number.")
        return
    st.dataframe(
        [
            {
                "at (UTC)": one.ran_at[:19].replace("T", " "),
                "lasts": percent(one.summary["success_probability"]),
                "portfolio": one.plan["portfolio"],
                "spending": one.plan["annual_spending"],
                "flags": ", ".join(one.flags),
                "seed": one.plan["seed"],
                "version": one.summary["version"],
                "record": one.id,
            }
            for one in shown
        ],
        hide_index=True,
        width="stretch",
    )
    st.caption(f"{len(shown)} of the last {len(found)} simulations.")
    st.caption(
        "A history, not yet proof: records are not chained, and whoever holds the database "
        "could change one."
    )
