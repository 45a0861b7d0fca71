"""People on the dashboard: what there is of each, what they may upload, and how an account goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import UploadAllowance
from catalog.importing.roots import uploads_root
from catalog.models import Label, Listener, Rating, Song, SongLabel
from catalog.services.labels import curate
from tests.factories import make_plays, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"


@pytest.fixture
def boss(client: Client) -> User:
    """The admin that `client` is logged in as."""
    user = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def row_of(client: Client, name: str, address: str = USERS) -> str:
    """A row of the list of users, its cells as words."""
    rows = re.findall(r"<tr>.*?</tr>", client.get(address).text, re.DOTALL)
    (row,) = [row for row in rows if f">{name}</a>" in row]
    return " ".join(re.sub(r"<[^>]*>", " ", row).split())


def test_times_are_those_of_a_day_of_24_hours_as_on_other_pages(client: Client, boss: User) -> None:
    make_user("ada")
    User.objects.filter(username="ada").update(last_login=datetime(2026, 12, 1, 14, 47, tzinfo=UTC))
    assert "1 Dec 2026, 14:47" in row_of(client, "ada")


def form_of(user: User, **changed: str) -> dict[str, str]:
    """What the page of a user sends."""
    return {
        "username": user.username,
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "upload_allowance-TOTAL_FORMS": "1",
        "upload_allowance-INITIAL_FORMS": str(UploadAllowance.objects.filter(user=user).count()),
        "upload_allowance-0-user": str(user.pk),
        "upload_allowance-0-may_upload": "",
        "upload_allowance-0-megabytes": "",
        "upload_allowance-0-songs": "",
    } | {f"upload_allowance-0-{name}": value for name, value in changed.items()}


def test_the_list_tells_uploads_space_and_plays(client: Client, boss: User, settings: Settings) -> None:
    ada = make_user("ada")
    for n in range(2):
        make_song(root=uploads_root(), path=f"{n}.ogg", size=600_000, uploaded_by=ada)
    for song in Song.objects.all():
        make_plays(ada, song, 3)
    make_user("bob")
    assert row_of(client, "ada").startswith("ada - 6 2 1.2 MB")
    assert row_of(client, "bob").startswith("bob - 0 may not -")
    settings.UPLOAD_OPEN = True
    assert row_of(client, "bob").startswith("bob - 0 0 -")


def test_imported_listeners_stand_apart(client: Client, boss: User) -> None:
    imported = make_user("lastfm-1", is_active=False)
    Listener.objects.create(user=imported, origin=Listener.Origin.IMPORTED)
    assert "lastfm-1" not in client.get(USERS).text
    for who in ("all", "imported"):
        assert "lastfm-1" in client.get(USERS, {"who": who}).text
    assert "lastfm-1" not in client.get(USERS, {"who": "simulated"}).text


def test_the_list_asks_few_queries_however_many_they_are(
    client: Client, boss: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        make_plays(make_user(), make_song())
    with django_assert_max_num_queries(10):
        client.get(USERS)


def test_a_page_tells_what_there_is_of_somebody(client: Client, boss: User, settings: Settings) -> None:
    ada = make_user("ada")
    make_song(root=uploads_root(), path="1.ogg", size=600_000, uploaded_by=ada)
    page = client.get(f"{USERS}{ada.pk}/change/").text
    assert f'<a href="/admin/catalog/song/?uploaded_by__exact={ada.pk}">1 song</a>, 600 kB; may not upload' in page
    assert "at most 2.0 GB and 500 songs" in page
    assert "as the site has it: staff may" in page
    assert "Empty: as the site has it, 2,000 MB, and no limit for staff. 0: no limit." in page
    assert "1 song" in client.get(f"/admin/catalog/song/?uploaded_by__exact={ada.pk}").text


def test_an_admin_says_who_may_upload_and_how_much(client: Client, boss: User) -> None:
    ada = make_user("ada")
    address = f"{USERS}{ada.pk}/change/"
    assert client.post(address, form_of(ada)).status_code == 302
    for sent, kept in (
        ({"may_upload": "yes", "megabytes": "70"}, (True, 70, None)),
        ({"may_upload": "no", "songs": "0"}, (False, None, 0)),
        ({}, (None, None, None)),
    ):
        assert client.post(address, form_of(ada, **sent)).status_code == 302
        allowance = UploadAllowance.objects.get(user=ada)
        assert (allowance.may_upload, allowance.megabytes, allowance.songs) == kept
    for wrong in ({"may_upload": "perhaps"}, {"megabytes": "-1"}, {"songs": "many"}):
        assert client.post(address, form_of(ada, **wrong)).status_code == 200
    assert LogEntry.objects.filter(object_id=str(ada.pk)).exists()


def test_a_new_user_is_as_everybody(client: Client, boss: User) -> None:
    phrase = "a long new phrase"
    form = {"username": "new", "usable_password": "true", "password1": phrase, "password2": phrase}
    assert client.post(f"{USERS}add/", form).status_code == 302
    assert not UploadAllowance.objects.exists()


# --- Deleting -----------------------------------------------------------------------------------


def busy(name: str) -> User:
    """Somebody who has rated, curated, and uploaded, and is logged in somewhere."""
    user = make_user(name)
    song = make_song(uploaded_by=user)
    make_rating(user, song, 4)
    curate(song, Label.objects.get_or_create(name="jazz", key="jazz")[0], True, user)
    Client().force_login(user)
    return user


def by_page(client: Client, user: User) -> str:
    return client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}, follow=True).text


def by_list(client: Client, *users: User) -> str:
    chosen = {"action": "delete_selected", "_selected_action": [user.pk for user in users], "post": "yes"}
    return client.post(USERS, chosen, follow=True).text


@pytest.mark.parametrize("delete", [by_page, by_list])
def test_an_account_goes_as_by_its_own_page(client: Client, boss: User, delete: object) -> None:
    ada = busy("ada")
    sessions = Session.objects.count()
    assert callable(delete)
    delete(client, ada)
    assert not User.objects.filter(username="ada").exists()
    assert not Rating.objects.exists()
    assert SongLabel.objects.get().origin == ""
    assert Song.objects.get().uploaded_by is None
    assert Session.objects.count() == sessions - 1


def test_what_goes_is_counted_first(client: Client, boss: User) -> None:
    ada = busy("ada")
    page = client.get(f"{USERS}{ada.pk}/delete/").text
    assert "ada: 1 ratings go; uploaded songs and curated labels stay" in page
    assert User.objects.filter(username="ada").exists()


def test_ones_own_account_does_not_go_here(client: Client, boss: User) -> None:
    make_user("other", is_staff=True, is_superuser=True)
    assert "that is you" in client.get(f"{USERS}{boss.pk}/delete/").text
    by_page(client, boss)
    by_list(client, boss)
    assert User.objects.filter(username="boss").exists()


def test_the_last_admins_stay(client: Client) -> None:
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.set(
        helper.user_permissions.model.objects.filter(codename__in=("delete_user", "view_user", "change_user"))
    )
    client.force_login(helper)
    admins = [make_user(name, is_staff=True, is_superuser=True) for name in ("one", "two")]
    assert "no other admin would be left" in by_list(client, *admins)
    assert User.objects.filter(is_superuser=True).count() == 2
    by_list(client, admins[0])
    assert User.objects.filter(is_superuser=True).count() == 1
    assert "no other admin would be left" in by_page(client, admins[1])
    assert User.objects.filter(username="two").exists()


def test_deleting_needs_its_right(client: Client) -> None:
    client.force_login(make_user("helper", is_staff=True))
    ada = busy("ada")
    assert client.post(f"{USERS}{ada.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(username="ada").exists()
