"""The shop with its one line, as any server serves it."""

from shop import app as shop

from fairway_runtime import Fairway

app = Fairway(shop)
