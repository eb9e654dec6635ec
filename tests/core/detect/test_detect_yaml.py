"""The part of YAML that is read, held against PyYAML where both can."""

import pytest
import yaml

from fairway.core.detect.yaml_reader import EMPTY, Node, read_yaml

COMPOSE = """\
# A comment
version: "3.8"
x-base: &base
  restart: always   # kept
  labels: [a, "b, c", 'd''e']
services:
  web:
    <<: *base
    build: {context: ., dockerfile: docker/Dockerfile}
    command: >
      sh -c "a
      && b"
    ports:
    - "8080:80"
    - target: 80
      published: 9000
    environment:
      URL: http://host:80/#x
      EMPTY:
      QUOTED: 'it''s'
    script: |
      one
      # two
  "db":
    image: postgres:16
    args:
      -
        deep: 1
      - - nested
        - list
---
second: document
"""


def plain(node: Node) -> object:
    if node.entries is not None:
        return {key: plain(value) for key, value in node.entries.items()}
    if node.items:
        return [plain(item) for item in node.items]
    return node.text


def texts(value: object) -> object:
    """PyYAML's answer with every scalar as text."""
    match value:
        case dict():
            return {str(key): texts(entry) for key, entry in value.items()}
        case list():
            return [texts(item) for item in value]
        case None:
            return ""
        case str():
            return value.strip()
        case _:
            return str(value)


def test_a_compose_file_reads_as_pyyaml_reads_it() -> None:
    expected = texts(next(iter(yaml.safe_load_all(COMPOSE))))
    assert plain(read_yaml(COMPOSE)) == expected


def test_a_node_knows_its_line() -> None:
    web = read_yaml(COMPOSE).at("services", "web")
    assert web.at("build").line == 9
    assert web.at("ports").items[1].at("published").line == 16
    assert web.at("no", "such", "key") is EMPTY


@pytest.mark.parametrize(
    "text", ["", "\t", "- ", ":", "a", "a:\n\tb: c", "? a\n: b", "{", "[[[", "*x", "a: &", "- - -"]
)
def test_what_is_no_yaml_raises_nothing(text: str) -> None:
    assert isinstance(read_yaml(text), Node)
