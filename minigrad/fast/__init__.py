"""Speed for the tape, and nothing else: ``recorders`` is a shorter way for the calls that programs make most."""
