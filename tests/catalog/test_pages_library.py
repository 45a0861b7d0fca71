"""The library's page: finding, filtering, sorting, leafing through."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, PlayCount, Song, SongLabel
from catalog.services.listening import refuse
from catalog.views.library import SONGS_A_PAGE
from tests.factories import add_labels, make_rating, make_root, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db

# Session, user, notes of changes, the label asked for, labels that narrow, songs, their labels, stars and plays, songs
# that wait for labels.


def playable(title: str, artist: str = "", **fields: object) -> Song:
    return make_song(title, artist, root=make_root(), path=f"{title}.mp3", **fields)  # type: ignore[arg-type]


def titles(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/library/?{query}")
    assert response.status_code == 200
    return [row.song.title for row in response.context["rows"]]


def test_a_stranger_is_sent_to_the_log_in_and_back(client: Client) -> None:
    response = client.get("/library/?q=love")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/library/%3Fq%3Dlove"


def test_it_shows_what_can_be_played_newest_first(client: Client, listener: User) -> None:
    playable("Old")
    playable("New")
    make_song("Only known by name")
    playable("Gone", missing_since="2026-01-01T00:00:00Z")
    assert titles(client) == ["New", "Old"]


def test_songs_without_a_file_are_behind_a_switch(client: Client, listener: User) -> None:
    playable("Here")
    make_song("Only known by name")
    assert titles(client, "silent=1") == ["Only known by name", "Here"]


@pytest.mark.parametrize("words", ["blue", "BLÜE", "miles blue", "kind", "davis"])
def test_words_are_found_in_title_artist_and_album(client: Client, listener: User, words: str) -> None:
    playable("Blue in Green", "Miles Davis", album="Kind of Blue")
    playable("Red", "King Crimson")
    assert titles(client, f"q={words}") == ["Blue in Green"]


def test_every_label_chosen_must_be_there(client: Client, listener: User) -> None:
    playable("Both", labels={"jazz": 0.9, "calm": 0.5})
    playable("One", labels={"jazz": 0.9})
    assert titles(client, "label=jazz") == ["One", "Both"]
    assert titles(client, "label=JAZZ&label=calm&label=") == ["Both"]


def test_a_label_that_a_curator_refused_is_not_there(client: Client, listener: User) -> None:
    song = playable("No jazz", labels={"jazz": 0.9})
    add_labels(song, {"jazz": -1.0}, source=SongLabel.Source.CURATOR, origin="admin")
    assert titles(client, "label=jazz") == []


def test_an_artist_is_found_however_spelled(client: Client, listener: User) -> None:
    playable("Song", "The Beatles")
    playable("Other", "Beat Happening")
    assert titles(client, "artist=beatles") == ["Song"]


def test_an_artist_typed_now_comes_before_the_one_chosen_earlier(client: Client, listener: User) -> None:
    playable("Song", "Nina")
    playable("Other", "Miles")
    assert titles(client, "artist=Nina&artist=Miles") == ["Song"]


def test_sorting(client: Client, listener: User) -> None:
    playable("b", "Z", year=1970)
    playable("A", "Y", year=1990)
    playable("c", "X")
    assert titles(client, "sort=title") == ["A", "b", "c"]
    assert titles(client, "sort=artist") == ["c", "A", "b"]
    assert titles(client, "sort=year") == ["A", "b", "c"]
    assert titles(client, "sort=nonsense") == ["c", "A", "b"]


def test_leafing_keeps_what_was_asked(client: Client, listener: User) -> None:
    for number in range(SONGS_A_PAGE + 1):
        playable(f"Song {number}", "Nina")
    first = client.get("/library/", {"artist": "Nina", "sort": "title"})
    assert "?artist=Nina&amp;sort=title&amp;page=2" in first.content.decode()
    assert len(titles(client, "artist=Nina&sort=title&page=2")) == 1


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", ""])
def test_a_page_that_is_not_there_is_the_nearest(client: Client, listener: User, page: str) -> None:
    playable("Song")
    assert titles(client, f"page={page}") == ["Song"]


def test_the_listeners_own_stars_and_plays_are_shown(client: Client, listener: User) -> None:
    song = playable("Song")
    make_rating(listener, song, 4)
    make_rating(make_user(), song, 1)
    PlayCount.objects.create(user=listener, song=song, count=2)
    PlayCount.objects.create(user=listener, song=song, count=1, origin="lastfm")
    (row,) = client.get("/library/").context["rows"]
    assert (row.stars, row.plays) == (4, 3)


def test_labels_are_shown_strongest_first_and_a_curators_before_all(client: Client, listener: User) -> None:
    song = playable("Song", labels={"sad": 0.9, "calm": 0.5, "dark": 0.1, "epic": 0.05})
    add_labels(song, {"piano": 1.0, "sad": -1.0}, source=SongLabel.Source.CURATOR, origin="admin")
    (row,) = client.get("/library/").context["rows"]
    # What is predicted with less than half of the strongest one's probability, a person would hardly agree with.
    assert row.labels == ["piano", "calm"]


def test_the_number_of_queries_does_not_grow(
    client: Client, listener: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(SONGS_A_PAGE):
        song = playable(f"Song {number}", "Nina", labels={"jazz": 0.9, "calm": 0.5})
        make_rating(listener, song, 3)
    client.get("/library/")
    with django_assert_max_num_queries(OWN_QUERIES["library"]):
        client.get("/library/?q=song&label=jazz&artist=nina&sort=artist")


def test_htmx_gets_the_list_alone_and_the_address_to_show(client: Client, listener: User) -> None:
    playable("Song", labels={"jazz": 0.9})
    response = client.get("/library/", {"q": "so", "label": "jazz", "artist": ""}, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert "<html" not in page
    assert 'id="songs"' in page
    assert response["HX-Replace-Url"] == "/library/?q=so&label=jazz"
    assert "HX-Request" in response["Vary"]


def test_text_from_files_and_addresses_is_never_markup(client: Client, listener: User) -> None:
    playable("<script>alert(1)</script>", '"><img src=x>', album="<b>")
    page = client.get("/library/", {"label": "<i>", "silent": "1"}).content.decode()
    assert "<i>" not in page
    page = client.get("/library/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_an_empty_library_says_what_to_do_first(client: Client, listener: User) -> None:
    page = client.get("/library/").content.decode()
    assert "No music here yet" in page
    assert "Whoever runs this server" in page
    client.force_login(make_user("boss", is_staff=True))
    page = client.get("/library/").content.decode()
    assert "manage.py import_music" in page
    assert "bin/demo" in page
    assert "/upload/" in page


def test_songs_that_wait_for_labels_are_told(client: Client, listener: User) -> None:
    playable("Waits")
    playable("Is at work", tagging_state=Song.Tagging.RUNNING)
    playable("Is done", tagging_state=Song.Tagging.DONE)
    assert "2 songs wait to be heard" in client.get("/library/").content.decode()


def test_nothing_found_says_so(client: Client, listener: User) -> None:
    playable("Song")
    assert "Nothing found" in client.get("/library/?q=zzz").content.decode()


def test_a_library_of_names_alone_says_so(client: Client, listener: User) -> None:
    make_song("Only known by name")
    assert "No song here has a file" in client.get("/library/").content.decode()


def test_suggestions_are_the_most_frequent_names(client: Client, listener: User) -> None:
    playable("One", "Nina", labels={"jazz": 0.9})
    playable("Two", "Nina", labels={"jazz": 0.9, "calm": 0.1})
    playable("Three", "Miles")
    labels = client.get("/library/labels/").content.decode()
    artists = client.get("/library/artists/").content.decode()
    assert labels.index("jazz") < labels.index("calm")
    assert artists.index("Nina") < artists.index("Miles")


def test_typos_are_forgiven_and_told(client: Client, listener: User) -> None:
    playable("Blue in Green", "Miles Davis")
    playable("Red", "King Crimson")
    assert titles(client, "q=mlies+davsi") == ["Blue in Green"]
    page = client.get("/library/?q=davsi").content.decode()
    assert "Nothing here is written “davsi”. These are the songs with davis." in page


def test_the_best_match_comes_first_unless_another_order_is_asked_for(client: Client, listener: User) -> None:
    playable("Blue")
    playable("Other", "Blue Band")
    playable("Third", album="Kind of Blue")
    assert titles(client, "q=blue") == ["Blue", "Other", "Third"]
    assert titles(client, "q=blue&sort=newest") == ["Third", "Other", "Blue"]
    assert titles(client, "sort=best") == ["Third", "Other", "Blue"]


def test_sorting_by_what_the_listener_did(client: Client, listener: User) -> None:
    often, liked, neither = playable("Often"), playable("Liked"), playable("Neither")
    PlayCount.objects.create(user=listener, song=often, count=9)
    PlayCount.objects.create(user=make_user(), song=neither, count=99)
    make_rating(listener, liked, 5)
    make_rating(make_user(), neither, 5)
    assert titles(client, "sort=plays")[0] == "Often"
    assert titles(client, "sort=stars")[0] == "Liked"


def test_sorting_by_length(client: Client, listener: User) -> None:
    playable("Long", duration_s=600)
    playable("Short", duration_s=60)
    playable("Unknown")
    assert titles(client, "sort=long") == ["Long", "Short", "Unknown"]
    assert titles(client, "sort=short") == ["Short", "Long", "Unknown"]


def test_labels_that_narrow_are_counted_by_kind_and_combine(client: Client, listener: User) -> None:
    playable("One", labels={"jazz": 0.9, "calm": 0.5})
    playable("Two", labels={"jazz": 0.9, "calm": 0.5, "piano": 0.4})
    playable("Three", labels={"jazz": 0.9})
    Label.objects.filter(name="jazz").update(kind="genre")
    Label.objects.filter(name="calm").update(kind="mood")
    assert client.get("/library/").context["facets"] == [
        ("Genre", [("jazz", 3, "label=jazz")]),
        ("Mood", [("calm", 2, "label=calm")]),
        ("Other", [("piano", 1, "label=piano")]),
    ]
    narrowed = client.get("/library/?label=calm&q=two").context["facets"]
    assert narrowed[0] == ("Genre", [("jazz", 1, "q=two&label=calm&label=jazz")])
    assert all(name != "calm" for _, labels in narrowed for name, _, _ in labels)


def test_more_songs_come_without_the_rest_of_the_page(client: Client, listener: User) -> None:
    for number in range(2 * SONGS_A_PAGE + 1):
        playable(f"Song {number}")
    first = client.get("/library/").content.decode()
    assert 'id="more-songs"' in first
    headers = {"HX-Request": "true", "HX-Target": "more-songs"}
    more = client.get("/library/?page=2", headers=headers)
    page = more.content.decode()
    assert page.count('<li class="song-row') == SONGS_A_PAGE
    assert 'id="found"' not in page
    assert "page=3" in page
    assert "HX-Replace-Url" not in more
    assert 'id="more-songs"' not in client.get("/library/?page=3", headers=headers).content.decode()
    assert "Songs before these" in client.get("/library/?page=2").content.decode()


def test_words_that_are_a_label_too_lead_to_its_songs(client: Client, listener: User) -> None:
    playable("Rock Bottom")
    for number in range(3):
        playable(f"Song {number}", labels={"rock": 0.9})
    page = client.get("/library/?q=Rock").content.decode()
    assert 'href="/library/?label=Rock"' in page
    assert "the label of 3 songs" in page
    assert len(titles(client, "label=Rock")) == 3
    for query in ("q=bottom", "q=rock&label=rock", ""):
        assert "the label of" not in client.get(f"/library/?{query}").content.decode()


def test_a_row_says_that_its_song_is_not_for_the_listener(client: Client, listener: User) -> None:
    refused, liked = playable("Refused"), playable("Liked")
    make_rating(listener, liked, 5)
    refuse(make_user(), liked)
    refuse(listener, refused)
    rows = {row.song.title: row for row in client.get("/library/").context["rows"]}
    assert [(row.stars, row.refused) for row in (rows["Refused"], rows["Liked"])] == [(None, True), (5, False)]
    page = client.get("/library/").content.decode()
    assert page.count(f'action="/songs/{refused.pk}/not-this/"') == 1
    assert f'action="/songs/{liked.pk}/not-this/"' not in page
