"""`fairway resume`."""

from fairway.cli.steering import steering

__all__ = ["command"]

command = steering("resume")
