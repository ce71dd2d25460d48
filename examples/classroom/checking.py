"""What the projects share: a check that says what is wrong, in one line."""

import sys


class Wrong(Exception):
    """What a check raises: a sentence about what is wrong, and where to look."""


def expect(holds, sentence):
    """Raise Wrong with a sentence unless something holds."""
    if not holds:
        raise Wrong(sentence)


def close(a, b, tolerance=1e-6):
    """Say whether two numbers are equal to a relative tolerance."""
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def report(check):
    """Run a check, print what it says, and end the program: with 0 if all is right."""
    try:
        check()
    except NotImplementedError:
        print("Not begun: fill in the function that raises NotImplementedError.")
    except Wrong as wrong:
        print(f"Not yet: {wrong}")
    else:
        print("All right.")
        sys.exit(0)
    sys.exit(1)
