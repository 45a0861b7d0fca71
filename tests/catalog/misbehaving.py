"""Functions for a helper under limits to call: a module of their own, since the helper imports all that theirs does."""

from __future__ import annotations

import os
import time


def divide(dividend: int, divisor: int) -> int:
    return dividend // divisor


def spin() -> None:
    while True:
        pass


def fill(size: int) -> int:
    return len(bytearray(size))


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def crash() -> None:
    os.abort()


def noisy() -> int:
    print("what a library prints")
    os.write(1, b"what a library prints")
    return os.getpid()
