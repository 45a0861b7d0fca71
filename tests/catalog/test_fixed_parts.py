"""Parts of pages that are rendered once: nothing of a person is in them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template import RequestContext, Template
from django.test import Client

from catalog.templatetags import fixed
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    fixed._rendered.cache_clear()


def rendered(text: str, **context: object) -> str:
    return Template("{% load fixed %}" + text).render(RequestContext(HttpRequest(), context))


def test_what_is_kept_knows_nothing_but_its_arguments() -> None:
    own = {"messages": ["only for Ada"], "page": "taste", "user": User(username="ada"), "csrf_token": "secret"}
    assert "only for Ada" not in rendered('{% fixed "components/messages.html" %}', **own)
    assert "aria-current" not in rendered('{% fixed "components/tabs.html" %}', **own)
    assert rendered('{% fixed "components/tabs.html" page=page %}', **own).count("aria-current") == 1


def test_links_of_admins_stay_with_admins(client: Client) -> None:
    for name, staff in [("admin", True), ("ada", False), ("boss", True)]:
        client.force_login(make_user(name, is_staff=staff))
        page = client.get("/").content.decode()
        assert (">Dashboard</a>" in page) is staff
        assert page.count(f'data-who="{name}"') == 1


def test_a_part_is_rendered_once_for_everybody(client: Client) -> None:
    for name in ("ada", "bob"):
        client.force_login(make_user(name))
        page = client.get("/").content.decode()
        assert 'id="player"' in page
        assert page.count('aria-current="page"') == 1
    found = fixed._rendered.cache_info()
    assert found.hits == found.misses == found.currsize
