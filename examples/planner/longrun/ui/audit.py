"""Audit: the log of who did what, and whether it is whole. Compliance's page."""

import json
import re
from collections.abc import Mapping

import streamlit as st

from fairway_runtime.audit_chain import Head, Record
from longrun.analysis import percent
from longrun.database import Unavailable
from longrun.recorder import NotRecorded
from longrun.text import plain_text
from longrun.ui.state import service
from longrun.ui.visitor import person

__all__ = ["show"]

HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")
MOST = 200


def show() -> None:
    st.title("Audit")
    if not person().sees_everything:  # the page is not offered; its address may be typed
        st.error("The audit log is compliance's to read.")
        return
    _verify()
    st.subheader("Records")
    client = plain_text(st.text_input("Client number (empty: all)", max_chars=1000))
    try:
        found = service().trail.recent(f"client/{client}" if client else "", MOST)
        names = service().people.names()
    except Unavailable as error:
        st.warning(f"The log can't be shown: {error}. Nothing in it is lost.")
        return
    flagged = st.checkbox("Only those with flags")
    shown = [one for one in found if one.detail.get("flags") or not flagged]
    if not shown:
        st.info("No record to show.")
        return
    st.dataframe([_row(one, names) for one in shown], hide_index=True, width="stretch")
    st.caption(f"{len(shown)} of the last {len(found)} records, newest first. Times are UTC.")
    _one(shown)


def _verify() -> None:
    st.write(
        "Each record holds the hash of the one before: none can be changed, moved or taken out"
        " unseen. Keep the head that a verification shows somewhere else; the next one can then"
        " tell whether records are missing at the end."
    )
    with st.form("verify-form"):
        held = st.text_input("A head that you kept (optional)", max_chars=100).strip()
        is_sent = st.form_submit_button("Verify the whole log", type="primary")
    if not is_sent:
        return
    kept = HEAD.fullmatch(held)
    if held and kept is None:
        st.error("A head that you kept: it is a number, a colon and 64 digits. Copy it whole.")
        return
    try:
        report = service().trail.verify(Head(int(kept[1]), kept[2]) if kept else None)
        service().recorder.keep(
            service().event(person().id, "verify", "audit-log", is_intact=report.is_intact)
        )
    except (Unavailable, NotRecorded) as error:
        st.warning(f"The log can't be verified: {error}.")
        return
    if report.is_intact:
        st.success(f"Intact: {report.records:,} records.", icon=":material/verified:")
    else:
        st.error(f"NOT intact: {report.records:,} records.", icon=":material/gpp_bad:")
        for fault in report.faults:
            st.write(f"- {fault}")
    st.code(f"{report.head.sequence}:{report.head.hash}", language=None, wrap_lines=True)


def _row(one: Record, names: Mapping[str, str]) -> dict[str, object]:
    lasts = one.detail.get("outputs", {}).get("success_probability")
    return {
        "record": one.sequence,
        "at": one.time[:19].replace("T", " "),
        "who": names.get(one.actor or "", one.actor or ""),
        "did": one.action,
        "to": one.target,
        "lasts": "" if lasts is None else percent(lasts),
        "flags": ", ".join(one.detail.get("flags", ())),
        "request": one.correlation_id,
    }


def _one(shown: list[Record]) -> None:
    """One record whole: what went in, and what came out."""
    by_number = {one.sequence: one for one in shown}
    number = st.selectbox("Look at a record", list(by_number), index=None, placeholder="Choose")
    if number is not None:
        one = by_number[number]
        st.code(json.dumps(dict(one.detail), indent=2, ensure_ascii=False), language="json")
        st.caption(f"Hash {one.hash}, after {one.previous}")
