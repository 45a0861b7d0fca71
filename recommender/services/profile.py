"""A listener's profile for display: label weights, the songs behind them, and corrections."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from scipy.sparse import csr_array

from catalog.models import Label, Nudge, Song
from catalog.services import listening
from catalog.services.listening import LARGEST_NUDGE

from ..engine import nudging
from ..engine.content import DISLIKE
from ..engine.interface import Vector
from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from .reasons import counted
from .taste import Taste, taste_of

_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class ProfileLabel:
    """One label of a profile.

    Attributes
    ----------
    pk, name, kind
        Of the label.
    weight : float
        Profile weight: learned + nudge.
    learned : float
        From liked songs, minus `DISLIKE` x disliked songs.
    nudge : float
        Manual correction.
    liked, disliked : int
        Number of the listener's liked, or disliked, songs with the label.
    share : float
        |weight| relative to the largest of the profile, 0 to 1.
    """

    pk: int
    name: str
    kind: str
    weight: float
    learned: float
    nudge: float
    liked: int
    disliked: int
    share: float
    background: bool = False

    @classmethod
    def untouched(cls, label: Label) -> ProfileLabel:
        """A label outside the profile."""
        return cls(label.pk, label.name, label.kind, weight=0, learned=0, nudge=0, liked=0, disliked=0, share=0)

    @property
    def against(self) -> bool:
        """Whether the weight is negative."""
        return self.weight < 0

    @property
    def forgotten(self) -> bool:
        """Whether a nudge cancels the learned weight."""
        return nudging.is_forgotten(self.learned, self.nudge)

    @property
    def of_100(self) -> int:
        """The share as a percentage."""
        return round(100 * self.share)

    @property
    def grounds(self) -> str:
        """The origin of the weight as text."""
        if self.forgotten:
            return "forgotten"
        grounds = []
        if self.liked:
            grounds.append(counted(self.liked, "song"))
        if self.disliked:
            grounds.append(f"{self.disliked} not liked")
        if self.nudge:
            grounds.append("more by hand" if self.nudge > 0 else "less by hand")
        return ", ".join(grounds) or "nothing any more"


@dataclass(frozen=True, slots=True)
class KindOfLabels:
    """The labels of one kind by weight, largest first; after them those that say little to a listener."""

    kind: str
    labels: list[ProfileLabel]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile.

    Attributes
    ----------
    labels : list
        Labels with a learned weight or a nudge, largest weight first.
    liked, disliked : int
        Number of songs that it was learned from.
    """

    labels: list[ProfileLabel]
    liked: int
    disliked: int

    def kinds(self) -> list[KindOfLabels]:
        """The labels by kind, in the order of `Label.Kind`."""
        ordered = sorted(self.labels, key=lambda one: one.background)
        by_kind = [KindOfLabels(kind, [one for one in ordered if one.kind == kind]) for kind in Label.Kind.values]
        return [kind for kind in by_kind if kind.labels]

    def label(self, pk: int) -> ProfileLabel | None:
        """The label with this primary key, if it is in the profile."""
        return next((one for one in self.labels if one.pk == pk), None)


@dataclass(frozen=True, slots=True)
class SongBehind:
    """A song of the listener and its contribution to a label's weight; negative for disliked songs."""

    song: Song
    weight: float


class Change(StrEnum):
    """A correction of one label."""

    MORE = "more"
    LESS = "less"
    FORGET = "forget"
    UNDO = "undo"


def profile_of(user: User) -> Profile:
    """A listener's profile, in two queries; empty before the first snapshot."""
    bundle = current.bundle()
    return _profile(bundle, taste_of(user)) if bundle else Profile([], 0, 0)


def _profile(bundle: ModelBundle, taste: Taste) -> Profile:
    index, content = bundle.index, bundle.content
    learned = _learned(bundle, taste)
    nudges = np.zeros(len(learned))
    for pk, weight in taste.nudges.items():
        if (at := index.label_positions.get(pk)) is not None:
            nudges[at] = weight
    weights = learned + nudges
    weights[np.abs(weights) < _NOTHING] = 0
    liked = content.songs_with_label(index.songs(taste.liked))
    disliked = content.songs_with_label(index.songs(taste.disliked))
    largest = float(np.abs(weights).max(initial=0.0)) or 1.0
    there = np.flatnonzero((learned != 0) | (nudges != 0))
    labels = [
        ProfileLabel(
            pk=int(index.label_ids[at]),
            name=str(index.label_names[at]),
            kind=str(index.label_kinds[at]),
            weight=float(weights[at]),
            learned=float(learned[at]),
            nudge=float(nudges[at]),
            liked=int(liked[at]),
            disliked=int(disliked[at]),
            share=abs(float(weights[at])) / largest,
            background=bool(index.label_background[at]),
        )
        for at in there[np.argsort(-weights[there], kind="stable")].tolist()
    ]
    return Profile(labels, len(taste.liked), len(taste.disliked))


def _learned(bundle: ModelBundle, taste: Taste) -> Vector:
    """The profile without nudges, shape (n_labels,)."""
    batch = taste.as_batch(bundle.index)
    unmoved = replace(batch, nudges=csr_array(batch.nudges.shape, dtype=np.float64))
    learned: Vector = bundle.content.profiles(unmoved)[0]
    return learned


def songs_behind(user: User, label: Label, most: int) -> list[SongBehind]:
    """The songs that a label's weight was learned from, largest contribution first.

    Parameters
    ----------
    most : int
        Most songs.
    """
    bundle = current.bundle()
    if bundle is None:
        return []
    index, taste = bundle.index, taste_of(user)
    at = index.label_positions.get(label.pk)
    if at is None:
        return []
    parts: list[tuple[float, int]] = []
    for songs, factor in ((taste.liked, 1.0), (taste.disliked, -DISLIKE)):
        positions = index.songs(songs)
        weights = bundle.content.weights[positions].tocsc()
        own = slice(weights.indptr[at], weights.indptr[at + 1])
        for row, weight in zip(weights.indices[own].tolist(), weights.data[own].tolist(), strict=True):
            parts.append((factor * weight, int(index.song_ids[positions[row]])))
    parts.sort(key=lambda part: (-abs(part[0]), part[1]))
    songs_by_pk = Song.objects.in_bulk([pk for _, pk in parts[:most]])
    return [SongBehind(songs_by_pk[pk], weight) for weight, pk in parts[:most] if pk in songs_by_pk]


@transaction.atomic
def change_label(user: User, label: Label, change: Change, back_to: float | None = None) -> float | None:
    """Correct one label of a profile; returns the previous nudge, None if there was none.

    More and less push the nudge by `nudging.step`; forget cancels the learned weight; undo restores a nudge.

    Parameters
    ----------
    back_to : float, optional
        The nudge that undo restores.

    Raises
    ------
    ValueError
        If `back_to` is not finite or too large.
    """
    if back_to is not None and not (math.isfinite(back_to) and abs(back_to) <= LARGEST_NUDGE):
        raise ValueError("a nudge is a number, and not so large")
    # Serialize changes per listener: a push adds to the previous nudge.
    User.objects.select_for_update().get(pk=user.pk)
    before = Nudge.objects.filter(user=user, label=label).values_list("weight", flat=True).first()
    listening.nudge(user, label, _changed(user, label, change, before or 0.0, back_to))
    return before


def _changed(user: User, label: Label, change: Change, nudge: float, back_to: float | None) -> float | None:
    """The nudge after a change; None to delete it."""
    if change is Change.UNDO:
        return back_to
    bundle = current.bundle()
    learned = _learned(bundle, taste_of(user)) if bundle else np.zeros(0)
    at = bundle.index.label_positions.get(label.pk) if bundle else None
    if change is Change.FORGET:
        return nudging.forgetting(float(learned[at])) if at is not None else None
    by = nudging.step(learned)
    after = nudging.pushed(nudge, by if change is Change.MORE else -by)
    return max(-LARGEST_NUDGE, min(after, LARGEST_NUDGE))
