"""Longrun: how long a retirement portfolio lasts, by simulation, with its uncertainty shown."""

__version__ = "1.2.0"
