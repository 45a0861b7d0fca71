"""Calls of functions on what strangers have made, in processes of their own, under limits of time and memory.

A library that unpacks has no limit that holds: a file of some kilobytes may ask for gigabytes and minutes. So a helper
process does the work: the system itself ends it at its limit of processor time, refuses it more memory than its limit,
and the process that waits for it ends it after a longest wait. The next call begins another one; this process and its
memory are never at stake. A helper lives on between calls, so that a call costs a fraction of a millisecond, and ends
after a while without work, or with the process that it works for.

Memory is limited on Linux; other systems may ignore that limit.
"""

from __future__ import annotations

import atexit
import os
import pickle
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

from .home import PROJECT_ROOT

_P = ParamSpec("_P")
_R = TypeVar("_R")

IDLE_S = 300.0
"""A helper without work for this long ends itself."""

CALLS = 2000
"""Calls after which a helper is replaced, so that what libraries leak does not add up."""

_LENGTH = struct.Struct("!Q")
_BASELINE_GROWTH_BYTES = 100_000_000
# To start, and to import what is asked for, on a machine that is very busy.
_STARTS_WITHIN_S = 300.0


class LimitExceededError(Exception):
    """A call took more than its limits allow; the message says which, for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take.

    Attributes
    ----------
    cpu_s : float
        Seconds of processor time, of all threads together.
    memory_bytes : int
        Beyond what the helper has before the call.
    wall_s : float
        Seconds that its answer is waited for, from when it begins: also what a slow disk or a busy machine may take.
    """

    cpu_s: float
    memory_bytes: int
    wall_s: float


PICTURE = Limits(cpu_s=2.0, memory_bytes=200_000_000, wall_s=8.0)
"""What reading one picture may cost, at every door."""


def call(limits: Limits, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Call a function under limits.

    Parameters
    ----------
    limits : Limits
    function : callable
        Of a module that the helper imports, before the limits hold. Arguments, result and exceptions are pickled;
        paths have to be absolute.

    Returns
    -------
    object
        What the function returns; what it raises is raised here.

    Raises
    ------
    LimitExceededError
        If it takes more than its limits, or its process dies.
    """
    request = pickle.dumps((function.__module__, function.__qualname__, args, kwargs, limits))
    helper = _helpers.take()
    try:
        answer = helper.ask(request, limits.wall_s)
    except BaseException:
        helper.end()
        raise
    if helper.worn:
        helper.end()
    else:
        _helpers.give_back(helper)
    kind, value = pickle.loads(answer)  # noqa: S301 (of a process of our own)
    if kind == "memory":
        raise LimitExceededError(_too_much_memory(limits))
    if kind == "raised":
        raise value
    result: _R = value
    return result


def _too_much_memory(limits: Limits) -> str:
    return f"needs more than {limits.memory_bytes // 1_000_000} MB of memory to be read"


# The first byte of an answer: whether the helper waits for another call.
_STAYS, _ENDS = b"\1", b"\0"


class _Helper:
    """A helper process, seen from the one that it works for."""

    def __init__(self) -> None:
        environment = os.environ | {
            # One core is enough for a file, and threads would each have stacks and arenas of their own.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "catalog.limited"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What libraries print of a file that strangers made is of no use, and may quote it.
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_ROOT,
            env=environment,
        )
        self._calls, self._ends = 0, False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def worn(self) -> bool:
        """Whether another one is to do the next call."""
        return self._ends or self._calls >= CALLS

    def ask(self, request: bytes, wall_s: float) -> memoryview:
        """Send a request and wait for its answer.

        Raises
        ------
        LimitExceededError
            If there is none in time, or the process has died.
        """
        self._calls += 1
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a helper without pipes")
        try:
            _send(process.stdin, request)
            self._receive_message(time.monotonic() + _STARTS_WITHIN_S)
            answer = self._receive_message(time.monotonic() + wall_s)
            self._ends = answer[:1] == _ENDS
            # An answer may be megabytes: it is not copied.
            return memoryview(answer)[1:]
        except (BrokenPipeError, EOFError):
            raise LimitExceededError(self._cause_of_death()) from None

    def _receive_message(self, end: float) -> bytearray:
        (size,) = _LENGTH.unpack(self._receive(_LENGTH.size, end))
        return self._receive(size, end)

    def _receive(self, size: int, end: float) -> bytearray:
        if self._process.stdout is None:
            raise EOFError
        pipe, received = self._process.stdout.fileno(), bytearray()
        while len(received) < size:
            left = end - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise LimitExceededError("takes too long to be read")
            block = os.read(pipe, min(size - len(received), 1 << 20))
            if not block:
                raise EOFError
            received += block
        return received

    def _cause_of_death(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(5)
            if status == -signal.SIGPROF:
                return "takes too long to be read"
            if status in (-signal.SIGKILL, -signal.SIGABRT):
                return "needs more memory than there is to be read"
        return "ends the program that reads it"

    def end(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.kill()
        self._process.wait()


class _Helpers:
    """The helpers of this process that have nothing to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Helper] = []

    def take(self) -> _Helper:
        """An idle helper, else a new one."""
        with self._lock:
            while self._idle:
                helper = self._idle.pop()
                if helper.alive:
                    return helper
                helper.end()
        return _Helper()

    def give_back(self, helper: _Helper) -> None:
        with self._lock:
            self._idle.append(helper)

    def forget(self) -> None:
        """In a fork: the helpers work for the process that was forked."""
        self._lock = threading.Lock()
        self._idle = []

    def end(self) -> None:
        """End all idle helpers."""
        with self._lock:
            for helper in self._idle:
                helper.end()
            self._idle = []


def end_idle() -> None:
    """End the helpers that have nothing to do; the next call begins another one."""
    _helpers.end()


_helpers = _Helpers()
os.register_at_fork(after_in_child=_helpers.forget)
atexit.register(_helpers.end)


# --- In the helper ------------------------------------------------------------------------------


def _serve() -> None:
    """Answer requests until there are no more."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    grown_to = 0
    while select.select([requests], [], [], IDLE_S)[0]:
        request = _read_message(requests)
        if request is None:
            return
        module, name, args, kwargs, limits = pickle.loads(request)  # noqa: S301 (of the process that this works for)
        function: Any = import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
        # Says that it begins: the longest wait counts from here.
        _send(answers, b"")
        answer = _answer(partial(function, *args, **kwargs), limits)
        # What a library has kept of one file would count for the next.
        grown_to = grown_to or _data_bytes() + _BASELINE_GROWTH_BYTES
        stays = _data_bytes() <= grown_to
        # Said before it ends: the next call must not meet it on its way out.
        _send(answers, _STAYS if stays else _ENDS, answer)
        if not stays:
            return


def _answer(work: Callable[[], Any], limits: Limits) -> bytes:
    kind: str
    value: Any
    unlimited = _limit_memory(limits.memory_bytes)
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
    try:
        kind, value = "returned", work()
    except MemoryError:
        kind, value = "memory", None
    except Exception as error:
        kind, value = "raised", error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, unlimited)
    try:
        # Of this protocol arrays are not copied first.
        return pickle.dumps((kind, value), protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError):
        return pickle.dumps(("raised", RuntimeError(repr(value))))


def _limit_memory(memory_bytes: int) -> tuple[int, int]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_bytes() + memory_bytes
    if before[1] != resource.RLIM_INFINITY:
        limit = min(limit, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    return before


def _data_bytes() -> int:
    """What counts for RLIMIT_DATA at this moment; 0 where the system does not say."""
    with suppress(OSError), Path("/proc/self/status").open() as lines:
        for line in lines:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _read_message(pipe: IO[bytes]) -> bytes | None:
    """One request; None where the process that this one works for is gone."""
    head = _read_exactly(pipe, _LENGTH.size)
    return None if head is None else _read_exactly(pipe, _LENGTH.unpack(head)[0])


def _read_exactly(pipe: IO[bytes], size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        block = pipe.read(min(size - len(received), 1 << 20))
        if not block:
            return None
        received += block
    return bytes(received)


def _send(pipe: IO[bytes], *parts: bytes) -> None:
    """One message of some parts."""
    pipe.write(_LENGTH.pack(sum(map(len, parts))))
    for part in parts:
        pipe.write(part)
    pipe.flush()


if __name__ == "__main__":
    # Under its own name: what is pickled of this module has to be of the same one here and there.
    from catalog.limited import _serve as serve

    serve()
