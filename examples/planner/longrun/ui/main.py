"""The script that Streamlit runs for each visitor: who it is, navigation, and the page chosen."""

import streamlit as st

from longrun.ui import (
    audit,
    client,
    history,
    overview,
    portfolio,
    questions,
    reports,
    scenarios,
)
from longrun.ui.outage import outages
from longrun.ui.state import begin
from longrun.ui.visitor import admit

PAGES = (
    ("Overview", "overview", overview.show),
    ("Client & assumptions", "client", client.show),
    ("Portfolio analysis", "portfolio", portfolio.show),
    ("Scenarios & stress", "scenarios", scenarios.show),
    ("Analysis Q&A", "questions", questions.show),
    ("Reports", "reports", reports.show),
    ("History", "history", history.show),
)
AUDIT = ("Audit", "audit", audit.show)

st.set_page_config(page_title="Longrun", page_icon=":material/trending_up:", layout="centered")
visitor = admit()
pages = (*PAGES, AUDIT) if visitor.sees_everything else PAGES
chosen = st.navigation(
    [
        st.Page(show, title=title, url_path=path, default=path == "overview")
        for title, path, show in pages
    ]
)
with st.sidebar:
    role = "Compliance" if visitor.sees_everything else "Adviser"
    st.caption(f"{role}: {visitor.name}".replace("$", "\\$"))
    st.link_button("Sign out", "/logout", width="stretch")
outages()
begin()
chosen.run()
