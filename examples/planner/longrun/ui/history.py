"""History: which simulations were run for a client, with what went in and what came out."""

import streamlit as st

from longrun.analysis import percent
from longrun.database import Unavailable
from longrun.text import plain_text
from longrun.ui.state import plan, service
from longrun.ui.visitor import person

__all__ = ["show"]


def show() -> None:
    st.title("History")
    client = plain_text(st.text_input("Client number", plan().client_id, max_chars=1000))
    whose = "everybody's" if person().sees_everything else "your"
    if not client:
        st.info(f"Give a client number: {whose} simulations are listed by it.")
        return
    try:
        found = service().store.simulations(client, person())
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
        column_config={
            name: st.column_config.NumberColumn(format="dollar")
            for name in ("portfolio", "spending")
        },
        width="stretch",
    )
    whose = "of everybody" if person().sees_everything else "of yours"
    st.caption(
        f"{len(shown)} of the last {len(found)} simulations {whose}. The audit log has each by"
        " its record."
    )
