"""Keeps a project's `.env` out of git (R67): its values are secrets."""

import subprocess
from pathlib import Path

__all__ = ["keep_env_out"]

ENV = ".env"


def keep_env_out(folder: Path) -> str:
    """Have git ignore `.env` in `folder`; what was done, or must be done, in one sentence.

    Nothing, and "", where there is no git or its work tree is not here, or it is ignored already.
    """
    if git(folder, "rev-parse", "--is-inside-work-tree") != 0:
        return ""
    if git(folder, "ls-files", "--error-unmatch", ENV) == 0:
        return "git holds .env: `git rm --cached .env`, ignore it, and renew the secrets in it"
    if git(folder, "check-ignore", "--quiet", ENV) == 0:
        return ""
    path = folder / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    end = "" if before.endswith("\n") or not before else "\n"
    with path.open("a", encoding="utf-8") as file:  # its rights, and what it may link to, stay
        file.write(f"{end}{ENV}\n")
    return "added .env to .gitignore: it is for secrets"


def git(folder: Path, *words: str) -> int:
    """The exit code of git; that of a program that is not there without it."""
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
    except OSError:
        return 127
