"""Finding by words in a library that is there: what it costs, what words count beside taste, whether negation holds.

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
from django.db.models import Count  # noqa: E402

from recommender import finding, snapshot  # noqa: E402
from recommender.engine import words  # noqa: E402
from recommender.engine.interface import Vector  # noqa: E402
from recommender.snapshot import Recommenders  # noqa: E402

LISTENERS = 12
FIRST = 10
SHARES = (0.5, 0.65, 0.8, 0.9)

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
    recommenders = snapshot.current()
    if recommenders is None:
        raise SystemExit("There is no snapshot here: manage.py recompute makes one.")
    most_plays = User.objects.annotate(plays_here=Count("play_counts")).order_by("-plays_here", "pk")
    listeners: list[User] = [*most_plays[:LISTENERS]]
    songs, labels = len(recommenders.catalogue.song_ids), len(recommenders.catalogue.label_ids)
    print(f"{songs:,} songs, {labels:,} labels, {len(listeners)} listeners")
    cost(listeners)
    for share in SHARES:
        words.SHARE = share
        fit, same = beside_taste(recommenders, listeners)
        print(
            f"words count {share:g}: their label has {fit:.2f} of the largest weight on the first {FIRST} songs, "
            f"{100 * same:.0f} % of which would be there whatever the taste"
        )
    words.SHARE = SHARES[1]
    carrying, listed = negated(recommenders, listeners)
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


def beside_taste(recommenders: Recommenders, listeners: list[User]) -> tuple[float, float]:
    """How much the first songs are of what was asked for, and how many of them no taste has moved."""
    fits, same = [], []
    share = words.SHARE
    for listener in listeners:
        for saying in ONE_LABEL:
            found = finding.find(listener, saying, n=FIRST)
            words.SHARE = 1.0
            plain = {one.song.pk for one in finding.find(listener, saying, n=FIRST).songs}
            words.SHARE = share
            asked = _positions(recommenders, found.understood.pieces[0].strongest)
            for one in found.songs:
                weights = _weights(recommenders, one.song.pk)
                fits.append(weights[asked].max(initial=0) / weights.max())
            same += [one.song.pk in plain for one in found.songs]
    return float(np.mean(fits)), float(np.mean(same))


def negated(recommenders: Recommenders, listeners: list[User]) -> tuple[int, int]:
    """How many of the first songs carry what was negated, and how many songs were listed."""
    carrying = listed = 0
    for listener in listeners:
        for saying in NEGATIONS:
            found = finding.find(listener, saying, n=FIRST)
            refused = _positions(recommenders, found.understood.refused)
            listed += len(found.songs)
            carrying += sum(bool(_weights(recommenders, one.song.pk)[refused].any()) for one in found.songs)
    return carrying, listed


def _positions(recommenders: Recommenders, labels: list[str]) -> list[int]:
    names = recommenders.catalogue.label_names.tolist()
    return [names.index(label) for label in labels]


def _weights(recommenders: Recommenders, song: int) -> Vector:
    return recommenders.content.song(int(recommenders.catalogue.songs([song])[0]))


if __name__ == "__main__":
    main()
