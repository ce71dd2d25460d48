"""The scripts that recorded the numbers need other libraries and are not tests."""

collect_ignore_glob = ["record_*.py"]
