"""Runs the processes of one server, watches them, and ends them together. No Django here.

They form one process group, whose leader is a *guardian*: a shell that waits at a pipe which only the supervisor holds
open. However the supervisor ends, kill -9 included, the guardian sees the pipe close and kills the whole group,
grandchildren too, and itself with it.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from catalog.home import PROJECT_ROOT, home, redis_url

GUARDIAN = 'trap "" INT TERM HUP QUIT; read -r line; kill -KILL 0'

# How to end a process: how it is asked, and the seconds it is then given.
ENDING = ((signal.SIGTERM, 5.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 1.0))

LONGEST_BACKOFF = 30.0
# A process that gives no sign for so long hangs; it may take as long to give its first.
HUNG_AFTER = 90.0
FIRST_SIGN_AFTER = 300.0
LOOKED_EVERY = 5.0
# A process that ran for so long had started well: its next end is a first failure again.
STEADY = 60.0


class CannotStart(Exception):
    """The server cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Program:
    """One process to run.

    Parameters
    ----------
    name : str
        What its lines of output begin with.
    command : sequence of str
    environment : mapping
        Variables besides those of the parent.
    descriptors : sequence of int
        Open files that it inherits.
    quiet : bool
        Whether what it prints is shown only if it ends by itself.
    outlives : bool
        Whether it ends only after the others, who need it for ending.
    alive : Path, optional
        A file that it touches every few seconds while it lives; where it does not for `HUNG_AFTER`, it is killed and
        started again.
    once : bool
        Whether it begins when the site answers, and may end by itself.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    quiet: bool = False
    outlives: bool = False
    alive: Path | None = None
    once: bool = False


def reachable(listener: socket.socket) -> tuple[str, int]:
    """Where a listening socket is reached on this machine: host and port."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


class _Child:
    """One program, and its process while it runs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_again_at: float | None = None
        self.failures = 0
        self.sign: int | None = None
        self.signed_at: float | None = None
        self.unfinished_line = b""
        self.last_lines: deque[str] = deque(maxlen=20)


class Supervisor:
    """Runs programs until it is told to stop, and leaves none of them behind.

    Parameters
    ----------
    programs : sequence of Program
    listener : socket
        Where the web server will answer.
    on_ready : callable
        Called once, when it does.
    """

    def __init__(self, programs: Sequence[Program], listener: socket.socket, on_ready: Callable[[], None]) -> None:
        self._children = [_Child(program) for program in programs]
        self._listener = listener
        self._on_ready = on_ready
        self._ready = False
        self._asked_to_stop = 0
        self._last_asked_at = 0.0
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Start everything, and return once everything has ended after SIGINT, SIGTERM or SIGHUP.

        Raises
        ------
        CannotStart
            If a program ends before the site answers, or the guardian is killed.
        """
        self._wake_on_signals()
        pipe, lifeline = os.pipe()
        self._guardian = subprocess.Popen(["/bin/sh", "-c", GUARDIAN], stdin=pipe, process_group=0)
        os.close(pipe)
        try:
            self._start_all(once=False)
            self._knock()
            while not self._asked_to_stop:
                self._wait(self._seconds_to_next_start())
                self._look_after_children()
            say("up", "ending")
        finally:
            try:
                self._end()
            finally:
                os.close(lifeline)
                self._guardian.wait()

    def _wake_on_signals(self) -> None:
        """Let signals wake `_wait`; nothing else happens inside a handler."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._selector.register(reader, selectors.EVENT_READ, lambda: os.read(reader, 4096))

        def stop(*_: object) -> None:
            # Some send one wish to stop twice, to the process and to its group.
            now = time.monotonic()
            if now - self._last_asked_at > 1.0:
                self._asked_to_stop += 1
            self._last_asked_at = now

        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        # nohup has it ignored.
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, stop)

    def _wait(self, seconds: float | None) -> None:
        """Until something is to be read, a signal comes, or the time is over."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def _seconds_to_next_start(self) -> float | None:
        """Until something is to be started, or looked at."""
        times = [
            child.start_again_at - time.monotonic() for child in self._children if child.start_again_at is not None
        ]
        if any(child.program.alive for child in self._children):
            times.append(LOOKED_EVERY)
        return max(0.0, min(times)) if times else None

    def _start_all(self, *, once: bool) -> None:
        for child in self._children:
            if child.program.once is once:
                self._start(child)

    def _start(self, child: _Child) -> None:
        program = child.program
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._relay(child, reader))
        child.process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            cwd=PROJECT_ROOT,
            env={
                **os.environ,
                "DCMRS_HOME": str(home()),
                "REDIS_URL": os.environ.get("REDIS_URL") or redis_url(),
                "PYTHONUNBUFFERED": "1",
                **program.environment,
            },
            pass_fds=program.descriptors,
            process_group=self._guardian.pid,
        )
        os.close(writer)
        child.started_at = time.monotonic()
        child.start_again_at = None
        child.sign, child.signed_at = _changed_at(program.alive), None

    def _relay(self, child: _Child, reader: int) -> None:
        """Pass on what a child has printed, line by line."""
        printed = os.read(reader, 65536)
        if not printed:
            self._selector.unregister(reader)
            os.close(reader)
            printed = b"\n"
        *lines, child.unfinished_line = (child.unfinished_line + printed).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            child.last_lines.append(text)
            if text and not child.program.quiet:
                say(child.program.name, text)

    def _knock(self) -> None:
        """Ask for a page: the socket listens already, and the web server answers when it can.

        Not for /health/, which would rightly say that the worker is not there yet.
        """
        knocking = socket.create_connection(reachable(self._listener))
        knocking.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

        def answered() -> None:
            self._selector.unregister(knocking)
            try:
                said = knocking.recv(16)
            except ConnectionError:
                said = b""
            knocking.close()
            if not said:
                self._knock()
                return
            self._ready = True
            self._on_ready()
            self._start_all(once=True)

        self._selector.register(knocking, selectors.EVENT_READ, answered)

    def _look_after_children(self) -> None:
        if self._guardian.poll() is not None:
            raise CannotStart("The guardian of the processes was killed; they end with it.")
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and (status := child.process.poll()) is not None:
                child.process = None
                self._has_ended(child, status)
            elif child.start_again_at is not None and child.start_again_at <= now:
                self._start(child)
            elif child.process is not None and self._hangs(child, now):
                say("up", f"{child.program.name} gives no sign of life: it is ended")
                child.process.kill()

    def _hangs(self, child: _Child, now: float) -> bool:
        """Whether a program has given no sign for too long, by a clock that stands still while the machine sleeps."""
        if child.program.alive is None:
            return False
        if (sign := _changed_at(child.program.alive)) != child.sign:
            child.sign, child.signed_at = sign, now
        if child.signed_at is None:
            return now - child.started_at > FIRST_SIGN_AFTER
        return now - child.signed_at > HUNG_AFTER

    def _has_ended(self, child: _Child, status: int) -> None:
        """A child ended by itself: say so, and when it starts again."""
        name = child.program.name
        self._wait(0)
        if child.program.quiet:
            for line in child.last_lines:
                say(name, line)
        if child.program.once:
            return
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        if not self._ready:
            raise CannotStart(f"{name} {how} before the site answered; its last lines above say why.")
        now = time.monotonic()
        child.failures = 1 if now - child.started_at > STEADY else child.failures + 1
        backoff = min(2.0 ** (child.failures - 1), LONGEST_BACKOFF)
        child.start_again_at = now + backoff
        say("up", f"{name} {how}; it starts again in {backoff:.0f} s")

    def _end(self) -> None:
        """End everybody, those that the others need last; who asks again has no more patience."""
        patience = self._asked_to_stop
        for outlives in (False, True):
            leaving = [
                child.process for child in self._children if child.process and child.program.outlives is outlives
            ]
            for signal_number, seconds in ENDING:
                for process in leaving:
                    process.send_signal(signal_number)
                deadline = time.monotonic() + seconds
                while any(process.poll() is None for process in leaving):
                    left = deadline - time.monotonic()
                    if left <= 0 or self._asked_to_stop > patience:
                        break
                    self._wait(left)


def _changed_at(path: Path | None) -> int | None:
    """When a file was touched last, in nanoseconds; None where it is not there."""
    try:
        return None if path is None else path.stat().st_mtime_ns
    except OSError:
        return None


def say(name: str, text: str) -> None:
    """Print a line of a process, with its name in front; drop it where it cannot be written.

    The log may lie on a disk that is full, or go to a program that has ended: that is no reason to end a server.
    """
    with suppress(OSError):
        print(f"{name:<6} | {text}", file=sys.stderr, flush=True)
