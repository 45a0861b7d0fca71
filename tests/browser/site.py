"""A whole site of its own to look at: database, music, static files as in production, web server."""

from __future__ import annotations

import fcntl
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.audio import tag, write_tone

from .commands import PROJECT, Run, commands, environment

PASSWORD = "correct horse"
SECONDS = 3.0
"""How long each song of the site is."""

LYRICS = "[00:00.20]Blue in the morning\n[00:01.00]Green in the evening\n[00:02.00]And nothing in between\n"
"""Of `Blue in Green`, with their times."""

_START_S = 300
"""A machine that is busy with other tests takes a minute and more; a server that ends is not waited for."""


def _write_music(folder: Path) -> None:
    """A dozen short songs, with all that may stretch a page: long words, other scripts, no tags at all."""
    songs = [
        ("Blue in Green", "Miles Davis", "Kind of Blue", "Jazz"),
        ("So What", "Miles Davis", "Kind of Blue", "Jazz"),
        ("Feeling Good", "Nina Simone", "I Put a Spell on You", "Soul"),
        ("Sinnerman", "Nina Simone", "Pastel Blues", "Soul"),
        (
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
            "X" * 90,
            "Y" * 90,
            "Z",
        ),
        ("夜に駆ける", "ヨアソビ", "", "Pop"),
        ("Ágætis byrjun", "Sigur Rós", "Ágætis byrjun", "Post-Rock"),
        ("Windowlicker", "Aphex Twin", "Windowlicker", "Electronic"),
        ("Xtal", "Aphex Twin", "Selected Ambient Works 85-92", "Ambient"),
        ("Gymnopédie No. 1", "Erik Satie", "", "Classical"),
        ('Song of <b>markup</b> & "signs"', "", "", "Folk"),
    ]
    for number, (title, artist, album, genre) in enumerate(songs):
        path = write_tone(folder / f"{number:02}.ogg", SECONDS, hz=220 + 40 * number)
        tag(path, title=title, artist=artist, album=album, genre=genre, date=str(1959 + 4 * number))
        if album == "Kind of Blue":
            # Half as loud alone, a quarter as loud on its album.
            tag(path, replaygain_track_gain="-6.02 dB", replaygain_album_gain="-12.04 dB")
    (folder / "00.lrc").write_text(LYRICS)
    write_tone(folder / "untagged_song.flac", SECONDS)


def fill(home: Path, run: Run) -> None:
    """Give a site an admin `boss`, a listener `mira`, and music."""
    _write_music(home / "music")
    run("import_music", str(home / "music"))
    run("tests.browser.people.main")
    run("recompute")


Fill = Callable[[Path, Run], None]
"""Fills a home by commands."""


@contextmanager
def running_site(home: Path, fill: Fill = fill) -> Iterator[str]:
    """Yield the address of a site that lives in `home`, filled."""
    make(home, fill)
    with serving(home) as address:
        yield address


def make(home: Path, fill: Fill = fill) -> None:
    """Make tables and static files of a site, and fill it."""
    with commands(home) as run:
        run("migrate", "-v0")
        run("collectstatic", "-v0", "--noinput")
        fill(home, run)


def copy_of_one(made: Path, home: Path) -> None:
    """Make a filled site, or copy the one that another process of these tests has made at `made`."""
    with made.with_name(f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = made.with_name(f"{made.name}.making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            make(making)
            making.rename(made)
    shutil.copytree(made, home)
    with closing(sqlite3.connect(home / "db.sqlite3")) as database, database:
        database.execute("UPDATE catalog_libraryroot SET path = ?", [str(home / "music")])


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Yield the address of the site that has been made in `home`."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        bind = f"fd://{listener.fileno()}"
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "dcmrs_site.asgi",
                "--worker-class",
                "dcmrs_site.web_worker.MannerlyWorker",
                "--bind",
                bind,
                "--keep-alive",
                "0",
                # A worker that is short of processor time is not to be replaced in the middle of an answer.
                "--timeout",
                str(_START_S),
                "--preload",
                "--log-level",
                "error",
            ],
            cwd=PROJECT,
            env=environment(home),
            pass_fds=[listener.fileno()],
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers, however its first connections end.

    Raises
    ------
    RuntimeError
        If it ends, or has not answered after minutes.
    """
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/accounts/login/", timeout=60).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the web server did not start")
