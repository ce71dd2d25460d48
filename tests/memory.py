"""How much memory a call takes, as Python counts it."""

import tracemalloc


def peak_of(call):
    """Return the largest number of bytes that ``call()`` held at once, beyond what was there before."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
