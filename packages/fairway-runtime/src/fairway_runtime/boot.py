"""Starts the runtime from a folder, in an environment that does not have it installed.

    python -P /overlay/fairway_runtime/boot.py run module:app

`/overlay` goes to the END of the search path: the app's own versions of everything win. The
current folder goes to its beginning, as `python -m` would put it.
"""

import sys
from pathlib import Path


def main() -> int:
    """Put the two folders in their places, and run the command line."""
    package = Path(__file__).resolve().parent
    overlay = str(package.parent)
    inside = str(package)  # without -P Python put it first, where our modules' names would shadow
    sys.path[:] = [place for place in sys.path if place not in (inside, overlay)]
    sys.path.append(overlay)
    from fairway_runtime.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
