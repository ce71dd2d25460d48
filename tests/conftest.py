"""Fixtures for all tests: a step compiled, by formulas, or either way."""

from all_rules import compiled, either_way, interpreted  # noqa: F401
