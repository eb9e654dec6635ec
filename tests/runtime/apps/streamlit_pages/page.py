"""A page that says which request it belongs to, and takes its time or fails when it is asked to."""

# pyright: reportMissingImports=false
# Streamlit is in an environment of its own.
import logging
import time

import streamlit as st

from fairway_runtime import correlation_id

logging.getLogger("page").warning("in the script")
st.markdown(f"{correlation_id()} {st.context.headers.get('x-request-id')}")
if "sleep" in st.query_params:
    time.sleep(float(st.query_params["sleep"]))
    logging.getLogger("page").warning("slept")
if "fail" in st.query_params:
    raise ValueError("a broken page")
