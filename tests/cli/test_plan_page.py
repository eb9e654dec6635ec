"""The page of a plan on AWS: golden texts at two widths, and the verb with its exit codes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.cli import plan_aws, view
from fairway.cli.main import main
from fairway.cli.plan_aws import Asked
from fairway.cli.plan_page import page
from fairway.core.cost.assumptions import Assumptions, concerning, supposing
from fairway.core.cost.estimate import estimate
from fairway.core.cost.layout import Egress, layout_of
from fairway.core.cost.prices import REGIONS
from fairway.core.plan.cloud import CloudPlan, to_json
from fairway.core.plan.creation import creations
from fairway.core.plan.diff import Change
from fairway.core.policy import findings
from fairway.core.problem import Problem, Problems
from fairway.core.spec.parse import parse
from tests.core.cost.price_tables import prices
from tests.core.spec.app_texts import app_trees, written
from tests.properties import examples

FILES = Path(__file__).parent.parent / "core" / "spec" / "files"
WEATHER = Path(__file__).parent.parent.parent / "examples" / "weather"
NAMES = sorted(file.stem for file in FILES.glob("*.toml"))


def plan(
    name: str,
    environment: str = "production",
    region: str = "us-east-1",
    egress: Egress | None = None,
    assume: tuple[str, ...] = (),
) -> CloudPlan:
    """A plan with the layout that the core reckons with: what is rendered is another test's."""
    app = parse((FILES / f"{name}.toml").read_text()).app(environment)
    layout = layout_of(app, egress=egress)
    assumed = supposing(Assumptions(), assume)
    return CloudPlan(
        app=app.name,
        environment=environment,
        target="aws",
        place=REGIONS[region],
        creations=creations(app, layout),
        estimate=estimate(app, prices(region), assumed, layout=layout),
        concerned=concerning(app),
        findings=findings(app, assumed),
        gaps=(Problem("recovery", "nothing measures these goals there " * 3),),
    )


@pytest.mark.requirement("R263", "R264")
@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_every_app_is_as_it_was_read_and_approved(
    golden: Callable[[str, str], None], name: str
) -> None:
    golden(f"plan_{name}_80.txt", page(plan(name), 80) + "\n")


def test_the_page_has_causes_beside_what_comes_where_the_terminal_is_wide(
    golden: Callable[[str, str], None],
) -> None:
    traffic = ("requests_per_month=3e8",)
    found = plan("weather", region="eu-central-1", assume=traffic, egress="one-nat")
    golden("plan_weather_120.txt", page(found, 120) + "\n")


def test_staging_and_dev_cost_less_than_production_and_say_why() -> None:
    production, staging = page(plan("weather"), 80), page(plan("weather", "staging"), 80)
    assert "2 NAT gateways" in production
    assert "one NAT gateway" in staging


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [76, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal_or_ends_in_blanks(name: str, width: int) -> None:
    for line in page(plan(name), width).splitlines():
        assert len(line) <= width, line
        assert line == line.rstrip(), line


@pytest.mark.parametrize("name", NAMES)
def test_colours_change_no_letter(name: str) -> None:
    assert click.unstyle(page(plan(name), 80, view.paint)) == page(plan(name), 80)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_created_and_what_it_costs_add_up_to_the_same_total(name: str) -> None:
    found = plan(name)
    assert sum(found.usd(node) for node in found.nodes) == pytest.approx(found.estimate.usd)
    made = sum(found.usd(each.node) for each in found.creations)
    assert made + found.usd("transfer") == pytest.approx(found.estimate.usd)
    for node in found.estimate.nodes:
        assert node == "transfer" or node in {each.node for each in found.creations}, node


@examples(40)
@given(app_trees, st.integers(60, 130))
def test_a_page_can_be_made_of_any_app(tree: dict[str, object], width: int) -> None:
    try:
        spec = parse(written(tree))
    except Problems:  # most trees make sense; what this one says is another test's
        return
    for environment in spec.environments:
        try:
            found = plan_aws.plan_of(spec.app(environment), Asked(region="us-east-1"))
        except Problems:  # AWS has limits; they are its renderer's tests
            continue
        text = page(found, width)
        assert "(None)" not in text
        assert "nan" not in text.split()
        json.dumps(to_json(found), allow_nan=False)


# -- The verb --------------------------------------------------------------------------------------


@pytest.fixture
def fairway(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(("plan", *arguments, "-C", str(WEATHER)))
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


Verb = Callable[..., tuple[int, str, str]]


def test_a_plan_with_changes_exits_with_2_and_says_nothing_on_stderr(fairway: Verb) -> None:
    code, out, err = fairway("production")
    assert (code, err) == (2, "")
    assert out.startswith("weather · production · ")
    assert "against an empty account" in out


def test_a_plan_as_json_has_every_line_with_its_source_and_adds_up(fairway: Verb) -> None:
    code, out, _ = fairway("production", "--json", "--region", "eu-west-1")
    said = json.loads(out)
    assert code == 2
    assert said["region"] == "eu-west-1"
    cost = said["cost"]
    assert sum(line["usd"] for line in cost["lines"]) == pytest.approx(cost["usd"])
    assert all(line["source"].startswith("https://") for line in cost["lines"])
    assert all(each["cause"] for each in said["changes"])


def test_traffic_is_set_on_the_command_line_and_shown_as_given(fairway: Verb) -> None:
    _, out, _ = fairway("production", "--requests-per-month", "5e8", "--assume", "cpu_ms=50")
    assert "* requests_per_month    500M requests" in out
    assert "* cpu_ms                50 ms" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("production", "--region", "us-east-9"), "Did you mean us-east-1?"),
        (("production", "--assume", "peek=2"), "Did you mean peak?"),
        (("production", "--requests-per-month", "many"), "many is not a number"),
        (("--region", "us-east-1"), "it is for AWS"),
        (("nowhere",), "nowhere"),
    ],
)
def test_bad_input_exits_with_1_as_2_means_changes_and_says_how_to_mend(
    fairway: Verb, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = fairway(*arguments)
    assert (code, out) == (1, "")
    assert said in err


def test_an_environment_can_be_planned_on_this_machine_too(fairway: Verb) -> None:
    code, out, _ = fairway("production", "--target", "local")
    assert code == 2
    assert "this machine is one zone" in out


def test_what_aws_limits_is_an_error_before_anything_is_priced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'app = "x"\n[service.web]\nasgi = "m:a"\npublic = true\ntimeouts.drain = "1h"\n'
    (tmp_path / "fairway.toml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(("plan", "production", "-C", str(tmp_path)))
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert "service.web.timeouts.drain" in said.err


def test_what_changes_of_what_is_there_stands_with_its_keys_and_its_cause() -> None:
    image = Change(
        sign="~",
        kind="service",
        node="api",
        details=("task definition: ContainerDefinitions (replaced)",),
        cause="another image",
    )
    hand = replace(image, details=("log group RetentionInDays: 90 → 1",), cause="changed by hand")
    shown = page(
        replace(
            plan("weather", "production"),
            creations=(),
            changes=(image,),
            drift=(hand,),
            compared="account 1 in eu-central-1",
        ),
        100,
    )
    assert "weather · production · 1 to change · about $" in shown
    assert "against account 1 in eu-central-1\n" in shown
    assert "~ service api               another image\n    task definition: Cont" in shown
    assert "Changed by hand ─" in shown
    assert "    log group RetentionInDays: 90 → 1" in shown
