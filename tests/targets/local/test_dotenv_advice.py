"""An app that misses what stands in `.env` is told why."""

import pytest

from fairway.targets.local.dotenv_advice import with_advice

NAMES = {"STRIPE_KEY", "DEBUG"}


@pytest.mark.parametrize(
    "lines",
    [
        ['    key = os.environ["STRIPE_KEY"]', "KeyError: 'STRIPE_KEY'"],
        ["1 validation error for Settings", "stripe_key", "  Field required [type=missing]"],
        ["decouple.UndefinedValueError: STRIPE_KEY not found."],
        ["ImproperlyConfigured: Set the STRIPE_KEY environment variable"],
    ],
)
def test_a_name_of_dotenv_that_is_missed_is_told_with_what_to_write(lines: list[str]) -> None:
    *said, advice = with_advice(lines, NAMES)
    assert said == lines
    assert advice.startswith("STRIPE_KEY stands in .env")
    assert "[secret.STRIPE_KEY]" in advice


@pytest.mark.parametrize(
    "lines",
    [
        ["KeyError: 'OTHER'"],
        ["DEBUG is on", "listening", "KeyError: 'OTHER'"],
        ["KeyError: 'STRIPE_KEY_OF_TESTS'"],
        [],
    ],
)
def test_what_misses_something_else_is_left_as_it_is(lines: list[str]) -> None:
    assert with_advice(lines, NAMES) == tuple(lines)


def test_a_part_of_what_is_used_is_told_with_the_part_that_its_name_holds() -> None:
    lines = ["2 validation errors for Settings", "POSTGRES_SERVER", "  Field required"]
    lines += ["api_key", "  Field required"]
    *said, parts, secret = with_advice(lines, {"POSTGRES_SERVER", "API_KEY"})
    assert said == lines
    assert 'variables = { POSTGRES_SERVER = "${db.host}" }' in parts
    assert "[secret.API_KEY]" in secret
