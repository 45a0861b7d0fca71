"""Turns for threads that share one lock of Python: who came first is done first, instead of all together and late.

Threads that compute at the same time take the lock from one another at every query, and all of them end when the last
one does. One after the other, the first ends at once and the last no later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class Turns:
    """A few turns at once, in the order of asking.

    Parameters
    ----------
    at_once : int
    patience_s : float
        Who has waited so long goes without a turn: those who have one may be waiting for something themselves.

    Attributes
    ----------
    free : int
        Turns that nobody has.
    """

    def __init__(self, at_once: int, patience_s: float) -> None:
        self._patience_s = patience_s
        self.free = at_once
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    @property
    def n_waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it while the block runs."""
        has_turn = self._take()
        try:
            yield
        finally:
            if has_turn:
                self._pass_on()

    def _take(self) -> bool:
        with self._lock:
            if self.free:
                self.free -= 1
                return True
            mine = Event()
            self._waiting.append(mine)
        if mine.wait(self._patience_s):
            return True
        with self._lock:
            if mine.is_set():
                return True
            self._waiting.remove(mine)
            return False

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self.free += 1
