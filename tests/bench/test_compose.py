"""What is made of rounds under Docker Compose, and the shape that is measured there."""

import math
from pathlib import Path
from typing import Any

import yaml

from bench import compose
from bench.compose import Composed, Shape, figures
from bench.memory import listed_mib

FILE: dict[str, Any] = yaml.safe_load((compose.FILES / "compose.yaml").read_text())
SERVICES: dict[str, Any] = FILE["services"]


def test_figures_are_medians_and_the_ratio_is_to_our_cold_start() -> None:
    rounds = [Composed(6.0, 5.0, 300.0), Composed(9.0, 6.0, 310.0), Composed(8.0, 4.0, 320.0)]
    assert figures(rounds, ours=2.0) == {
        "compose_cold_seconds": 8.0,
        "compose_warm_seconds": 5.0,
        "compose_cold_ratio": 4.0,
        "compose_memory_mib": 310.0,
    }


def test_a_round_that_is_missing_leaves_no_figure() -> None:
    for rounds in ([], [None], [Composed(6.0, 5.0, 300.0), None]):
        assert all(math.isnan(each) for each in figures(rounds, ours=2.0).values())
        assert figures(rounds, ours=2.0).keys() == figures([Composed(1, 1, 1)], ours=1.0).keys()


def test_what_could_not_be_measured_is_not_tried_again(tmp_path: Path) -> None:
    shape = Shape(tmp_path, 1, reason="no engine answers")
    assert shape.measure() is None
    assert not list(tmp_path.iterdir())


def test_memory_is_the_sum_of_the_second_column_in_mib() -> None:
    assert listed_mib("PID   RSS\n23504 37132\n7     1024\n") == (37132 + 1024) / 1024
    assert listed_mib("PID   RSS\n") == 0


def test_the_last_line_that_says_something_is_told() -> None:
    assert compose.tail("pulling\nno such image\n\n") == "no such image"
    assert compose.tail("") == "no word"


def test_the_shape_waits_only_for_what_the_first_page_needs() -> None:
    waits = {
        name: {other: said["condition"] for other, said in service["depends_on"].items()}
        for name, service in SERVICES.items()
        if "depends_on" in service
    }
    assert waits == {
        "migrate": {"db": "service_healthy"},
        "api": {
            "migrate": "service_completed_successfully",
            "cache": "service_healthy",
            "files": "service_started",
        },
        "balancer": {"api": "service_started"},
    }


def test_the_shape_has_two_replicas_and_keeps_its_data() -> None:
    assert SERVICES["api"]["deploy"]["replicas"] == 2
    kept = {volume for each in SERVICES.values() for volume in each.get("volumes", ())}
    assert {volume.partition(":")[0] for volume in kept} >= set(FILE["volumes"])
    assert set(FILE["volumes"]) == {"cache", "db", "files"}
