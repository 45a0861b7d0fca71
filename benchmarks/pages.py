"""How fast the pages are: a library of 10,000 songs and 1,000 listeners, the real web server, 8 requests at once.

    python benchmarks/pages.py [--songs N] [--listeners N] [--requests N] [--at-once N] [--format table|json]

Makes a library without audio files in a temporary home, starts the web server as `up` does, logs listeners in, and
measures from the first byte sent to the last byte read. Songs, labels and plays have long tails, as real ones do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import psutil  # type: ignore[import-untyped]

PROJECT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"  # noqa: S105 (of listeners that live for a minute)
LOGGED_IN = 16


class Figures(NamedTuple):
    """What was measured of one page, in milliseconds."""

    page: str
    median: float
    p95: float
    slowest: float
    per_second: float
    cpu: float
    kilobytes: float


# --- The library --------------------------------------------------------------------------------


def make_library(n_songs: int, n_listeners: int) -> None:
    """Songs with labels, listeners with ratings and plays, all of them drawn by chance, always the same ones."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from catalog.models import Label, LibraryRoot, PlayCount, Rating, Song, SongLabel

    rng = np.random.default_rng(2018)
    kinds = ["genre", "mood", "instrument", "era"]
    labels = Label.objects.bulk_create(
        Label(name=f"{kinds[i % 4]} {i // 4}", key=f"{kinds[i % 4]} {i // 4}", kind=kinds[i % 4]) for i in range(106)
    )
    root = LibraryRoot.objects.create(name="benchmark", path="/nowhere", rescan=False)
    artists = _long_tail(rng, n_songs, max(n_songs // 8, 1))
    songs = [
        Song(
            title=f"Song {i}",
            artist=f"Artist {artist}",
            album=f"Album {i % 900}",
            root=root,
            path=f"{i}.mp3",
            duration_s=200.0,
        )
        for i, artist in enumerate(artists)
    ]
    for song in songs:
        song.set_keys()
        song.tagging_state = Song.Tagging.DONE
    songs = Song.objects.bulk_create(songs, batch_size=2000)
    words = []
    for song in songs:
        some = np.unique(_long_tail(rng, 10, len(labels)))
        words += [
            SongLabel(song=song, label=labels[i], source="cnn", origin="benchmark", weight=float(rng.uniform(0.1, 0.9)))
            for i in some
        ]
    SongLabel.objects.bulk_create(words, batch_size=5000)

    users = User.objects.bulk_create(User(username=f"listener-{i}") for i in range(n_listeners))
    for user in users[:LOGGED_IN]:
        user.set_password(PASSWORD)
        user.save()
    # The songs that few play are as many as in a real library: a third has no listener at all.
    order = rng.permutation(n_songs)
    counts, ratings = [], []
    for user in users:
        heard = [songs[order[i]] for i in np.unique(_long_tail(rng, 80, n_songs))]
        counts += [
            PlayCount(user=user, song=song, count=int(rng.geometric(0.3)), last_played=timezone.now()) for song in heard
        ]
        ratings += [Rating(user=user, song=song, stars=int(rng.integers(1, 6))) for song in heard[::2]]
    PlayCount.objects.bulk_create(counts, batch_size=5000)
    Rating.objects.bulk_create(ratings, batch_size=5000)


def _long_tail(rng: np.random.Generator, size: int, n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers below n, the small ones far more often than the large."""
    return (n ** rng.random(size)).astype(np.int64) - 1


# --- The server and its clients -----------------------------------------------------------------


@contextmanager
def web_server() -> Iterator[tuple[int, psutil.Process]]:
    """The web server of `up`, on a free port."""
    from dcmrs_site import processes

    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = processes.web(listener, "warning")
        environment = {**os.environ, **program.environment}
        server = subprocess.Popen(program.command, env=environment, pass_fds=program.descriptors, cwd=PROJECT)
        port = listener.getsockname()[1]
        try:
            # A connection older than the server has not its options, and waits 40 ms for each acknowledgement.
            _first_answer(port)
            yield port, psutil.Process(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _first_answer(port: int) -> None:
    """Wait until the server answers, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/accounts/login/")
    connection.getresponse().read()
    connection.close()


class Client:
    """A browser that is logged in, without pictures."""

    def __init__(self, port: int, username: str) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        form = self.get("/accounts/login/").decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        if token is None:
            raise SystemExit("the page to log in has no form")
        body = urlencode({"csrfmiddlewaretoken": token[1], "username": username, "password": PASSWORD})
        self._request("POST", "/accounts/login/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        if "sessionid" not in self.cookies:
            raise SystemExit(f"{username} could not log in")

    def get(self, path: str) -> bytes:
        """The body of a page; anything but 200 ends the benchmark."""
        status, body = self._request("GET", path)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
        return body

    def _request(
        self, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, **(headers or {})}
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        except ConnectionError:
            # The server closes a connection that was idle: a browser opens another.
            self.connection.close()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, value = cookie.partition(";")[0].split("=", 1)
            self.cookies[name] = value
        return response.status, response.read()


def measure(
    page: str, clients: list[Client], at_once: int, n: int, path: Callable[[int], str], server: psutil.Process
) -> Figures:
    """Ask for n pages, so many at once, each client one after another."""
    per_client = n // at_once

    def ask(number: int) -> list[tuple[float, int]]:
        asked = []
        for i in range(per_client):
            begun = time.perf_counter()
            size = len(clients[number].get(path(number * per_client + i)))
            asked.append((time.perf_counter() - begun, size))
        return asked

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda client: client.get(path(0)), clients[:at_once]))
        cpu, begun = _cpu(server), time.perf_counter()
        asked = [one for some in pool.map(ask, range(at_once)) for one in some]
        took, cpu = time.perf_counter() - begun, _cpu(server) - cpu
    times = np.array([seconds for seconds, _ in asked]) * 1000
    sizes = np.mean([size for _, size in asked]) / 1000
    return Figures(
        page=page,
        median=float(np.quantile(times, 0.5)),
        p95=float(np.quantile(times, 0.95)),
        slowest=float(times.max()),
        per_second=len(asked) / took,
        cpu=cpu / len(asked) * 1000,
        kilobytes=float(sizes),
    )


def _cpu(server: psutil.Process) -> float:
    """CPU seconds of the server's workers so far."""
    return sum(sum(process.cpu_times()[:2]) for process in server.children(recursive=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        os.environ |= {"DCMRS_HOME": home, "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
        figures = run(options)
    if options.format == "json":
        print(json.dumps([one._asdict() for one in figures]))
        return
    size = f"{options.songs:,} songs, {options.listeners:,} listeners"
    print(f"{size}, {options.at_once} requests at once, {os.cpu_count()} cores")
    print(f"{'':<34} {'median':>9} {'95th':>9} {'slowest':>9} {'a second':>9} {'CPU each':>9} {'size':>8}")
    for one in figures:
        print(
            f"{one.page:<34} {one.median:>6.0f} ms {one.p95:>6.0f} ms {one.slowest:>6.0f} ms "
            f"{one.per_second:>9.0f} {one.cpu:>6.1f} ms {one.kilobytes:>5.0f} kB"
        )


def run(options: argparse.Namespace) -> list[Figures]:
    """Make the library, start the server, measure."""
    sys.path.insert(0, str(PROJECT))
    import django
    from django.core.management import call_command

    django.setup()
    print("making the library", file=sys.stderr)
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    make_library(options.songs, options.listeners)
    call_command("recompute")
    from django.contrib.auth.models import User

    from catalog.models import Song
    from recommender.dial import turn
    from recommender.models import Dial

    songs = list(Song.objects.order_by("pk").values_list("pk", flat=True))

    def some_song(number: int) -> int:
        return int(songs[number * 7919 % len(songs)])

    pages: dict[str, Callable[[int], str]] = {
        "For you": lambda _: "/",
        "For you, in a mood": lambda _: f"/?{urlencode({'label': 'mood 3'})}",
        "song page": lambda number: f"/songs/{some_song(number)}/",
        "  its part: similar songs": lambda number: f"/songs/{some_song(number)}/similar/",
        "  its part: fits you": lambda number: f"/songs/{some_song(number)}/fits-you/",
        "library": lambda _: "/library/",
        "  found by words": lambda number: f"/library/?{urlencode({'q': f'song {number % 100}'})}",
        "  with a typing error": lambda number: f"/library/?{urlencode({'q': f'artsit {number % 100}'})}",
        "  with two labels, by title": lambda _: "/library/?label=genre+0&label=mood+0&sort=title",
        "  what one played most": lambda _: "/library/?sort=plays",
        "artist page": lambda number: f"/artists/artist%20{number % 50}/",
        "  its part: similar artists": lambda number: f"/similar-artists/artist%20{number % 50}/",
        "album page": lambda number: f"/songs/{some_song(number)}/album/",
        "taste": lambda _: "/taste/",
        "history": lambda _: "/taste/history/",
    }
    with web_server() as (port, server):
        print("logging in", file=sys.stderr)
        clients = [Client(port, f"listener-{i}") for i in range(options.at_once)]

        def measured(page: str, path: Callable[[int], str]) -> Figures:
            return measure(page, clients, options.at_once, options.requests, path, server)

        figures = [measured(page, path) for page, path in pages.items()]
        for user in User.objects.order_by("pk")[:LOGGED_IN]:
            turn(user, Dial.END)
        return [*figures, measured("For you, most adventurous", pages["For you"])]


if __name__ == "__main__":
    main()
