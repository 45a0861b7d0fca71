"""Which songs stand first for words, and which stay away: what songs carry and are called decides."""

from __future__ import annotations

from typing import Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Label, LibraryRoot, Song
from catalog.services.listening import rate
from catalog.services.playlists import make_playlist
from recommender.services.finding import Findings, find
from recommender.snapshots.build import build as recompute
from tests.factories import make_song, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


class AddSong(Protocol):
    def __call__(self, title: str, labels: dict[str, float], **names: str) -> Song: ...


@pytest.fixture
def add(root: LibraryRoot) -> AddSong:
    def add_song(title: str, labels: dict[str, float], **names: str) -> Song:
        return make_song(title, labels=labels, source="import", root=root, path=f"{title}.mp3", **names)

    return add_song


def titles(found: Findings) -> list[str]:
    return [one.song.title for one in found.songs]


def why(found: Findings, title: str) -> str:
    return next(found.why(one) for one in found.songs if one.song.title == title)


# --- What stays away


@pytest.mark.parametrize("text", ["synthesizer without vocals", "synthesizer, no singing", "synthesizer, not vocals"])
def test_without_vocals_no_song_with_any_label_of_singing_is_listed(ada: User, add: AddSong, text: str) -> None:
    add("Played", {"synthesizer": 2, "instrumental": 2})
    add("Unknown", {"synthesizer": 2, "rock": 1})
    for label in ("female vocals", "male vocals", "choir", "hip-hop", "spoken word", "falsetto"):
        add(f"With {label}", {"synthesizer": 3, label: 1})
    Label.objects.filter(name__in=["instrumental", "falsetto"]).update(kind=Label.Kind.VOCALS)
    add("Other", {"calm": 1})
    recompute()
    found = titles(find(ada, text))
    assert "Played" in found
    assert not [title for title in found if title.startswith("With ")]


def test_rap_that_is_asked_for_without_vocals_is_listed(ada: User, add: AddSong) -> None:
    add("Beat", {"hip-hop": 3, "instrumental": 2})
    add("Other", {"calm": 1})
    recompute()
    assert titles(find(ada, "hip hop without vocals")) == ["Beat"]


def test_without_a_kind_of_voice_other_voices_stay(ada: User, add: AddSong) -> None:
    add("Hers", {"pop": 3, "female vocals": 2})
    add("His", {"pop": 3, "male vocals": 2})
    add("Other", {"calm": 1})
    recompute()
    assert titles(find(ada, "pop without female vocals")) == ["His"]


def test_without_guitars_no_kind_of_guitar_is_listed_nor_named(ada: User, add: AddSong) -> None:
    for label in ("guitar", "acoustic guitar", "electric guitar"):
        add(f"With {label}", {"calm": 3, label: 2})
    add("Trace", {"calm": 30, "jazz": 9, "acoustic guitar": 2})
    liked = add("Liked", {"jazz": 1, "acoustic guitar": 5})
    add("Other", {"metal": 1})
    rate(ada, liked, 5)
    recompute()
    found = find(ada, "calm without guitars")
    assert titles(found) == ["Trace"]
    assert "guitar" not in why(found, "Trace")
    for text in ("without guitars", "calm, less acoustic guitar"):
        found = find(ada, text)
        assert found.songs
        assert not [one.song.title for one in found.songs if "guitar" in found.why(one)]
    assert "With electric guitar" in titles(find(ada, "calm without acoustic guitar"))


# --- What stands first


def test_songs_of_all_terms_stand_first_whatever_the_listener_likes(ada: User, add: AddSong) -> None:
    for place in range(6):
        rate(ada, add(f"Ballad {place}", {"90s": 9, "female vocals": 9, "ballad": 5}), 5)
    add("All", {"90s": 1, "female vocals": 1, "hip-hop": 1, "metal": 8, "loud": 8, "dark": 8})
    add("Trace", {"90s": 9, "female vocals": 9, "hip-hop": 0.1})
    for place in range(20):
        add(f"Rap {place}", {"hip-hop": 5, "party": 1})
        add(f"Other {place}", {"calm": 1})
    recompute()
    found = titles(find(ada, "90s hip hop with female singer"))
    assert found[0] == "All"
    assert len(found) > 6


def test_a_weak_label_of_a_term_counts_less_than_what_it_says(ada: User, add: AddSong) -> None:
    # Piano means classical and acoustic a little.
    add("Sad and acoustic", {"sad": 9, "acoustic": 9, "classical": 9})
    add("Sad piano", {"sad": 2, "piano": 2, "pop": 9})
    add("Sad alone", {"sad": 9, "metal": 1})
    for place in range(12):
        add(f"Other {place}", {"metal": 1})
    recompute()
    assert titles(find(ada, "traurige Musik mit Klavier")) == ["Sad piano", "Sad and acoustic", "Sad alone"]


@pytest.mark.parametrize("where", ["title", "artist", "album"])
def test_a_name_that_says_a_term_counts_as_a_label(ada: User, add: AddSong, where: str) -> None:
    says = {"title": "Flamenco at Noon"} if where == "title" else {"title": "At Noon", where: "The Flamenco Book"}
    add(says.pop("title"), {"guitar": 2, "solo": 2, "folk": 3}, **says)
    for place in range(12):
        add(f"Strummed {place}", {"guitar": 9, "acoustic guitar": 9, "solo": 9})
    add("Flamencodance", {"metal": 1})
    for place in range(12):
        add(f"Other {place}", {"metal": 1})
    recompute()
    found = find(ada, "solo guitar flamenco")
    assert titles(found)[0].endswith("At Noon" if where != "title" else "at Noon")
    assert f"flamenco ({where})" in found.why(found.songs[0])


def test_music_to_wake_up_to_is_no_music_of_games(ada: User, add: AddSong) -> None:
    add("Dungeon", {"positive": 9, "hopeful": 9, "uplifting": 9, "upbeat": 5, "game": 9})
    add("Reggae", {"happy": 5, "upbeat": 5, "catchy": 5})
    add("Other", {"metal": 1})
    recompute()
    assert titles(find(ada, "wake up music"))[0] == "Reggae"


# --- What names say


def test_the_end_of_a_sentence_is_not_looked_for_in_names(ada: User, add: AddSong) -> None:
    end = add("The End", {"loud": 1}, artist="Mendeed")
    add("Withered", {"loud": 5, "quiet": 1}, artist="Mendeed")
    add("Other", {"calm": 1})
    make_playlist(ada, "Weekend at the end", [end.pk])
    recompute()
    found = find(ada, "loud at the beginning, quiet at the end")
    assert found.parsed.unknown == ["beginning", "end"]
    assert found.by_names == []
    assert len(found.songs) > 1


def test_playlists_of_others_are_never_a_reason(ada: User, add: AddSong) -> None:
    mine, theirs = add("Mine", {"calm": 1, "pop": 9}), add("Theirs", {"calm": 9})
    add("Other", {"metal": 1})
    make_playlist(ada, "Zorbing tours", [mine.pk])
    make_playlist(make_user(), "Zorbing secrets", [theirs.pk])
    make_playlist(ada, "Anzorbingen", [theirs.pk])
    recompute()
    found = find(ada, "calm zorbing")
    assert titles(found) == ["Mine", "Theirs"]
    assert why(found, "Mine").startswith("zorbing (playlist)")
    assert "zorbing" not in why(found, "Theirs")


def test_songs_whose_names_say_an_unknown_word_stand_first_and_are_not_all(ada: User, add: AddSong) -> None:
    add("This Train", {"jazz": 1, "metal": 9}, artist="The Sam Price Trio")
    add("Poinciana", {"jazz": 9, "piano": 9}, artist="Ahmad Jamal")
    add("Other", {"metal": 1})
    recompute()
    found = find(ada, "jazz piano trio")
    assert titles(found) == ["This Train", "Poinciana"]
    assert found.by_names == ["trio"]


def test_a_reason_names_the_place_that_says_a_word(ada: User, add: AddSong) -> None:
    add("Mañana", {"calm": 3}, artist="Dave and the Brazilians")
    add("Other", {"metal": 1})
    recompute()
    found = find(ada, "calm brazilian")
    assert why(found, "Mañana").startswith("brazilian (artist)")


def test_christmas_is_first_what_titles_and_albums_say_then_what_labels_say(ada: User, add: AddSong) -> None:
    said = ["O Little Town of Bethlehem", "O Tannenbuam", "Frohe Weihnachten", "Petit Papa Noël", "O Come Emmanuel"]
    for title in said:
        add(title, {"calm": 1, "christmas": 1})
    add("Hymn", {"metal": 1}, album="The Best Christmas Album")
    loud = [add(f"Heard {place}", {"christmas": 9, "pop": 2}) for place in range(5)]
    add("Wonderwall", {"rock": 1}, artist="Noel Gallagher")
    add("Black Magic", {"rock": 1}, artist="Santana")
    for song in loud:
        rate(ada, song, 5)
    recompute()
    for text in ("christmas", "xmas", "Weihnachten", "jingle bells"):
        found = find(ada, text)
        assert set(titles(found)[:6]) == {*said, "Hymn"}, text
        assert set(titles(found)[6:]) == {song.title for song in loud}, text
    found = find(ada, "christmas")
    assert why(found, "O Tannenbuam").startswith("christmas (title)")
    assert why(found, "Hymn").startswith("christmas (album)")
    assert why(found, "Heard 0").startswith("christmas (label)")
    assert why(find(ada, "jingle bells"), "O Tannenbuam").startswith("christmas (title)")


# --- Newer and older than what is named


def dated(root: LibraryRoot, title: str, artist: str, year: int | None) -> Song:
    return make_song(
        title, artist, labels={"jazz": 5, "sad": 2}, source="import", year=year, root=root, path=f"{title}.mp3"
    )


def test_newer_and_older_are_by_year_where_years_are_known(
    ada: User, add: AddSong, root: LibraryRoot, client: Client
) -> None:
    for title, year in {"Blue Moon": 1952, "Fine and Mellow": 1957}.items():
        dated(root, title, "Billie Holiday", year)
    for title, known in {"Old": 1925, "Same": 1954, "New": 2002, "Undated": None}.items():
        dated(root, title, f"By {title}", known)
    add("Other", {"metal": 1})
    recompute()
    for text in ("something like Billie Holiday but newer", "Musik wie Billie Holiday, aber neuer"):
        found = find(ada, text)
        assert titles(found) == ["New", "Undated"], text
        assert found.parsed.unknown == []
    found = find(ada, "songs like Billie Holiday but older, sad")
    assert titles(found)[:2] in (["Old", "Same"], ["Same", "Old"])
    assert "New" not in titles(found)
    assert found.by_year == ["older"]
    assert found.parsed.terms[0].without == "like Billie Holiday, older"
    client.force_login(ada)
    page = client.get("/find/", {"q": "something like Billie Holiday but newer"}).content.decode()
    assert 'newer <span class="chip-said">by year</span>' in page
    assert 'q=like+Billie+Holiday"' in page


def test_newer_is_not_understood_where_no_year_is_known(ada: User, add: AddSong, root: LibraryRoot) -> None:
    dated(root, "Blue Moon", "Billie Holiday", None)
    dated(root, "New", "Somebody", 2002)
    add("Other", {"metal": 1})
    recompute()
    found = find(ada, "something like Billie Holiday but newer")
    assert found.parsed.unknown == ["newer"]
    assert titles(found) == ["New"]
    assert find(ada, "newer jazz").parsed.unknown == ["newer"]
