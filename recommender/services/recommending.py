"""The raw ranking of a method for a listener, as songs with reasons: joins engine, snapshot and database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db.models import prefetch_related_objects

from catalog.models import Song

from ..engine import interface as engine
from ..engine.methods import METHODS
from ..engine.ranking import top
from ..snapshots import current
from ..snapshots.bundle import ModelBundle
from .label_queries import query_of
from .reasons import REASONS, LabelReason, Reason, SongReason, balanced, by_others, in_words, resolve_reasons
from .taste import taste_of

ASKABLE = ["content", "labels_and_sound", "hybrid"]
"""The methods that take a query of labels."""

_ASKABLE = f"{', '.join(ASKABLE[:-1])} or {ASKABLE[-1]}"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended song with rank, score and reasons."""

    rank: int
    song: Song
    score: float
    reasons: list[Reason]

    @property
    def words(self) -> str:
        """The strongest labels in favour of the song, as text; query labels first."""
        return in_words(self.reasons)

    def as_json(self) -> dict[str, Any]:
        """The JSON of `recommend --format json`; songs by external id, else primary key."""
        return {
            "rank": self.rank,
            "song": _name_elsewhere(self.song),
            "title": self.song.title,
            "artist": self.song.artist,
            "score": self.score,
            "reasons": [
                {"label": reason.label, "weight": reason.weight}
                if isinstance(reason, LabelReason)
                else {"song": _name_elsewhere(reason.song), "title": reason.song.title, "weight": reason.weight}
                for reason in self.reasons
            ],
        }


def _name_elsewhere(song: Song) -> str | int:
    return song.external_id or song.pk


def fetch_names_elsewhere(found: Iterable[Recommendation]) -> None:
    """Prefetch external ids; kept out of `recommend`, because pages do not need the extra query."""
    songs = [song for one in found for song in (one.song, *_songs_of(one.reasons))]
    prefetch_related_objects(songs, "identifiers")


def _songs_of(reasons: Iterable[Reason]) -> list[Song]:
    return [reason.song for reason in reasons if isinstance(reason, SongReason)]


def methods() -> list[str]:
    """The methods fitted in the current snapshot."""
    bundle = current.bundle()
    return list(bundle.methods) if bundle else []


def recommend(
    user: User,
    method: str | None = None,
    *,
    query: Mapping[str, float] | None = None,
    query_share: float = engine.QUERY_SHARE,
    n: int = 20,
    playable_only: bool = False,
    every_song: bool = False,
) -> list[Recommendation]:
    """The raw ranking: a method's highest-scoring songs for a listener, without the songs they know.

    Parameters
    ----------
    method : str, optional
        One of `methods()`; default: `ModelBundle.best`.
    query : mapping of label name to weight, optional
        Labels asked for now, by any spelling or alias.
    query_share : float
        Weight of the query beside the profile, 0 to 1; 1 for an empty profile.
    n : int
        Most songs.
    playable_only : bool
        Only songs with a file here.
    every_song : bool
        Also what is no music (`ModelBundle.may_be_recommended`): the method as it is.

    Raises
    ------
    UnknownLabelError
        If the query names an unknown label.
    ValueError
        If the method is not fitted or takes no query, or a weight is not finite.
    """
    asked = query_of(query) if query else None
    bundle = current.bundle()
    if bundle is None:
        return []
    name = method or bundle.best
    if name not in bundle.methods:
        raise ValueError(f"{_why_not_fitted(name)}; there are {', '.join(bundle.methods)}")
    if asked and name not in ASKABLE:
        raise ValueError(f"{name} is the same in every mood: labels go with the method {_ASKABLE}")
    taste = taste_of(user)
    index = bundle.index
    batch = taste.as_batch(index, asked, query_share)
    recommender = bundle.methods[name]
    # More reasons than shown, so that `balanced` finds both query labels and profile labels.
    most = 4 * REASONS if asked else REASONS
    said = more_asked_than_liked(bundle, batch, asked) if asked else set()
    of_query = set(index.labels(list(said)).tolist())
    scores = recommender.scores(batch)[0]
    return listed(
        bundle,
        scores if every_song else np.where(bundle.may_be_recommended(asked), scores, 0.0),
        n,
        leave_out=index.songs(list(taste.known)),
        playable_only=playable_only,
        reasons=lambda songs: [
            balanced(some, of_query) for some in by_others(songs, recommender.explain(batch, songs, most))
        ],
        asked=said,
    )


def more_asked_than_liked(bundle: ModelBundle, batch: engine.ListenerBatch, asked: Collection[int]) -> set[int]:
    """The query labels whose query weight is at least their profile weight; an unsure mood has many small ones."""
    content, positions = bundle.content, bundle.index.label_positions
    liked = (1 - batch.query_share) * content.directions(batch.unasked)[0]
    wanted = batch.query_share * content.directions(batch.with_share(1.0))[0]
    return {pk for pk in asked if pk in positions and wanted[positions[pk]] >= liked[positions[pk]]}


def _why_not_fitted(method: str) -> str:
    """The error text for an unknown or unfitted method."""
    if method not in METHODS:
        return f"no method is called {method!r}"
    row = current.current_row()
    about = row.methods if row is not None else {}
    lacking = [about[part]["lacking"] for part in (method, "weights") if "lacking" in about.get(part, {})]
    return f"the method {method} is not fitted: " + (lacking[0] if lacking else "recompute does that")


def listed(
    bundle: ModelBundle,
    scores: engine.Vector,
    n: int,
    *,
    leave_out: engine.Positions,
    playable_only: bool,
    reasons: Callable[[engine.Positions], Sequence[Sequence[engine.Contribution]]],
    asked: Collection[int] = (),
) -> list[Recommendation]:
    """The top n of a ranking as songs with reasons; songs deleted since the snapshot are skipped."""
    among = bundle.index.playable if playable_only else None
    wanted = n
    while True:
        ranked = top(scores, wanted, leave_out=leave_out, among=among)
        found = chosen(bundle, ranked, scores, n, playable_only=playable_only, reasons=reasons, asked=asked)
        if len(found) == n or len(ranked) < wanted:
            return found
        wanted *= 2


def chosen(
    bundle: ModelBundle,
    ranked: engine.Positions,
    scores: engine.Vector,
    n: int,
    *,
    playable_only: bool,
    reasons: Callable[[engine.Positions], Sequence[Sequence[engine.Contribution]]],
    asked: Collection[int] = (),
) -> list[Recommendation]:
    """The first n of ranked songs that still exist, with reasons."""
    index = bundle.index
    songs = Song.objects.in_bulk(index.song_ids[ranked].tolist())
    there = [
        at for at in ranked if (song := songs.get(int(index.song_ids[at]))) and (song.playable or not playable_only)
    ]
    first = np.array(there[:n], dtype=np.intp)
    resolved = resolve_reasons(index, reasons(first), songs, asked)
    return [
        Recommendation(rank, songs[int(index.song_ids[at])], float(scores[at]), why)
        for rank, (at, why) in enumerate(zip(first, resolved, strict=True), start=1)
    ]
