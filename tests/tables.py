"""Test rows of the elementwise functions and the reductions."""

CASES = []
KINKS = []
