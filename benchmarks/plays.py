"""How fast plays come in: counts of songs that are known, again, and the naive way; listens matched by their names.

    python benchmarks/plays.py [--rows N] [--naive-rows N] [--listens N] [--songs N] [--format table|json]

Makes N rows of listeners, songs and counts, long-tailed and in no order, and imports them into a temporary home whose
songs are known: once where no count is, once where every count is. The naive way, in the same run, asks the database
for each row's listener, song and count, one after the other. Then N misspelled listens are matched with a library of
so many files. On a machine that does other work besides, rows a CPU second say what it would do alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent


class Figures(NamedTuple):
    """What was measured of one way to import."""

    what: str
    rows: int
    seconds: float
    rows_per_second: float
    rows_per_cpu_second: float
    peak_mb: float


def write_triplets(path: Path, n_rows: int, n_songs: int) -> None:
    """Plays of songs as they are: some songs are everybody's."""
    rng = np.random.default_rng(2018)
    listeners = rng.integers(0, max(n_rows // 48, 1), n_rows)
    songs = np.minimum(rng.zipf(1.3, n_rows) - 1, n_songs - 1)
    songs = np.where(rng.random(n_rows) < 0.5, rng.integers(0, n_songs, n_rows), songs)
    counts = rng.geometric(0.35, n_rows)
    with path.open("w") as file:
        for listener, song, count in zip(listeners.tolist(), songs.tolist(), counts.tolist(), strict=True):
            file.write(f"{listener:040x}\tSO{song:016d}\t{count}\n")


def make_songs(n_songs: int) -> None:
    """Songs that are known by an identifier, each with a file."""
    from catalog.models import LibraryRoot, Song, SongIdentifier

    root = LibraryRoot.objects.create(name="made", path="/nowhere")
    songs = [
        Song(
            title=f"Title {i} and Then",
            artist=f"The Ärtist {i % 500}",
            root=root,
            path=f"{i}",
            duration_s=100 + i % 200,
        )
        for i in range(n_songs)
    ]
    for song in songs:
        song.set_keys()
    Song.objects.bulk_create(songs, batch_size=2000)
    SongIdentifier.objects.bulk_create(
        (SongIdentifier(song=song, value=f"SO{i:016d}") for i, song in enumerate(songs)), batch_size=2000
    )


def write_listens(path: Path, n_listens: int, n_songs: int) -> None:
    """Listens to songs under other spellings; a tenth of them to live versions that are not there."""
    rng = np.random.default_rng(2018)
    spellings = ["Title {} And Then", "TITLE {} & THEN (2011 Remaster)", "title {} and then (feat. Somebody)"]
    with path.open("w") as file:
        for at, song in enumerate(rng.integers(0, n_songs, n_listens).tolist(), start=1):
            title = spellings[at % 3].format(song) + (" (Live)" if at % 10 == 0 else "")
            track = {"track_name": title, "artist_name": f"Artist {song % 500}"}
            said = {"listened_at": at, "user_name": f"user {at % 50}", "track_metadata": track}
            file.write(f"{json.dumps(said)}\n")


def naive(path: Path, n_rows: int) -> int:
    """Each row by itself, as the ORM's documentation shows it."""
    from django.contrib.auth.models import User
    from django.db import transaction

    from catalog.models import PlayCount, SongIdentifier

    with path.open() as file, transaction.atomic():
        for _, line in zip(range(n_rows), file, strict=False):
            username, song, count = line.rstrip("\n").split("\t")
            user, _ = User.objects.get_or_create(username=username)
            song_id = SongIdentifier.objects.get(value=song).song_id
            plays, new = PlayCount.objects.get_or_create(
                user=user, song_id=song_id, origin="naive", defaults={"count": int(count)}
            )
            if not new:
                plays.count += int(count)
                plays.save()
    return n_rows


def measured(what: str, work: Callable[[], int]) -> Figures:
    """The time that some rows take, and the most memory that this process has taken so far."""
    begun, cpu = time.perf_counter(), time.process_time()
    rows = work()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Figures(what, rows, seconds, rows / seconds, rows / cpu, peak_mb)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--naive-rows", type=int, default=5_000)
    parser.add_argument("--listens", type=int, default=100_000)
    parser.add_argument("--songs", type=int, default=20_000)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dcmrs-benchmark-") as name:
        folder = Path(name).resolve()
        os.environ["DCMRS_HOME"] = str(folder / "home")
        sys.path.insert(0, str(PROJECT))
        os.environ["DJANGO_SETTINGS_MODULE"] = "dcmrs_site.settings"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from catalog.services.plays import ImportedPlays, import_listens, import_play_counts

        triplets, listens = folder / "triplets.tsv", folder / "listens.jsonl"
        write_triplets(triplets, options.rows, options.songs)
        write_listens(listens, options.listens, options.songs)
        make_songs(options.songs)
        matched: list[ImportedPlays] = []

        def counted() -> int:
            return import_play_counts(triplets, "triplets").lines.rows

        def matched_listens() -> int:
            matched.append(import_listens(listens))
            return matched[-1].lines.rows

        figures = [
            measured("counts of known songs", counted),
            measured("the same again", counted),
            measured("counts, the naive way", lambda: naive(triplets, options.naive_rows)),
            measured("listens matched by name", matched_listens),
        ]
    ratio = figures[0].rows_per_second / figures[2].rows_per_second
    found = matched[0].plays_with_file / matched[0].plays
    if options.format == "json":
        print(
            json.dumps({"figures": [row._asdict() for row in figures], "naive_ratio": ratio, "found": found}, indent=2)
        )
        return
    for row in figures:
        print(
            f"{row.what:<26} {row.rows:>9,} rows {row.seconds:>8.1f} s {row.rows_per_second:>10,.0f} rows/s "
            f"{row.rows_per_cpu_second:>10,.0f} a CPU second {row.peak_mb:>7,.0f} MB at most"
        )
    print(f"{ratio:.0f} times the naive way; {100 * found:.1f} % of the listens are of files (90.0 % should be)")


if __name__ == "__main__":
    main()
