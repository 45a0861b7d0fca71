"""Where songs stand in the rankings of methods, and why not higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from django.db.models import QuerySet

from catalog.models import NotThis, PlayCount, Rating, Song

from ..engine import interface as engine
from ..engine.ranking import top
from .comparison import Comparator
from .reasons import resolve_labels

_SPEAKING = 3
_SMALLEST = 0.0001


class PlacementReason(StrEnum):
    """Why a song is listed or not."""

    LISTED = "listed"
    NEW = "new"
    KNOWN = "known"
    NO_FILE = "no file"
    NOBODY_PLAYED_IT = "nobody played it"
    LISTENER_PLAYED_NOTHING = "listener played nothing"
    SHARES_NO_LISTENER = "shares no listener"
    NO_LABEL = "no label"
    NO_TASTE = "no taste"
    LABELS_AGAINST_IT = "labels against it"
    SHARES_NO_LABEL = "shares no label"
    SHARES_TOO_LITTLE = "shares too little"
    SCORES_TOO_LOW = "scores too low"
    NO_SCORE = "no score"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a song stands in a method's ranking, and why not higher.

    Attributes
    ----------
    method : str
    why : PlacementReason
    text : str
        The reason as a sentence.
    score : float
    rank : int or None
        None if the song is not ranked.
    """

    method: str
    why: PlacementReason
    text: str
    score: float
    rank: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """The placements of one song, one per method."""

    song: Song
    places: list[Placement]


def explain(comparator: Comparator, songs: Sequence[Song], methods: Sequence[str]) -> list[Explained]:
    """The placements of songs in the rankings of methods.

    Raises
    ------
    ValueError
        If a method is not fitted.
    """
    interactions = _interactions(comparator, [song.pk for song in songs])
    return [
        Explained(song, [_place(comparator, song, method, interactions.get(song.pk, "")) for method in methods])
        for song in songs
    ]


def _interactions(comparator: Comparator, songs: list[int]) -> dict[int, str]:
    """What the listener has done with each known song: played, rated, refused or skipped."""
    said = {pk: "skipped" for pk in songs if pk in comparator.taste.known}
    if said:
        for model, interaction in ((PlayCount, "played"), (Rating, "rated"), (NotThis, "refused")):
            found: QuerySet[PlayCount | Rating | NotThis] = model.objects.filter(
                user=comparator.listener, song__in=said
            )
            said |= dict.fromkeys(found.values_list("song_id", flat=True), interaction)
    return said


def _place(comparator: Comparator, song: Song, method: str, interaction: str) -> Placement:
    at = comparator.index.songs([song.pk])
    if not len(at):
        return Placement(
            method,
            PlacementReason.NEW,
            "It came after the last snapshot, and counts from the next one on.",
            0.0,
            None,
        )
    position = int(at[0])
    score = float(comparator.scores(method)[position])
    if interaction:
        return Placement(
            method,
            PlacementReason.KNOWN,
            f"It is known already ({interaction}), and only new songs are recommended.",
            score,
            None,
        )
    if not comparator.candidates[position]:
        said = "There is no file of it here. With songs without a file in the running, it may come up."
        return Placement(method, PlacementReason.NO_FILE, said, score, None)
    if score > 0:
        return _ranked(comparator, method, position, score)
    why, text = _reason_without_score(comparator, method, position)
    return Placement(method, why, text, score, None)


def _ranked(comparator: Comparator, method: str, position: int, score: float) -> Placement:
    scores = comparator.scores(method)
    before = (scores > score) | ((scores == score) & (np.arange(len(scores)) < position))
    rank = 1 + int(np.count_nonzero(before & comparator.candidates))
    if rank <= comparator.n:
        return Placement(method, PlacementReason.LISTED, f"It is there: number {rank}.", score, rank)
    last = top(scores, comparator.n, among=comparator.candidates)[-1]
    said = (
        f"It scores {_score_text(score)} and is number {rank:,}. "
        f"The list ends with number {comparator.n}, which scores {_score_text(float(scores[last]))}."
    )
    return Placement(method, PlacementReason.SCORES_TOO_LOW, said, score, rank)


def _reason_without_score(comparator: Comparator, method: str, position: int) -> tuple[PlacementReason, str]:
    if method == "cooccurrence":
        return _reason_without_cooccurrence(comparator, position)
    if method == "content":
        return _reason_without_content(comparator, position)
    if method == "labels_and_sound":
        return _reason_without_labels_and_sound(comparator, position)
    if method == "popular" and not comparator.bundle.popular.listeners[position]:
        said = "Nobody has played it, and nothing is known of it by which to predict how many people will."
        return PlacementReason.NOBODY_PLAYED_IT, said
    if method == "hybrid":
        return (
            PlacementReason.NO_SCORE,
            "It fits this listener no better than songs do on average, so it is not listed.",
        )
    return PlacementReason.NO_SCORE, "The method gives it no score above 0."


def _reason_without_cooccurrence(comparator: Comparator, position: int) -> tuple[PlacementReason, str]:
    """Why co-occurrence gives a song no score."""
    cooccurrence = comparator.bundle.cooccurrence
    if cooccurrence is None or not cooccurrence.groups[position]:
        return PlacementReason.NOBODY_PLAYED_IT, "Nobody has played it. Co-occurrence cannot see it."
    if not comparator.batch.played.nnz:
        return (
            PlacementReason.LISTENER_PLAYED_NOTHING,
            "The listener has played nothing yet that others could have played too.",
        )
    if cooccurrence.nearest:
        said = (
            f"It is not near enough to any song that the listener plays: of each song the {cooccurrence.nearest} "
            "nearest are kept, and of all other pairs the strongest."
        )
    elif cooccurrence.over_sessions:
        said = "It was never played in one sitting with a song that the listener plays."
    else:
        said = "Nobody who has played it has played a song that the listener plays."
    return PlacementReason.SHARES_NO_LISTENER, said


def _reason_without_content(comparator: Comparator, position: int) -> tuple[PlacementReason, str]:
    """Why content gives a song no score above 0."""
    content = comparator.bundle.content
    if not content.song(position).any():
        return (
            PlacementReason.NO_LABEL,
            "It has no label yet that tells it from others, so nothing is known of how it sounds.",
        )
    direction = content.directions(comparator.batch)[0]
    if not direction.any():
        return PlacementReason.NO_TASTE, "Nothing is known of the listener's taste yet: no stars, no plays."
    parts = content.label_contributions(direction, np.array([position]), _SPEAKING)[0]
    if against := [part for part in parts if part.weight < 0]:
        return PlacementReason.LABELS_AGAINST_IT, f"Its labels speak against it: {_names(comparator, against)}."
    return PlacementReason.SHARES_NO_LABEL, "It shares no label with the songs that the listener likes."


def _reason_without_labels_and_sound(comparator: Comparator, position: int) -> tuple[PlacementReason, str]:
    """Why neither labels nor sound give a song a score above 0."""
    if not comparator.bundle.labels_and_sound.describes(position):
        return (
            PlacementReason.NO_LABEL,
            "It has no label yet that tells it from others, and nobody knows how it sounds.",
        )
    if comparator.taste.empty:
        return PlacementReason.NO_TASTE, "Nothing is known of the listener's taste yet: no stars, no plays."
    why, text = _reason_without_content(comparator, position)
    if why is PlacementReason.LABELS_AGAINST_IT:
        return why, text
    content = comparator.bundle.content
    if content.cosines(content.directions(comparator.batch)[0])[position] > 0:
        said = "It shares labels with what the listener likes, but too little for its labels and its sound together."
        return PlacementReason.SHARES_TOO_LITTLE, said
    return PlacementReason.SHARES_NO_LABEL, "Neither its labels nor its sound are like what the listener likes."


def _names(comparator: Comparator, parts: Sequence[engine.LabelContribution]) -> str:
    return ", ".join(reason.label for reason in resolve_labels(comparator.index, parts))


def _score_text(score: float) -> str:
    """A positive score as text."""
    return f"{score:.4f}" if score >= _SMALLEST else f"less than {_SMALLEST}"
