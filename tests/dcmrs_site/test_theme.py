"""Light or dark by choice: on the first paint, in every page, for nobody else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from dcmrs_site.errors import server_error
from dcmrs_site.theme import Theme
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> User:
    user = make_user("ada", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def html_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert "Cookie" in response["Vary"]
    return response.content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_was_chosen_is_in_every_page_from_its_first_byte_on(client: Client, ada: User, theme: str) -> None:
    response = client.post("/theme/", {"theme": theme}, headers={"Referer": "http://testserver/library/?q=blue"})
    assert (response.status_code, response["Location"]) == (302, "http://testserver/library/?q=blue")
    for address in ("/", "/nowhere/", "/accounts/password/"):
        html = html_of(client, address)
        assert f'<html lang="en" data-theme="{theme}">' in html
        assert f'<meta name="color-scheme" content="{theme}">' in html
    assert f"admin_{theme}.css" in html_of(client, "/admin/")
    client.post("/accounts/logout/")
    assert f'data-theme="{theme}"' in html_of(client, "/accounts/login/")


def test_without_a_choice_and_after_taking_it_back_the_system_decides(client: Client, ada: User) -> None:
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"theme": "system"})
    html = html_of(client, "/library/")
    assert "data-theme=" not in html
    assert '<meta name="color-scheme" content="light dark">' in html


def test_with_scripts_nothing_but_the_cookie_comes_back(client: Client, ada: User) -> None:
    response = client.post("/theme/", {"theme": "dark"}, headers={"HX-Request": "true"})
    assert (response.status_code, response.content) == (204, b"")
    cookie = response.cookies["theme"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("dark", True, "Lax")


@pytest.mark.parametrize("theme", ["", "purple", "dark\n", "<b>"])
def test_another_theme_is_refused(client: Client, ada: User, theme: str) -> None:
    response = client.post("/theme/", {"theme": theme})
    assert (response.status_code, response.content) == (400, b"theme is light, dark or system.")


def test_a_cookie_that_says_something_else_says_nothing(client: Client, ada: User) -> None:
    client.cookies["theme"] = '"><script>'
    assert "data-theme=" not in html_of(client, "/library/")


def test_nobody_is_led_away_and_nothing_changes_by_a_link(client: Client, ada: User) -> None:
    assert client.post("/theme/", {"theme": "dark"}, headers={"Referer": "https://evil.example/"})["Location"] == "/"
    assert client.get("/theme/").status_code == 405


def test_a_form_from_elsewhere_changes_nothing_and_is_refused_in_the_chosen_theme(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["theme"] = "dark"
    response = strict.post("/theme/", {"theme": "light"})
    assert response.status_code == 403
    assert 'data-theme="dark"' in response.content.decode()
    assert strict.cookies["theme"].value == "dark"


@override_settings(ALLOWED_HOSTS=["other"])
def test_a_request_that_makes_no_sense_is_answered_in_the_chosen_theme(client: Client) -> None:
    client.cookies["theme"] = "dark"
    response = client.get("/")
    assert response.status_code == 400
    assert 'data-theme="dark"' in response.content.decode()


def test_what_broke_is_said_in_the_chosen_theme(rf: RequestFactory) -> None:
    def broken(request: object) -> HttpResponse:
        return server_error(request)  # type: ignore[arg-type]

    rf.cookies["theme"] = "light"
    response = Theme(broken)(rf.get("/"))
    assert response.status_code == 500
    assert 'data-theme="light"' in response.content.decode()
