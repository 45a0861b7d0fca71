"""The menu beside Django's pages of admins is what Django writes, and is written once."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.template.loader import render_to_string
from django.test import Client

from dcmrs_site.templatetags.admin_menu import _rendered
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db

LABELS, SONGS = "/admin/catalog/label/", "/admin/catalog/song/"


def menu(page: str) -> list[str]:
    [found] = re.findall(r'<nav class="sticky" id="nav-sidebar".*?</nav>', page, re.DOTALL)
    return [line.strip() for line in found.splitlines() if line.strip()]


@pytest.fixture
def boss() -> User:
    return make_user("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def curator() -> User:
    """May see labels and songs, and change neither."""
    user = make_user("curator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_label", "view_song"]))
    return user


@pytest.mark.parametrize("who", ["boss", "curator"])
def test_it_is_what_django_writes(client: Client, request: pytest.FixtureRequest, who: str) -> None:
    client.force_login(request.getfixturevalue(who))
    song = make_song("One")
    answers = [client.get(path) for path in (LABELS, SONGS, f"{SONGS}{song.pk}/change/")]
    menus = [menu(answer.text) for answer in answers]
    for answer, written in zip(answers, menus, strict=True):
        told = {"available_apps": answer.context["available_apps"], "request": answer.wsgi_request}
        assert written == menu(render_to_string("admin/nav_sidebar.html", told))
    of_labels, of_songs, of_song = menus
    assert of_labels != of_songs == of_song, "it shows where one is"


def test_nobody_sees_in_it_what_only_others_may(client: Client, boss: User, curator: User) -> None:
    client.force_login(boss)
    assert any("/admin/auth/user/" in line for line in menu(client.get(LABELS).text))
    client.force_login(curator)
    links = re.findall(r'href="([^"]+)"', "\n".join(menu(client.get(LABELS).text)))
    assert set(links) == {"/admin/catalog/", LABELS, SONGS}


def test_it_is_written_once_for_all_who_see_the_same(client: Client, boss: User) -> None:
    client.force_login(boss)
    client.get(LABELS)
    before = _rendered.cache_info().misses
    client.force_login(make_user("other", is_staff=True, is_superuser=True))
    client.get(LABELS, {"q": "jazz"})
    assert _rendered.cache_info().misses == before
