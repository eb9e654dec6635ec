"""Computes every station's years anew: `python -m weather.statistics`.

One statement inside the database; run as often as you like, it gives the same table.
"""

import json
import os
import sys
import time

from weather.settings import Settings, log_to_stderr
from weather.store import database_errors, open_store

__all__ = ["main"]


def main() -> int:
    """Compute, print the outcome as one line of JSON, and return the exit code."""
    settings = Settings.from_environment(os.environ)
    log_to_stderr(settings.log_level)
    started = time.monotonic()
    try:
        with open_store(settings) as store:
            station_years = store.calculate()
    except database_errors(settings) as error:
        print(f"the database: {str(error).strip()}", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - started, 2)
    print(json.dumps({"station_years": station_years, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
