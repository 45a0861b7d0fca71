"""A song's page and its cover."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import NotThis, PlayCount, SongLabel
from catalog.services.song_labels import first_and_more, labels_by_kind
from tests.factories import NO_ID, add_labels, make_rating, make_root, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db


PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")


def page_of(client: Client, song: object) -> str:
    response = client.get(f"/songs/{song.pk}/")  # type: ignore[attr-defined]
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_says_what_is_known(client: Client, listener: User) -> None:
    song = make_song("Blue in Green", "Miles Davis", album="Kind of Blue", year=1959, duration_s=337.4)
    PlayCount.objects.create(user=make_user(), song=song, count=3)
    PlayCount.objects.create(user=make_user(), song=song, count=1)
    page = page_of(client, song)
    for said in ("Blue in Green", "Miles Davis", "Kind of Blue", "1959", "5:37", "2 people have played it"):
        assert said in page


def test_labels_say_who_says_so_and_how_sure(client: Client, listener: User) -> None:
    song = make_song(labels={"jazz": 0.823})
    add_labels(song, {"90s": 12, "soul": 1}, source=SongLabel.Source.IMPORT, origin="lastfm")
    add_labels(song, {"funk": 1}, source=SongLabel.Source.IMPORT, origin="file")
    add_labels(song, {"piano": 1}, source=SongLabel.Source.CURATOR, origin="admin")
    page = page_of(client, song)
    for said in ("strongly", "imported, 12 people", "imported, 1 person", "written in the file"):
        assert said in page
    assert "curated by an admin" in page


def test_two_taggers_are_one_label_with_the_surer_word(client: Client, listener: User) -> None:
    song = make_song(labels={"sad": 0.3}, origin="jamendo-cnn")
    add_labels(song, {"sad": 0.6}, origin="msd-crnn")
    page = page_of(client, song)
    assert "clearly" in page
    assert "somewhat" not in page


def test_eight_labels_are_shown_at_once_and_the_others_are_unfolded(client: Client, listener: User) -> None:
    song = make_song(labels={f"predicted {number}": 0.9 - number / 20 for number in range(12)})
    add_labels(song, {"imported": 3}, source=SongLabel.Source.IMPORT, origin="lastfm")
    page = page_of(client, song)
    first, _, more = page.partition("More labels")
    assert "imported" in first
    assert "predicted 6" in first
    assert "predicted 7" not in first
    assert "predicted 11" in more


def test_a_refused_label_is_shown_to_admins_only(client: Client, listener: User) -> None:
    song = make_song()
    add_labels(song, {"metal": -1}, source=SongLabel.Source.CURATOR, origin="admin")
    assert "metal" not in page_of(client, song)
    client.force_login(make_user(is_staff=True))
    assert "refused by an admin" in page_of(client, song)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"tagging_state": "pending"}, "Not listened to yet"),
        ({"tagging_state": "done"}, "Nothing about this song stood out"),
        ({"tagging_state": "failed", "tagging_error": "cut off"}, "could not be listened to"),
    ],
)
def test_without_labels_it_says_why(client: Client, listener: User, fields: dict[str, Any], said: str) -> None:
    assert said in page_of(client, make_song(root=make_root(), path="song.mp3", **fields))


def test_a_song_without_a_file_says_so_and_cannot_be_played(client: Client, listener: User) -> None:
    page = page_of(client, make_song())
    assert "there is no file of it here" in page
    assert "data-play" not in page.split("<main")[1].split("</main")[0]


def test_own_stars_and_refusal_are_shown(client: Client, listener: User) -> None:
    song = make_song()
    make_rating(listener, song, 4)
    NotThis.objects.create(user=listener, song=song)
    page = page_of(client, song)
    assert 'value="4" aria-label="4 stars" checked' in page
    assert "Not for me: undo" in page


def test_the_number_of_queries_is_bounded(
    client: Client, listener: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    song = make_song(root=make_root(), path="song.mp3", labels={f"label {n}": 0.5 for n in range(30)})
    with django_assert_max_num_queries(OWN_QUERIES["song"]):
        client.get(f"/songs/{song.pk}/")


def test_a_song_that_is_not_there(client: Client, listener: User) -> None:
    response = client.get(f"/songs/{NO_ID}/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_cover_is_drawn_from_the_labels(client: Client, listener: User) -> None:
    song = make_song(labels={"jazz": 0.9})
    drawn = client.get(f"/songs/{song.pk}/cover")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert "private" in drawn["Cache-Control"]
    again = client.get(f"/songs/{song.pk}/cover", headers={"If-None-Match": drawn["ETag"]})
    assert again.status_code == 304
    add_labels(song, {"calm": 0.8})
    changed = client.get(f"/songs/{song.pk}/cover", headers={"If-None-Match": drawn["ETag"]})
    assert changed.status_code == 200


def test_the_cover_in_the_file_comes_first(client: Client, listener: User) -> None:
    song = make_song(cover=SimpleUploadedFile("cover.gif", PIXEL))
    response = client.get(f"/songs/{song.pk}/cover")
    assert response["Content-Type"] == "image/gif"
    assert b"".join(response.streaming_content) == PIXEL  # type: ignore[attr-defined]
    unchanged = client.get(f"/songs/{song.pk}/cover", headers={"If-None-Match": response["ETag"]})
    assert unchanged.status_code == 304


@pytest.mark.parametrize("name", ["covers/lost.png", "covers/evil.svg", "../../db.sqlite3"])
def test_what_is_no_picture_here_is_drawn_instead(client: Client, listener: User, name: str) -> None:
    song = make_song(cover=name)
    assert client.get(f"/songs/{song.pk}/cover")["Content-Type"] == "image/svg+xml"


def test_covers_are_for_those_logged_in(client: Client) -> None:
    assert client.get(f"/songs/{make_song().pk}/cover").status_code == 302


def test_labels_that_a_person_would_hardly_agree_with_are_unfolded(client: Client, listener: User) -> None:
    song = make_song(labels={"jazz": 0.9, "calm": 0.55, "sitar": 0.4})
    add_labels(song, {"harp": 2}, source=SongLabel.Source.IMPORT, origin="csv")
    first, more = first_and_more(labels_by_kind(song))
    assert {label.name for group in first for label in group.labels} == {"jazz", "calm", "harp"}
    assert [label.name for group in more for label in group.labels] == ["sitar"]
    # Of a song of which little is sure, what is surest is shown.
    first, more = first_and_more(labels_by_kind(make_song("Odd", labels={"opera": 0.4, "choir": 0.3, "harp": 0.1})))
    assert {label.name for group in first for label in group.labels} == {"opera", "choir"}
    assert [label.name for group in more for label in group.labels] == ["harp"]
