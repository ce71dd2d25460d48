"""Fixtures for all tests: a step compiled, by formulas, or either way.  And Ctrl-C, where a shell took it away."""

import signal

from all_rules import compiled, either_way, interpreted  # noqa: F401

collect_ignore = ["outer"]  # programs for other packages, which a test of their own runs

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job put into the background; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
