"""A Streamlit script that is no Python is told before anybody visits it."""

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
