"""How well one song fits a listener's profile, and how many listeners a new song can expect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from django.contrib.auth.models import User

from catalog.models import Song, SongLabel

from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from .reasons import REASONS, SongReason, counted, resolve_reasons
from .taste import Taste, taste_of

_LIKE = 2
"""Liked songs that are named."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The fit of a song to a listener's profile.

    Attributes
    ----------
    score : float
        Cosine of song and profile, -1 to 1.
    labels : list
        The labels with the largest contributions.
    unknown : str
        `listener` or `song` if that side has no labels, `snapshot` if the song's are newer than it, else empty.
    like : list of Song
        Of a song without labels: the liked songs that it sounds like, which the score then is of.
    """

    score: float
    labels: list[FitLabel]
    unknown: str = ""
    like: list[Song] = field(default_factory=list)

    @property
    def of_100(self) -> int:
        """The score as a percentage, at least 0."""
        return max(0, round(100 * self.score))


@dataclass(frozen=True, slots=True)
class FitLabel:
    """A label's contribution to a fit, and how many of the listener's songs have the label."""

    label: str
    weight: float
    liked: int
    disliked: int
    nudge: float

    @property
    def against(self) -> bool:
        """Whether the contribution is negative."""
        return self.weight < 0

    @property
    def said(self) -> str:
        """The origin of the contribution, as text."""
        if self.against and self.disliked:
            return f"from {counted(self.disliked, 'song')} you did not like"
        if not self.against and self.liked:
            return f"from {counted(self.liked, 'song')} you liked"
        return "you want less of it" if self.against else "you want more of it"


@dataclass(frozen=True, slots=True)
class ExpectedListeners:
    """Predicted number of listeners of an unplayed song, with an interval of one standard deviation."""

    middle: float
    low: float
    high: float


def expected_listeners(song: Song) -> ExpectedListeners | None:
    """Predict an unplayed song's listeners from its features; None for played songs and without a prediction."""
    bundle = current.bundle()
    if bundle is None or not len(at := bundle.index.songs([song.pk])):
        return None
    popular, position = bundle.popular, int(at[0])
    if popular.plays[position] or not popular.expected[position] or not math.isfinite(popular.deviation):
        return None
    return ExpectedListeners(*popular.expected_between(position))


def fits_you(user: User, song: Song) -> Fit:
    """Compute the fit of a song to a listener's profile."""
    bundle = current.bundle()
    if bundle is None or not len(at := bundle.index.songs([song.pk])):
        return Fit(0.0, [], unknown="snapshot" if labels_to_come(bundle, song) else "song")
    index, content = bundle.index, bundle.content
    taste = taste_of(user)
    if not content.song(int(at[0])).any():
        return _fit_by_sound(bundle, taste, song, int(at[0]))
    direction = content.directions(taste.as_batch(index))[0]
    if not direction.any():
        return Fit(0.0, [], unknown="listener")
    liked = content.songs_with_label(index.songs(taste.liked))
    disliked = content.songs_with_label(index.songs(taste.disliked))
    (every,) = content.label_contributions(direction, at, index.n_asked_for(REASONS))
    parts = index.shown_first(every, REASONS)
    labels = [
        FitLabel(
            label=str(index.label_names[part.label]),
            weight=part.weight,
            liked=int(liked[part.label]),
            disliked=int(disliked[part.label]),
            nudge=taste.nudges.get(int(index.label_ids[part.label]), 0.0),
        )
        for part in parts
    ]
    return Fit(float(content.cosines(direction)[at[0]]), labels)


def labels_to_come(bundle: ModelBundle | None, song: Song) -> bool:
    """Whether a song without labels in the snapshot has some by now that tell it from others; in one query."""
    labels = list(SongLabel.objects.counting().filter(song=song, weight__gt=0).values_list("label_id", flat=True))
    if bundle is None or not labels:
        return bool(labels)
    known = bundle.index.labels(labels)
    return len(known) < len(labels) or bool((bundle.content.idf[known] > 0).any())


def _fit_by_sound(bundle: ModelBundle, taste: Taste, song: Song, at: int) -> Fit:
    """The fit of a song without labels: how near it sounds to what the listener likes."""
    if bundle.sound is None or not bundle.sound.knows(at):
        return Fit(0.0, [], unknown="snapshot" if labels_to_come(bundle, song) else "song")
    ranker, batch = bundle.labels_and_sound, taste.as_batch(bundle.index)
    [reasons] = resolve_reasons(bundle.index, ranker.explain(batch, np.array([at]), _LIKE), {}, ())
    like = [reason.song for reason in reasons if isinstance(reason, SongReason)]
    if not like:
        return Fit(0.0, [], unknown="listener")
    return Fit(ranker.sound_cosine(batch, at), [], like=like)
