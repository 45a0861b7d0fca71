"""Work for several processes, which end with the one that gave it to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parallel(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    processes: int,
    prepare: Callable[..., None] | None = None,
    *arguments: Any,
) -> Iterator[tuple[_Item, Future[_Result]]]:
    """Call a function on many items, in processes of their own.

    Parameters
    ----------
    function : callable
        Of a module, so that a fresh interpreter finds it.
    items : iterable
        Asked for one by one as processes are free, so that there may be any number of them.
    processes : int
    prepare : callable, optional
        Called with `arguments` once in every process, before anything else.

    Yields
    ------
    item
    future
        Finished: its `result()` is the function's, or raises what it raised. In the order in which they finish.
    """
    remaining = iter(items)
    # Fresh interpreters: this one may hold threads and connections, which a fork would copy.
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(prepare, arguments)
    )
    running: dict[Future[_Result], _Item] = {}
    try:
        while True:
            # A few ahead, so that results do not pile up in memory.
            while len(running) < 2 * processes:
                try:
                    item = next(remaining)
                except StopIteration:
                    break
                running[pool.submit(function, item)] = item
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future
    finally:
        pool.shutdown(cancel_futures=True)


def obey_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _begin(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    obey_parent()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
