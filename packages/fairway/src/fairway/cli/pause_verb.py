"""`fairway pause`."""

from fairway.cli.steering import steering

__all__ = ["command"]

command = steering("pause")
