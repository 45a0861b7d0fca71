"""How long the recommender's commands take: each as its owner runs it, in a process of its own, on a real SQLite.

    python -m benchmarks.commands [--songs N] [--listeners N] [--lastfm DIR] [--format table|json]

`recommend` for a hundred listeners at once, by every method, over a made library of 20,000 songs and 1,000 listeners;
and the way of HetRec Last.fm from its files to a snapshot. CPU seconds are those of all processor cores together: what
else the machine does lengthens a command by the clock, and hardly these.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from catalog.home import PROJECT_ROOT

from .requirements import folder as needs_folder
from .requirements import require

SHARED = PROJECT_ROOT.parent / "shared" / "data"
ASKED = 100
METHODS = ["content", "cooccurrence", "latent", "hybrid", "popular"]


class Took(NamedTuple):
    """What a command took, in seconds by the clock and of processor cores, and what it said at its end."""

    command: str
    seconds: float
    cpu: float
    said: str


def manage(home: Path, *arguments: str, named: str = "") -> Took:
    """Run a management command.

    Raises
    ------
    SystemExit
        If it fails.
    """
    environment = {**os.environ, "DCMRS_HOME": str(home)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)[:200]} failed: {done.stderr[-1000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = Took(named or " ".join(arguments), seconds, cpu, done.stdout)
    print(f"{took.command}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return took


def made_library(home: Path, n_songs: int, n_listeners: int) -> list[Took]:
    """A library of songs, labels, ratings and plays, its snapshot, and a hundred listeners' recommendations."""
    manage(home, "migrate", "-v0")
    make = f"from benchmarks.made_library import make_library; make_library({n_songs}, {n_listeners})"
    manage(home, "shell", "-v0", "-c", make, named="the library")
    took = [manage(home, "recompute")]
    names = [f"listener-{number}" for number in range(ASKED)]
    for method in METHODS:
        found = manage(
            home, "recommend", *names, "--method", method, "--format", "json",
            named=f"recommend, {ASKED} listeners, {method}",
        )  # fmt: skip
        lists = json.loads(found.said)
        if len(lists) != ASKED or not all(
            len(songs) == 20 and all(one["reasons"] for one in songs) for songs in lists.values()
        ):
            raise SystemExit(f"{method} did not recommend 20 songs with reasons to each")
        took.append(found._replace(said=""))
    return took


def last_fm(home: Path, folder: Path) -> list[Took]:
    """HetRec Last.fm from its files to a snapshot."""
    manage(home, "migrate", "-v0")
    return [
        manage(home, "import_labels", str(folder / "user_taggedartists.dat"), "--format", "lastfm"),
        manage(home, "import_plays", str(folder / "user_artists.dat"), "--format", "lastfm"),
        manage(home, "recompute"),
    ]


def shown(title: str, took: Sequence[Took]) -> None:
    """A table of some commands."""
    print(title)
    for one in took:
        names = " ".join(Path(word).name for word in one.command.split())
        print(f"  {names:<60} {one.seconds:>8.1f} s {one.cpu:>8.1f} s CPU")
        for line in one.said.splitlines():
            print(f"    {line}")


def main() -> None:
    """Measure, and print tables or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=20_000)
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--lastfm", type=Path, default=SHARED / "lastfm")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    require(needs_folder(options.lastfm, "--lastfm"))
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as name:
        folder = Path(name).resolve()
        library = made_library(folder / "made", options.songs, options.listeners)
        lastfm = last_fm(folder / "lastfm", options.lastfm.resolve())
    if options.format == "json":
        print(json.dumps({"library": [one._asdict() for one in library], "lastfm": [one._asdict() for one in lastfm]}))
        return
    print(f"{os.cpu_count()} cores")
    shown(f"{options.songs:,} songs, {options.listeners:,} listeners", library)
    shown("HetRec Last.fm", lastfm)


if __name__ == "__main__":
    main()
