"""Finding by words in a library that is there: what it costs, what taste moves in it, whether negation holds.

    DCMRS_HOME=... python -m benchmarks.words

The library has to have a snapshot, and listeners with plays: HetRec 2011 (see the engine's README) is one.
"""

from __future__ import annotations

import os
import statistics
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")
django.setup()

import numpy as np  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402

from benchmarks.requirements import Requirement, require  # noqa: E402
from recommender.engine.interface import Vector  # noqa: E402
from recommender.services import finding  # noqa: E402
from recommender.snapshots import current  # noqa: E402
from recommender.snapshots.bundle import ModelBundle  # noqa: E402

LISTENERS = 12
FIRST = 10

SAYINGS = [
    *finding.EXAMPLES,
    "clam pinao",
    "indie rock",
    "female singers, mellow",
    "hip hop party",
    "ambient for sleeping",
    "90s grunge",
    "reggae summer",
]
ONE_LABEL = ["metal", "jazz", "reggae", "happy", "ambient", "country", "punk", "classical", "hip hop", "sad"]
NEGATIONS = [
    "rock but not indie",
    "electronic but not dance",
    "pop but no female vocalists",
    "metal, nothing alternative",
    "indie without rock",
]


def main() -> None:
    """Print all of it."""
    library = "catalog_song" in connection.introspection.table_names()
    require(Requirement(library, "There is no library here: the variable DCMRS_HOME names another."))
    most_plays = User.objects.annotate(plays_here=Count("play_counts")).filter(plays_here__gt=0)
    listeners: list[User] = [*most_plays.order_by("-plays_here", "pk")[:LISTENERS]]
    require(Requirement(bool(listeners), "Nobody has played anything here: manage.py import_plays brings plays."))
    bundle = current.bundle()
    if bundle is None:
        raise SystemExit("There is no snapshot here: manage.py recompute makes one.")
    songs, labels = len(bundle.index.song_ids), len(bundle.index.label_ids)
    print(f"{songs:,} songs, {labels:,} labels, {len(listeners)} listeners")
    cost(listeners)
    fit, same = beside_taste(bundle, listeners)
    print(
        f"the label of a word has {fit:.2f} of the largest weight on the first {FIRST} songs, "
        f"{100 * same:.0f} % of which would be there for somebody without taste"
    )
    carrying, listed = negated(bundle, listeners)
    print(f"{carrying} of {listed} songs among the first {FIRST} carry a trace of what was negated")


def cost(listeners: list[User]) -> None:
    """Print what finding costs, from the words to the songs with their reasons."""
    finding.find(listeners[0], SAYINGS[0], n=30)
    milliseconds = []
    for listener in listeners:
        for saying in SAYINGS:
            begun = time.process_time()
            finding.find(listener, saying, n=30)
            milliseconds.append(1000 * (time.process_time() - begun))
    median, late = statistics.median(milliseconds), float(np.quantile(milliseconds, 0.95))
    print(f"from words to songs: {median:.0f} ms of a core, 95th percentile {late:.0f} ms, {len(milliseconds)} times")


def beside_taste(bundle: ModelBundle, listeners: list[User]) -> tuple[float, float]:
    """How much the first songs are of what was asked for, and how many of them no taste has moved."""
    fits, same = [], []
    stranger = User(pk=0)
    for listener in listeners:
        for saying in ONE_LABEL:
            found = finding.find(listener, saying, n=FIRST)
            plain = {one.song.pk for one in finding.find(stranger, saying, n=FIRST).songs}
            asked = _positions(bundle, found.parsed.terms[0].strongest)
            for one in found.songs:
                weights = _weights(bundle, one.song.pk)
                fits.append(weights[asked].max(initial=0) / weights.max())
            same += [one.song.pk in plain for one in found.songs]
    return float(np.mean(fits)), float(np.mean(same))


def negated(bundle: ModelBundle, listeners: list[User]) -> tuple[int, int]:
    """How many of the first songs carry what was negated, and how many songs were listed."""
    carrying = listed = 0
    for listener in listeners:
        for saying in NEGATIONS:
            found = finding.find(listener, saying, n=FIRST)
            refused = _positions(bundle, found.parsed.refused)
            listed += len(found.songs)
            carrying += sum(bool(_weights(bundle, one.song.pk)[refused].any()) for one in found.songs)
    return carrying, listed


def _positions(bundle: ModelBundle, labels: list[str]) -> list[int]:
    names = bundle.index.label_names.tolist()
    return [names.index(label) for label in labels]


def _weights(bundle: ModelBundle, song: int) -> Vector:
    return bundle.content.song(int(bundle.index.songs([song])[0]))


if __name__ == "__main__":
    main()
