"""Labels that listeners doubt."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Label, LabelDoubt, Song, SongLabel
from catalog.services import doubts
from catalog.services.doubts import doubt
from catalog.services.labels import labels_by_name, merge_labels
from catalog.services.song_merging import merge_songs, unmerge_song
from tests.factories import NO_ID, add_labels, make_song, make_user

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def song() -> Song:
    return make_song("So What", labels={"jazz": 0.9, "metal": 0.3})


def label(name: str) -> Label:
    return Label.objects.get(name=name)


def address(song: Song, name: str) -> str:
    return f"/songs/{song.pk}/labels/{label(name).pk}/doubt/"


def test_a_doubt_is_noted_once_and_taken_back(client: Client, listener: User, song: Song) -> None:
    for _ in range(2):
        answer = client.post(address(song, "metal"), headers=HTMX)
        assert answer.status_code == 200
    page = answer.content.decode()
    assert "metal: a curator will look at it" in page
    assert 'aria-pressed="true"><span>metal</span>' in page
    assert "You doubt 1." in page
    assert list(LabelDoubt.objects.values_list("user", "label__name")) == [(listener.pk, "metal")]
    client.post(address(song, "metal"), {"doubted": "0"}, headers=HTMX)
    assert not LabelDoubt.objects.exists()


def test_without_scripts_the_page_comes_back_and_says_so(client: Client, listener: User, song: Song) -> None:
    page = client.post(address(song, "metal"), follow=True)
    assert page.redirect_chain == [(f"/songs/{song.pk}/", 302)]
    assert "metal: a curator will look at it" in page.content.decode()


def test_the_songs_page_shows_ones_own_doubts_alone(client: Client, listener: User, song: Song) -> None:
    doubt(make_user(), song, label("jazz"))
    page = client.get(f"/songs/{song.pk}/").content.decode()
    assert "Is a label wrong?" in page
    assert 'aria-pressed="true"><span>jazz' not in page


def test_a_song_without_labels_has_nothing_to_doubt(client: Client, listener: User) -> None:
    assert "Is a label wrong?" not in client.get(f"/songs/{make_song().pk}/").content.decode()


def test_what_cannot_be_doubted_is_refused(client: Client, listener: User, song: Song) -> None:
    labels_by_name({"calm": Label.Kind.MOOD})
    add_labels(song, {"metal": -1.0}, source=SongLabel.Source.CURATOR, origin="boss")
    for name in ("calm", "metal"):
        assert client.post(address(song, name)).status_code == 400
    assert client.post(address(song, "jazz"), {"doubted": "x"}).status_code == 400
    assert client.post(f"/songs/{song.pk}/labels/{NO_ID}/doubt/").status_code == 404
    assert client.post(f"/songs/{NO_ID}/labels/{label('jazz').pk}/doubt/").status_code == 404
    assert client.get(address(song, "jazz")).status_code == 405
    assert not LabelDoubt.objects.exists()


def test_nobody_doubts_without_end(client: Client, listener: User, song: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubts, "MOST_AN_HOUR", 1)
    assert client.post(address(song, "metal")).status_code == 302
    assert client.post(address(song, "jazz")).status_code == 429
    assert LabelDoubt.objects.count() == 1
    client.post(address(song, "metal"), {"doubted": "0"})
    assert client.post(address(song, "jazz")).status_code == 302


def test_strangers_doubt_nothing(client: Client, song: Song) -> None:
    assert client.post(address(song, "jazz")).status_code == 302
    assert not LabelDoubt.objects.exists()


def test_doubts_go_over_with_a_merged_label(song: Song) -> None:
    one, both = make_user(), make_user()
    add_labels(song, {"heavy metal": 0.4})
    doubt(one, song, label("metal"))
    for name in ("metal", "heavy metal"):
        doubt(both, song, label(name))
    merge_labels([label("metal")], label("heavy metal"))
    assert set(LabelDoubt.objects.values_list("user", "label__name")) == {
        (one.pk, "heavy metal"),
        (both.pk, "heavy metal"),
    }


def test_doubts_go_over_with_a_merged_song_and_back(song: Song) -> None:
    doubt(make_user(), song, label("metal"))
    into = make_song("So What (1959)", labels={"metal": 0.2})
    merge_songs([song], into)
    assert LabelDoubt.objects.get().song == into
    apart = unmerge_song(into.merged.get())
    assert LabelDoubt.objects.get().song == apart


def test_a_listener_is_told_that_curators_add_what_is_missing(client: Client, listener: User, song: Song) -> None:
    page = client.get(f"/songs/{song.pk}/").content.decode()
    assert "Labels that are missing are added by the curators of this site." in page
    assert f"/admin/catalog/song/{song.pk}/change/" not in page


def test_a_curator_is_led_to_where_labels_are_added(client: Client, song: Song) -> None:
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    page = client.get(f"/songs/{song.pk}/").content.decode()
    assert f'href="/admin/catalog/song/{song.pk}/change/"' in page
    assert "are added by the curators" not in page
    assert 'list="known-labels"' in client.get(f"/admin/catalog/song/{song.pk}/change/").content.decode()
