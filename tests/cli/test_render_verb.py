"""`fairway render`: what it writes, what it refuses to touch, what it prints."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fairway.cli.main import cli
from fairway.core.problem import Problems

FILE = 'app = "shop"\n[service.web]\nasgi = "m:app"\npublic = true\nbefore = "migrate"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fairway.toml").write_text(FILE)
    return tmp_path


def rendered(folder: Path, *more: str, out: str = "out") -> Result:
    words = ["render", "production", "-C", str(folder), "--out", str(folder / out), *more]
    return CliRunner().invoke(cli, words, catch_exceptions=True)


def test_it_writes_a_template_a_stack_and_prints_how_to_deploy_them(folder: Path) -> None:
    result = rendered(folder)
    assert result.exit_code == 0, result.output
    written = sorted(path.name for path in (folder / "out").glob("*.json"))
    assert {"network.json", "data.json", "balancer.json", "service-web.json"} <= set(written)
    lines = [line for line in result.stdout.splitlines() if "cloudformation deploy" in line]
    listed = json.loads((folder / "out" / ".fairway-rendered.json").read_text())
    templates = [path for path in listed if path.endswith(".json") and ".cdx." not in path]
    assert len(lines) == len(templates)
    assert "--stack-name shop-production-network" in lines[0]
    assert 'Domain="$DOMAIN" HostedZoneId="$HOSTED_ZONE_ID"' in result.stdout


def test_it_writes_what_makes_the_image_and_says_what_it_would_lack(folder: Path) -> None:
    assert "no file names what the app needs" in rendered(folder).stderr
    (folder / "requirements.txt").write_text("-r base.txt\n")
    (folder / "base.txt").write_text("fastapi==0.120.0\n")
    (folder / ".dockerignore").write_text("notes\n")
    result = rendered(folder, "--base", "python:3.12-slim@sha256:" + "a" * 64)
    assert "no file names" not in result.stderr
    out = folder / "out"
    assert 'COPY ["requirements.txt", "base.txt", "/app/"]' in (out / "Dockerfile").read_text()
    assert "@sha256:aaaa" in (out / "Dockerfile").read_text()
    assert "\nnotes\n" in (out / "Dockerfile.dockerignore").read_text()
    assert '"fastapi"' in (out / "sbom.cdx.json").read_text()


def test_it_is_built_from_the_project_wherever_the_lines_are_run(folder: Path) -> None:
    line = next(line for line in rendered(folder).stdout.splitlines() if "docker build" in line)
    assert f"{os.path.relpath(folder)}; docker push" in line
    remote = rendered(folder, "--build", "remote").stdout
    assert f"(cd {os.path.relpath(folder)}; git ls-files" in remote


def test_aws_may_build_it(folder: Path) -> None:
    result = rendered(folder, "--build", "remote")
    assert (folder / "out" / "build.json").exists()
    assert "aws codebuild start-build" in result.stdout


def test_the_role_of_a_pipeline_is_written_and_deployed_by_people(folder: Path) -> None:
    line = '[pipeline]\nrepository = "example/shop"\npromote = { production = "by hand" }\n'
    (folder / "fairway.toml").write_text(FILE + line)
    result = rendered(folder)
    assert (folder / "out" / "ci.json").exists()
    assert "once, by somebody who may make roles: aws cloudformation deploy" in result.stderr
    assert "ci.json" not in result.stdout
    assert '${DEPLOY_ROLE:+--role-arn "$DEPLOY_ROLE"}' in result.stdout


@pytest.mark.requirement("R204")
def test_in_two_accounts_a_pipeline_has_a_role_in_each(folder: Path) -> None:
    lines = """
[site.page]
root = "site"
account = "frontend"
[pipeline]
repository = "example/shop"
promote = { production = "by hand" }
[environment.production.accounts]
frontend = "111111111111"
"""
    (folder / "fairway.toml").write_text(FILE + lines)
    result = rendered(folder)
    assert (folder / "out" / "ci-frontend.json").exists()
    (once,) = [line for line in result.stderr.splitlines() if "shop-production-ci-frontend" in line]
    assert 'DeployRole="$FRONTEND_DEPLOY_ROLE"' in once
    assert once.endswith('--profile "$FRONTEND_PROFILE"')
    assert "role-arn" not in once
    assert "in each account is: ci.json and ci-frontend.json" in result.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh here")
def test_what_it_prints_is_a_script(folder: Path) -> None:
    printed = rendered(folder, out="a folder").stdout
    subprocess.run(["sh", "-n"], input=printed, text=True, check=True)


def test_again_it_writes_the_same_and_takes_away_what_left_the_file(folder: Path) -> None:
    rendered(folder)
    before = (folder / "out" / "service-web.json").read_bytes()
    rendered(folder)
    assert (folder / "out" / "service-web.json").read_bytes() == before
    (folder / "fairway.toml").write_text('app = "shop"\n[database.db]\n')
    assert rendered(folder).exit_code == 0
    assert not (folder / "out" / "service-web.json").exists()


def test_a_foreign_file_stops_it_before_anything_is_written(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "data.json").write_text("mine")
    result = rendered(folder)
    assert isinstance(result.exception, Problems)
    assert "Fairway did not write it" in str(result.exception)
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["data.json"]
    assert (folder / "out" / "data.json").read_text() == "mine"


def test_a_template_that_was_changed_by_hand_is_kept(folder: Path) -> None:
    rendered(folder)
    (folder / "out" / "data.json").write_text("changed")
    result = rendered(folder)
    assert isinstance(result.exception, Problems)
    assert "changed by hand" in str(result.exception)
    assert (folder / "out" / "data.json").read_text() == "changed"


def test_a_limit_of_aws_stops_it(folder: Path) -> None:
    (folder / "fairway.toml").write_text(FILE + "cpu = 32\n")
    result = rendered(folder)
    assert isinstance(result.exception, Problems)
    assert not (folder / "out").exists()


def test_gaps_are_said_and_are_data_too(folder: Path) -> None:
    (folder / "fairway.toml").write_text(FILE + "[secret.KEY]\n")
    assert "gap: secret.KEY:" in rendered(folder).stderr
    said = json.loads(rendered(folder, "--json").stdout)
    assert any(gap.startswith("secret.KEY:") for gap in said["gaps"])
    assert "service-web.json" in said["files"]
    assert said["commands"]
