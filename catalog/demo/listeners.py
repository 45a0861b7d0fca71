"""People who do not exist, and what they would have listened to: each with a taste for some kinds of music."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from .programme import Track

_SEED = 2018
_UNPLAYED = 5
_DAYS = 150
_NAMES = (
    "ada",
    "bruno",
    "chiara",
    "dariusz",
    "elif",
    "fadi",
    "greta",
    "hiro",
    "ines",
    "jonas",
    "kamala",
    "leon",
    "maren",
    "nils",
    "oluwa",
    "petra",
    "quentin",
    "rosa",
    "sami",
    "tove",
    "ulla",
    "viktor",
    "wanda",
    "yusuf",
)

# Kinds of music that one person is likely to like together.
_CIRCLES: tuple[tuple[str, ...], ...] = (
    ("ambient", "drone", "minimal", "choral", "nocturne"),
    ("piano ballad", "nocturne", "lullaby", "folk", "ambient"),
    ("baroque", "waltz", "choral", "film", "piano ballad"),
    ("metal", "punk", "rock", "film"),
    ("house", "techno", "trance", "drum and bass"),
    ("hip hop", "lo fi", "trap", "funk"),
    ("chiptune", "synthwave", "trance", "punk"),
    ("jazz", "bossa", "blues", "lo fi", "funk"),
    ("folk", "bluegrass", "jig", "desert", "waltz"),
    ("reggae", "island", "bossa", "hip hop", "desert"),
)


@dataclass(frozen=True)
class SimulatedPlay:
    """One event of listening; `moment` counts from the first midnight of the simulated time."""

    track: int
    moment: timedelta
    skipped: bool


@dataclass(frozen=True)
class SimulatedRating:
    """Stars for a track; `moment` as of `SimulatedPlay`."""

    track: int
    stars: int
    moment: timedelta


@dataclass(frozen=True)
class SimulatedListener:
    """A simulated listener, and all that they did, in order; tracks are counted from 0."""

    name: str
    plays: tuple[SimulatedPlay, ...]
    ratings: tuple[SimulatedRating, ...]


SIMULATED_TIME = timedelta(days=_DAYS)
"""From the first midnight to a moment after the last play."""


def simulate(tracks: Sequence[Track]) -> list[SimulatedListener]:
    """Listeners of these tracks, always the same for the same tracks.

    Everybody likes one circle of styles, most people a second one a little less, and nearly all dislike one; what
    that leaves open is chance. A few tracks are played by nobody.
    """
    rng = np.random.default_rng(_SEED)
    unplayed = rng.choice(len(tracks), min(_UNPLAYED, len(tracks) // 4), replace=False)
    return [_listener(rng, f"simulated-{name}", index, tracks, unplayed) for index, name in enumerate(_NAMES)]


def _listener(
    rng: np.random.Generator, name: str, index: int, tracks: Sequence[Track], unplayed: NDArray[np.int64]
) -> SimulatedListener:
    liking = _liking(rng, index, tracks)
    chances = np.exp(2.0 * liking)
    chances[unplayed] = 0.0
    chances /= chances.sum()
    plays: list[SimulatedPlay] = []
    for day in sorted(rng.permutation(_DAYS)[: rng.integers(10, 32)].tolist()):
        # Mostly in the evening, sometimes at lunch.
        hour = rng.normal(20.5, 1.3) if rng.random() < 0.75 else rng.normal(12.5, 0.7)
        moment = timedelta(days=day, hours=float(np.clip(hour, 7.0, 23.0)))
        length = min(int(rng.integers(2, 7)), int(np.count_nonzero(chances)))
        for track in rng.choice(len(tracks), length, replace=False, p=chances).tolist():
            skipped = bool(rng.random() < 0.5 / (1.0 + np.exp(1.6 * liking[track])))
            plays.append(SimulatedPlay(track, moment, skipped))
            moment += timedelta(seconds=int(rng.integers(4, 14) if skipped else rng.integers(31, 55)))
    return SimulatedListener(name, tuple(plays), tuple(_ratings(rng, liking, plays)))


def _liking(rng: np.random.Generator, index: int, tracks: Sequence[Track]) -> NDArray[np.float64]:
    """How much a listener likes each track; 0 is indifference."""
    others = [circle for number, circle in enumerate(_CIRCLES) if number != index % len(_CIRCLES)]
    second, disliked = (others[place] for place in rng.choice(len(others), 2, replace=False))
    liking = rng.normal(-0.3, 0.55, len(tracks))
    for place, track in enumerate(tracks):
        if track.style in _CIRCLES[index % len(_CIRCLES)]:
            liking[place] += 2.0
        elif track.style in second:
            liking[place] += 1.1
        elif track.style in disliked:
            liking[place] -= 1.2
    return liking


def _ratings(
    rng: np.random.Generator, liking: NDArray[np.float64], plays: Sequence[SimulatedPlay]
) -> list[SimulatedRating]:
    """Stars for some of what was played, given when it was played last; one star is the strongest dislike."""
    last = {play.track: play.moment for play in plays}
    ratings = []
    for track, moment in sorted(last.items()):
        stars = int(np.clip(round(3.1 + 0.95 * liking[track] + rng.normal(0.0, 0.5)), 1, 5))
        if rng.random() < (0.85 if stars in (1, 2, 5) else 0.5):
            ratings.append(SimulatedRating(track, stars, moment + timedelta(seconds=40)))
    return sorted(ratings, key=lambda rating: rating.moment)
