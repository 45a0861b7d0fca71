"""Songs on their way into the recommendations: what a tagger has heard lately, and what it is still to hear."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db.models import Q
from django.utils import timezone

from catalog.models import Song
from catalog.services.rows import label_strengths

from ...snapshots import current
from ...snapshots.bundle import ModelBundle
from .cold_start import cold_start_defaults
from .rows import ROW, Card

_WAITING = (Song.Tagging.PENDING, Song.Tagging.RUNNING)
_LATELY = timedelta(hours=1)
"""A song that was heard within it may have labels that the snapshot does not know."""

_LABELS = 3
_LOOKED_AT = 30
"""Latest songs among which those are looked for that no row can show yet."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What is new in the library and not yet, or not wholly, in the recommendations.

    Attributes
    ----------
    heard, waiting : int
        Number of playable songs that a tagger has heard, and that it is still to hear.
    cards : list of Card
        Songs whose labels the snapshot does not know: those heard last, then those that wait, newest first.
    snapshot : str
        A fingerprint of the snapshot that the page's rows are of.
    """

    heard: int
    waiting: int
    cards: list[Card]
    snapshot: str

    @property
    def total(self) -> int:
        """Number of songs, those that wait among them."""
        return self.heard + self.waiting

    @property
    def shows_heard(self) -> bool:
        """Whether a tagger has heard one of the cards' songs."""
        return any(card.song.tagging_state not in _WAITING for card in self.cards)

    @property
    def going_on(self) -> bool:
        """Whether more is to come: songs wait, are not in the snapshot, or there are none at all."""
        return bool(self.waiting or self.cards or not self.snapshot)

    @property
    def seen(self) -> str:
        """A fingerprint of all that the page shows of this."""
        return f"{self.snapshot}.{self.heard}.{self.waiting}"


def arrivals(bundle: ModelBundle | None) -> Arrivals:
    """What arrives, in one query where nothing does, else in up to six.

    Parameters
    ----------
    bundle : ModelBundle or None
        The current snapshot; None before the first.
    """
    newest = int(bundle.index.song_ids[-1]) if bundle is not None and len(bundle.index.song_ids) else 0
    playable = Song.objects.playable()
    lately = Q(tagging_state=Song.Tagging.DONE, tagging_changed_at__gte=timezone.now() - _LATELY)
    missed = Q(pk__gt=newest) | Q(tagging_state__in=_WAITING) | lately
    unread = playable.filter(missed)
    snapshot = _fingerprint(bundle)
    # Without an order two indexes answer that; newest first, every song would be looked at where none arrives.
    if not unread.exists():
        return Arrivals(0, 0, [], snapshot)
    waiting = playable.filter(tagging_state__in=_WAITING).count()
    heard_songs = playable.filter(tagging_state=Song.Tagging.DONE)
    heard = heard_songs.count()
    songs = {song.pk: song for song in heard_songs.order_by("-tagging_changed_at", "-pk")[:_LOOKED_AT]}
    songs |= {song.pk: song for song in unread.order_by("-pk")[:_LOOKED_AT] if song.pk not in songs}
    known = _in_snapshot(bundle, songs.values())
    missing = [song for song in songs.values() if song.pk not in known]
    strengths = label_strengths((song.pk for song in missing), clear=True)
    # A song in which nothing was heard has nothing that the snapshot could learn of it.
    shown = [one for one in missing if strengths[one.pk] or one.pk > newest or one.tagging_state in _WAITING][:ROW]
    return Arrivals(heard, waiting, [Card(song, _why(song, strengths[song.pk])) for song in shown], snapshot)


def _in_snapshot(bundle: ModelBundle | None, songs: Collection[Song]) -> set[int]:
    """Those of the songs whose labels the snapshot has read, by primary key.

    In a small library every song may have the same labels, so that none tells a song from another: those have no weight
    in the snapshot, and are told by when it was built.
    """
    row = current.current_row()
    if bundle is None or row is None:
        return set()
    at = bundle.index.songs([song.pk for song in songs])
    labelled = np.diff(bundle.content.weights.indptr)[at] > 0
    begun = row.created_at - timedelta(seconds=row.seconds)
    indexed = set(bundle.index.song_ids[at].tolist())
    read = {song.pk for song in songs if song.tagging_changed_at and song.tagging_changed_at < begun}
    return set(bundle.index.song_ids[at[labelled]].tolist()) | indexed & read


def _fingerprint(bundle: ModelBundle | None) -> str:
    if bundle is None:
        return ""
    defaults = cold_start_defaults(bundle, include_unplayable=False)
    return f"{len(bundle.index.song_ids)}.{defaults.labelled_songs}"


def _why(song: Song, strengths: dict[str, float]) -> str:
    """The song's strongest labels as text, or that it has not been heard."""
    if song.tagging_state in _WAITING and not strengths:
        return "not heard yet"
    return ", ".join(sorted(strengths, key=lambda name: (-strengths[name], name))[:_LABELS]).lower()
