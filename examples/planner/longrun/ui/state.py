"""What one visitor is at: the plan, its answer, and how it gets from here to there.

The plan that was applied last is kept in the store, and its id in the address. So a page that is
opened anew, on whichever replica, after a release or by somebody else, shows the same plan.
"""

import contextvars
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import streamlit as st
from pydantic import ValidationError

from longrun.analysis import Analysis, analyse
from longrun.answers import Answer
from longrun.database import Unavailable
from longrun.inputs import PlanInput
from longrun.recorder import NotRecorded
from longrun.service import Busy, Recorded, Service, TooSlow, current, over_cap
from longrun.ui.visitor import person

__all__ = ["answered", "apply", "begin", "note", "plan", "record", "service", "solved"]

FIRST = PlanInput(portfolio=1_000_000, annual_spending=40_000)
SHOW_AFTER_SECONDS = 0.3


def service() -> Service:
    return current()


def plan() -> PlanInput:
    """The visitor's plan."""
    return cast("PlanInput", st.session_state.setdefault("plan", FIRST))


def begin() -> None:
    """Take the plan over that the address names, and keep the address true."""
    named = st.query_params.get("scenario", "")
    if named and named != st.session_state.get("scenario"):
        _open(named)
    elif "plan" not in st.session_state:
        _restore()
    if st.session_state.get("opened"):
        st.info("Opened again, as it was kept: " + st.session_state["opened"].replace("$", "\\$"))
    kept = st.session_state.get("scenario", "")
    if kept and st.query_params.get("scenario") != kept:
        st.query_params["scenario"] = kept


def _restore() -> None:
    """The plan that this person applied last: another replica had it, or another day."""
    try:
        found = service().store.scenario(_last(), person())
        if found is not None:
            st.session_state["plan"] = PlanInput.model_validate(found.plan)
            st.session_state["opened"] = found.name
    except Unavailable as error:
        st.warning(f"Your last plan can't be opened now: {error}.")
    except ValidationError:
        st.warning("Your last plan is from another version and can't be read.")


def _last() -> str:
    """Where a person's last plan is; nobody else may open it."""
    return f"last-{person().id}"


def _open(key: str) -> None:
    try:
        found = service().store.scenario(key, person())
    except Unavailable as error:
        st.warning(f"The plan of this link can't be opened now: {error}.")
        return
    if found is None:
        st.warning("There is no plan under this link, or it is not shared with you.")
        del st.query_params["scenario"]
        return
    try:
        st.session_state["plan"] = PlanInput.model_validate(found.plan)
    except ValidationError:
        st.warning("The plan of this link is from another version and can't be read.")
        return
    st.session_state["scenario"] = key
    st.session_state["opened"] = found.name


def apply(changed: PlanInput, name: str = "Last applied", *, is_shared: bool = False) -> str:
    """Make this the visitor's plan, and keep it; its id, or "" while the database is away."""
    st.session_state["plan"] = changed
    st.session_state.pop("stopped", None)
    st.session_state.pop("opened", None)
    try:
        store, said, owner = service().store, changed.model_dump(mode="json"), person()
        key = store.save(name, changed.client_id, said, owner=owner, is_shared=is_shared)
        store.save(name, "", said, owner=owner, key=_last())
    except Unavailable as error:
        st.session_state["scenario"] = ""
        st.warning(f"The plan is applied, but not kept: {error}.")
        return ""
    note("scenario.save", changed, scenario=key, shared=is_shared)
    st.session_state["scenario"] = key
    st.query_params["scenario"] = key
    return key


def answered() -> tuple[PlanInput, Answer, Analysis] | None:
    """The plan with its answer; None where there is none, and the page says why."""
    asked = plan()
    if st.session_state.get("stopped") == asked:
        st.info("The simulation was stopped.")
        if not st.button("Run it", type="primary"):
            return None
        del st.session_state["stopped"]
    found = solved(asked)
    if found is None:
        return None
    told = analyse(asked, found)
    recorded = cast("Mapping[str, Any]", st.session_state.get("recorded", {}))
    key = asked.model_dump_json()
    if key not in recorded:
        if record("simulate", asked, found, told) is None:
            return None
        st.session_state["recorded"] = {key: True}
    return asked, found, told


def record(action: str, asked: PlanInput, found: Answer, told: Analysis) -> Recorded | None:
    """Put what was done into the audit log; None where that can't be, and the page says so."""
    try:
        return service().record(person(), action, asked, found, told)
    except NotRecorded as error:
        st.error(f"This result is not shown: {error}. Nothing of your plan is lost.")
        return None


def note(action: str, asked: PlanInput, **detail: Any) -> bool:
    """Tell the audit log of what is no simulation; False, told on the page, where that can't be."""
    target = f"client/{asked.client_id}"
    try:
        service().recorder.keep(service().event(person().id, action, target, **detail))
    except NotRecorded as error:
        st.error(f"This is not done: {error}. Nothing of your plan is lost.")
        return False
    return True


def solved(asked: PlanInput, template: str = "") -> Answer | None:
    """The answer, with a bar and a button to stop where it takes a while."""
    trouble = over_cap(asked, service().settings)
    if trouble is not None:
        st.error(str(trouble))
        return None
    stop = threading.Event()
    done = [0]

    def progress(count: int, _: int) -> None:
        done[0] = max(done[0], count)

    with ThreadPoolExecutor(1, "solve") as pool:
        try:
            here = contextvars.copy_context()  # the request that this is a part of
            work = pool.submit(
                here.run,
                partial(
                    service().solve, asked, template, progress=progress, is_cancelled=stop.is_set
                ),
            )
            _wait(work, asked, done)
            return Answer.model_validate_json(work.result())
        except (Busy, TooSlow) as error:
            st.error(f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing of your plan is lost.")
            return None
        finally:  # a click elsewhere ends this script: the simulation ends with it
            stop.set()


def _wait(work: "Future[str]", asked: PlanInput, done: list[int]) -> None:
    began = time.monotonic()
    place = st.empty()
    bar = None
    while not work.done():
        if bar is None and time.monotonic() - began > SHOW_AFTER_SECONDS:
            with place.container():
                bar = st.progress(0.0, "Simulating")
                st.button("Stop", on_click=_stopped, args=(asked,))
        if bar is not None:
            bar.progress(done[0] / asked.scenarios, f"{done[0]:,} of {asked.scenarios:,} scenarios")
        time.sleep(0.02)
    place.empty()


def _stopped(asked: PlanInput) -> None:
    st.session_state["stopped"] = asked
