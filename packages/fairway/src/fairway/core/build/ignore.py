"""`.dockerignore`: what never reaches a build: secrets first (R73), then what spoils the cache.

Pure. The project's own lines come first and are kept; BuildKit reads `<Dockerfile>.dockerignore`
in place of the `.dockerignore` of the folder, so they have to be repeated.
"""

__all__ = ["dockerignore"]

# Without `**/` a pattern holds for the project's own folder alone, not for those in it.
GROUPS = (
    (
        "Values of secrets, and state of this machine",
        ("**/.env", "**/.env.*", "**/.envrc", "**/.fairway", "**/.streamlit/secrets.toml"),
    ),
    (
        "History, editors",
        ("**/.git", "**/.gitignore", "**/.hg", "**/.svn", "**/.idea", "**/.vscode", "**/.DS_Store"),
    ),
    (
        "What is installed or made anew inside",
        (
            "**/.venv",
            "**/venv",
            "**/node_modules",
            "**/__pycache__",
            "**/*.py[cod]",
            "**/*.egg-info",
            "**/.mypy_cache",
            "**/.pytest_cache",
            "**/.ruff_cache",
            "**/.hypothesis",
            "**/.coverage",
            "**/htmlcov",
        ),
    ),
    (
        "Databases of development",
        (
            *("**/*.db", "**/*.db-journal", "**/*.db-shm", "**/*.db-wal"),
            *("**/*.sqlite3", "**/*.sqlite3-journal", "**/*.sqlite3-shm", "**/*.sqlite3-wal"),
        ),
    ),
)


def dockerignore(own: str = "") -> str:
    """The file; `own` is the text of the project's `.dockerignore`."""
    lines: list[str] = []
    if own.strip():
        lines += ["# The project's own", *own.strip().splitlines(), ""]
    for title, patterns in GROUPS:
        lines += [f"# {title}", *patterns, ""]
    return "\n".join(lines)
