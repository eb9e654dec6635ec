"""Who looks at this page: whom the door let in, as long as that holds.

The door puts the session's claims into the headers of the page's WebSocket; a script sees nothing
else of it. They are held against the database at each run, so signing out anywhere ends this too.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, cast

import streamlit as st

from fairway_runtime import identify
from longrun.door import SESSION_HEADER
from longrun.people import Person
from longrun.service import current

__all__ = ["CLAIMS", "admit", "person"]

CLAIMS = "claims"  # of a test, which has no browser and no door


def admit() -> Person:
    """Let the script go on for somebody who is signed in; for nobody else."""
    said = _claims()
    claimed = Person.claimed(said) if said.get("until", 0) > time.time() else None
    found = current().people.current(claimed) if claimed is not None else None
    if found is None:
        st.session_state.clear()
        st.title("You are signed out")
        st.write("Your session is over. What you applied is kept.")
        st.link_button("Sign in", "/login", type="primary")
        st.stop()
    identify(found.id)
    st.session_state["person"] = found
    return found


def person() -> Person:
    """Who was admitted to this run."""
    return cast("Person", st.session_state["person"])


def _claims() -> Mapping[str, Any]:
    header: object = st.context.headers.get(SESSION_HEADER)
    if isinstance(header, str):
        return cast("Mapping[str, Any]", json.loads(header))
    return cast("Mapping[str, Any]", st.session_state.get(CLAIMS, {}))
