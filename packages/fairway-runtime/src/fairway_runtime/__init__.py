"""Production behaviour for any ASGI app, without a change to it."""

__version__ = "0.1.0"
