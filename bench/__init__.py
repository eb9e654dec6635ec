"""Benchmarks: figures held against goals, one module each.

A benchmark is a module with a docstring, `run() -> Result` and, where it shows requirements,
`REQUIREMENTS = ("R154",)`. Its talk goes to stderr. Tests assert no time; figures live here.
"""
