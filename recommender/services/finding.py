"""Search by query text: the parsed query, the songs that fit it, and songs and artists with matching names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from django.contrib.auth.models import User
from scipy.sparse import csr_array

from catalog.models import Song
from catalog.names import label_key, search_words, storable
from catalog.services import song_index
from catalog.services.browsing import songs_in_order
from catalog.vocabulary import how_written

from ..engine import query_parser, query_weights
from ..engine.diversity import spread_artists
from ..engine.interface import Matrix, Positions
from ..engine.query_references import compared_by_year
from ..engine.query_weights import ParsedQuery
from ..engine.ranking import top
from ..engine.vocabulary import Vocabulary
from ..snapshots import current
from .query_names import LikeMeant, NameMeant, artists_in, like_meant, name_meant, place_of, songs_by_year
from .query_scores import query_scores
from .query_vocabulary import vocabulary
from .query_wanted import Wanted
from .reasons import REASONS, LabelReason, balanced, by_others, sounds_like, told
from .recommending import Recommendation, chosen, more_asked_than_liked
from .taste import taste_of

_POOL = 3
"""Candidates per song shown, for artist diversity."""

_SPARE = 5

_NAMED_SONGS = 4
_NAMED_ARTISTS = 3
_LOOKED_AT_FOR_ARTISTS = 60

_TERMS_SHOWN = 3
_LABELS_SHOWN = 2

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
"""Example queries; pages show those that this library understands completely."""


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist with a matching name, and the key of their page."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Named:
    """Songs and artists whose names match the text.

    Attributes
    ----------
    songs : list of Song
        The best matches.
    artists : list of Artist
    total : int
        Number of matching songs.
    """

    songs: list[Song] = field(default_factory=list)
    artists: list[Artist] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """The results for a text.

    Attributes
    ----------
    parsed : ParsedQuery
    songs : list of Recommendation
        Best first; empty if no term has labels.
    named : Named
    like : NameMeant or None
        What the songs should be like.
    by_names : list of str
        Words that were looked for in titles, artists, albums and playlists.
    by_year : list of str
        Decades that no label is for, and words that compare years, by the songs' years.
    saying : dict of str to dict of song to str
        By word, the songs whose names say it, by primary key (`query_names.songs_saying`).
    """

    parsed: ParsedQuery
    songs: list[Recommendation]
    named: Named
    like: NameMeant | None = None
    by_names: list[str] = field(default_factory=list)
    by_year: list[str] = field(default_factory=list)
    saying: dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def known_otherwise(self) -> set[str]:
        """Words that no label is for, but names or years."""
        return {*self.by_names, *self.by_year}

    def why(self, found: Recommendation) -> str:
        """The reason of a song as text: words in its names, terms with their labels, then labels of the profile."""
        speaking = told(one for one in found.reasons if isinstance(one, LabelReason) and one.weight > 0)
        by_term: dict[str, list[str]] = {}
        for reason in speaking:
            if reason.asked and (asking := query_weights.terms_asking_for(self.parsed.terms, reason.label)):
                by_term.setdefault(asking[0].text, []).append(reason.label.lower())
        pk = found.song.pk
        names = {word: self._by_name(word, found.song, songs[pk]) for word, songs in self.saying.items() if pk in songs}
        by_label = [self._by_label(term, labels) for term, labels in by_term.items() if term not in names]
        said = [*names.values(), *by_label][:_TERMS_SHOWN]
        unwanted = {label for label, weight in self.parsed.labels.items() if weight < 0} | {*self.parsed.refused}
        own = [reason.label.lower() for reason in speaking if not reason.asked and reason.label not in unwanted]
        if self.like is not None:
            shared = f"like {self.like.name}: {', '.join(own[:_TERMS_SHOWN])}" if own else ""
            return " + ".join(filter(None, [", ".join(said), shared])) or f"sounds like {self.like.name}"
        yours = [f"{label} (yours)" for label in own[: 1 if said else _TERMS_SHOWN]]
        return " + ".join(filter(None, [", ".join(said), ", ".join(yours)])) or sounds_like(found.reasons)

    def _by_name(self, word: str, song: Song, place: str) -> str:
        """A word with the name that says it; what it means where the name says that otherwise: `christmas (title)`."""
        if not place:
            return f"{word} ({place_of(word, song.title, song.artist, song.album)})"
        means = next((term.strongest for term in self.parsed.terms if term.text == word and term.said_as), [])
        return f"{means[0].lower() if means and place != 'playlist' else word} ({place})"

    def _by_label(self, term: str, labels: list[str]) -> str:
        """A term with what it means for a song: names say some songs' `christmas (title)`, labels those of others."""
        words = _term_in_words(term, labels)
        return f"{words} (label)" if words == term and term in self.by_names else words


def _term_in_words(term: str, labels: list[str]) -> str:
    if label_key(term) in {label_key(label) for label in labels}:
        return term
    return f"{term} ({', '.join(labels[:_LABELS_SHOWN])})"


def parse_query(text: str) -> ParsedQuery:
    """Parse a text with this library's vocabulary."""
    return query_parser.parse_query(storable(text), vocabulary())


def find(user: User, text: str, *, n: int = 20, playable_only: bool = False, new_only: bool = False) -> Findings:
    """Search for a text: songs that fit it and the listener's profile, and matching names.

    A name is a name before it is a mood: where all of the text is one, typing errors in it are not taken for other
    words.

    Parameters
    ----------
    text : str
        Only the first `query_parser.LONGEST_TEXT` characters are read.
    n : int
        Most songs.
    playable_only : bool
        Only songs with a file.
    new_only : bool
        Without songs known to the listener. Disliked songs are always left out.
    """
    text = storable(text)[: query_parser.LONGEST_TEXT]
    words = vocabulary()
    like = like_meant(text)
    if like is None:
        parsed, named = _understood(text, words, include_unplayable=not playable_only)
        wanted = Wanted.of(user, parsed, None)
    else:
        wanted, named = _wanted_alike(user, like, words), Named()
    songs = _fitting(user, wanted, n, playable_only=playable_only, new_only=new_only) if wanted.anything else []
    return Findings(
        wanted.parsed,
        songs,
        named,
        like=wanted.like,
        by_names=wanted.by_names,
        by_year=[*wanted.by_year, *wanted.compared],
        saying=wanted.said,
    )


def _understood(text: str, words: Vocabulary, *, include_unplayable: bool) -> tuple[ParsedQuery, Named]:
    """A text without "like": its terms, and what is called so."""
    artists = artists_in(text, words)
    parsed = query_parser.parse_query(text, words, names=artists)
    doubtful = not artists and (bool(parsed.unknown) or not parsed.terms)
    named = _named(text, include_unplayable=include_unplayable, typing_errors=doubtful)
    if not named.songs and parsed.unknown and not parsed.terms:
        # "Madredeus songs" are those of Madredeus.
        named = _named(" ".join(parsed.unknown), include_unplayable=include_unplayable, typing_errors=False)
    meant = name_meant(text) if doubtful else None
    if meant is None:
        return parsed, named
    if not named.songs:
        named = _named(meant.name, include_unplayable=include_unplayable, typing_errors=False)
    if parsed.unknown and meant.exact:
        # "Silent Night" is no night.
        return query_parser.parse_query("", words), named
    if parsed.unknown:
        return replace(query_parser.parse_query(text, words, corrections=False), unknown=[]), named
    return parsed, named


def examples() -> list[str]:
    """The example queries that this library understands completely."""
    there = vocabulary()
    read = ((example, query_parser.parse_query(example, there)) for example in EXAMPLES)
    return [example for example, one in read if one.matched and not one.absent and not one.unknown]


# --- Songs that fit the words -------------------------------------------------------------------


def _wanted_alike(user: User, like: LikeMeant, words: Vocabulary) -> Wanted:
    """What a text with "like" asks for; newer and older are by year where the years of what it names are known."""
    compared = compared_by_year(like.rest)
    newer, others = songs_by_year(like.meant.songs, newer=compared.newer) if compared else (set(), set())
    if compared is None or not newer:
        return Wanted.of(user, _with_likeness(query_parser.parse_query(like.rest, words), like.meant), like.meant)
    parsed = _with_likeness(query_parser.parse_query(compared.rest, words), like.meant, compared.word)
    return Wanted.of(user, parsed, like.meant, (compared.word, newer, others))


def _with_likeness(parsed: ParsedQuery, meant: NameMeant, *also: str) -> ParsedQuery:
    """The query with the name, and what else it says of it, in its text and in the text without each term."""
    like = ", ".join([f"like {meant.name}", *also])
    terms = [replace(term, without=", ".join(filter(None, [like, term.without]))) for term in parsed.terms]
    return replace(parsed, terms=terms, text=", ".join(filter(None, [like, parsed.text])))


def _fitting(user: User, wanted: Wanted, n: int, *, playable_only: bool, new_only: bool) -> list[Recommendation]:
    bundle = current.bundle()
    if bundle is None:
        return []
    index, ranker, taste, parsed = bundle.index, bundle.labels_and_sound, taste_of(user), wanted.parsed
    pks = dict(zip(index.label_names.tolist(), index.label_ids.tolist(), strict=True))
    query = {pks[label]: weight for label, weight in parsed.labels.items()}
    batch = taste.as_batch(index, query)
    scores = query_scores(bundle, wanted, batch)
    if parsed.refused:
        refused = index.labels([pks[label] for label in parsed.refused])
        scores = query_weights.exclude_refused(scores, bundle.content.shares(refused))
    leave_out = index.songs(list(taste.known) if new_only else taste.disliked)
    among = bundle.may_be_recommended(query).copy()
    # What is called so is found whatever it is.
    among[index.songs(sorted(wanted.also.union(*wanted.saying)))] = True
    ranked = top(scores, _POOL * n, leave_out=leave_out, among=among & index.playable if playable_only else among)
    # Spare songs replace those deleted since the snapshot.
    spread = spread_artists(ranked, index.artists, n + _SPARE, fit=scores)
    asking = batch
    if wanted.like is not None:
        # The reasons are what songs share with those that are named, not with the listener's.
        asking = replace(
            taste.as_batch(index, query), liked=_row_of(index.songs(wanted.like.songs), batch.liked.shape[1])
        )
        asking = replace(asking, disliked=batch.disliked * 0, nudges=batch.nudges * 0)
    elif not any(weight > 0 for weight in query.values()):
        # What should stay away says nothing for a song that is listed.
        asking = batch.unasked
    said = more_asked_than_liked(bundle, batch, query) if wanted.like is None else set(query)
    of_query = set(index.labels(list(said)).tolist())
    return chosen(
        bundle,
        spread,
        scores,
        n,
        playable_only=playable_only,
        reasons=lambda songs: [
            balanced(some, of_query) for some in by_others(songs, ranker.explain(asking, songs, 4 * REASONS))
        ],
        asked=said,
    )


def _row_of(songs: Positions, n_songs: int) -> Matrix:
    row: Matrix = csr_array((np.ones(len(songs)), songs, [0, len(songs)]), shape=(1, n_songs))
    return row


# --- What is called so --------------------------------------------------------------------------


def _named(text: str, *, include_unplayable: bool, typing_errors: bool) -> Named:
    """Songs and artists whose names contain every word of a text."""
    if not search_words(text):
        return Named()
    index = song_index.current()
    everything = index.all(include_unplayable=include_unplayable)
    found = index.matching(text, everything, typing_errors=typing_errors, short_begins=False)
    order = index.by_score(found)
    first = [index.songs[at] for at in order[:_LOOKED_AT_FOR_ARTISTS].tolist()]
    songs = songs_in_order([song.pk for song in first[:_NAMED_SONGS]])
    artists = {
        song.artist_key: Artist(song.artist, song.artist_key)
        for song in first
        if song.artist_key and _name_matches(song.artist, search_words(text), found.read_as)
    }
    return Named(songs, list(artists.values())[:_NAMED_ARTISTS], len(order))


def _name_matches(artist: str, words: list[str], read_as: dict[str, list[str]]) -> bool:
    """Whether every word, or its correction, begins a word of an artist's name."""
    own = search_words(artist)
    return all(any(how_written(word, part) or part in read_as.get(word, ()) for part in own) for word in words)
