"""`.env`: what is understood, and that no value stands in a problem."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.core.problem import Problems
from fairway.targets.local.dotenv import read_dotenv


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1", {"A": "1"}),
        ("  export A = 1  \n\n# no\nB=2", {"A": "1", "B": "2"}),
        ("A=one two # a comment", {"A": "one two"}),
        ("A=one#two", {"A": "one#two"}),
        ("A=", {"A": ""}),
        ("A= # nothing", {"A": ""}),
        ("A='$HOME # \\n'", {"A": "$HOME # \\n"}),
        ('A="a\\n\\t\\"\\\\\\$x" # why', {"A": 'a\n\t"\\$x'}),
        ('A="unknown \\d stays"', {"A": "unknown \\d stays"}),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=1', {"KEY": "-----BEGIN\nabc\n-----END", "B": "1"}),
        ("A=$OTHER", {"A": "$OTHER"}),
        ("A=1\nA=2", {"A": "2"}),
        ("\ufeffA=1\r\nB='2'\r\n", {"A": "1", "B": "2"}),
        ("URL=postgresql://u:p@h/d?a=b", {"URL": "postgresql://u:p@h/d?a=b"}),
        ("", {}),
    ],
)
def test_a_line_means_what_it_says(text: str, values: dict[str, str]) -> None:
    assert read_dotenv(text) == values


def test_all_bad_lines_are_told_at_once_without_their_values() -> None:
    text = 'A=1\nhunter2\n2B=hunter2\nC=\'hunter2\nD="x" hunter2\n'
    with pytest.raises(Problems) as caught:
        read_dotenv(text, "app/.env")
    assert [problem.where for problem in caught.value] == [
        "app/.env:2",
        "app/.env:3",
        "app/.env:4",
        "app/.env:5",
    ]
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_gives_values_or_problems(text: str) -> None:
    try:
        values = read_dotenv(text)
    except Problems:
        return
    assert all(name.isidentifier() for name in values)


@given(st.text(st.characters(codec="utf-8", exclude_characters="'\r"), max_size=40))
def test_what_stands_in_single_quotes_is_the_value(value: str) -> None:
    assert read_dotenv(f"A='{value}'\n")["A"] == value
