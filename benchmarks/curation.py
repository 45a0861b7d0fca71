"""How long a key press at the curation page takes in a large library, and many labels at once.

    python -m benchmarks.curation [--songs N] [--labels N] [--format table|json]

Makes a library without audio files in a temporary home (SQLite), with words of the bundled tagger drawn by chance,
doubts of listeners and imported labels, and asks the page as a browser does, without a network between. CPU seconds
tell what a machine without other work would take.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.temporary_home import temporary_home

DESK = "/admin/catalog/curationitem/"
_KEYS = 60
_AT_ONCE = 5000


class Figure(NamedTuple):
    """What something took, in milliseconds of the clock and of the processor."""

    what: str
    wall_ms: float
    cpu_ms: float
    queries: int


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curation", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=10, help="of each song")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    with temporary_home():
        figures = measure(arguments.songs, arguments.labels)
    if arguments.format == "json":
        print(json.dumps([figure._asdict() for figure in figures]))
        return
    print(f"{arguments.songs:,} songs with {arguments.labels} labels each\n")
    print(f"{'':44} {'ms':>9} {'CPU ms':>9} {'queries':>8}")
    for figure in figures:
        print(f"{figure.what:44} {figure.wall_ms:9.1f} {figure.cpu_ms:9.1f} {figure.queries:8}")


def measure(n_songs: int, n_labels: int) -> list[Figure]:
    """All figures of one library."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from catalog.models import Label
    from catalog.services.curation import bulk, queue
    from catalog.services.curation.undo import latest_of, undo
    from catalog.services.labels import merge_labels

    call_command("migrate", verbosity=0)
    make_library(n_songs, n_labels)
    boss = User.objects.create_superuser("boss", password="correct horse battery")  # noqa: S106
    client = Client(headers={"HX-Request": "true"})
    client.force_login(boss)
    figures = [timed("the queue is filled", queue.fill)]
    keys = []
    for number in range(_KEYS):
        item = queue.next_item(boss)
        if item is None:
            break
        verdict = "keep" if number % 2 else "refuse"
        data = {"item": item.pk, "song": item.song_id, "label": item.label_id, "verdict": verdict}
        keys.append(timed("a key press, the next question with it", partial(client.post, f"{DESK}decide/", data)))
    figures.append(_median(keys))
    figures.append(_median([timed("an undo by key", lambda: client.post(f"{DESK}undo/")) for _ in range(20)]))
    figures.append(timed("how many wait, for the dashboard", queue.waiting))

    def undo_the_last() -> None:
        if (action := latest_of(boss)) is None:
            sys.exit("There is nothing to undo.")
        undo(action, boss)

    label, into = Label.objects.order_by("pk")[:2]
    figures.append(timed("what accepting many would do", lambda: bulk.unconfirmed(label, 0.5)))
    figures.append(timed(f"{bulk.MOST:,} accepted", lambda: bulk.accept(label, 0.5, boss)))
    figures.append(timed("that undone", undo_the_last))
    n = label.song_labels.count()
    figures.append(timed(f"labels merged, {n:,} words", lambda: merge_labels([label], into, boss)))
    figures.append(timed("that undone again", undo_the_last))
    return figures


def make_library(n_songs: int, n_labels: int) -> None:
    """Songs with words of the bundled tagger, imported labels and doubts, always the same ones."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from catalog.models import LabelDoubt, LibraryRoot, Song, SongLabel
    from catalog.services.labels import labels_by_name
    from tagging.taggers import registry

    rng = np.random.default_rng(2026)
    tagger = registry.describe("dcmrs")
    labels = labels_by_name({label.name: label.kind for label in tagger.labels})
    points = np.array([label.operating_point for label in tagger.labels])
    pks = [labels[label.name].pk for label in tagger.labels]
    root = LibraryRoot.objects.create(name="benchmark", path="/nowhere", rescan=False)
    songs = []
    for number in range(n_songs):
        song = Song(title=f"Song {number}", artist=f"Artist {number % 9000}", root=root, path=f"{number}.mp3")
        song.set_keys()
        song.duration_s, song.tagging_state, song.tagging_changed_at = 200.0, Song.Tagging.DONE, timezone.now()
        songs.append(song)
    made = Song.objects.bulk_create(songs, batch_size=_AT_ONCE)
    words: list[SongLabel] = []
    for song in made:
        chosen = rng.choice(len(pks), n_labels, replace=False)
        for label, part in zip(chosen, rng.beta(1, 2, n_labels), strict=True):
            weight = float(points[label] + part * (1 - points[label]))
            words.append(SongLabel(song=song, label_id=pks[label], source="cnn", origin=tagger.name, weight=weight))
        if rng.random() < 0.1:
            other = int(rng.integers(len(pks)))
            words.append(SongLabel(song=song, label_id=pks[other], source="import", origin="file", weight=1.0))
        if len(words) >= 10 * _AT_ONCE:
            SongLabel.objects.bulk_create(words, batch_size=_AT_ONCE)
            words.clear()
    SongLabel.objects.bulk_create(words, batch_size=_AT_ONCE)
    listeners = User.objects.bulk_create(User(username=f"listener {number}") for number in range(200))
    doubted = SongLabel.objects.filter(source="cnn").order_by("pk")[:: max(n_songs * n_labels // 500, 1)]
    LabelDoubt.objects.bulk_create(
        LabelDoubt(user=listeners[number % 200], song_id=word.song_id, label_id=word.label_id)
        for number, word in enumerate(doubted)
    )


def timed(what: str, work: Callable[[], object]) -> Figure:
    """How long something takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    wall, cpu = time.perf_counter(), time.process_time()
    with CaptureQueriesContext(connection) as queries:
        work()
    return Figure(what, 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu), len(queries))


def _median(figures: list[Figure]) -> Figure:
    return Figure(
        f"{figures[0].what} (median of {len(figures)})",
        statistics.median(figure.wall_ms for figure in figures),
        statistics.median(figure.cpu_ms for figure in figures),
        max(figure.queries for figure in figures),
    )


if __name__ == "__main__":
    main()
