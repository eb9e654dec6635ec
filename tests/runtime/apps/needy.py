"""Needs what is not installed."""

import no_such_library  # pyright: ignore[reportMissingImports]

app = no_such_library.make()
