"""The script that Streamlit runs for each visitor: navigation, and the page chosen."""

import streamlit as st

from longrun.ui import client, history, overview, portfolio, questions, reports, scenarios
from longrun.ui.state import begin

PAGES = (
    ("Overview", "overview", overview.show),
    ("Client & assumptions", "client", client.show),
    ("Portfolio analysis", "portfolio", portfolio.show),
    ("Scenarios & stress", "scenarios", scenarios.show),
    ("Analysis Q&A", "questions", questions.show),
    ("Reports", "reports", reports.show),
    ("Audit", "audit", history.show),
)

st.set_page_config(page_title="Longrun", page_icon=":material/trending_up:", layout="centered")
chosen = st.navigation(
    [
        st.Page(show, title=title, url_path=path, default=path == "overview")
        for title, path, show in PAGES
    ]
)
begin()
chosen.run()
