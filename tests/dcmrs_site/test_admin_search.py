"""Searches of the admin with more words than a database takes."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_song

pytestmark = pytest.mark.django_db

WORDS = "blue " * 1800


@pytest.fixture
def boss(client: Client) -> User:
    user = User.objects.create_superuser("boss")
    client.force_login(user)
    return user


@pytest.mark.parametrize("address", ["catalog/song/", "auth/user/", "catalog/label/"])
def test_a_search_of_1800_words_is_answered(client: Client, boss: User, address: str) -> None:
    assert client.get(f"/admin/{address}", {"q": WORDS}).status_code == 200


def test_the_first_words_are_looked_for(client: Client, boss: User) -> None:
    make_song("Blue in Green")
    make_song("Thunder")
    page = client.get("/admin/catalog/song/", {"q": WORDS}).text
    assert "Blue in Green" in page
    assert "Thunder" not in page
