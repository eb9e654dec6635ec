"""`python -m fairway_runtime` is `fairway-runtime`."""

import sys

from fairway_runtime.cli import main

sys.exit(main())
