"""The limited app behind one line; what `/static` answers is cached."""

from limited import app as limited

from fairway_runtime import Fairway

app = Fairway(limited)
