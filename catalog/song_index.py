"""An index of every song's names and labels in memory: search, counts of labels, sort orders. No Django.

An index is immutable: `with_songs` returns another one that shares what is the same, so that requests which read the
old one are not disturbed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .names import JOINING_WORDS, search_words
from .vocabulary import Vocabulary, how_written

Mask = NDArray[np.bool_]
Positions = NDArray[np.int64]

_MOST_WORDS = 12

# How much it says that a word stands in a song, by where: words of the title come first.
_IN_TITLE, _IN_ARTIST, _IN_ALBUM = 100, 90, 60
_MOST_MEANT = 3


class IndexedSong(NamedTuple):
    """What the index has to know of a song.

    `artists` are the key and name of each where they are several; `root` is its library root's primary key, 0 for none.
    """

    pk: int
    playable: bool
    title: str
    artist: str
    album: str
    title_key: str
    artist_key: str
    album_artist_key: str
    album_key: str
    added: float
    year: int
    duration_s: float
    disc: int
    track: int
    artists: tuple[tuple[str, str], ...] = ()
    root: int = 0


class Found(NamedTuple):
    """Songs that were found.

    Attributes
    ----------
    among : bool, shape (n_songs,)
        Which.
    score : float32, shape (n_songs,), or None
        How well the words fit; None where there were none.
    read_as : dict of str to list of str
        Words that are nowhere in the library, and what they were taken for.
    """

    among: Mask
    score: NDArray[np.float32] | None
    read_as: dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class SongIndex:
    """All songs of a library; a position is a song's place in these arrays.

    Attributes
    ----------
    songs : list of IndexedSong
        By primary key, ascending.
    there : bool, shape (n_songs,)
        False for a song that was deleted after the index was made.
    label_songs : int32, shape (n,)
        Positions of songs, for each label of each song.
    label_ids : int32, shape (n,)
        The primary keys of these labels.
    """

    songs: list[IndexedSong]
    there: Mask
    label_songs: NDArray[np.int32]
    label_ids: NDArray[np.int32]
    _vocabulary: Vocabulary
    # Songs whose names are others than the vocabulary has.
    _renamed: dict[int, dict[str, int]]

    @classmethod
    def of(cls, songs: list[IndexedSong], label_songs: NDArray[np.int64], label_ids: NDArray[np.int64]) -> Self:
        """An index of songs, ascending by primary key, and of the pairs of a song and a label, by primary keys."""
        ids = np.fromiter((song.pk for song in songs), np.int64, len(songs))
        known = np.isin(label_songs, ids)
        at = np.searchsorted(ids, label_songs[known]).astype(np.int32)
        there = np.ones(len(songs), bool)
        return cls(songs, there, at, label_ids[known].astype(np.int32), Vocabulary.of(map(_words_of, songs)), {})

    @property
    def changed(self) -> int:
        """How many songs have other names than when all of it was read."""
        return len(self._renamed)

    def with_songs(
        self, pks: Collection[int], songs: Iterable[IndexedSong], labels: Mapping[int, Collection[int]]
    ) -> SongIndex:
        """The index with some songs as they are now: new, other than before, or gone.

        Parameters
        ----------
        pks : collection of int
            All songs that may have changed.
        songs : iterable of IndexedSong
            Those of them that are there.
        labels : mapping of a song's primary key to the primary keys of its labels
        """
        all_songs, renamed, positions = list(self.songs), dict(self._renamed), {}
        there = self.there.tolist()
        for pk in pks:
            if (at := self.position(pk)) is not None:
                there[at] = False
        for song in sorted(songs):
            at = self.position(song.pk)
            if at is None and self.songs and song.pk < self.songs[-1].pk:
                # One that was made long ago and is only seen now: the next index of all songs has it.
                continue
            if at is None:
                at = len(all_songs)
                all_songs.append(song)
                there.append(True)
                renamed[at] = _words_of(song)
            else:
                if _words_of(all_songs[at]) != (words := _words_of(song)):
                    renamed[at] = words
                all_songs[at], there[at] = song, True
            positions[song.pk] = at
        touched = [at for pk in pks if (at := self.position(pk)) is not None]
        kept = ~np.isin(self.label_songs, touched)
        new = [(positions[pk], label) for pk in positions for label in labels.get(pk, ())]
        new_songs, new_labels = (np.array(column, np.int32) for column in (zip(*new, strict=True) if new else ((), ())))
        made = replace(
            self,
            songs=all_songs,
            there=np.array(there, bool),
            label_songs=np.concatenate([self.label_songs[kept], new_songs]),
            label_ids=np.concatenate([self.label_ids[kept], new_labels]),
            _renamed=renamed,
        )
        if all_songs == self.songs and there == self.there.tolist():
            # While a library is listened to, labels come every second: what was sorted stays sorted.
            made.__dict__.update({name: value for name, value in self.__dict__.items() if name in _MADE_OF_SONGS})
        return made

    def position(self, pk: int) -> int | None:
        """Where a song stands; None for one that the index does not know."""
        at = bisect_left(self.songs, pk, key=lambda song: song.pk)
        return at if at < len(self.songs) and self.songs[at].pk == pk else None

    # Finding

    def all(self, *, include_unplayable: bool = False) -> Mask:
        """Every song that can be played here, or every song."""
        return self.there if include_unplayable else self.there & self._playable

    def matching(self, text: str, among: Mask, *, typing_errors: bool = True, short_begins: bool = True) -> Found:
        """The songs with every word of a text in title, artist or album: written so, begun so, or nearly so.

        A short word is the beginning of others only where nothing is found by it as it is, and only with
        `short_begins`: whoever types "bea" in a search box is on the way to Beatles.
        """
        words = list(dict.fromkeys(search_words(text)))[:_MOST_WORDS]
        if not words:
            return Found(among, None, {})
        score = self._fitting([self._written(word) for word in words], among)
        if short_begins and not score.any():
            score = self._fitting([self._written(word, short_begins=True) for word in words], among)
        without_joiners = [word for word in words if word not in JOINING_WORDS]
        if not score.any() and 0 < len(without_joiners) < len(words):
            score = self._fitting([self._written(word) for word in without_joiners], among)
        likely: dict[str, list[int]] = {}
        if typing_errors and not score.any():
            fits = []
            for word in words:
                written = self._written(word)
                if not (written * among).any() or len(words) > 1:
                    words_of, near = self._vocabulary.words, self._vocabulary.close(word)
                    close = {number: fit for number, fit in near.items() if words_of[number] != word}
                    meant = self._standing(close)
                    if not (written * among).any() and meant.any():
                        likely[word] = sorted(close, key=close.__getitem__, reverse=True)
                    written = np.maximum(written, meant)
                fits.append(written)
            score = self._fitting(fits, among)
        songs = score > 0 if score.any() else among
        read_as = ((word, self._vocabulary.standing(close, songs)) for word, close in likely.items())
        return Found(score > 0, score, {word: words[:_MOST_MEANT] for word, words in read_as if words})

    def written(self, text: str, among: Mask) -> Mask:
        """The songs with every word of a text in title, artist or album, written or begun so; no typing errors."""
        words = list(dict.fromkeys(search_words(text)))[:_MOST_WORDS]
        if not words:
            return among & False
        found: Mask = self._fitting([self._written(word) for word in words], among) > 0
        return found

    def keys(self, among: Mask) -> list[int]:
        """The primary keys of songs."""
        return [self.songs[at].pk for at in np.flatnonzero(among).tolist()]

    @property
    def years(self) -> NDArray[np.float64]:
        """The year of each song, shape (n_songs,), 0 where it is not known."""
        return self._numbers("year")

    def with_label(self, label: int) -> Mask:
        """The songs with a label, by its primary key."""
        mask = np.zeros(len(self.songs), bool)
        mask[self.label_songs[self.label_ids == label]] = True
        return mask

    def of_artist(self, key: str, *, albums_too: bool = False) -> Mask:
        """The songs of an artist, alone or not, by `names.artist_key`; with those on the artist's albums, if wanted."""
        number = self._artists.get(key, -1)
        mask: Mask = self._artist_numbers == number
        mask[self._with_others.get(key, [])] = True
        if albums_too:
            mask |= self._album_artist_numbers == number
        return mask

    def has_artist(self, key: str) -> bool:
        """Whether an artist has songs or albums, by `names.artist_key`."""
        return key in self._artists or key in self._with_others

    def of_artist_with_others(self, key: str) -> list[int]:
        """The primary keys of the songs that an artist shares with others."""
        return [self.songs[at].pk for at in self._with_others.get(key, ())]

    def of_album(self, key: str) -> Mask:
        """The songs of an album, by `IndexedSong.album_key`."""
        mask: Mask = self._album_numbers == self._albums.get(key, -1)
        return mask

    def label_counts(self, among: Mask) -> dict[int, int]:
        """How many of the songs have each label, by its primary key; labels that none has are left out."""
        if not len(self.label_ids):
            return {}
        counts = np.bincount(self.label_ids[among[self.label_songs]], minlength=1)
        return {int(label): int(counts[label]) for label in np.flatnonzero(counts)}

    # Order

    def by_title(self, among: Mask) -> Positions:
        """The songs by title."""
        return self._in_order(self._title_order, among)

    def by_artist(self, among: Mask) -> Positions:
        """The songs by artist, then album, disc, track and title; those of unknown artists last."""
        return self._in_order(self._artist_order, among)

    def by_score(self, found: Found) -> Positions:
        """The songs that fit the words best first, then by title."""
        by_title = self.by_title(found.among)
        if found.score is None:
            return by_title
        return by_title[np.argsort(-found.score[by_title], kind="stable")]

    def by_number(self, name: str, among: Mask, *, largest_first: bool) -> Positions:
        """The songs by a column of `IndexedSong` that holds numbers; what is unknown (0) comes last."""
        return self.by_value(self._numbers(name), among, largest_first=largest_first)

    def by_own(self, values: Mapping[int, float], among: Mask) -> Positions:
        """The songs with the largest values first, by primary key; songs without one last, by title."""
        column = np.zeros(len(self.songs))
        for pk, value in values.items():
            if (at := self.position(pk)) is not None:
                column[at] = value
        by_title = self.by_title(among)
        return by_title[np.argsort(-column[by_title], kind="stable")]

    def by_value(self, column: NDArray[np.float64], among: Mask, *, largest_first: bool) -> Positions:
        """The songs by a number for each; 0 is unknown and comes last, of equal ones the newest first."""
        at = np.flatnonzero(among)[::-1]
        values = column[at] if largest_first else np.where(column[at] == 0, np.inf, column[at])
        order = np.argsort(-values if largest_first else values, kind="stable")
        return at[order]

    def _in_order(self, order: Positions, among: Mask) -> Positions:
        return order[among[order]]

    # What is made of the songs once, when it is first asked for

    @cached_property
    def _playable(self) -> Mask:
        return np.fromiter((song.playable for song in self.songs), bool, len(self.songs))

    @cached_property
    def called(self) -> list[str]:
        """Every artist and title, in search words."""
        names = {name for song in self.songs for name in (song.title, song.artist, *(one for _, one in song.artists))}
        return sorted({" ".join(search_words(name)) for name in names} - {""})

    @cached_property
    def _title_order(self) -> Positions:
        return np.array(sorted(range(len(self.songs)), key=lambda at: self.songs[at].title_key), np.int64)

    @cached_property
    def _artist_order(self) -> Positions:
        def key(at: int) -> tuple[bool, str, str, int, int, str]:
            song = self.songs[at]
            return not song.artist_key, song.artist_key, song.album_key, song.disc, song.track, song.title_key

        return np.array(sorted(range(len(self.songs)), key=key), np.int64)

    @cached_property
    def _columns(self) -> dict[str, NDArray[np.float64]]:
        return {}

    def _numbers(self, name: str) -> NDArray[np.float64]:
        if name not in self._columns:
            self._columns[name] = np.fromiter((getattr(song, name) for song in self.songs), float, len(self.songs))
        return self._columns[name]

    @cached_property
    def _artists(self) -> dict[str, int]:
        keys = {song.artist_key for song in self.songs} | {song.album_artist_key for song in self.songs}
        return {key: number for number, key in enumerate(sorted(keys - {""}))}

    @cached_property
    def _with_others(self) -> dict[str, list[int]]:
        """The positions of the songs of several artists, by each of them."""
        positions: dict[str, list[int]] = {}
        for at, song in enumerate(self.songs):
            for key, _ in song.artists:
                positions.setdefault(key, []).append(at)
        return positions

    @cached_property
    def _artist_numbers(self) -> NDArray[np.int64]:
        return self._numbered(self._artists, (song.artist_key for song in self.songs), -2)

    @cached_property
    def _album_artist_numbers(self) -> NDArray[np.int64]:
        return self._numbered(self._artists, (song.album_artist_key for song in self.songs), -2)

    @cached_property
    def _albums(self) -> dict[str, int]:
        return {key: number for number, key in enumerate(sorted({song.album_key for song in self.songs} - {""}))}

    @cached_property
    def _album_numbers(self) -> NDArray[np.int64]:
        return self._numbered(self._albums, (song.album_key for song in self.songs), -2)

    def _numbered(self, numbers: Mapping[str, int], keys: Iterable[str], none: int) -> NDArray[np.int64]:
        return np.fromiter((numbers.get(key, none) for key in keys), np.int64, len(self.songs))

    # Words

    def _fitting(self, fits: Sequence[NDArray[np.float32]], among: Mask) -> NDArray[np.float32]:
        """How well songs fit all words, 0 where one is missing."""
        every = among.copy()
        for fit in fits:
            every &= fit > 0
        total: NDArray[np.float32] = np.sum(fits, axis=0) * every
        return total

    def _written(self, word: str, *, short_begins: bool = False) -> NDArray[np.float32]:
        fit = self._standing(self._vocabulary.written(word, short_begins=short_begins))
        for at, words in self._renamed.items():
            how = {one: how_written(word, one, short_begins=short_begins) for one in words}
            fit[at] = max((fits * words[one] for one, fits in how.items()), default=0.0)
        return fit

    def _standing(self, numbers: Mapping[int, float]) -> NDArray[np.float32]:
        """How much it says that words of the vocabulary, by number with how well they fit, stand in each song."""
        fit = self._vocabulary.fit(numbers, len(self.songs))
        if self._renamed:
            fit[list(self._renamed)] = 0
        return fit


_MADE_OF_SONGS = {name for name, value in vars(SongIndex).items() if isinstance(value, cached_property)}


def _words_of(song: IndexedSong) -> dict[str, int]:
    """A song's words, and how much it says that they stand where they do."""
    words = dict.fromkeys(search_words(song.album), _IN_ALBUM)
    words |= dict.fromkeys(search_words(song.artist), _IN_ARTIST)
    return words | dict.fromkeys(search_words(song.title), _IN_TITLE)
