"""An app that misses an extension of PostgreSQL is told what to do without it."""

import pytest

from fairway.targets.local.extension_advice import with_extension_advice

REFUSED = 'psycopg.errors.FeatureNotSupported: extension "{}" is not available'


@pytest.mark.parametrize(
    ("name", "mend"), [("uuid-ossp", "gen_random_uuid() needs none"), ("postgis", "Name a server")]
)
def test_an_extension_that_is_not_here_is_told_once(name: str, mend: str) -> None:
    lines = (REFUSED.format(name), REFUSED.format(name))
    *said, advice = with_extension_advice(lines)
    assert tuple(said) == lines
    assert f"no extension {name}" in advice
    assert mend in advice


def test_other_lines_are_left_as_they_are() -> None:
    lines = ('extension "vector" already exists, skipping',)
    assert with_extension_advice(lines) == lines
