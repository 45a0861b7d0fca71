from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import ApiToken
from accounts.services.api_tokens import MOST, ApiTokenRefused, find_api_token
from catalog.models import Rating
from tests.factories import make_song, make_token, make_user

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The rates, to be changed for one test."""
    changed = cast(dict[str, str], settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]).copy()
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", changed)
    return changed


def token_of(user: User, **extra: Any) -> APIClient:
    client = APIClient(**extra)
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(user)}")
    return client


def api_addresses() -> list[str]:
    """Every address under /api/, with 1 for whatever it takes."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> list[str]:
        found = []
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, here)
            else:
                found.append(here.replace(r"[\s\S]*/$", "nowhere/"))
        return found

    every = walk(get_resolver().url_patterns, "/")
    return [
        "1".join(part.split("<")[0] for part in address.split(">")) for address in every if address.startswith("/api/")
    ]


# --- Who is let in


@pytest.mark.parametrize("address", [each for each in api_addresses() if each != "/api/docs/"])
def test_strangers_are_refused_in_json_and_told_how_to_come_in(address: str) -> None:
    for method in ("get", "post", "put", "delete", "options"):
        if (method, address) == ("post", "/api/token/"):
            continue
        answer = getattr(Client(), method)(address, headers={"accept": "application/json, text/html;q=0.5"})
        assert answer.status_code == 401, (method, address)
        assert answer["WWW-Authenticate"] == "Token"
        assert answer["Content-Type"].startswith(("application/json", "application/vnd.oai.openapi"))


def test_strangers_who_want_the_documentation_are_sent_to_log_in() -> None:
    answer = Client().get("/api/docs/")
    assert answer.status_code == 302
    assert answer["Location"].endswith("?next=/api/docs/")


def test_a_token_opens_the_api_and_nothing_else_is_asked(ada: User) -> None:
    api = token_of(ada, enforce_csrf_checks=True)
    song = make_song()
    assert api.get("/api/").status_code == 200
    assert api.put(f"/api/ratings/{song.pk}/", {"stars": 3}).status_code == 201


@pytest.mark.parametrize("header", ["Token 0123", "Token", "Token a b", "Token \u00ff", "Bearer x", "\x00"])
def test_a_wrong_token_opens_nothing(header: str) -> None:
    assert APIClient().get("/api/songs/", HTTP_AUTHORIZATION=header).status_code == 401


def test_the_token_of_somebody_inactive_opens_nothing(ada: User) -> None:
    api = token_of(ada)
    User.objects.update(is_active=False)
    assert api.get("/api/songs/").status_code == 401


def test_a_session_opens_the_api_but_changes_need_the_csrf_token(ada: User) -> None:
    song = make_song()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert browser.get("/api/songs/").status_code == 200
    address = f"/api/ratings/{song.pk}/"
    refused = browser.put(address, {"stars": 1}, content_type=JSON)
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("CSRF Failed")
    assert not Rating.objects.exists()
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.put(address, {"stars": 1}, JSON, headers={"X-CSRFToken": "a" * 32}).status_code == 201


# --- Tokens


def test_a_password_is_exchanged_for_a_token_by_json_and_by_form(ada: User) -> None:
    by_json = Client().post("/api/token/", {"username": "ada", "password": "correct horse"}, content_type=JSON)
    by_form = Client().post(
        "/api/token/", "username=ada&password=correct+horse", content_type="application/x-www-form-urlencoded"
    )
    assert by_json.status_code == by_form.status_code == 200
    tokens = [answer.json()["token"] for answer in (by_json, by_form)]
    for token in tokens:
        assert APIClient().get("/api/songs/", HTTP_AUTHORIZATION=f"Token {token}").status_code == 200
        assert not ApiToken.objects.filter(digest__contains=token).exists(), "only a digest is kept"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"username": "ada"},
        {"username": "ada", "password": "wrong"},
        {"username": "nobody", "password": "correct horse"},
        {"username": "a\x00da", "password": "correct horse"},
        {"username": ["ada"], "password": {"$ne": ""}},
        {"username": "ada" * 1000, "password": "x" * 100_000},
        [],
    ],
)
def test_a_wrong_password_gives_no_token(ada: User, said: object) -> None:
    answer = Client().post("/api/token/", said, content_type=JSON)
    assert answer.status_code == 400
    assert set(answer.json()) == {"detail", "errors"}
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(("body", "status"), [(b"x=" + b"&x=" * 2000, 400), (b"x" * 2_500_001, 413)])
def test_a_form_that_is_too_large_gives_no_token(body: bytes, status: int) -> None:
    answer = Client().post("/api/token/", body, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, set(answer.json())) == (status, {"detail"})


def test_somebody_inactive_gets_no_token() -> None:
    make_user("gone", is_active=False)
    answer = Client().post("/api/token/", {"username": "gone", "password": "correct horse"}, content_type=JSON)
    assert answer.status_code == 400


def test_a_session_of_another_has_no_say_in_a_token(ada: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user("bob"))
    answer = browser.post("/api/token/", {"username": "ada", "password": "correct horse"}, content_type=JSON)
    found = find_api_token(answer.json()["token"])
    assert found is not None
    assert found.user == ada


def test_a_token_is_withdrawn_by_whom_it_belongs_to(ada: User) -> None:
    make_token(make_user("bob"))
    api, another = token_of(ada), token_of(ada)
    assert api.delete("/api/token/").status_code == 204
    assert api.get("/api/songs/").status_code == 401
    assert another.get("/api/songs/").status_code == 200
    browser = Client()
    browser.force_login(ada)
    assert browser.delete("/api/token/").status_code == 204
    assert another.get("/api/songs/").status_code == 401
    assert [row.user.username for row in ApiToken.objects.all()] == ["bob"]


def test_a_token_is_asked_for_with_a_name_for_some_days_and_to_read_only(ada: User) -> None:
    asked = {"username": "ada", "password": "correct horse", "name": "Script", "days": 7, "read_only": True}
    token = Client().post("/api/token/", asked, content_type=JSON).json()["token"]
    (row,) = ApiToken.objects.all()
    assert (row.name, row.read_only, row.last_used_at) == ("Script", True, None)
    assert row.expires_at is not None
    assert row.expires_at - row.created_at > timedelta(days=6)
    wrong = Client().post("/api/token/", asked | {"days": 0}, content_type=JSON)
    assert (wrong.status_code, set(wrong.json()["errors"])) == (400, {"days"})

    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert api.get("/api/ratings/").status_code == 200
    row.refresh_from_db()
    assert row.last_used_at is not None
    refused = api.put(f"/api/ratings/{make_song().pk}/", {"stars": 3})
    assert (refused.status_code, refused.json()) == (
        403,
        {"detail": "This token only reads: make another one to change something."},
    )
    assert not Rating.objects.exists()
    assert api.post("/api/upload/").status_code == 403
    ApiToken.objects.update(expires_at=timezone.now())
    expired = api.get("/api/ratings/")
    assert (expired.status_code, expired.json()["detail"]) == (401, "This token has expired: make another one.")


def test_a_program_that_logs_in_again_and_again_has_room(ada: User) -> None:
    kept = make_token(ada, name="Kept")
    for _ in range(MOST + 1):
        last = make_token(ada)
    assert ApiToken.objects.filter(user=ada).count() == MOST
    assert find_api_token(kept) is not None
    assert find_api_token(last) is not None
    ApiToken.objects.update(name="Mine")
    with pytest.raises(ApiTokenRefused, match="Revoke one"):
        make_token(ada)


def test_a_new_password_ends_the_token(ada: User) -> None:
    api = token_of(ada)
    ada.set_password("another horse")
    ada.save()
    assert api.get("/api/songs/").status_code == 401


def test_a_change_of_anything_else_does_not_end_the_token(ada: User) -> None:
    api = token_of(ada)
    ada.email = "ada@localhost"
    ada.save()
    assert api.get("/api/songs/").status_code == 200


# --- Throttling


def test_passwords_cannot_be_tried_for_ever(ada: User, rates: dict[str, str]) -> None:
    rates["login"] = "3/min"
    wrong = {"username": "ada", "password": "wrong"}
    codes = [
        # An address that the request makes up for itself does not help.
        Client().post("/api/token/", wrong, JSON, headers={"X-Forwarded-For": f"10.0.0.{attempt}"}).status_code
        for attempt in range(5)
    ]
    assert codes == [400, 400, 400, 429, 429]
    right = Client().post("/api/token/", {"username": "ada", "password": "correct horse"}, content_type=JSON)
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert right.json()["detail"].startswith("Request was throttled")


def test_each_user_may_ask_so_often(ada: User, rates: dict[str, str]) -> None:
    rates["user"] = "2/min"
    api, other = token_of(ada), token_of(make_user("bob"))
    assert [api.get("/api/labels/").status_code for _ in range(3)] == [200, 200, 429]
    assert other.get("/api/labels/").status_code == 200


# --- Its root, and what it refuses


def test_the_root_leads_everywhere(ada: User) -> None:
    api = token_of(ada)
    led_to = api.get("/api/").json()
    for name, address in led_to.items():
        if name not in (
            "docs",
            "token",
            "upload",
            "mood",
            "mood-picture",
            "recommendations-for-labels",
            "compare",
            "compare-why",
            "map",
            "find",
        ):
            assert api.get(address).status_code == 200, name
    listed = {urlsplit(address).path for address in led_to.values()}
    # All that takes nothing, but for what belongs to one of those that are listed.
    alone = {address for address in api_addresses() if "1" not in address} - {"/api/", "/api/nowhere/"}
    assert {address for address in alone if not any(address.startswith(one) for one in listed)} == set()


def test_a_browser_sees_pages_with_nothing_from_elsewhere(ada: User, client: Client) -> None:
    client.force_login(ada)
    song = make_song("<script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    for address in (*api_addresses(), f"/api/songs/{song.pk}/", "/api/songs/?search=<script>alert(1)</script>"):
        answer = client.get(address, headers={"accept": "text/html"})
        assert answer.status_code < 500, address
        text = answer.getvalue().decode(errors="replace")
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "script-src" not in answer["Content-Security-Policy"]
        assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_only_the_apis_own_pages_may_carry_styles(ada: User, client: Client) -> None:
    client.force_login(ada)
    assert "unsafe-inline" in client.get("/api/", headers={"accept": "text/html"})["Content-Security-Policy"]
    assert "unsafe-inline" not in client.get("/api/")["Content-Security-Policy"]
    assert "unsafe-inline" not in client.get("/health/")["Content-Security-Policy"]


@pytest.mark.parametrize("address", ["nowhere/at/all", "songs/one", "songs/1%0A2", "%00", "../admin"])
def test_an_address_that_is_none_is_told_in_json(ada: User, address: str) -> None:
    answer = token_of(ada).get(f"/api/{address}/")
    assert (answer.status_code, set(answer.json())) == (404, {"detail"})


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"song": ' + b"9" * 5000 + b"}", JSON, 400),
        (b'{"song": NaN, "stars": Infinity}', JSON, 400),
        (b'{"song": 1e400, "stars": 1e400}', JSON, 400),
        (b'"x"', JSON, 400),
        (b"null", JSON, 400),
        (b"song=1&stars=5", "text/plain", 415),
        (b"<a/>", "application/xml", 415),
        (b"\x00", "multipart/form-data", 415),
        (b"song=1&stars=5", "application/x-www-form-urlencoded", 415),
        (b" " * 2_500_001, JSON, 413),
    ],
)
def test_what_cannot_be_read_is_refused(ada: User, body: bytes, content_type: str, status: int) -> None:
    answer = token_of(ada).post("/api/ratings/", body, content_type=content_type)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    assert set(answer.json()) <= {"detail", "errors"}


def test_a_method_that_is_none_is_told_in_json(ada: User) -> None:
    answer = token_of(ada).delete("/api/songs/")
    assert (answer.status_code, set(answer.json())) == (405, {"detail"})
