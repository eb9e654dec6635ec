"""Reads a project's files for `fairway init`, and for `fairway up` in a folder without a file."""

__all__: list[str] = []
