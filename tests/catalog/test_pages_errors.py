"""What people see when something went wrong."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import include, path
from pytest_django import Settings


def _break(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def _suspect(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("secret detail")


def _forbid(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Only whoever uploaded it may do this.")


def _too_large(request: HttpRequest) -> HttpResponse:
    return render(request, "413.html", {"reason": "Files may have 200 MB."}, status=413)


urlpatterns = [
    path("broken/", _break),
    path("suspect/", _suspect),
    path("forbidden/", _forbid),
    path("too-large/", _too_large),
    path("", include("dcmrs_site.urls")),
]


@pytest.fixture(autouse=True)
def _with_views_that_fail(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/nowhere/", 404, "There is nothing here"),
        ("/suspect/", 400, "makes no sense"),
        ("/forbidden/", 403, "Only whoever uploaded it may do this."),
        ("/too-large/", 413, "Files may have 200 MB."),
        ("/broken/", 500, "Something broke here"),
    ],
)
def test_each_error_has_a_page_in_words(client: Client, listener: User, address: str, status: int, said: str) -> None:
    client.raise_request_exception = False
    response = client.get(address)
    page = response.content.decode()
    assert response.status_code == status
    assert said in page
    assert "<h1>" in page
    assert "secret detail" not in page


@pytest.mark.django_db
def test_a_stranger_who_is_lost_is_told_so(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "Log in" in response.content.decode()


def test_a_broken_server_says_so_without_a_database(rf: object) -> None:
    from django.views.defaults import server_error

    response = server_error(rf.get("/"))  # type: ignore[attr-defined]
    assert "Something broke here" in response.content.decode()


@pytest.mark.django_db
def test_a_host_that_is_not_this_one_is_refused_in_words(client: Client) -> None:
    response = client.get("/library/", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert "makes no sense" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/library/", "/accounts/login/", "/nowhere/", "/broken/"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client: Client, listener: User, address: str) -> None:
    client.raise_request_exception = False
    response = client.get(address, follow=True)
    page = response.content.decode()
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick=" not in page
    assert not re.findall(r"<script(?![^>]* src=)", page)
    assert "//" not in page.replace("http://testserver/", "").replace("</", "")
    assert "default-src 'self'" in response["Content-Security-Policy"]
