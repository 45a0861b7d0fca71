"""Finding music by words: a text as it is understood, the songs that fit it, and what is called so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from django.contrib.auth.models import User

from catalog.models import Song
from catalog.names import label_key, search_words, storable
from catalog.services.browsing import shelf, songs_in_order

from . import snapshot
from .engine import words as engine
from .engine.interface import Vector
from .engine.ranking import top
from .engine.variety import spread_artists
from .engine.words import Understood
from .services import REASONS, LabelReason, Recommendation, chosen, more_asked_than_liked, of_both
from .snapshot import Recommenders
from .taste import Taste, taste_of
from .words import vocabulary

_POOL = 3
"""From how many times as many songs as are shown they are chosen, so that they need not be one artist's."""

_SPARE = 5

_FAR = 0.2
"""What fits less than this part as well as the best is not what was asked for."""

_NAMED_SONGS = 4
_NAMED_ARTISTS = 3
_LOOKED_AT_FOR_ARTISTS = 60

_PIECES_SAID = 3
_LABELS_SAID = 2

EXAMPLES = (
    "calm piano for a rainy evening",
    "something happy but not pop",
    "80s road trip",
    "no vocals, for studying",
    "dinner jazz",
    "energetic, for running",
    "dark and slow, not metal",
    "acoustic guitar on a sunday morning",
)
"""What people may say; pages show those that this library has something for."""


@dataclass(frozen=True, slots=True)
class Artist:
    """Somebody who is called so, and the key of their page."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Named:
    """What is called as somebody typed.

    Attributes
    ----------
    songs : list of Song
        The best matches.
    artists : list of Artist
    total : int
        How many songs match in all.
    """

    songs: list[Song] = field(default_factory=list)
    artists: list[Artist] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found for a text.

    Attributes
    ----------
    understood : Understood
    songs : list of Recommendation
        Best first; empty where nothing of the text is understood.
    named : Named
    """

    understood: Understood
    songs: list[Recommendation]
    named: Named

    def why(self, found: Recommendation) -> str:
        """The words that a song was found by, with the labels that they stand for, and what is the listener's own."""
        speaking = [one for one in found.reasons if isinstance(one, LabelReason) and one.weight > 0]
        by_piece: dict[str, list[str]] = {}
        for reason in speaking:
            if reason.asked and (asking := engine.strongest_first(self.understood.pieces, reason.label)):
                by_piece.setdefault(asking[0].said, []).append(reason.label)
        said = [_piece_said(piece, labels) for piece, labels in list(by_piece.items())[:_PIECES_SAID]]
        own = [reason.label for reason in speaking if not reason.asked]
        yours = [f"{label} (yours)" for label in own[: 1 if said else _PIECES_SAID]]
        return " + ".join(filter(None, [", ".join(said), ", ".join(yours)]))


def _piece_said(piece: str, labels: list[str]) -> str:
    if label_key(piece) in {label_key(label) for label in labels}:
        return piece
    return f"{piece} ({', '.join(labels[:_LABELS_SAID])})"


def understand(text: str) -> Understood:
    """How a text is understood in this library."""
    return engine.understand(storable(text), vocabulary())


def find(user: User, text: str, *, n: int = 20, playable_only: bool = False, new_only: bool = False) -> Findings:
    """What a listener finds by words: songs that fit them, ranked by the listener's taste too, and what is called so.

    Parameters
    ----------
    text : str
        What comes after `engine.words.LONGEST_TEXT` characters is passed over.
    n : int
        How many songs at most.
    playable_only : bool
        Only songs with a file here.
    new_only : bool
        Without the songs that the listener has played or rated. What they refused or rated low never comes.
    """
    understood = understand(text)
    songs = _fitting(user, understood, n, playable_only=playable_only, new_only=new_only) if understood.heard else []
    named = _named(user, text, silent_too=not playable_only, typos_too=not understood.pieces)
    return Findings(understood, songs, named)


def examples() -> list[str]:
    """Things to say that every word of is understood here."""
    there = vocabulary()
    read = ((example, engine.understand(example, there)) for example in EXAMPLES)
    return [example for example, one in read if one.heard and not one.absent and not one.unknown]


# --- Songs that fit the words -------------------------------------------------------------------


def _fitting(
    user: User, understood: Understood, n: int, *, playable_only: bool, new_only: bool
) -> list[Recommendation]:
    recommenders = snapshot.current()
    if recommenders is None:
        return []
    catalogue, content, taste = recommenders.catalogue, recommenders.content, taste_of(user)
    pks = dict(zip(catalogue.label_names.tolist(), catalogue.label_ids.tolist(), strict=True))
    query = {pks[label]: weight for label, weight in understood.labels.items()}
    tastes = taste.block(catalogue, query, engine.SHARE)
    direction = content.directions(tastes)[0]
    scores = _scores(recommenders, taste, query, direction, [pks[label] for label in understood.refused])
    leave_out = catalogue.songs(list(taste.known) if new_only else taste.disliked)
    ranked = top(scores, _POOL * n, leave_out=leave_out, among=catalogue.playable if playable_only else None)
    near = ranked[scores[ranked] >= _FAR * scores[ranked[:1]]]
    # No artist comes again at once where another fits about as well; a few more, for those that turn out to be gone.
    spread = spread_artists(near, catalogue.artists, n + _SPARE, fit=scores)
    found = chosen(
        recommenders,
        spread,
        scores,
        n,
        playable_only=playable_only,
        reasons=lambda songs: content.parts(direction, songs, 4 * REASONS),
        asked=more_asked_than_liked(recommenders, tastes, query),
    )
    return [replace(one, reasons=of_both(one.reasons)) for one in found]


def _scores(
    recommenders: Recommenders,
    taste: Taste,
    query: dict[int, float],
    direction: Vector,
    refused: Collection[int],
) -> Vector:
    """How well songs fit words and taste; 0 for those that have nothing of what was asked for, or what was refused."""
    catalogue, content = recommenders.catalogue, recommenders.content
    wanted = {pk: weight for pk, weight in query.items() if weight > 0}
    if wanted:
        only_words = content.directions(taste.block(catalogue, wanted, 1.0))[0]
        scores = np.where(content.toward(only_words) > 0, content.toward(direction), 0.0)
    else:
        # Words that only say what should stay away: everything else, by taste, and by what is played most.
        played = recommenders.popular.plays / max(int(recommenders.popular.plays.max(initial=0)), 1)
        scores = np.maximum(content.toward(direction), 0.0) + 1e-6 * (1 + played)
    if refused:
        scores = engine.without_refused(scores, content.shares(catalogue.labels(list(refused))))
    return scores


# --- What is called so --------------------------------------------------------------------------


def _named(user: User, text: str, *, silent_too: bool, typos_too: bool) -> Named:
    """Songs and artists with every word of a text in their names."""
    words = storable(text)[: engine.LONGEST_TEXT]
    if not search_words(words):
        return Named()
    found = shelf(user, words=words, sort="best", silent_too=silent_too)
    if found.read_as and not typos_too:
        return Named()
    songs = songs_in_order(found.song_ids[:_LOOKED_AT_FOR_ARTISTS])
    artists = {
        song.artist_key: Artist(song.artist, song.artist_key)
        for song in songs
        if song.artist_key and _called(song.artist, search_words(words), found.read_as)
    }
    return Named(songs[:_NAMED_SONGS], list(artists.values())[:_NAMED_ARTISTS], len(found.song_ids))


def _called(artist: str, words: list[str], read_as: dict[str, list[str]]) -> bool:
    """Whether every word, or what it was taken for, begins a word of an artist's name."""
    own = search_words(artist)
    return all(any(part.startswith(word) or part in read_as.get(word, ()) for part in own) for word in words)
