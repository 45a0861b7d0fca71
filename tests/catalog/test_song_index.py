"""The index of songs: found by words, typos forgiven, counted, in order, kept up."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.names import artist_key, title_key
from catalog.song_index import IndexedSong, SongIndex

JAZZ, CALM = 7, 9


def indexed(pk: int, title: str, artist: str = "", album: str = "", **fields: object) -> IndexedSong:
    given: dict[str, object] = {
        "playable": True,
        "album_artist_key": "",
        "album_key": f"{title_key(album)}\n{artist_key(artist)}" if album else "",
        "added": float(pk),
        "year": 0,
        "duration_s": 0.0,
        "disc": 0,
        "track": 0,
    } | fields
    names = {"title": title, "artist": artist, "album": album}
    keys = {"title_key": title_key(title), "artist_key": artist_key(artist)}
    return IndexedSong(pk, **names, **keys, **given)  # type: ignore[arg-type]


SONGS = [
    indexed(3, "Blue in Green", "Miles Davis", "Kind of Blue", year=1959, duration_s=337, track=3),
    indexed(4, "So What", "Miles Davis", "Kind of Blue", year=1959, duration_s=562, track=1),
    indexed(8, "Sinnerman", "Nina Simone", "Pastel Blues", year=1965, duration_s=622),
    indexed(9, "Don't Stop", "Björk feat. Blue", "", duration_s=100),
    indexed(12, "夜に駆ける", "ヨアソビ"),
    indexed(20, "Only a name", "Nobody", playable=False),
]
PAIRS = [(3, JAZZ), (3, CALM), (4, JAZZ), (8, JAZZ), (20, CALM), (999, CALM)]


@pytest.fixture
def index() -> SongIndex:
    pairs = np.array(PAIRS)
    return SongIndex.of(list(SONGS), pairs[:, 0], pairs[:, 1])


def found(index: SongIndex, text: str) -> list[int]:
    return pks(index, index.by_score(index.matching(text, index.all())))


def pks(index: SongIndex, positions: object) -> list[int]:
    return [index.songs[at].pk for at in positions]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "pk"),
    [
        ("sinnerman", 8),
        ("SINNER", 8),
        ("björk", 9),
        ("bjork", 9),
        ("dont stop", 9),
        ("don't", 9),
        ("夜に", 12),
        ("simone pastel", 8),
        ("  what,  so ", 4),
    ],
)
def test_words_are_found_however_they_are_written(index: SongIndex, text: str, pk: int) -> None:
    assert found(index, text) == [pk]


@pytest.mark.parametrize("text", ["nerman", "ree", "gre", "stel"])
def test_no_word_is_found_in_the_middle_of_another_and_a_short_one_only_whole(index: SongIndex, text: str) -> None:
    assert not index.matching(text, index.all(), typing_errors=False, short_begins=False).among.any()
    # The same for songs that came after the vocabulary was made.
    renamed = index.with_songs([8], [indexed(8, "Sinnerman", "Nina Simone", "Pastel Blues Green")], {})
    assert not renamed.matching(text, renamed.all(), typing_errors=False, short_begins=False).among.any()


def test_a_search_box_finds_short_beginnings_where_nothing_is_called_so(index: SongIndex) -> None:
    assert found(index, "gre") == [3]
    assert found(index, "nin") == [8]
    # "in" is a word of its own.
    assert found(index, "in") == [3]


def test_every_word_must_be_there(index: SongIndex) -> None:
    assert found(index, "miles green") == [3]
    assert found(index, "nina green") == []


@pytest.mark.parametrize(
    ("text", "pks"),
    [
        ("sinerman", [8]),
        ("davsi green", [3]),
        ("mlies", [3, 4]),
        ("simnoe", [8]),
        ("pastle blues", [8]),
        ("sinnre", [8]),
    ],
)
def test_typos_are_forgiven_where_nothing_is_written_so(index: SongIndex, text: str, pks: list[int]) -> None:
    assert found(index, text) == pks


def test_what_a_word_was_taken_for_is_told(index: SongIndex) -> None:
    assert index.matching("davsi", index.all()).read_as == {"davsi": ["davis"]}
    assert index.matching("davis", index.all()).read_as == {}


def test_a_word_is_taken_only_for_what_the_songs_found_say() -> None:
    songs = [indexed(1, "Exodus", "Bob Marley"), indexed(2, "Proud Mary", "Tina Turner")]
    index = SongIndex.of(songs, np.array([1]), np.array([JAZZ]))
    assert index.matching("bob marly", index.all()).read_as == {"marly": ["marley"]}
    assert index.matching("marly", index.all()).read_as["marly"][0] == "marley"


def test_what_is_written_so_is_not_mixed_with_what_is_near(index: SongIndex) -> None:
    assert found(index, "blues") == [8]


def test_short_words_and_nonsense_are_not_guessed_at(index: SongIndex) -> None:
    assert found(index, "zzzzzz") == []
    assert found(index, "qqx") == []


def test_titles_come_before_artists_and_albums(index: SongIndex) -> None:
    assert found(index, "blue") == [3, 9, 4, 8]


def test_no_words_find_everything_that_can_be_played(index: SongIndex) -> None:
    assert sorted(found(index, "  ")) == [3, 4, 8, 9, 12]
    assert index.all(include_unplayable=True).sum() == 6


def test_labels_are_counted_and_narrow(index: SongIndex) -> None:
    everything = index.all()
    assert index.label_counts(everything) == {JAZZ: 3, CALM: 1}
    assert index.label_counts(everything & index.with_label(CALM)) == {JAZZ: 1, CALM: 1}
    assert index.label_counts(index.all(include_unplayable=True)) == {JAZZ: 3, CALM: 2}
    assert not index.with_label(12345).any()


def test_orders(index: SongIndex) -> None:
    everything = index.all()
    assert pks(index, index.by_title(everything)) == [3, 9, 8, 4, 12]
    assert pks(index, index.by_artist(everything))[:4] == [9, 4, 3, 8]
    assert pks(index, index.by_number("added", everything, largest_first=True))[0] == 12
    assert pks(index, index.by_number("year", everything, largest_first=True)) == [8, 4, 3, 12, 9]
    assert pks(index, index.by_number("duration_s", everything, largest_first=False)) == [9, 3, 4, 8, 12]
    assert pks(index, index.by_own({8: 5, 4: 3, 999: 1}, everything))[:3] == [8, 4, 3]


def test_artists_and_albums(index: SongIndex) -> None:
    assert pks(index, np.flatnonzero(index.of_artist("miles davis"))) == [3, 4]
    assert pks(index, np.flatnonzero(index.of_album(SONGS[0].album_key))) == [3, 4]
    assert not index.of_artist("").any()
    assert not index.of_album("").any()


def test_a_song_that_is_new_is_found_at_once(index: SongIndex) -> None:
    later = index.with_songs({30}, [indexed(30, "Windowlicker", "Aphex Twin")], {30: [CALM]})
    assert found(later, "windowl") == [30]
    assert later.label_counts(later.all()) == {JAZZ: 3, CALM: 2}
    assert found(index, "windowl") == []


def test_a_song_that_is_renamed_is_found_by_its_new_name_alone(index: SongIndex) -> None:
    later = index.with_songs({3}, [indexed(3, "Red in Green", "Miles Davis")], {3: [JAZZ]})
    assert found(later, "red green") == [3]
    assert found(later, "blue in green") == []
    assert later.label_counts(later.all()) == {JAZZ: 3}
    assert pks(later, later.by_title(later.all()))[-3:] == [8, 4, 12]


def test_a_song_that_is_gone_is_nowhere(index: SongIndex) -> None:
    later = index.with_songs({8}, [], {})
    assert found(later, "sinnerman") == []
    assert later.label_counts(later.all()) == {JAZZ: 2, CALM: 1}
    again = later.with_songs({8}, [SONGS[2]], {8: [JAZZ]})
    assert found(again, "sinnerman") == [8]


def test_other_labels_leave_the_order_as_it_was(index: SongIndex) -> None:
    order = index.by_title(index.all())
    later = index.with_songs({3}, [SONGS[0]], {3: []})
    assert later._title_order is index._title_order
    assert (later.by_title(later.all()) == order).all()


def test_an_index_of_nothing() -> None:
    none = np.zeros(0, np.int64)
    index = SongIndex.of([], none, none)
    assert found(index, "anything") == []
    assert index.label_counts(index.all()) == {}
    assert found(index.with_songs({1}, [indexed(1, "First")], {}), "first") == [1]
