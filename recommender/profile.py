"""A listener's profile as the listener sees it: label by label, with the songs behind each, and ways to correct it."""

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

from . import snapshot
from .engine import nudging
from .engine.content import DISLIKE
from .engine.interface import Vector
from .services import counted
from .snapshot import Recommenders
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
        In the profile: what was learned, and the nudge.
    learned : float
        The weights of the liked songs, less a quarter of those of the disliked.
    nudge : float
        What the listener has added by hand.
    liked, disliked : int
        How many of the listener's songs of either sort have the label.
    share : float
        How strong it is beside the strongest of the profile, 0 to 1, whatever the sign.
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

    @classmethod
    def untouched(cls, label: Label) -> ProfileLabel:
        """A label of which nothing was learned and nothing said."""
        return cls(label.pk, label.name, label.kind, weight=0, learned=0, nudge=0, liked=0, disliked=0, share=0)

    @property
    def against(self) -> bool:
        """Whether it speaks against songs."""
        return self.weight < 0

    @property
    def forgotten(self) -> bool:
        """Whether the listener has had it forgotten."""
        return nudging.is_forgotten(self.learned, self.nudge)

    @property
    def of_100(self) -> int:
        """Its strength on a scale that people read."""
        return round(100 * self.share)

    @property
    def grounds(self) -> str:
        """What it comes from, in a few words."""
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
    """The labels of one kind, strongest first; what speaks against songs comes last."""

    kind: str
    labels: list[ProfileLabel]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile.

    Attributes
    ----------
    labels : list
        Every label that was learned or nudged, strongest first.
    liked, disliked : int
        From how many songs it comes.
    """

    labels: list[ProfileLabel]
    liked: int
    disliked: int

    def kinds(self) -> list[KindOfLabels]:
        """The labels by kind, in the order in which kinds are named everywhere."""
        by_kind = [KindOfLabels(kind, [one for one in self.labels if one.kind == kind]) for kind in Label.Kind.values]
        return [kind for kind in by_kind if kind.labels]

    def label(self, pk: int) -> ProfileLabel | None:
        """The label of this primary key, if it is in the profile."""
        return next((one for one in self.labels if one.pk == pk), None)


@dataclass(frozen=True, slots=True)
class SongBehind:
    """A song of the listener's with a label: how much of the label's weight it is, below 0 for one not liked."""

    song: Song
    weight: float


class Change(StrEnum):
    """How a listener corrects one label."""

    MORE = "more"
    LESS = "less"
    FORGET = "forget"
    UNDO = "undo"


def profile_of(user: User) -> Profile:
    """A listener's profile, in two queries; empty before the first snapshot."""
    recommenders = snapshot.current()
    return _profile(recommenders, taste_of(user)) if recommenders else Profile([], 0, 0)


def _profile(recommenders: Recommenders, taste: Taste) -> Profile:
    catalogue, content = recommenders.catalogue, recommenders.content
    learned = _learned(recommenders, taste)
    nudges = np.zeros(len(learned))
    for pk, weight in taste.nudges.items():
        if (at := catalogue.label_positions.get(pk)) is not None:
            nudges[at] = weight
    weights = learned + nudges
    weights[np.abs(weights) < _NOTHING] = 0
    liked = content.songs_with_label(catalogue.songs(taste.liked))
    disliked = content.songs_with_label(catalogue.songs(taste.disliked))
    largest = float(np.abs(weights).max(initial=0.0)) or 1.0
    there = np.flatnonzero((learned != 0) | (nudges != 0))
    labels = [
        ProfileLabel(
            pk=int(catalogue.label_ids[at]),
            name=str(catalogue.label_names[at]),
            kind=str(catalogue.label_kinds[at]),
            weight=float(weights[at]),
            learned=float(learned[at]),
            nudge=float(nudges[at]),
            liked=int(liked[at]),
            disliked=int(disliked[at]),
            share=abs(float(weights[at])) / largest,
        )
        for at in there[np.argsort(-weights[there], kind="stable")].tolist()
    ]
    return Profile(labels, len(taste.liked), len(taste.disliked))


def _learned(recommenders: Recommenders, taste: Taste) -> Vector:
    """The profile without nudges, shape (n_labels,)."""
    tastes = taste.block(recommenders.catalogue)
    unmoved = replace(tastes, nudges=csr_array(tastes.nudges.shape, dtype=np.float64))
    learned: Vector = recommenders.content.profiles(unmoved)[0]
    return learned


def songs_behind(user: User, label: Label, most: int) -> list[SongBehind]:
    """The listener's songs that a label's weight comes from: those that carry most of it first.

    Parameters
    ----------
    most : int
        How many songs at most.
    """
    recommenders = snapshot.current()
    if recommenders is None:
        return []
    catalogue, taste = recommenders.catalogue, taste_of(user)
    at = catalogue.label_positions.get(label.pk)
    if at is None:
        return []
    parts: list[tuple[float, int]] = []
    for songs, factor in ((taste.liked, 1.0), (taste.disliked, -DISLIKE)):
        positions = catalogue.songs(songs)
        weights = recommenders.content.weights[positions].tocsc()
        own = slice(weights.indptr[at], weights.indptr[at + 1])
        for row, weight in zip(weights.indices[own].tolist(), weights.data[own].tolist(), strict=True):
            parts.append((factor * weight, int(catalogue.song_ids[positions[row]])))
    parts.sort(key=lambda part: (-abs(part[0]), part[1]))
    songs_by_pk = Song.objects.in_bulk([pk for _, pk in parts[:most]])
    return [SongBehind(songs_by_pk[pk], weight) for weight, pk in parts[:most] if pk in songs_by_pk]


@transaction.atomic
def change_label(user: User, label: Label, change: Change, back_to: float | None = None) -> float | None:
    """Correct one label of a profile by hand; the nudge as it was before, None where there was none.

    More and less push it by `nudging.step`; forget cancels what was learned until now; undo takes the nudge back.

    Parameters
    ----------
    back_to : float, optional
        With undo: the nudge to go back to.

    Raises
    ------
    ValueError
        If `back_to` is no number that a nudge could be.
    """
    if back_to is not None and not (math.isfinite(back_to) and abs(back_to) <= LARGEST_NUDGE):
        raise ValueError("a nudge is a number, and not so large")
    # One change of a profile at a time: a push goes on from where the last one came to.
    User.objects.select_for_update().get(pk=user.pk)
    before = Nudge.objects.filter(user=user, label=label).values_list("weight", flat=True).first()
    listening.nudge(user, label, _changed(user, label, change, before or 0.0, back_to))
    return before


def _changed(user: User, label: Label, change: Change, nudge: float, back_to: float | None) -> float | None:
    """The nudge after a change; None for none."""
    if change is Change.UNDO:
        return back_to
    recommenders = snapshot.current()
    learned = _learned(recommenders, taste_of(user)) if recommenders else np.zeros(0)
    at = recommenders.catalogue.label_positions.get(label.pk) if recommenders else None
    if change is Change.FORGET:
        return nudging.forgetting(float(learned[at])) if at is not None else None
    by = nudging.step(learned)
    after = nudging.pushed(nudge, by if change is Change.MORE else -by)
    return max(-LARGEST_NUDGE, min(after, LARGEST_NUDGE))
