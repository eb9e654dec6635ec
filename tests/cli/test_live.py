"""The live view: what must be drawn at once, and what may wait for the next second."""

from dataclasses import replace

from fairway.cli.live import glance, with_said
from fairway.core.status import EventLine, NodeLine
from tests.cli.test_status_picture import API, QUIET, replica


def test_ages_and_rates_wait_for_the_next_second() -> None:
    later = replace(QUIET, now=QUIET.now + 0.3, services=(replace(API, requests_per_second=1.0),))
    assert glance(later) == glance(replace(QUIET, services=(API,)))


def test_states_events_and_releases_are_drawn_at_once() -> None:
    seen = {
        glance(QUIET),
        glance(replace(QUIET, phase="stopping")),
        glance(replace(QUIET, revision="0000000000")),
        glance(replace(QUIET, events=(EventLine(at=QUIET.now, node="api", text="scaled"),))),
        glance(replace(QUIET, nodes=(NodeLine(name="db", kind="postgres", state="down"),))),
        glance(replace(QUIET, services=(replace(API, release_percent=20.0, release="canary"),))),
        glance(replace(QUIET, services=(replace(API, replicas=(replica("api.1", "hung"),)),))),
    }
    assert len(seen) == 7


def test_what_is_installed_meanwhile_is_shown_among_the_events_by_time() -> None:
    began = EventLine(at=QUIET.now - 3, node="", text="deploying")
    said = EventLine(at=QUIET.now - 2, node="web", text="Downloading django")
    ended = EventLine(at=QUIET.now - 1, node="", text="in service")
    status = replace(QUIET, events=(began, ended))
    assert with_said(status, (began, said, ended)).events == (began, said, ended)
