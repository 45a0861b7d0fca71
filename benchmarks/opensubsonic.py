"""How long the calls of players take in a large library, how soon a stream begins, and a path from song to song.

    python -m benchmarks.opensubsonic [--songs N] [--albums N] [--rounds N] [--at-once N] [--path-songs N]
                                      [--format table|json]

Makes a library in a temporary home (SQLite), starts the web server as `up` does, and asks as so many players do at
once, each one call after another: every list and search of 500 entries, and pages of a whole sync by `search3`, none of
them asked for twice; of a server that has just begun, and of one that has described the library's songs, which it does
unasked. From sending the request to the last byte read; CPU is the server's for each call, and tells what
a machine without other work would take. Then songs are played: how soon the first bytes come, as the file is and
converted, and whether eight songs that play at once, half of them converted, ever wait for sound while a folder is
imported. The path is sought in a neighbour graph of made embeddings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlencode

import numpy as np
import psutil  # type: ignore[import-untyped]

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.temporary_home import temporary_home  # noqa: E402
from benchmarks.web import web_server  # noqa: E402

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_AT_ONCE = 5000
_GENRES = 40
_DIMENSIONS = 64
_PAGE = 500
_PLAYED_S = 60.0
_IMPORTED = 300
_STREAMS = 8
_PIECE = 1 << 14
# It begins once the library has been the same for a while.
_SETTLED_S = 4.0
# Of a processor, in a second.
_IDLE_S = 0.05

Parameters: TypeAlias = "dict[str, str | int]"

RANDOM: Parameters = {"size": _PAGE}
CALLS: list[tuple[str, Parameters]] = [
    *(
        (f"getAlbumList2 {kind}", {"type": kind, "size": _PAGE})
        for kind in ("newest", "alphabeticalByName", "alphabeticalByArtist", "random", "frequent", "recent", "highest")
    ),
    ("getAlbumList newest", {"type": "newest", "size": _PAGE}),
    ("getAlbumList2 byYear", {"type": "byYear", "fromYear": 1960, "toYear": 2020, "size": _PAGE}),
    ("getAlbumList2 byGenre", {"type": "byGenre", "genre": "Genre 3", "size": _PAGE}),
    ("getArtists", {}),
    ("getIndexes", {}),
    ("getGenres", {}),
    ("getRandomSongs", RANDOM),
    ("getRandomSongs of a folder and years", RANDOM | {"musicFolderId": 1, "fromYear": 1970, "toYear": 1999}),
    ("getSongsByGenre", {"genre": "Genre 3", "count": _PAGE, "offset": 1000}),
    ("getSongsByGenre of a folder", {"genre": "Genre 3", "count": _PAGE, "offset": 1000, "musicFolderId": 1}),
    ("getStarred2", {}),
    ("getPlaylists", {}),
]


class Figure(NamedTuple):
    """What a call took, in milliseconds of the clock, and of the server's processors for each."""

    what: str
    median_ms: float
    p95_ms: float
    cpu_ms: float
    kilobytes: float


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.opensubsonic", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--albums", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=10, help="calls of each player, of each kind")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--path-songs", type=int, default=0, help="of the graph that a path is sought in; 0 for none")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    with temporary_home() as home:
        figures = measure(arguments.songs, arguments.albums, arguments.rounds, arguments.at_once, home)
    if arguments.path_songs:
        figures.append(path_figure(arguments.path_songs, arguments.rounds))
    if arguments.format == "json":
        print(json.dumps([figure._asdict() for figure in figures]))
        return
    print(f"{arguments.songs:,} songs on {arguments.albums:,} albums, {arguments.at_once} players at once\n")
    print(f"{'':46} {'median ms':>10} {'95 % ms':>10} {'CPU ms':>9} {'kB':>8}")
    for figure in figures:
        print(
            f"{figure.what:46} {figure.median_ms:10.1f} {figure.p95_ms:10.1f} {figure.cpu_ms:9.1f} "
            f"{figure.kilobytes:8.0f}"
        )


def measure(n_songs: int, n_albums: int, rounds: int, at_once: int, home: Path) -> list[Figure]:
    """All figures of one library."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from accounts.services.app_passwords import make_app_password

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    user = User.objects.create_user("mira")
    key = make_app_password(user, "benchmark")[1]
    print("making the library", file=sys.stderr)
    make_library(user, n_songs, n_albums)
    playing = make_music(home / "playing", _STREAMS, _PLAYED_S)
    call_command("import_music", str(playing), verbosity=0)
    with web_server() as (port, server):
        players = Players(port, key, server, at_once, rounds)
        print("asking", file=sys.stderr)
        return [*ask(players, n_songs), *play(players, home)]


class Players:
    """Several players that ask the server at once, each one call after another."""

    def __init__(self, port: int, key: str, server: psutil.Process, at_once: int, rounds: int) -> None:
        self.port, self.key, self.server, self.at_once, self.rounds = port, key, server, at_once, rounds
        self._said: Parameters = {"apiKey": key, "v": "1.16.1", "c": "benchmark", "f": "json"}

    def open(self, name: str, parameters: Parameters) -> HTTPResponse:
        """The answer to a call, of which nothing is read yet but its head."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", f"/rest/{name.split()[0]}?{urlencode({**self._said, **parameters})}")
        return connection.getresponse()

    def call(self, name: str, parameters: Parameters) -> int:
        """Read a whole answer; its bytes."""
        answer = self.open(name, parameters).read()
        if b'"status":"ok"' not in answer[:200]:
            raise SystemExit(f"{name}: {answer[:300]!r}")
        return len(answer)

    def timed(self, what: str, work: Callable[[int], int]) -> Figure:
        """What some work takes that all of them do; it gets another number each time, and says how many bytes came."""
        for number in range(2 * self.at_once):
            # Each process of the server has done it before it is timed.
            work(-1 - number)

        def one_player(player: int) -> list[tuple[float, int]]:
            took = []
            for turn in range(self.rounds):
                begun = time.perf_counter()
                size = work(turn * self.at_once + player)
                took.append((1000 * (time.perf_counter() - begun), size))
            return took

        with ThreadPoolExecutor(self.at_once) as pool:
            cpu = self.cpu_s()
            took = [one for some in pool.map(one_player, range(self.at_once)) for one in some]
            cpu = self.cpu_s() - cpu
        ms = np.array([one for one, _ in took])
        sizes = float(np.mean([size for _, size in took])) / 1000
        return Figure(what, float(np.median(ms)), float(np.quantile(ms, 0.95)), 1000 * cpu / len(took), sizes)

    def wait_until_idle(self) -> None:
        """Wait until the server does nothing unasked: it describes songs ahead once it has been asked for something."""
        time.sleep(_SETTLED_S)
        before = self.cpu_s()
        while True:
            time.sleep(1)
            now = self.cpu_s()
            if now - before < _IDLE_S:
                return
            before = now

    def cpu_s(self) -> float:
        """CPU seconds of the server so far."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self.server.children(recursive=True)))


def ask(players: Players, n_songs: int) -> list[Figure]:
    """Lists, searches and pages of a whole sync."""
    begun, cpu = time.perf_counter(), players.cpu_s()
    players.call("getArtists", {})
    first, cpu = 1000 * (time.perf_counter() - begun), 1000 * (players.cpu_s() - cpu)
    figures = [Figure("the first call of a process", first, first, cpu, 0.0)]
    figures.append(players.timed("getRandomSongs, just begun", lambda _: players.call("getRandomSongs", RANDOM)))
    begun = time.perf_counter()
    players.wait_until_idle()
    took = 1000 * (time.perf_counter() - begun)
    figures.append(Figure("then all songs are described, in the background", took, took, 0.0, 0.0))
    for name, more in CALLS:

        def listed(_: int, name: str = name, more: Parameters = more) -> int:
            return players.call(name, more)

        figures.append(players.timed(name, listed))

    def searched(number: int) -> int:
        words = f"song {(number * 37) % 1000}"
        return players.call("search3", {"query": words, "songCount": _PAGE, "albumCount": _PAGE, "artistCount": _PAGE})

    figures.append(players.timed("search3 of words, others each time", searched))
    third = n_songs // 3
    for start in (0, third, 2 * third):

        def page(number: int, start: int = start) -> int:
            # Every song is asked for once, as far as there are enough of them; before it is timed, near the end.
            offset = start + number * _PAGE % max(third, 1) if number >= 0 else n_songs + number * _PAGE
            paged: Parameters = {"query": "", "songCount": _PAGE, "albumCount": 0, "artistCount": 0}
            return players.call("search3", paged | {"songOffset": max(offset, 0)})

        figures.append(players.timed(f"search3, 500 songs of a sync from {start:,}", page))
    return figures


# --- Playing ------------------------------------------------------------------------------------


def play(players: Players, home: Path) -> list[Figure]:
    """How soon a stream begins, and whether eight wait for sound while a folder is imported."""
    from catalog.models import Song

    songs = list(Song.objects.filter(codec="flac").order_by("pk").values_list("pk", flat=True))[:_STREAMS]
    kinds: list[tuple[str, Parameters]] = [
        ("as it is", {"format": "raw"}),
        ("as MP3", {"format": "mp3", "maxBitRate": 128}),
        ("as Opus, from its 30th second", {"format": "opus", "maxBitRate": 96, "timeOffset": 30}),
    ]
    figures = []
    alone = Players(players.port, players.key, players.server, 1, 2 * players.rounds)
    for what, more in kinds:

        def begin(number: int, more: Parameters = more) -> int:
            answer = alone.open("stream", {"id": f"so-{songs[number % len(songs)]}", **more})
            size = len(answer.read(1))
            answer.close()
            return size

        figures.append(alone.timed(f"first byte of a song {what}", begin))
    return [*figures, *play_beside_a_scan(players, songs, home)]


def play_beside_a_scan(players: Players, songs: list[int], home: Path) -> list[Figure]:
    """How long songs that play wait for their next piece, read at eight times the speed of sound, alone and beside."""
    new = make_music(home / "new", _IMPORTED, 2.0)
    command = [sys.executable, "manage.py", "import_music", str(new)]
    figures = []
    for what in ("eight songs play: wait for a piece", "the same beside an import"):
        waits: list[float] = []
        stop = threading.Event()
        threads = [
            threading.Thread(target=listen, args=(players, songs[at], at % 2 == 1, waits, stop))
            for at in range(len(songs))
        ]
        cpu = players.cpu_s()
        for thread in threads:
            thread.start()
        if "import" in what:
            begun = time.perf_counter()
            subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took = 1000 * (time.perf_counter() - begun)
            stop.set()
        else:
            took = 0.0
            stop.wait(5)
            stop.set()
        for thread in threads:
            thread.join()
        ms = 1000 * np.array(waits)
        cpu = 1000 * (players.cpu_s() - cpu) / len(ms)
        figures.append(Figure(what, float(np.median(ms)), float(np.quantile(ms, 0.95)), cpu, _PIECE / 1000))
        if took:
            figures.append(Figure("the slowest of these pieces", float(ms.max()), float(ms.max()), 0.0, 0.0))
            figures.append(Figure(f"the import of {_IMPORTED} files", took, took, 0.0, 0.0))
    return figures


def listen(players: Players, song: int, converted: bool, waits: list[float], stop: threading.Event) -> None:
    """Play a song again and again, at eight times its speed; how long each piece was waited for, in seconds."""
    more: Parameters = {"format": "mp3", "maxBitRate": 128} if converted else {"format": "raw"}
    seconds_a_piece = _PIECE / (128_000 / 8) / 8
    while not stop.is_set():
        answer = players.open("stream", {"id": f"so-{song}", **more})
        while not stop.is_set():
            begun = time.perf_counter()
            piece = answer.read(_PIECE)
            waits.append(time.perf_counter() - begun)
            if not piece:
                break
            stop.wait(max(0.0, seconds_a_piece - waits[-1]))
        answer.close()


def make_music(folder: Path, n: int, seconds: float) -> Path:
    """Files with sound in them, each by another name."""
    from tests.audio import tag, write_tone

    for number in range(n):
        path = write_tone(folder / f"{number}.flac", seconds, hz=200.0 + number, rate=44_100)
        tag(path, title=f"{folder.name} {number}", artist=f"Artist {number % 20}", album=folder.name)
    return folder


# --- The library --------------------------------------------------------------------------------


def make_library(user: User, n_songs: int, n_albums: int) -> None:
    """Songs on albums, with genres, stars, plays and favourites, always the same ones."""
    from catalog.models import FavouriteSong, Label, LibraryRoot, PlayCount, Rating, Song, SongLabel, SoundDetails

    rng = np.random.default_rng(2026)
    root = LibraryRoot.objects.create(name="benchmark", path="/nowhere", rescan=False)
    labels = [Label.objects.create(name=f"Genre {number}", kind=Label.Kind.GENRE) for number in range(_GENRES)]
    songs = []
    for number in range(n_songs):
        album = number % n_albums
        song = Song(
            title=f"Song {number}",
            artist=f"Artist {album % 3000}",
            album=f"Album {album}",
            album_artist=f"Artist {album % 3000}",
            track_number=number // n_albums + 1,
            year=1960 + album % 60,
            duration_s=200.0,
            root=root,
            path=f"{album}/{number}.mp3",
            size=8_000_000,
            mtime_ns=1,
            codec="mp3",
            tagging_state=Song.Tagging.DONE,
        )
        song.set_keys()
        songs.append(song)
    made = Song.objects.bulk_create(songs, batch_size=_AT_ONCE)
    SoundDetails.objects.bulk_create(
        (
            SoundDetails(
                song=song,
                size=song.size,
                mtime_ns=1,
                bit_rate=320_000,
                sample_rate=44_100,
                channels=2,
                track_gain=-7.5,
                track_peak=0.98,
                album_gain=-7.1,
                album_peak=1.0,
            )
            for song in made
        ),
        batch_size=_AT_ONCE,
    )
    SongLabel.objects.bulk_create(
        (
            SongLabel(
                song=song, label=labels[(number % n_albums) % _GENRES], source="import", origin="file", weight=1.0
            )
            for number, song in enumerate(made)
        ),
        batch_size=_AT_ONCE,
    )
    some = rng.choice(len(made), min(2000, len(made)), replace=False).tolist()
    Rating.objects.bulk_create(Rating(user=user, song=made[at], stars=1 + at % 5) for at in some[:1000])
    PlayCount.objects.bulk_create(PlayCount(user=user, song=made[at], count=1 + at % 7) for at in some)
    FavouriteSong.objects.bulk_create(FavouriteSong(user=user, song=made[at]) for at in some[:500])


def path_figure(n_songs: int, rounds: int) -> Figure:
    """A path between two songs by chance."""
    from scipy.sparse import csr_array

    from recommender.engine.interface import TrainingData
    from recommender.engine.sound_graph import SoundGraph

    rng = np.random.default_rng(7)
    kinds = rng.normal(size=(200, _DIMENSIONS)).astype(np.float32)
    vectors = kinds[rng.integers(0, 200, n_songs)] + rng.normal(size=(n_songs, _DIMENSIONS)).astype(np.float32)
    nobody = csr_array(np.zeros((0, n_songs), np.int32))
    data = TrainingData(
        csr_array((n_songs, 1), dtype=np.float64),
        nobody,
        embeddings=vectors.astype(np.float32),
        artists=rng.integers(0, max(n_songs // 12, 1), n_songs).astype(np.int32),
    )
    graph = SoundGraph.fit(data)
    graph.path(0, 1, 25)
    pairs = rng.integers(0, n_songs, (rounds, 2)).tolist()

    cpu, ms = time.process_time(), []
    for number in range(rounds):
        started = time.perf_counter()
        graph.path(pairs[number][0], pairs[number][1], 25)
        ms.append(1000 * (time.perf_counter() - started))
    cpu_ms = 1000 * (time.process_time() - cpu) / rounds
    return Figure(f"a path among {n_songs:,} songs", float(np.median(ms)), float(np.quantile(ms, 0.95)), cpu_ms, 0.0)


if __name__ == "__main__":
    main()
