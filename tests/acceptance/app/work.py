"""The jobs of the app under test: writes down that it ran, then does what it was told.

`python work.py NAME` appends a line to `$SWITCHES/ran-NAME`, sleeps while `$SWITCHES/hold-NAME`
is there, and fails as many times as the number in `$SWITCHES/fail-NAME` says.
"""

import os
import sys
import time
from pathlib import Path

name = sys.argv[1]
switches = Path(os.environ["SWITCHES"])
print(f"{name} begins", flush=True)
with (switches / f"ran-{name}").open("a") as file:
    file.write(f"{time.time():.3f} {os.environ['FAIRWAY_REVISION']} {os.getpid()}\n")
while (switches / f"hold-{name}").exists():
    time.sleep(0.02)
failures = switches / f"fail-{name}"
left = int(failures.read_text()) if failures.exists() else 0
if left:
    failures.write_text(str(left - 1))
    print(f"{name} fails", flush=True)
    sys.exit(4)
with (switches / f"done-{name}").open("a") as file:
    file.write(f"{time.time():.3f}\n")
print(f"{name} ends", flush=True)
