"""A link to a song that was shared, opened by a stranger: it leads to the song after the log-in and the sign-up."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Song
from tests.factories import NO_ID, make_song, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
NEW = "battery staple 7"
SAID = "Somebody shared a song with you."


@pytest.fixture
def song() -> Song:
    return make_song("A secret title", "A secret artist")


def test_the_log_in_page_says_that_it_is_a_song_and_not_which(client: Client, song: Song) -> None:
    answer = client.get(song.get_absolute_url(), follow=True)
    page = answer.content.decode()
    assert SAID in page
    assert "secret" not in page
    # Of a song that is not there it says the same: which there are is not told to strangers.
    assert SAID in client.get(f"/songs/{NO_ID}/", follow=True).content.decode()


@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/accounts/login/?next=/library/", "/accounts/login/?next=/x%00/"]
)
def test_of_other_pages_it_does_not_say_so(client: Client, address: str) -> None:
    assert SAID not in client.get(address).content.decode()


def test_another_sites_address_is_no_song(client: Client, song: Song) -> None:
    evil = f"https://evil.example{song.get_absolute_url()}"
    assert SAID not in client.get("/accounts/login/", {"next": evil}).content.decode()
    assert SAID not in client.get("/accounts/signup/", {"next": evil}).content.decode()


def test_the_log_in_leads_to_the_song(client: Client, song: Song) -> None:
    make_user("mira")
    page = client.get(song.get_absolute_url(), follow=True)
    data = {"username": "mira", "password": PASSWORD, "next": song.get_absolute_url()}
    assert f'name="next" value="{song.get_absolute_url()}"' in page.content.decode()
    assert client.post("/accounts/login/", data)["Location"] == song.get_absolute_url()


def test_every_way_to_the_sign_up_and_back_leads_to_the_song(client: Client, song: Song) -> None:
    address = song.get_absolute_url()
    log_in = client.get(address, follow=True).content.decode()
    assert log_in.count(f'href="{reverse("signup")}?next={address}"') == 2
    assert f'href="{reverse("signup")}"' not in log_in
    page = client.get("/accounts/signup/", {"next": address}).content.decode()
    assert SAID in page
    assert f'href="{reverse("login")}"' not in page
    data = {"username": "new", "password1": NEW, "password2": NEW, "next": address}
    assert client.post("/accounts/signup/", data)["Location"] == address
