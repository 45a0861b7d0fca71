"""A module that takes two seconds to be imported, as on a machine that is very busy."""

import time

time.sleep(2.0)


def answer() -> int:
    """What is asked for."""
    return 42
