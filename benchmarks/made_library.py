"""A library of any size without audio files: songs, labels, embeddings, listeners; all drawn by chance, the same ones.

    DCMRS_HOME=... python -m benchmarks.made_library library [--songs N] [--listeners N]
    DCMRS_HOME=... python -m benchmarks.made_library snapshot [--without PART ...]

Labels, artists and plays have long tails, as real ones do; every song sounds like its artist and its first label, as
far as made vectors can. What there is most of is written row by row as it is drawn, so that a million songs take no
more memory than a thousand. The second command builds a snapshot of what is there, part by part in this process, and
prints what each took as JSON. Other benchmarks run both.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalog.home import PROJECT_ROOT

PASSWORD = "correct horse battery"  # noqa: S105 (of listeners that live for a minute)
LOGGED_IN = 16

N_LABELS = 106
_MOST_LABELS = 10
_HEARD = 80
_KINDS = ("genre", "mood", "instrument", "era")
_SONGS_AN_ALBUM = 11
_WIDTH = 256
"""Numbers of an embedding: as many as the bundled tagger's has."""

_AT_ONCE = 5000
_SEED = 2018


def make_library(n_songs: int, n_listeners: int) -> None:
    """Songs with labels and embeddings, listeners with ratings and plays, into the empty database of `DCMRS_HOME`."""
    from django.db import transaction

    rng = np.random.default_rng(_SEED)
    labels = _make_labels()
    with transaction.atomic():
        artists = _make_songs(rng, n_songs)
    from catalog.models import Song

    ids = np.fromiter(Song.objects.order_by("pk").values_list("pk", flat=True).iterator(_AT_ONCE), np.int64, n_songs)
    with transaction.atomic():
        _make_annotations(rng, ids, labels, artists)
    with transaction.atomic():
        _make_listeners(rng, ids, n_listeners)


class Built(NamedTuple):
    """What a snapshot took.

    Attributes
    ----------
    seconds : dict of str to float
        By the clock: of reading and storing the training data, and of each part.
    cpu, peak_mb : float
        Seconds of a core, and the most memory that the process had.
    disk_mb : float
        Of the snapshot.
    """

    seconds: dict[str, float]
    cpu: float
    peak_mb: float
    disk_mb: float


def make_snapshot(without: Collection[str] = ()) -> Built:
    """Build a snapshot in this process; `without`: names of parts that are left out."""
    from django.conf import settings

    from recommender.engine.interface import no_progress
    from recommender.engine.methods import PARTS
    from recommender.models import Snapshot
    from recommender.snapshots import changes, parts, training_data

    begun = time.perf_counter()
    with changes.reading() as seen:
        index, data = training_data.read(no_progress)
        build = parts.lay_out(index, data, seen, [name for name in PARTS if name not in without])
    del data
    seconds = {"reading": time.perf_counter() - begun}
    while parts.fit_next_part(build, lambda step: print(f"\r{step:<30}", end="", file=sys.stderr)):
        pass
    methods = Snapshot.objects.get(folder=build.folder).methods
    seconds |= {name: about["seconds"] for name, about in methods.items()}
    used = resource.getrusage(resource.RUSAGE_SELF)
    folder = settings.DCMRS_HOME / "snapshots" / build.folder
    disk = sum(file.stat().st_size for file in folder.iterdir())
    return Built(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, disk / 1e6)


def in_process(*arguments: str) -> str:
    """Run a command of this module in a process of its own; what it printed.

    Raises
    ------
    SystemExit
        If it fails.
    """
    command = [sys.executable, "-m", "benchmarks.made_library", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return done.stdout


def _make_labels() -> NDArray[np.int64]:
    """The labels; their primary keys."""
    from catalog.models import Label

    names = [(f"{_KINDS[i % 4]} {i // 4}", _KINDS[i % 4]) for i in range(N_LABELS)]
    made = Label.objects.bulk_create(Label(name=name, key=name, kind=kind) for name, kind in names)
    return np.array([label.pk for label in made])


def _make_songs(rng: np.random.Generator, n_songs: int) -> NDArray[np.int64]:
    """The songs; the number of the artist of each."""
    from catalog.models import LibraryRoot, Song

    root = LibraryRoot.objects.create(name="benchmark", path="/nowhere", rescan=False)
    artists = long_tail(rng, n_songs, max(n_songs // 8, 1))
    n_albums = max(n_songs // _SONGS_AN_ALBUM, 1)

    def song(i: int, artist: int) -> Song:
        made = Song(
            title=f"Song {i}",
            artist=f"Artist {artist}",
            album=f"Album {i % n_albums}",
            root=root,
            path=f"{i}.mp3",
            duration_s=200.0,
            tagging_state=Song.Tagging.DONE,
        )
        made.set_keys()
        return made

    for begin in range(0, n_songs, _AT_ONCE):
        some = artists[begin : begin + _AT_ONCE].tolist()
        Song.objects.bulk_create(song(i, artist) for i, artist in enumerate(some, start=begin))
    return artists


def _make_annotations(
    rng: np.random.Generator, ids: NDArray[np.int64], labels: NDArray[np.int64], artists: NDArray[np.int64]
) -> None:
    """Up to ten labels of each song, and its embedding."""
    from catalog.models import SongEmbedding, SongLabel

    of_labels = rng.standard_normal((len(labels), _WIDTH), dtype=np.float32)
    of_artists = rng.standard_normal((997, _WIDTH), dtype=np.float32)
    for begin in range(0, len(ids), _AT_ONCE):
        some = ids[begin : begin + _AT_ONCE]
        drawn = np.sort(long_tail(rng, (len(some), _MOST_LABELS), len(labels)), axis=1)
        first = np.ones_like(drawn, dtype=bool)
        first[:, 1:] = drawn[:, 1:] != drawn[:, :-1]
        row, column = np.nonzero(first)
        of_song, weights = labels[drawn[row, column]], rng.uniform(0.1, 0.9, len(row))
        _insert(
            SongLabel,
            ("song_id", "label_id", "source", "origin", "weight"),
            (
                (song, label, "cnn", "benchmark", weight)
                for song, label, weight in zip(some[row].tolist(), of_song.tolist(), weights.tolist(), strict=True)
            ),
        )
        noise = rng.standard_normal((len(some), _WIDTH), dtype=np.float32)
        heard = of_labels[drawn[:, -1]] + of_artists[artists[begin : begin + _AT_ONCE] % len(of_artists)] + noise
        rows = (
            (song, "benchmark", vector.tobytes())
            for song, vector in zip(some.tolist(), heard.astype("<f2"), strict=True)
        )
        _insert(SongEmbedding, ("song_id", "model", "vector"), rows)


def _make_listeners(rng: np.random.Generator, ids: NDArray[np.int64], n_listeners: int) -> None:
    """Listeners with plays and ratings; the first few can log in."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from catalog.models import PlayCount, Rating

    users = User.objects.bulk_create(User(username=f"listener-{i}") for i in range(n_listeners))
    for user in users[:LOGGED_IN]:
        user.set_password(PASSWORD)
        user.save()
    # The songs that few play are as many as in a real library: a third has no listener at all.
    order, now = rng.permutation(len(ids)), timezone.now()
    for user in users:
        heard = ids[order[np.unique(long_tail(rng, _HEARD, len(ids)))]].tolist()
        counts = rng.geometric(0.3, len(heard)).tolist()
        stars = rng.integers(1, 6, len(heard)).tolist()
        PlayCount.objects.bulk_create(
            PlayCount(user=user, song_id=song, count=count, last_played=now)
            for song, count in zip(heard, counts, strict=True)
        )
        Rating.objects.bulk_create(
            Rating(user=user, song_id=song, stars=given) for song, given in list(zip(heard, stars, strict=True))[::2]
        )


def long_tail(rng: np.random.Generator, size: int | tuple[int, ...], n: int) -> NDArray[np.int64]:
    """Numbers below n, the small ones far more often than the large."""
    return (n ** rng.random(size)).astype(np.int64) - 1


def _insert(model: Any, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows as they come, a hundred times as many a second as objects of models."""
    from django.db import connection

    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    table = connection.ops.quote_name(model._meta.db_table)
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({places})", list(rows))  # noqa: S608


def main() -> None:
    """Make a library, or a snapshot of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["library", "snapshot"])
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--without", nargs="*", default=[], metavar="PART", help="parts that are not built")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")
    import django
    from django.core.management import call_command

    django.setup()
    if options.what == "snapshot":
        print(json.dumps(make_snapshot(options.without)._asdict()))
        return
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    make_library(options.songs, options.listeners)


if __name__ == "__main__":
    main()
