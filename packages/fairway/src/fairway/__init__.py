"""From one file, a Python web app in its production shape."""

__version__ = "0.1.0"
