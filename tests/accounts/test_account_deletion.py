"""Deleting an account: what goes, what stays, and who cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services.account_deletion import LastAdminError, delete_account
from catalog.models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song, SongLabel
from catalog.services.labels import curate
from catalog.services.listening import nudge, rate, record_play, refuse
from catalog.services.song_merging import merge_songs, unmerge_song
from tests.factories import make_song, make_token, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"


def leave(client: Client, password: str = PASSWORD) -> int:
    return client.post("/accounts/delete/", {"password": password}).status_code


@pytest.fixture
def busy(listener: User) -> User:
    """The listener that `client` is logged in as, who has said and done all there is."""
    song = make_song("So What", uploaded_by=listener)
    rate(listener, song, 5)
    record_play(listener, song)
    refuse(listener, make_song())
    nudge(listener, Label.objects.create(name="jazz"), 1.0)
    make_token(listener)
    return listener


def test_everything_of_theirs_goes_and_the_songs_stay(client: Client, busy: User) -> None:
    others = make_user("eve")
    rate(others, Song.objects.get(title="So What"), 3)
    assert leave(client) == 302
    assert not User.objects.filter(pk=busy.pk).exists()
    for model in (Play, PlayCount, NotThis, Nudge, ApiToken):
        assert not model._default_manager.exists()
    assert list(Rating.objects.values_list("user", flat=True)) == [others.pk]
    assert Song.objects.count() == 2
    assert Song.objects.get(title="So What").uploaded_by is None


def test_no_row_of_any_room_still_points_to_them(client: Client, busy: User) -> None:
    gone = busy.pk
    leave(client)
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.fields:
            if field.related_model is User:
                assert not model._default_manager.filter(**{field.attname: gone}).exists()


def test_they_are_logged_out_everywhere(client: Client, busy: User) -> None:
    elsewhere, stranger = Client(), Client()
    elsewhere.force_login(busy)
    stranger.force_login(make_user("eve"))
    page = client.post("/accounts/delete/", {"password": PASSWORD}, follow=True).content.decode()
    assert "Your account is deleted" in page
    assert elsewhere.get("/ratings/").status_code == 302
    assert stranger.get("/ratings/").status_code == 200
    # One of the stranger, and one in which the last message was shown.
    assert {session.get_decoded().get("_auth_user_id") for session in Session.objects.all()} <= {
        str(User.objects.get(username="eve").pk),
        None,
    }


def test_a_wrong_password_deletes_nothing_and_counts_as_a_guess(client: Client, busy: User) -> None:
    page = client.post("/accounts/delete/", {"password": "wrong"})
    assert page.status_code == 200
    assert "That is not your password." in page.content.decode()
    codes = [leave(client, "wrong") for _ in range(9)]
    assert codes[-1] == 429
    assert leave(client) == 429
    assert User.objects.filter(pk=busy.pk).exists()


def test_the_page_says_what_goes_and_what_stays_and_asking_deletes_nothing(client: Client, busy: User) -> None:
    page = client.get("/accounts/delete/").content.decode()
    assert "Songs you uploaded stay" in page
    assert "Take everything along first" in page
    assert leave(client, "") == 200
    assert User.objects.filter(pk=busy.pk).exists()


def test_strangers_are_asked_to_log_in(client: Client) -> None:
    assert client.get("/accounts/delete/")["Location"].startswith("/accounts/login/")


def test_the_last_admin_cannot_leave(client: Client) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    make_user("former", is_superuser=True, is_active=False)
    client.force_login(boss)
    answer = client.post("/accounts/delete/", {"password": PASSWORD})
    assert answer.status_code == 409
    assert "You are the only admin here. Make somebody else an admin first" in answer.content.decode()
    assert client.get("/ratings/").status_code == 200
    with pytest.raises(LastAdminError):
        delete_account(boss)
    make_user("other", is_staff=True, is_superuser=True)
    assert leave(client) == 302
    assert not User.objects.filter(username="boss").exists()


def test_a_curators_word_stays_without_the_name(listener: User) -> None:
    song, jazz = make_song(), Label.objects.create(name="jazz")
    curate(song, jazz, True, listener)
    delete_account(listener)
    annotation = SongLabel.objects.get()
    assert (annotation.source, annotation.origin, annotation.weight) == ("curator", "", 1.0)


def test_merged_songs_can_be_unmerged_after_account_deletion(listener: User) -> None:
    eve = make_user("eve")
    part, whole = make_song("Part", uploaded_by=listener), make_song("Whole")
    for user in (listener, eve):
        rate(user, part, 4)
        record_play(user, part, played_at=timezone.now() - timedelta(days=1))
    curate(part, Label.objects.create(name="jazz"), True, listener)
    merge_songs([part], whole)
    (merged,) = whole.merged.all()
    delete_account(listener)
    merged.refresh_from_db()
    assert listener.username not in str(merged.contents)
    again = unmerge_song(merged)
    assert list(again.ratings.values_list("user__username", flat=True)) == ["eve"]
    assert again.uploaded_by is None
