"""How fast the pages are: a library of 10,000 songs and 1,000 listeners, the real web server, 8 requests at once.

    python -m benchmarks.pages [--songs N] [--listeners N] [--requests N] [--at-once N] [--pages NAME ...]
                               [--no-browser] [--format table|json]

Makes a library without audio files in a temporary home, starts the web server as `up` does, logs listeners in, and
measures from the first byte sent to the last byte read. Songs, labels and plays have long tails, as real ones do. The
pages are those of `tests/pages.py` that differ from one another.

Then, in a Chromium that has never been here: what a first visit to each page sends without pictures and sound,
compressed as served, by kind, and when the page is first painted, and its largest part; nothing is throttled. Without
a Chromium that is left out, and so it is where the browser fails: what else was measured is printed all the same.
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
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import can, chromium  # noqa: E402
from tests.pages import SitePage  # noqa: E402

PASSWORD = "correct horse battery"  # noqa: S105 (of listeners that live for a minute)
LOGGED_IN = 16


LIMIT_KB = 200
PICTURES = ("image", "media")


class Visit(NamedTuple):
    """A first visit to a page, in kilobytes as sent and in milliseconds."""

    page: str
    html: float
    css: float
    js: float
    icons: float
    total: float
    requests: int
    first_paint: float
    largest_paint: float


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
        self.username = username
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        form = self._request("GET", "/accounts/login/")[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        if token is None:
            raise SystemExit("the page to log in has no form")
        body = urlencode({"csrfmiddlewaretoken": token[1], "username": username, "password": PASSWORD})
        self._request("POST", "/accounts/login/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        if "sessionid" not in self.cookies:
            raise SystemExit(f"{username} could not log in")

    def get(self, path: str) -> bytes:
        """The body of a page, compressed as browsers ask for it; anything but 200 ends the benchmark."""
        status, body = self._request("GET", path, headers={"Accept-Encoding": "gzip"})
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
    page: str, clients: list[Client], at_once: int, n: int, path: Callable[[int, str], str], server: psutil.Process
) -> Figures:
    """Ask for n pages, so many at once, each client one after another."""
    per_client = n // at_once

    def ask(number: int) -> list[tuple[float, int]]:
        asked = []
        for i in range(per_client):
            begun = time.perf_counter()
            size = len(clients[number].get(path(number * per_client + i, clients[number].username)))
            asked.append((time.perf_counter() - begun, size))
        return asked

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda client: client.get(path(0, client.username)), clients[:at_once]))
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


# --- A first visit ------------------------------------------------------------------------------


def first_visits(address: str, pages: dict[str, str]) -> list[Visit]:
    """What a browser that was never here gets and shows, for each page; the middle of three visits by first paint.

    Raises
    ------
    playwright.sync_api.Error
        If the browser fails.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import find_chromium, launch

    with sync_playwright() as playwright:
        browser = launch(playwright, find_chromium() or "chromium")
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/accounts/login/")
        page.get_by_label("Username").fill("listener-0")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda where: "/accounts/login/" not in where)
        cookies = context.cookies()
        context.close()
        # The first page of a browser that has just started waits for the browser.
        _visit(browser, address, cookies, "", "/")
        visits = []
        for name, path in pages.items():
            three = sorted(
                (_visit(browser, address, cookies, name, path) for _ in range(3)), key=lambda v: v.first_paint
            )
            visits.append(three[1])
        browser.close()
    return visits


def _visit(browser: Any, address: str, cookies: Any, name: str, path: str) -> Visit:
    """One visit, in a context of its own: nothing is in its cache."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.add_cookies(cookies)
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    kinds: dict[str, str] = {}
    sent: dict[str, float] = {}
    protocol.on("Network.responseReceived", lambda event: kinds.setdefault(event["requestId"], _kind(event)))
    protocol.on(
        "Network.loadingFinished", lambda event: sent.setdefault(event["requestId"], event["encodedDataLength"] / 1000)
    )
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if "/accounts/login/" in page.url:
        raise SystemExit(f"{path} asks to log in")
    paint = page.evaluate(_PAINTS)
    context.close()
    by_kind = {"document": 0.0, "stylesheet": 0.0, "script": 0.0, "icon": 0.0, "picture": 0.0}
    for request, kilobytes in sent.items():
        by_kind[kinds.get(request, "document")] += kilobytes
    counted = [kind for kind in kinds.values() if kind != "picture"]
    return Visit(
        page=name,
        html=by_kind["document"],
        css=by_kind["stylesheet"],
        js=by_kind["script"],
        icons=by_kind["icon"],
        total=sum(by_kind.values()) - by_kind["picture"],
        requests=len(counted),
        first_paint=paint["first"],
        largest_paint=paint["largest"],
    )


def _kind(event: Any) -> str:
    """What was sent: covers and sound are pictures, everything that a page fetches for itself belongs to it."""
    kind = event["type"].lower()
    if kind in PICTURES:
        return "icon" if "/static/" in event["response"]["url"] else "picture"
    if "/static/icons/" in event["response"]["url"]:
        return "icon"
    return kind if kind in ("stylesheet", "script") else "document"


_PAINTS = """() => new Promise((resolve) => {
    const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
    let largest = first;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) largest = one.startTime; })
        .observe({ type: "largest-contentful-paint", buffered: true });
    setTimeout(() => resolve({ first, largest }), 50);
})"""


# --- All of it ----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--pages", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--no-browser", action="store_true", help="no first visits in a Chromium")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    options.no_browser = options.no_browser or not can("First visits", chromium())

    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as home:
        os.environ |= {"DCMRS_HOME": home, "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
        figures, visits, failure = run(options)
    print_figures(options, figures, visits)
    if failure:
        sys.exit(f"First visits could not be measured: {failure}")


def print_figures(options: argparse.Namespace, figures: list[Figures], visits: list[Visit]) -> None:
    """Print what was measured, as the options say."""
    if options.format == "json":
        print(json.dumps({"pages": [one._asdict() for one in figures], "visits": [one._asdict() for one in visits]}))
        return
    size = f"{options.songs:,} songs, {options.listeners:,} listeners"
    print(f"{size}, {options.at_once} requests at once, {os.cpu_count()} cores")
    print(f"{'':<34} {'median':>9} {'95th':>9} {'slowest':>9} {'a second':>9} {'CPU each':>9} {'size':>8}")
    for one in figures:
        print(
            f"{one.page:<34} {one.median:>6.0f} ms {one.p95:>6.0f} ms {one.slowest:>6.0f} ms "
            f"{one.per_second:>9.0f} {one.cpu:>6.1f} ms {one.kilobytes:>5.0f} kB"
        )
    if not visits:
        return
    print("\nA first visit, in kB as sent, without covers and sound")
    print(
        f"{'':<34} {'HTML':>6} {'CSS':>6} {'JS':>6} {'icons':>6} {'all':>6} {'asked':>6} {'painted':>9} {'largest':>9}"
    )
    for visit in visits:
        over = f"  over {LIMIT_KB} kB" if visit.total > LIMIT_KB else ""
        print(
            f"{visit.page:<34} {visit.html:>6.1f} {visit.css:>6.1f} {visit.js:>6.1f} {visit.icons:>6.1f} "
            f"{visit.total:>6.1f} {visit.requests:>6} {visit.first_paint:>6.0f} ms {visit.largest_paint:>6.0f} ms{over}"
        )


def run(options: argparse.Namespace) -> tuple[list[Figures], list[Visit], str]:
    """Make the library, start the server, measure; last, why there are no first visits, empty where nothing failed."""
    import django
    from django.core.management import call_command

    django.setup()
    from tests.pages import PAGES, PARTS, fill

    rows = [row for row in [*PAGES, *PARTS] if row.measured]
    if options.pages:
        if unknown := set(options.pages) - {row.name for row in rows}:
            raise SystemExit(f"No page that is measured is named {', '.join(sorted(unknown))}.")
        rows = [row for row in rows if row.name in options.pages]
    print("making the library", file=sys.stderr)
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    make_library(options.songs, options.listeners)
    call_command("recompute")
    from django.contrib.auth.models import User

    from catalog.models import Label, Playlist, Song
    from catalog.services.listening import refuse
    from catalog.services.playlists import make_playlist
    from recommender.models import Dial
    from recommender.services.dial import turn

    songs = list(Song.objects.order_by("pk").values_list("pk", flat=True))
    mood = Label.objects.get(key="mood 3").pk
    people = list(User.objects.order_by("pk")[:LOGGED_IN])
    for user in people:
        make_playlist(user, "Evening", songs[:50])
        for song in Song.objects.filter(pk__in=songs[:20]):
            refuse(user, song, True)
    playlists = dict(Playlist.objects.values_list("user__username", "pk"))

    def address(row: SitePage, number: int, who: str) -> str:
        values = {
            "song": songs[number * 7919 % len(songs)],
            "artist": f"artist%20{number % 50}",
            "label": mood,
            "label_name": "mood%203",
            "title": f"song%20{number % 100}",
            "playlist": playlists[who],
        }
        return fill(row.address, values).replace("davsi", f"artsit%20{number % 100}")

    with web_server() as (port, server):
        print("logging in", file=sys.stderr)
        clients = [Client(port, f"listener-{i}") for i in range(options.at_once)]

        def measured(name: str, row: SitePage) -> Figures:
            print(name, file=sys.stderr)
            return measure(
                name, clients, options.at_once, options.requests, lambda n, who: address(row, n, who), server
            )

        figures = [measured(row.name, row) for row in rows]
        visits, failure = [], ""
        if not options.no_browser:
            from playwright.sync_api import Error as BrowserError

            pages = {row.name: address(row, 1, "listener-0") for row in rows if row in PAGES}
            try:
                visits = first_visits(f"http://127.0.0.1:{port}", pages)
            except BrowserError as error:
                failure = error.message
        for row in rows:
            if row.name == "for-you":
                for user in people:
                    turn(user, Dial.END)
                figures.append(measured("for-you, most adventurous", row))
        return figures, visits, failure


if __name__ == "__main__":
    main()
