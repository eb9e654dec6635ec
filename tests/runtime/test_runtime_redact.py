"""Secrets stay out of what is written, whether they are known or only look like secrets."""

import pytest

from fairway_runtime.redact import is_secret_name, redactor, secrets_in


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://shop:open@db/shop", "postgresql://shop:***@db/shop"),
        ("redis://:pw@cache:6379/0", "redis://:***@cache:6379/0"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'authorization': 'Basic QWxhZGRpbg=='}", "{'authorization': '***'}"),
        ("sent Bearer 0123456789abcdef along", "sent Bearer *** along"),
        ('{"password": "hunter2", "name": "a"}', '{"password": "***", "name": "a"}'),
        ("db_password=hunter2&x=1", "db_password=***&x=1"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ", "***"),
        (f"jwt eyJ{'a' * 20}.{'b' * 20}.sig", "jwt ***"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
            "***",
        ),
        ("the bearer of bad news, basic truths", "the bearer of bad news, basic truths"),
        ("http://127.0.0.1:8000/a@b", "http://127.0.0.1:8000/a@b"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert redactor(())(text) == shown


def test_secrets_of_the_environment_are_hidden_wherever_they_appear() -> None:
    secrets = secrets_in(
        {
            "DATABASE_URL": "postgresql://u:p%40ssw0rd@h/d",
            "STRIPE_SECRET": "whsec-12345",
            "AWS_ACCESS_KEY_ID": "not-a-secret-id",
            "PIN_TOKEN": "1234",
            "PATH": "/usr/bin",
        }
    )

    assert secrets == ("whsec-12345", "p%40ssw0rd", "p@ssw0rd")
    assert redactor(secrets)("tried p@ssw0rd, then whsec-12345") == "tried ***, then ***"


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "apiKey", "Set-Cookie", "SIGNING_KEY"])
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["user_id", "monkey", "AWS_ACCESS_KEY_ID", "keyboard", "path"])
def test_other_names_are_not_taken_for_secrets(name: str) -> None:
    assert not is_secret_name(name)
