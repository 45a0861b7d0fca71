"""How recommending grows with the number of songs, listeners and plays: four sizes of the Taste Profile's shape.

    python -m benchmarks.scale [--shares S...] [--parts NAME...] [--workers N] [--listeners N] [--folder DIR]
        [--format table|json]

Each size is a library of its own in a temporary home: plays and labels are drawn by chance (`benchmarks.made_plays`)
and go to the engine as arrays; the database, SQLite, holds the songs and the listeners who are asked for. The parts
are fitted by processes that take them as Celery's workers do; then the real web server is started, and listeners ask
for their pages one after the other. Memory is the proportional set size (PSS), of which mapped files that others map
too are a part only; a process's own is what nobody else has. CPU seconds tell what a machine without other work would
take. The growth is the exponent of the plays, by least squares over all sizes. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil  # type: ignore[import-untyped]

from catalog.home import PROJECT_ROOT

from .made_plays import Shape, described, read, share, write
from .requirements import linux, require
from .web import memory_mb, web_server

SHARES = ["1/64", "1/16", "1/4", "1"]
PARTS = ["content", "popular", "sound", "cooccurrence"]
"""What is fitted where nobody says otherwise: content and co-occurrence, and what every snapshot has."""

PAGES = {
    "For you": "/",
    "comparison": "/compare/",
    "recommendations, content": "/api/recommendations/?method=content",
    "recommendations, co-occurrence": "/api/recommendations/?method=cooccurrence",
}
WITH_HYBRID = {
    "recommendations, latent": "/api/recommendations/?method=latent",
    "recommendations, hybrid": "/api/recommendations/?method=hybrid",
}
_LOOK_EVERY_S = 0.25
_AT_ONCE = 5000


class Work(NamedTuple):
    """What something took.

    Attributes
    ----------
    seconds, cpu : float
        By the clock, and of all processor cores together.
    peak_mb : float
        The most memory at any moment, of all processes together.
    """

    seconds: float
    cpu: float
    peak_mb: float


# --- Looking at processes -----------------------------------------------------------------------


class Watch:
    """The most memory that some processes have together, looked at a few times a second."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak_mb = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            self.peak_mb = max(self.peak_mb, sum(memory_mb(pid)["pss"] for pid in self._pids))


def in_process(step: str, *arguments: str, times: int = 1) -> Work:
    """Run a step of this benchmark in so many processes of their own at once.

    Raises
    ------
    SystemExit
        If one of them fails.
    """
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.scale", "--step", step, *arguments]
    processes = [subprocess.Popen(command, cwd=PROJECT_ROOT) for _ in range(times)]
    with Watch([process.pid for process in processes]) as watch:
        if any(process.wait() for process in processes):
            raise SystemExit(f"the step {step} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Work(time.perf_counter() - begun, cpu, watch.peak_mb)


# --- Steps, each in a process of its own --------------------------------------------------------


def make_library(made: Path, n_listeners: int) -> None:
    """The database: songs, labels, and the listeners who are asked for, with their plays."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.utils import timezone

    from catalog.models import Label, LibraryRoot, PlayCount, Song

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    everything = read(made)
    rng = np.random.default_rng(1)
    kinds = ["genre", "mood", "instrument", "era"]
    Label.objects.bulk_create(
        Label(name=f"{kinds[i % 4]} {i // 4}", key=f"{kinds[i % 4]} {i // 4}", kind=kinds[i % 4])
        for i in range(everything.term_frequencies.shape[1])
    )
    root = LibraryRoot.objects.create(name="benchmark", path="/nowhere", rescan=False)
    for first in range(0, everything.n_songs, _AT_ONCE):
        songs = [
            Song(title=f"Song {i}", artist=f"Artist {i % (everything.n_songs // 8)}", root=root, path=f"{i}.mp3")
            for i in range(first, min(first + _AT_ONCE, everything.n_songs))
        ]
        for song in songs:
            song.set_keys()
            song.tagging_state = Song.Tagging.DONE
        Song.objects.bulk_create(songs)
    ids = np.array(Song.objects.order_by("pk").values_list("pk", flat=True))
    played = everything.played
    rows = rng.choice(played.shape[0], n_listeners, replace=False).tolist()
    users = User.objects.bulk_create(User(username=f"listener-{row}") for row in rows)
    counts = [
        PlayCount(user=user, song_id=ids[played.indices[at]], count=played.data[at], last_played=timezone.now())
        for user, row in zip(users, rows, strict=True)
        for at in range(played.indptr[row], played.indptr[row + 1])
    ]
    PlayCount.objects.bulk_create(counts, batch_size=_AT_ONCE)
    keys = []
    for user in users:
        session = SessionStore()
        session["_auth_user_id"], session["_auth_user_hash"] = str(user.pk), user.get_session_auth_hash()
        session["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[-1]
        session.create()
        keys.append(str(session.session_key))
    (made / "sessions.json").write_text(json.dumps(keys))


def lay_out(made: Path, parts: Sequence[str]) -> None:
    """What `recompute` begins with: the catalogue from the database, the plays and labels from their arrays."""
    from recommender.engine.interface import no_progress
    from recommender.snapshots import changes, training_data
    from recommender.snapshots import parts as snapshot_parts

    with changes.reading() as seen:
        index, _ = training_data.read(no_progress)
        snapshot_parts.lay_out(index, read(made), seen, parts)


def fit(_options: argparse.Namespace) -> None:
    """What one process of the worker does for a recomputation."""
    from recommender import tasks

    tasks.fit_parts()


def ask_engine(made: Path) -> None:
    """Score and rank one listener after the other from mapped arrays, without pages; prints milliseconds."""
    from recommender.engine.interface import ListenerBatch
    from recommender.engine.ranking import top
    from recommender.snapshots import current

    bundle = current.bundle()
    if bundle is None:
        raise SystemExit("there is no snapshot")
    everything = read(made)
    rows = np.random.default_rng(2).choice(everything.played.shape[0], 200, replace=False)
    found = {}
    for name in [name for name in bundle.methods if name != "popular"]:
        times = []
        for row in rows:
            batch = ListenerBatch.from_plays(everything.played[[row]], everything.term_frequencies.shape[1])
            begun = time.perf_counter()
            top(bundle.methods[name].scores(batch)[0], 20, leave_out=batch.played.indices.astype(np.intp))
            times.append(1000 * (time.perf_counter() - begun))
        found[name] = [float(np.quantile(times, q)) for q in (0.5, 0.95)]
    (made / "engine.json").write_text(json.dumps(found))


STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "plays": lambda options: write(options.made, Shape.of_share(options.shares[0])),
    "library": lambda options: make_library(options.made, options.listeners),
    "lay-out": lambda options: lay_out(options.made, options.parts),
    "fit": fit,
    "engine": lambda options: ask_engine(options.made),
}


# --- One size -----------------------------------------------------------------------------------


@contextmanager
def library(folder: Path) -> Iterator[None]:
    """A home of its own, for this process and those that it starts."""
    before = dict(os.environ)
    os.environ |= {"DCMRS_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure(whole: Fraction, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All figures of one size, by what they are of; plays that were drawn into the folder before are used again."""
    made, home = folder / "made", folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    made.mkdir(parents=True, exist_ok=True)
    with library(home):
        say(f"{whole} of the Taste Profile")
        if not (made / "shape.npy").exists():
            in_process("plays", "--made", str(made), "--shares", str(whole))
        everything = read(made)
        say(described(everything))
        in_process("library", "--made", str(made), "--listeners", str(options.listeners))
        laid = in_process("lay-out", "--made", str(made), "--parts", *options.parts)
        fitted = in_process("fit", times=options.workers)
        figures: dict[str, float] = {
            "listeners": everything.played.shape[0],
            "songs": everything.n_songs,
            "plays": everything.played.nnz,
            "recompute, s": laid.seconds + fitted.seconds,
            "recompute, s CPU": laid.cpu + fitted.cpu,
            "recompute, MB at most": max(laid.peak_mb, fitted.peak_mb),
        }
        figures |= about_snapshot(home)
        say(json.dumps(figures))
        in_process("engine", "--made", str(made))
        for name, (median, p95) in json.loads((made / "engine.json").read_text()).items():
            figures |= {f"engine, {name}, ms median": median, f"engine, {name}, ms 95th": p95}
        figures |= ask_for_pages(json.loads((made / "sessions.json").read_text()), options.parts)
    return figures


def about_snapshot(home: Path) -> dict[str, float]:
    """What the snapshot says of itself, and what it takes on the disk.

    Raises
    ------
    SystemExit
        If there is none.
    """
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(home / "db.sqlite3")) as database:
        row = database.execute("SELECT folder, methods FROM recommender_snapshot WHERE current").fetchone()
    if row is None:
        raise SystemExit("no snapshot was built")
    folder, methods = home / "snapshots" / row[0], json.loads(row[1])
    figures: dict[str, float] = {}
    for name, about in methods.items():
        figures[f"{name}, s of its workers"] = about["seconds"]
        if "lacking" in about:
            say(f"no {name}: {about['lacking']}")
    together = methods["cooccurrence"]
    figures |= {
        "co-occurrence, pairs kept": together["pairs"],
        "co-occurrence, kept of each song at least": together["nearest"],
        "co-occurrence, % missing of the first 20": 100 * together["loss"],
        "co-occurrence, blocks": together.get("blocks", 1),
        "snapshot, MB on disk": sum(file.stat().st_size for file in folder.iterdir()) / 1e6,
    }
    return figures


def ask_for_pages(sessions: list[str], parts: Sequence[str]) -> dict[str, float]:
    """Pages of all listeners from the real web server, one after another; then the memory of its largest process."""
    figures: dict[str, float] = {}
    pages = PAGES | (WITH_HYBRID if "weights" in parts else {})
    with web_server() as (port, server):
        for name, path in pages.items():
            connection = HTTPConnection("127.0.0.1", port, timeout=120)
            for session in sessions[:8]:
                ask(connection, path, session)
            times, cpu = [], []
            for session in sessions:
                before, begun = processor_seconds(server), time.perf_counter()
                ask(connection, path, session)
                times.append(1000 * (time.perf_counter() - begun))
                cpu.append(1000 * (processor_seconds(server) - before))
            connection.close()
            for what, values in (("ms", times), ("ms CPU", cpu)):
                figures |= {
                    f"page, {name}, {what} median": float(np.median(values)),
                    f"page, {name}, {what} 95th": float(np.quantile(values, 0.95)),
                }
        largest = max((memory_mb(one.pid) for one in server.children(recursive=True)), key=lambda one: one["rss"])
    return figures | {
        "web process, MB with all that is mapped": largest["rss"],
        "web process, MB its part": largest["pss"],
        "web process, MB its own": largest["uss"],
    }


def ask(connection: HTTPConnection, path: str, session: str) -> None:
    """One page of one listener, who is logged in.

    Raises
    ------
    SystemExit
        If the answer is any but 200.
    """
    connection.request("GET", path, headers={"Cookie": f"sessionid={session}"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} answered {answer.status}")


def processor_seconds(server: psutil.Process) -> float:
    """CPU seconds of the server's workers so far, to the nanosecond, as the scheduler counts them for each thread."""
    tasks = (task for one in server.children(recursive=True) for task in Path(f"/proc/{one.pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


# --- All sizes ----------------------------------------------------------------------------------


def exponent(plays: Sequence[float], values: Sequence[float]) -> float:
    """The exponent e of values ~ plays ** e, by least squares of the logarithms; not a number where one is 0."""
    if len(plays) < 2 or min(values) <= 0:
        return float("nan")
    return float(np.polyfit(np.log(plays), np.log(values), 1)[0])


def say(text: str) -> None:
    """A line for who waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure all sizes, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=share, nargs="+", default=[Fraction(one) for one in SHARES])
    parser.add_argument("--parts", nargs="+", default=PARTS, help="what is fitted (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--listeners", type=int, default=300, help="how many are asked for (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where plays that are drawn stay, for the next time")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        import django

        django.setup()
        STEPS[options.step](options)
        return
    require(linux())
    found: list[dict[str, float]] = []
    for one in options.shares:
        with tempfile.TemporaryDirectory(prefix="dcmrs-scale-") as folder:
            parent = options.folder or Path(folder)
            found.append(measure(one, options, parent.resolve() / f"{one.numerator}-{one.denominator}"))
            say(json.dumps(found[-1]))
    plays = [figures["plays"] for figures in found]
    growth = {name: exponent(plays, [figures[name] for figures in found]) for name in found[0]}
    if options.format == "json":
        print(json.dumps({"sizes": found, "growth": growth}))
        return
    print(f"{os.cpu_count()} cores, {options.workers} workers")
    print(f"{'':<44}" + "".join(f"{one!s:>14}" for one in options.shares) + f"{'exponent':>10}")
    for name, exponent_ in growth.items():
        print(f"{name:<44}" + "".join(f"{figures[name]:>14,.1f}" for figures in found) + f"{exponent_:>10.2f}")


if __name__ == "__main__":
    main()
