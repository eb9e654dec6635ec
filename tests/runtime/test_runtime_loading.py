"""What cannot serve is told before anybody visits it."""

from pathlib import Path

import pytest

from fairway_runtime.target import Kind, TargetError, load


@pytest.mark.parametrize("name", ["page.py", "pages/1_second.py"])
def test_a_script_or_page_that_does_not_compile_does_not_start(tmp_path: Path, name: str) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "page.py").write_text("import streamlit\n")
    (tmp_path / name).write_text("x = 1\ndef broken(:\n")
    with pytest.raises(TargetError) as told:
        load(str(tmp_path / "page.py"), Kind.SCRIPT)
    assert f'{name}", line 2' in str(told.value)
    assert "SyntaxError" in str(told.value)


def test_a_script_that_compiles_gets_as_far_as_streamlit_itself(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("import asyncio\nawait asyncio.sleep(0)\n")
    with pytest.raises(TargetError, match="streamlit"):
        load(str(tmp_path / "page.py"), Kind.SCRIPT)


@pytest.mark.parametrize(("kind", "takes"), [(Kind.WSGI, "2 arguments"), (Kind.ASGI, "3 argum")])
def test_a_function_that_makes_the_app_is_not_served_as_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, takes: str
) -> None:
    name = f"made_{kind}"
    (tmp_path / f"{name}.py").write_text("def create_app(settings=None):\n    return None\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TargetError, match="factory = true") as told:
        load(f"{name}:create_app", kind)
    assert takes in str(told.value)


def test_a_function_that_a_server_can_call_is_an_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain_app.py").write_text(
        "async def app(scope, receive, send, more=None): ...\nasync def any_app(*words): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert callable(load("plain_app:app", Kind.ASGI))
    assert callable(load("plain_app:any_app", Kind.ASGI))
