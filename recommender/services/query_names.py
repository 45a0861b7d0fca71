"""Names in a typed query: artists and titles, and words that titles, albums and playlists say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Q
from rapidfuzz import fuzz

from catalog.models import PlaylistSong
from catalog.names import artist_key, has_no_gaps, search_words
from catalog.near_names import nearly_called
from catalog.services import song_index
from catalog.vocabulary import how_written

from ..engine.query_references import references
from ..engine.query_tokens import CONTROLS, Phrase, tokenize
from ..engine.vocabulary import Vocabulary

_ALIKE = 75
"""Percent of letters in common from which a text is a name with typing errors in it."""

_ALIKE_AS_A_WHOLE = 85
_FEWEST_FOR_WHOLE = 6
"""The same for names of which a word is too far from what was typed, and the letters that takes."""

_LONGEST_NAME = 6
"""Words of an artist's name in a sentence."""

_IN_ANY_SENTENCE = frozenset(
    search_words(
        "end ends ending begin begins beginning start starts starting middle part parts rest whole over under out off "
        "again always never ever now here not and but the they them he she his her who whom why how ende anfang mitte "
        "schluss fin final principio inicio debut fini milieu newer newest older"
    )
)
"""Words that say nothing of a song, however many names have them."""

_LOOKED_AT = 60
_FEWEST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class NameMeant:
    """An artist or a song that a text means as a whole.

    Attributes
    ----------
    name : str
        As the library writes it.
    songs : list of int
        Primary keys: the artist's songs, or those of the title.
    exact : bool
        Whether it is written so, but for case, accents and signs.
    """

    name: str
    songs: list[int]
    exact: bool


@dataclass(frozen=True, slots=True)
class LikeMeant:
    """What music should be like, and the rest of the query."""

    meant: NameMeant
    rest: str


def name_meant(text: str, *, typing_errors: bool = True) -> NameMeant | None:
    """The artist or title that all of a text names; artists before titles, exact names before others."""
    if not (words := search_words(text)):
        return None
    index = song_index.current()
    everything = index.all(include_unplayable=True)
    found = index.matching(text, everything, typing_errors=typing_errors, short_begins=False)
    if typing_errors and not found.among.any() and len(text) >= _FEWEST_FOR_WHOLE:
        # Errors that no word for itself shows: nite for night.
        found = index.matching(nearly_called(text, index.called, _ALIKE_AS_A_WHOLE), everything, typing_errors=False)
        if found.score is None:
            return None
    wanted = " ".join(words)
    best: tuple[float, bool, str, str] | None = None
    for at in index.by_score(found)[:_LOOKED_AT].tolist():
        song = index.songs[at]
        for is_artist, name in [(True, song.artist), *((True, one) for _, one in song.artists), (False, song.title)]:
            own = " ".join(search_words(name))
            alike = 100.0 if own == wanted else fuzz.ratio(own, wanted) if typing_errors else 0.0
            if alike >= _ALIKE and (best is None or (alike, is_artist) > best[:2]):
                best = alike, is_artist, name, song.title_key
    if best is None:
        return None
    alike, is_artist, name, key = best
    if is_artist:
        songs = index.keys(index.of_artist(artist_key(name)))
    else:
        songs = [index.songs[at].pk for at in np.flatnonzero(found.among) if index.songs[at].title_key == key]
    return NameMeant(name, songs, exact=alike == 100.0)


def artists_in(text: str, vocabulary: Vocabulary) -> list[Phrase]:
    """The artists that a part of a text names as they are written, where not all of their words mean something.

    Billie Holiday in "billie holiday, but sad" is one; an artist called Calm Piano in "calm piano at night" is none.
    """
    tokens, index = tokenize(text), song_index.current()
    found = []
    for length in range(2, min(len(tokens) - 1, _LONGEST_NAME) + 1):
        for at in range(len(tokens) - length + 1):
            part = tokens[at : at + length]
            name = tuple(token.key for token in part)
            if any(token.after_separator for token in part[1:]) or all(map(vocabulary.knows, name)):
                continue
            if index.has_artist(artist_key(text[part[0].start : part[-1].end])):
                found.append(name)
    return found


def is_artist(text: str) -> bool:
    """Whether an artist is called so, as it is written."""
    return song_index.current().has_artist(artist_key(text))


def like_meant(text: str) -> LikeMeant | None:
    """What a text with "like" in it names, by the longest name; names as they are written before others."""
    readings = list(references(text))
    for typing_errors in (False, True):
        for reading in readings:
            if all((word,) in CONTROLS for word in search_words(reading.name)):
                continue
            meant = name_meant(reading.name, typing_errors=typing_errors)
            if meant is not None and meant.songs:
                return LikeMeant(meant, reading.rest)
    return None


def songs_saying(user: User, texts: Mapping[str, Collection[str]]) -> dict[str, dict[int, str]]:
    """The songs whose title, artist, album, or a playlist of the listener's says a text: by text, where by primary key.

    Parameters
    ----------
    user : User
    texts : mapping of text to collection of str
        Each with what titles and albums say for it.

    Returns
    -------
    dict of str to dict of int to str
        Empty where a name says the text itself (`place_of`); else the title or album that says it otherwise, or
        "playlist".
    """
    looked_for = {text: said_as for text, said_as in texts.items() if _says_enough(text)}
    if not looked_for:
        return {}
    index = song_index.current()
    everything = index.all(include_unplayable=True)
    saying: dict[str, dict[int, str]] = {}
    for text, said_as in looked_for.items():
        saying[text] = _said_otherwise(said_as) | dict.fromkeys(index.keys(index.written(text, everything)), "")
    named = Q()
    for text in looked_for:
        named |= Q(playlist__name__icontains=text)
    rows = PlaylistSong.objects.filter(named, playlist__user=user).values_list("playlist__name", "song")
    for name, song in rows:
        for text in looked_for:
            if _stands_in(search_words(text), name):
                saying[text].setdefault(song, "playlist")
    return {text: songs for text, songs in saying.items() if songs}


def place_of(text: str, title: str, artist: str, album: str) -> str:
    """Which name of a song says a text: all of it, or else some of it."""
    places, words = {"title": title, "artist": artist, "album": album}, search_words(text)
    whole = (place for place, name in places.items() if _stands_in(words, name))
    some = (place for place, name in places.items() if any(_stands_in([word], name) for word in words))
    return next(whole, None) or next(some, "title")


def _said_otherwise(texts: Iterable[str]) -> dict[int, str]:
    """The songs, by primary key, of which the title or else the album says all of a text, and which of them does."""
    index = song_index.current()
    everything = index.all(include_unplayable=True)
    found: dict[int, str] = {}
    for text in texts:
        words = search_words(text)
        for at in np.flatnonzero(index.written(text, everything)).tolist():
            song = index.songs[at]
            if _stands_in(words, song.title):
                found.setdefault(song.pk, "title")
            elif _stands_in(words, song.album):
                found.setdefault(song.pk, "album")
    return found


def _stands_in(words: Sequence[str], name: str) -> bool:
    """Whether every word is a word of a name, or begins one."""
    own = search_words(name)
    return bool(words) and all(any(how_written(word, other) for other in own) for word in words)


def songs_of_years(decades: Iterable[int]) -> tuple[set[int], set[int]]:
    """The songs, by primary key, that are known to be of some decades, and those known to be of none of them.

    Parameters
    ----------
    decades : iterable of int
        First years.
    """
    index = song_index.current()
    inside = np.zeros(len(index.songs), dtype=bool)
    years = index.years
    for first in decades:
        inside |= (years >= first) & (years < first + 10)
    return set(index.keys(inside)), set(index.keys((years > 0) & ~inside))


def songs_by_year(songs: Collection[int], *, newer: bool) -> tuple[set[int], set[int]]:
    """The other songs, by primary key, known to be newer (or older) than some, and those known not to be.

    Parameters
    ----------
    songs : collection of int
        Primary keys; the median of their years counts. Where none is known, nothing is newer or older.
    newer : bool
        Or else older.
    """
    index = song_index.current()
    years = index.years
    own = [years[at] for song in songs if (at := index.position(song)) is not None and years[at] > 0]
    if not own:
        return set(), set()
    beyond = years > np.median(own) if newer else years < np.median(own)
    known = years > 0
    return set(index.keys(known & beyond)) - set(songs), set(index.keys(known & ~beyond))


def _says_enough(text: str) -> bool:
    """Whether a text is worth a look in names: not of short words alone, nor of such as stand in any sentence."""
    words = [word for word in search_words(text) if word not in _IN_ANY_SENTENCE and (word,) not in CONTROLS]
    return bool(words) and (has_no_gaps(text) or max(map(len, words)) >= _FEWEST_LETTERS)
