"""Music found by words, in real libraries, for real listeners."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth.models import User

from catalog.models import Label, LabelAlias, LibraryRoot, Song
from catalog.services.labels import merge_labels, rename_label
from catalog.services.listening import rate, refuse
from catalog.services.playlists import make_playlist
from recommender.models import Word, WordLabel
from recommender.services.finding import Findings, examples, find, parse_query
from recommender.services.query_vocabulary import reset_table
from recommender.snapshots.build import build as recompute
from tests.factories import make_song, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

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
    assert "rainy evening (mellow" in why
    assert why.endswith("jazz (yours)")


def test_no_artist_comes_again_at_once_where_others_fit_as_well(ada: User, many: dict[str, Song]) -> None:
    artists = [one.song.artist for one in find(ada, "happy", n=8).songs]
    assert all(artist not in artists[max(place - 2, 0) : place] for place, artist in enumerate(artists))


def test_typing_errors_find_the_same(ada: User, many: dict[str, Song]) -> None:
    assert titles(find(ada, "hapy but not ppo, elctronic")) == titles(find(ada, "happy but not ppo, electronic"))


def test_words_that_are_not_understood_find_nothing_and_are_named(ada: User, many: dict[str, Song]) -> None:
    found = find(ada, "zzyzx")
    assert (found.songs, found.parsed.unknown, found.named.songs) == ([], ["zzyzx"], [])


def test_a_library_without_a_snapshot_understands_and_finds_nothing(ada: User) -> None:
    found = find(ada, "calm piano")
    assert [term.text for term in found.parsed.absent] == ["calm", "piano"]
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


@pytest.mark.parametrize(("text", "title"), [("rap", "Pops Rap"), ("war", "War on Peace")])
def test_a_short_word_is_no_part_of_a_name(ada: User, root: LibraryRoot, text: str, title: str) -> None:
    rows = [
        ("Pops Rap", "Common"),
        ("Dead Men Don't Rape", "Seven"),
        ("Runnin' Wild", "Grappelli"),
        ("Rapture", "Blondie"),
    ]
    rows += [("War on Peace", "Subs"), ("Over Newark", "Scott"), ("Wheels", "Jonathan Edwards"), ("Warm", "Warren")]
    for place, (name, artist) in enumerate(rows):
        make_song(name, artist, labels={"jazz": 1}, root=root, path=f"{place}.mp3")
    recompute()
    named = find(ada, text).named
    assert [song.title for song in named.songs] == [title]
    assert named.total == 1
    assert find(ada, "Grap").named.artists[0].name == "Grappelli"
    assert find(ada, "pelli").named.songs == []


# --- The table


def test_an_admins_word_counts_at_once(ada: User, many: dict[str, Song]) -> None:
    assert parse_query("grandma").unknown == ["grandma"]
    word = Word.objects.create(text="Grandma")
    WordLabel.objects.create(word=word, label="jazz")
    Word.objects.create(text="granny", same_as=word)
    assert parse_query("for grandma").labels == {"jazz": 1.0}
    assert parse_query("for granny").labels == {"jazz": 1.0}
    WordLabel.objects.filter(word=word).delete()
    assert parse_query("for granny").labels == {}


def test_a_merged_or_renamed_label_is_still_meant(ada: User, many: dict[str, Song]) -> None:
    merge_labels([Label.objects.get(name="calm")], Label.objects.get(name="Mellow"))
    recompute()
    assert parse_query("calm").labels["Mellow"] > 0
    rename_label(Label.objects.get(name="Mellow"), "gentle sounds")
    recompute()
    assert parse_query("calm").labels["gentle sounds"] > 0
    assert find(ada, "calm").songs


def test_an_alias_of_a_label_is_understood(ada: User, many: dict[str, Song]) -> None:
    LabelAlias.objects.create(label=Label.objects.get(name="jazz"), name="smoky bar")
    assert parse_query("smoky bar").labels == {"jazz": 1.0}


def test_a_label_that_no_song_has_any_more_is_absent(ada: User, many: dict[str, Song]) -> None:
    Label.objects.get(name="jazz").song_labels.all().delete()
    recompute()
    assert [term.text for term in parse_query("jazz").absent] == ["jazz"]


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


# --- Names, likeness, years, and words that no label has


@pytest.fixture
def named(root: LibraryRoot) -> dict[str, Song]:
    """Two artists of very different music, and songs whose titles say what no label does."""
    rows = {
        "Blue Moon": ("Billie Holiday", {"jazz": 5, "sad": 2}, 1952),
        "Silent Night": ("Carolers", {"calm": 4}, 0),
        "White Christmas": ("The Choir", {"calm": 2, "jazz": 3}, 1988),
        "Orinoco Flow": ("Enya", {"new age": 5, "calm": 3}, 1988),
        "Caribbean Blue": ("Enya", {"new age": 5, "calm": 4}, 1991),
        "Only Water": ("Somebody", {"new age": 4, "calm": 3}, 2001),
        "Exodus": ("Bob Marley", {"reggae": 5, "energetic": 4}, 1977),
        "Wake": ("The Wailers", {"reggae": 5, "energetic": 5}, 1973),
        "Sundown": ("The Wailers", {"reggae": 5, "calm": 4}, 1974),
        "Happy Vacation": ("Tourist", {"holiday": 5, "happy": 5}, 1999),
        "Hammer": ("Anvil", {"metal": 5, "energetic": 2}, 1984),
    }
    songs = {}
    for place, (title, (artist, labels, year)) in enumerate(rows.items()):
        songs[title] = make_song(
            title, artist, labels=labels, source="import", year=year or None, root=root, path=f"{place}.mp3"
        )
    recompute()
    return songs


def test_a_name_with_typing_errors_is_a_name_before_it_is_a_mood(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "bily holliday")
    assert [artist.name for artist in found.named.artists] == ["Billie Holiday"]
    assert found.songs == []
    assert found.parsed.terms == []
    assert find(ada, "silent nite").named.songs == [named["Silent Night"]]
    assert find(ada, "holliday").parsed.terms[0].text == "holiday"


def test_two_words_with_two_errors_each_are_a_name_and_words_of_others_are_not(
    ada: User, named: dict[str, Song], root: LibraryRoot
) -> None:
    make_song("Come Monday", "Jimmy Buffett", labels={"country": 1}, root=root, path="monday.mp3")
    recompute()
    assert [artist.name for artist in find(ada, "jimmi bufet").named.artists] == ["Jimmy Buffett"]
    for text in ("jimmi basket", "tommy bufet", "jimmi bufet orchestra"):
        assert find(ada, text).named.artists == [], text


def test_a_name_beside_words_without_meaning_is_found(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "songs by Tourist").named
    assert [artist.name for artist in found.artists] == ["Tourist"]
    assert found.songs == [named["Happy Vacation"]]


def test_a_title_that_is_written_as_it_is_has_no_mood(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "silent night")
    assert found.named.songs == [named["Silent Night"]]
    assert found.parsed.terms == []
    assert found.songs == []


def test_an_artist_beside_a_mood_is_an_artist_whatever_the_name_means(ada: User, named: dict[str, Song]) -> None:
    for text in ("billie holiday sad", "sad, Billie Holiday"):
        found = find(ada, text)
        assert [term.text for term in found.parsed.terms] == ["sad"], text
        assert [name.lower() for name in found.by_names] == ["billie holiday"], text
        assert titles(found) == ["Blue Moon"], text


def test_an_artist_all_of_whose_name_means_something_is_no_artist_in_a_sentence(
    ada: User, named: dict[str, Song], root: LibraryRoot
) -> None:
    make_song("Nothing", "Calm Jazz", labels={"metal": 1}, root=root, path="calm jazz.mp3")
    recompute()
    assert [term.text for term in find(ada, "energetic, calm jazz").parsed.terms] == ["energetic", "calm", "jazz"]


def test_songs_like_an_artist_are_by_others_and_say_so(ada: User, named: dict[str, Song]) -> None:
    for text in ("songs like Enya", "like enya", "Musik wie Enya", "música como Enia", "musique comme Enya"):
        found = find(ada, text)
        assert titles(found)[0] == "Only Water", text
        assert not {"Orinoco Flow", "Caribbean Blue"} & set(titles(found))
        assert found.like is not None
        assert found.like.name == "Enya"
    assert find(ada, "songs like Enya").why(found.songs[0]).startswith("like Enya: ")


def test_like_a_song_but_calmer_keeps_the_kind_and_bends_the_mood(ada: User, named: dict[str, Song]) -> None:
    assert titles(find(ada, "like Exodus"))[0] == "Wake"
    assert titles(find(ada, "like Exodus but calmer"))[0] == "Sundown"
    assert titles(find(ada, "etwas wie Exodus, aber ruhiger"))[0] == "Sundown"


def test_what_is_calmer_or_faster_is_still_like_what_is_named(ada: User, root: LibraryRoot) -> None:
    for number in range(40):
        labels = {"new age": 0.9, "fast" if number % 4 == 0 else "calm": 0.3 + number / 100}
        make_song(
            f"Quiet {number}", "Enya" if number == 1 else "Kitaro", labels=labels, root=root, path=f"q{number}.mp3"
        )
        loud = {"metal": 0.9, "fast": 0.9, **({"new age": 0.2} if number % 2 else {})}
        make_song(f"Loud {number}", "Others", labels=loud, root=root, path=f"l{number}.mp3")
    recompute()
    found = titles(find(ada, "like Enya but faster", n=15))
    assert len(found) == 15
    assert all(title.startswith("Quiet") for title in found)


def test_to_like_something_is_no_likeness(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "I like jazz")
    assert found.like is None
    assert [term.text for term in found.parsed.terms] == ["jazz"]


@pytest.mark.parametrize("text", ["80s", "eighties", "1980s", "achtziger", "80er Jahre", "años 80"])
def test_a_decade_without_a_label_is_found_by_the_songs_years(ada: User, named: dict[str, Song], text: str) -> None:
    found = find(ada, text)
    assert found.parsed.unknown == []
    assert sorted(titles(found)) == ["Hammer", "Orinoco Flow", "White Christmas"]
    assert len(found.by_year) == 1


def test_a_song_of_another_decade_does_not_come_by_a_wrong_label(ada: User, root: LibraryRoot) -> None:
    wrong = make_song("Wrong", labels={"80s": 5}, year=1965, source="import", root=root, path="w.mp3")
    unknown = make_song("Unknown", labels={"80s": 5}, source="import", root=root, path="u.mp3")
    right = make_song("Right", labels={"jazz": 5}, year=1984, source="import", root=root, path="r.mp3")
    recompute()
    found = [one.song for one in find(ada, "80s").songs]
    assert wrong not in found
    assert set(found) == {unknown, right}


def test_words_that_no_label_has_are_looked_for_in_titles_albums_and_playlists(
    ada: User, named: dict[str, Song]
) -> None:
    found = find(ada, "christmas jazz")
    assert titles(found)[0] == "White Christmas"
    assert found.by_names == ["christmas"]
    make_playlist(ada, "My Christmas songs", [named["Silent Night"].pk])
    assert set(titles(find(ada, "christmas"))[:2]) == {"White Christmas", "Silent Night"}
    Label.objects.get(name="holiday").song_labels.all().delete()
    recompute()
    assert titles(find(ada, "christmas jazz")) == ["White Christmas"]


def test_an_artist_in_a_sentence_is_the_artist(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "calm songs by Enya")
    assert set(titles(found)) == {"Orinoco Flow", "Caribbean Blue"}
    assert found.by_names == ["Enya"]
    assert found.parsed.unknown == []


def test_what_of_a_sentence_is_not_understood_is_named(ada: User, named: dict[str, Song]) -> None:
    found = find(ada, "calm music for my zorbing")
    assert found.parsed.unknown == ["zorbing"]
    assert found.songs


def test_names_in_a_script_without_spaces_are_found_inside_longer_ones(ada: User, root: LibraryRoot) -> None:
    song = make_song("静かな夜の歌", "歌手", labels={"calm": 1}, root=root, path="n.mp3")
    make_song("Other", labels={"sad": 1}, root=root, path="o.mp3")
    recompute()
    assert find(ada, "夜の").named.songs == [song]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("ruhige Musik ohne Metal", {"calm": 1, "metal": -1}),
        ("música tranquila", {"calm": 1}),
        ("musique calme mais pas jazz", {"calm": 1, "jazz": -1}),
        ("etwas sehr Fröhliches", {"happy": 1}),
        ("traurig und ruhig", {"sad": 1, "calm": 1}),
    ],
)
def test_german_spanish_and_french_are_understood(
    ada: User, many: dict[str, Song], text: str, labels: dict[str, int]
) -> None:
    parsed = parse_query(text)
    assert parsed.unknown == []
    assert {label: np.sign(weight) for label, weight in parsed.labels.items()}.items() >= labels.items()
