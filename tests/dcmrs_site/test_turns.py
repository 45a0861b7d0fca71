"""Turns of threads: in order, passed on, and not waited for without end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dcmrs_site.turns import Turns
from tests.processes import wait_until

LONG = 600.0


def test_who_came_first_is_done_first() -> None:
    turns, done = Turns(1, LONG), []

    def compute(number: int) -> None:
        with turns.turn():
            done.append(number)

    with ThreadPoolExecutor(5) as threads, turns.turn():
        for number in range(5):
            threads.submit(compute, number)
            wait_until(lambda: turns.n_waiting == number + 1, lambda: turns.n_waiting)  # noqa: B023
        assert done == []
    assert done == [0, 1, 2, 3, 4]


def test_no_more_than_there_are_turns_compute_at_once() -> None:
    turns = Turns(2, LONG)
    computing: list[None] = []
    most: list[int] = []

    def compute() -> None:
        with turns.turn():
            computing.append(None)
            most.append(len(computing))
            computing.pop()

    with ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            threads.submit(compute)
    assert len(most) == 200
    assert max(most) <= 2


def test_who_has_waited_too_long_goes_without_a_turn_and_takes_none() -> None:
    turns = Turns(1, 0.01)
    hangs = threading.Event()

    def hang() -> None:
        with turns.turn():
            hangs.wait(60)

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(hang)
        wait_until(lambda: not turns.free, lambda: "it has no turn")
        with turns.turn():
            assert not hanging.done()
        hangs.set()
        hanging.result()
        assert turns.free == 1


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1, LONG)
    with pytest.raises(ZeroDivisionError), turns.turn():
        _ = 1 / 0
    assert turns.free == 1
