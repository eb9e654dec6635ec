"""`[patch.aws]`: the file's own changes to what is rendered."""

import json
from typing import Any

from fairway.targets.aws.render import choices_for, render
from fairway.targets.aws.render.limits import limits
from tests.targets.aws.shapes import app_of

WEB = '[service.web]\nasgi = "m:app"\npublic = true\n'


def problems(patch: str, environment: str = "production") -> list[str]:
    of = app_of(WEB + patch, environment)
    return [str(each) for each in limits(of, choices_for(of))]


def template(text: str, file: str, environment: str = "production") -> Any:
    return json.loads(render(app_of(WEB + text, environment))[file])


def test_a_patch_changes_the_file_that_it_names_and_no_other() -> None:
    patch = """
    [[patch.aws."service-web.json"]]
    op = "add"
    path = "/Resources/Service/Properties/AvailabilityZoneRebalancing"
    value = "DISABLED"
    [[patch.aws."service-web.json"]]
    op = "remove"
    path = "/Description"
    """
    changed = template(patch, "service-web.json")
    plain = template("", "service-web.json")
    assert (
        changed["Resources"]["Service"]["Properties"].pop("AvailabilityZoneRebalancing")
        == "DISABLED"
    )
    plain.pop("Description")
    plain["Resources"]["Service"]["Properties"].pop("AvailabilityZoneRebalancing", None)
    assert changed == plain
    assert template(patch, "network.json") == template("", "network.json")
    assert problems(patch) == []


def test_an_environment_has_patches_of_its_own() -> None:
    patch = (
        '[environment.production.patch.aws]\n"data.json" = '
        '[{ op = "remove", path = "/Description" }]\n'
    )
    assert "Description" not in template(patch, "data.json")
    assert "Description" in template(patch, "data.json", "staging")


def test_a_path_that_is_not_there_is_a_problem_that_names_what_is() -> None:
    patch = (
        '[[patch.aws."service-web.json"]]\nop = "replace"\n'
        'path = "/Resources/Servic/Properties"\nvalue = 1\n'
    )
    (said,) = problems(patch)
    assert said.startswith('patch.aws."service-web.json", 1. replace /Resources/Servic/Properties')
    assert "there is no /Resources/Servic" in said
    assert "Did you mean /Resources/Service?" in said


def test_a_file_that_is_not_rendered_is_a_problem() -> None:
    (said,) = problems('[[patch.aws."service-wep.json"]]\nop = "remove"\npath = "/x"\n')
    assert "no such file is rendered" in said
    assert "Did you mean service-web.json?" in said


def test_what_an_operation_lacks_is_a_problem() -> None:
    (said,) = problems('[[patch.aws."data.json"]]\nop = "add"\npath = "/x"\n')
    assert "add needs a value" in said
    (said,) = problems('[[patch.aws."data.json"]]\nop = "move"\npath = "/x"\n')
    assert "move needs where it is from" in said


def test_a_test_that_fails_stops_it() -> None:
    patch = (
        '[[patch.aws."data.json"]]\nop = "test"\npath = "/AWSTemplateFormatVersion"\nvalue = "1"'
    )
    (said,) = problems(patch)
    assert 'is "2010-09-09", not "1"' in said
