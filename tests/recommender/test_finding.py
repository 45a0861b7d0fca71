"""Music found by words, in real libraries, for real listeners."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from catalog.models import Label, LabelAlias, LibraryRoot, Song
from catalog.services.labels import merge_labels, rename_label
from catalog.services.listening import rate, refuse
from recommender.build import build as recompute
from recommender.finding import Findings, examples, find, understand
from recommender.models import Word, WordLabel
from recommender.words import reset_table
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db

LABELS = ["happy", "pop", "calm", "jazz", "metal", "sad", "electronic", "Mellow"]


@pytest.fixture
def many(root: LibraryRoot) -> dict[str, Song]:
    """Eighty songs, each of two labels, the first of them twice as strong, by twenty artists."""
    songs = {}
    for place in range(80):
        first, second = LABELS[place % 8], LABELS[(place // 8 + place + 1) % 8]
        labels = {first: 4.0} | ({second: 2.0} if second != first else {})
        title = f"Track {place}"
        songs[title] = make_song(
            title, f"Artist {place % 20}", labels=labels, source="import", root=root, path=f"{place}.mp3"
        )
    recompute()
    return songs


def labels_of(song: Song) -> set[str]:
    return {word.label.name for word in song.song_labels.select_related("label")}


def titles(found: Findings) -> list[str]:
    return [one.song.title for one in found.songs]


def test_words_find_the_songs_that_carry_their_labels(ada: User, many: dict[str, Song]) -> None:
    found = find(ada, "something happy", n=10)
    assert len(found.songs) == 10
    assert all("happy" in labels_of(one.song) for one in found.songs)
    assert [one.rank for one in found.songs] == list(range(1, 11))


@pytest.mark.parametrize("refused", ["pop", "jazz", "sad", "electronic"])
def test_what_is_negated_is_on_no_song_of_the_list(ada: User, many: dict[str, Song], refused: str) -> None:
    found = find(ada, f"something happy but not {refused}", n=10)
    assert found.songs
    assert all("happy" in labels_of(one.song) and refused not in labels_of(one.song) for one in found.songs)
    assert any(refused in labels_of(one.song) for one in find(ada, "something happy", n=40).songs)


def test_negation_holds_against_a_taste_for_what_is_negated(ada: User, many: dict[str, Song]) -> None:
    for song in many.values():
        if "pop" in labels_of(song):
            rate(ada, song, 5)
    assert not [one for one in find(ada, "happy, not pop", n=10).songs if "pop" in labels_of(one.song)]


def test_a_trace_of_what_is_negated_does_not_keep_a_song_away(ada: User, root: LibraryRoot) -> None:
    make_song("Trace", labels={"happy": 100, "pop": 2}, source="import", root=root, path="trace.mp3")
    make_song("Much", labels={"happy": 100, "pop": 50}, source="import", root=root, path="much.mp3")
    make_song("Other", labels={"sad": 1}, source="import", root=root, path="other.mp3")
    recompute()
    assert titles(find(ada, "happy but not pop")) == ["Trace"]


def test_words_that_only_say_what_should_stay_away_leave_everything_else(ada: User, many: dict[str, Song]) -> None:
    found = find(ada, "nothing sad", n=40)
    assert len(found.songs) == 40
    assert not [one for one in found.songs if "sad" in labels_of(one.song)]


def test_the_words_come_first_and_taste_decides_among_what_fits(ada: User, many: dict[str, Song]) -> None:
    for song in list(many.values())[:40]:
        if "metal" in labels_of(song):
            rate(ada, song, 5)
    found = find(ada, "calm", n=8)
    assert all("calm" in labels_of(one.song) for one in found.songs)
    by_nobody = find(make_user(), "calm", n=8)
    assert [one for one in found.songs[:3] if "metal" in labels_of(one.song)]
    assert titles(found) != titles(by_nobody)


def test_what_the_listener_knows_is_found_and_what_they_refused_is_not(ada: User, many: dict[str, Song]) -> None:
    first, second, third = (one.song for one in find(ada, "calm").songs[:3])
    rate(ada, first, 5)
    rate(ada, second, 1)
    refuse(ada, third)
    found = [one.song for one in find(ada, "calm", n=40).songs]
    assert first in found
    assert second not in found
    assert third not in found
    assert first not in [one.song for one in find(ada, "calm", n=40, new_only=True).songs]


def test_only_songs_with_a_file_where_that_is_asked_for(ada: User, root: LibraryRoot) -> None:
    make_song("Here", labels={"calm": 1}, root=root, path="here.mp3")
    make_song("Elsewhere", labels={"calm": 1})
    make_song("Other", labels={"sad": 1})
    recompute()
    assert set(titles(find(ada, "calm"))) == {"Here", "Elsewhere"}
    assert titles(find(ada, "calm", playable_only=True)) == ["Here"]


def test_a_reason_names_the_words_their_labels_and_the_listeners_own(ada: User, root: LibraryRoot) -> None:
    liked = make_song("Liked", labels={"jazz": 1}, root=root, path="liked.mp3")
    make_song("Fits", labels={"calm": 1, "Mellow": 1, "jazz": 1}, root=root, path="fits.mp3")
    make_song("Other", labels={"metal": 1}, root=root, path="other.mp3")
    rate(ada, liked, 5)
    recompute()
    found = find(ada, "calm for a rainy evening", new_only=True)
    assert titles(found) == ["Fits"]
    why = found.why(found.songs[0])
    assert "calm" in why
    assert "rainy evening (Mellow" in why
    assert why.endswith("jazz (yours)")


def test_no_artist_comes_again_at_once_where_others_fit_as_well(ada: User, many: dict[str, Song]) -> None:
    artists = [one.song.artist for one in find(ada, "happy", n=8).songs]
    assert all(artist not in artists[max(place - 2, 0) : place] for place, artist in enumerate(artists))


def test_typing_errors_find_the_same(ada: User, many: dict[str, Song]) -> None:
    assert titles(find(ada, "hapy but not ppo, elctronic")) == titles(find(ada, "happy but not ppo, electronic"))


def test_words_that_are_not_understood_find_nothing_and_are_named(ada: User, many: dict[str, Song]) -> None:
    found = find(ada, "zzyzx")
    assert (found.songs, found.understood.unknown, found.named.songs) == ([], ["zzyzx"], [])


def test_a_library_without_a_snapshot_understands_and_finds_nothing(ada: User) -> None:
    found = find(ada, "calm piano")
    assert [piece.said for piece in found.understood.absent] == ["calm", "piano"]
    assert (found.songs, found.named.songs) == ([], [])
    assert examples() == []


# --- What is called so


def test_a_title_is_found_in_the_same_box(ada: User, root: LibraryRoot) -> None:
    ace = make_song("Vibe Ace", "Kevin MacLeod", labels={"calm": 1}, root=root, path="ace.mp3")
    make_song("Other", "Nobody", labels={"sad": 1}, root=root, path="other.mp3")
    recompute()
    for text in ("vibe ace", "Vibe Ace", "vibe ace kevin", "vbie ace"):
        assert find(ada, text).named.songs == [ace], text
    assert [artist.name for artist in find(ada, "kevin macleod").named.artists] == ["Kevin MacLeod"]
    assert [artist.name for artist in find(ada, "kevin macloed").named.artists] == ["Kevin MacLeod"]


def test_a_word_that_is_both_finds_both(ada: User, root: LibraryRoot) -> None:
    called = make_song("Happy", "Somebody", labels={"sad": 1}, root=root, path="called.mp3")
    fits = make_song("Song", "Another", labels={"happy": 1}, root=root, path="fits.mp3")
    recompute()
    found = find(ada, "happy")
    assert found.named.songs == [called]
    assert [one.song for one in found.songs] == [fits]


def test_a_typing_error_in_a_name_does_not_stand_before_words_that_are_understood(ada: User, root: LibraryRoot) -> None:
    make_song("Hippy", labels={"happy": 1}, root=root, path="hippy.mp3")
    make_song("Other", labels={"sad": 1}, root=root, path="other.mp3")
    recompute()
    assert find(ada, "happy").named.songs == []


# --- The table


def test_an_admins_word_counts_at_once(ada: User, many: dict[str, Song]) -> None:
    assert understand("grandma").unknown == ["grandma"]
    word = Word.objects.create(text="Grandma")
    WordLabel.objects.create(word=word, label="jazz")
    Word.objects.create(text="granny", same_as=word)
    assert understand("for grandma").labels == {"jazz": 1.0}
    assert understand("for granny").labels == {"jazz": 1.0}
    WordLabel.objects.filter(word=word).delete()
    assert understand("for granny").labels == {}


def test_a_merged_or_renamed_label_is_still_meant(ada: User, many: dict[str, Song]) -> None:
    merge_labels([Label.objects.get(name="calm")], Label.objects.get(name="Mellow"))
    recompute()
    assert understand("calm").labels["Mellow"] > 0
    rename_label(Label.objects.get(name="Mellow"), "gentle sounds")
    recompute()
    assert understand("calm").labels["gentle sounds"] > 0
    assert find(ada, "calm").songs


def test_an_alias_of_a_label_is_understood(ada: User, many: dict[str, Song]) -> None:
    LabelAlias.objects.create(label=Label.objects.get(name="jazz"), name="smoky bar")
    assert understand("smoky bar").labels == {"jazz": 1.0}


def test_a_label_that_no_song_has_any_more_is_absent(ada: User, many: dict[str, Song]) -> None:
    Label.objects.get(name="jazz").song_labels.all().delete()
    recompute()
    assert [piece.said for piece in understand("jazz").absent] == ["jazz"]


def test_the_default_table_is_laid_and_can_be_put_back(db: None) -> None:
    words, labels = Word.objects.count(), WordLabel.objects.count()
    assert words > 800
    Word.objects.filter(text__startswith="c").delete()
    reset_table()
    assert (Word.objects.count(), WordLabel.objects.count()) == (words, labels)
    assert Word.objects.get(text="peaceful").same_as == Word.objects.get(text="calm")


def test_examples_are_such_that_all_of_it_is_understood_here(many: dict[str, Song]) -> None:
    assert "something happy but not pop" in examples()
    assert "80s road trip" not in examples()
