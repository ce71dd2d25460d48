"""Syntax trees made by several threads at once, of which Python 3.11 makes a SystemError."""

import gc
import sys
import threading

import pytest

from minigrad.core.table import Shapes
from minigrad.optimise.formulas import adam
from minigrad.optimise.reading import definition_of
from minigrad.readers.own_functions import text_of


@pytest.fixture
def hurried():
    """Python collects garbage all the time, by way of Python, and changes threads wherever it can."""
    before = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(callback := lambda phase, info: sum(range(1000)))
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    yield
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])
    gc.callbacks.remove(callback)


def test_threads_read_texts_at_once(hurried):
    errors = []

    def read():
        try:
            for _ in range(5):
                definition_of(adam)
                text_of({"Shapes": Shapes})
        except SystemError as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
