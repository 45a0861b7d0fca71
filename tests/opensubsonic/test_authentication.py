"""Who asks: app passwords in three ways, the account's own password, and what is refused."""

from __future__ import annotations

import hashlib
import json
import logging

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django import Settings

from accounts.login_throttle import _MOST_FAILURES_HERE
from accounts.models import AppPassword
from accounts.services.app_passwords import AppPasswordRefused, make_app_password, revoke_app_password

from .player import PASSWORD, Player

pytestmark = pytest.mark.django_db


@pytest.fixture
def password(mira: User) -> str:
    """An app password of Mira's."""
    return make_app_password(mira, "Phone")[1]


def token(password: str, salt: str = "abcdef") -> dict[str, str]:
    return {"t": hashlib.md5(f"{password}{salt}".encode()).hexdigest(), "s": salt}  # noqa: S324


def test_an_app_password_works_in_every_way(client: Client, password: str) -> None:
    for credentials in (
        {"u": "mira", "p": password},
        {"u": "mira", "p": f"enc:{password.encode().hex()}"},
        {"u": "mira", **token(password)},
        {"apiKey": password},
    ):
        player = Player(client, **credentials)
        assert player.ok("getUser")["user"]["username"] == "mira"
    assert AppPassword.objects.get().last_used_at is not None
    assert Player(client, apiKey=password).ok("tokenInfo")["tokenInfo"] == {"username": "mira"}


def test_the_accounts_own_password_works_until_a_setting_forbids_it(player: Player, settings: Settings) -> None:
    player.ok("ping")
    settings.OPENSUBSONIC_ACCOUNT_PASSWORDS = False
    assert player.code("ping") == 40


def test_the_accounts_own_password_does_not_work_as_a_token(client: Client, mira: User) -> None:
    assert Player(client, u="mira", **token(PASSWORD)).code("ping") == 40


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({}, 10),
        ({"u": "mira"}, 10),
        ({"u": "mira", "p": "wrong"}, 40),
        ({"u": "mira", "p": "enc:zz"}, 40),
        ({"u": "mira", "p": "enc:ff"}, 40),
        ({"u": "nobody", "p": PASSWORD}, 40),
        ({"u": "mira", "t": "0" * 32, "s": "salt"}, 40),
        ({"u": "mira", "t": "0" * 32}, 10),
        ({"u": "mira", "p": PASSWORD, "t": "0" * 32, "s": "salt"}, 43),
        ({"apiKey": "wrong"}, 44),
        ({"apiKey": ""}, 44),
        ({"apiKey": "wrong", "u": "mira"}, 43),
        ({"u": "mira", "p": "x" * 600}, 0),
    ],
)
def test_who_is_not_to_be_believed_is_refused(
    client: Client, mira: User, password: str, credentials: dict[str, str], code: int
) -> None:
    player = Player(client)
    player.credentials = credentials
    assert player.code("ping") == code


def test_an_app_password_works_for_its_own_person_only(client: Client, password: str, otto: User) -> None:
    assert Player(client, u="otto", p=password).code("ping") == 40
    assert Player(client, u="otto", **token(password)).code("ping") == 40


def test_who_is_deactivated_or_deleted_is_out_at_once(client: Client, mira: User, password: str) -> None:
    ways = [Player(client, apiKey=password), Player(client, u="mira", **token(password)), Player(client, "mira")]
    for player in ways:
        player.ok("ping")
    User.objects.update(is_active=False)
    assert [player.code("ping") for player in ways] == [44, 40, 40]
    User.objects.update(is_active=True)
    mira.delete()
    assert [player.code("ping") for player in ways] == [44, 40, 40]


def test_a_new_password_of_the_account_ends_the_old_one_at_once(player: Player, mira: User) -> None:
    player.ok("ping")
    mira.set_password("battery staple 7")
    mira.save()
    assert player.code("ping") == 40


def test_a_revoked_app_password_is_worth_nothing(client: Client, mira: User, otto: User, password: str) -> None:
    row = AppPassword.objects.get()
    assert not revoke_app_password(otto, row.pk)
    assert revoke_app_password(mira, row.pk)
    assert Player(client, apiKey=password).code("ping") == 44


def test_guesses_of_the_accounts_password_are_limited_as_at_the_log_in(client: Client, mira: User) -> None:
    guess = Player(client, u="mira", p="wrong")
    for _ in range(_MOST_FAILURES_HERE):
        guess.raw("ping")
    assert "Wait" in guess.call("ping")["error"]["message"]
    assert Player(client, "mira").code("ping") == 40
    response = client.post("/accounts/login/", {"username": "mira", "password": PASSWORD})
    assert response.status_code == 429


def test_app_passwords_work_while_guesses_are_refused(client: Client, mira: User, password: str) -> None:
    for _ in range(_MOST_FAILURES_HERE + 1):
        Player(client, u="mira", p="wrong").raw("ping")
    Player(client, u="mira", p=password).ok("ping")


def test_passwords_are_kept_encrypted_and_found_by_a_keyed_digest(password: str, settings: Settings) -> None:
    row = AppPassword.objects.get()
    assert password not in row.secret + row.digest
    assert row.digest != hashlib.sha256(password.encode()).hexdigest()
    with pytest.raises(InvalidToken):
        Fernet(Fernet.generate_key()).decrypt(row.secret.encode())


def test_passwords_outlive_a_new_secret_key_while_the_old_one_is_a_fallback(
    client: Client, password: str, settings: Settings
) -> None:
    ways = [Player(client, apiKey=password), Player(client, u="mira", **token(password))]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one"
    for player in ways:
        player.ok("ping")
    settings.SECRET_KEY_FALLBACKS = []
    assert [player.code("ping") for player in ways] == [44, 40]


def test_nothing_of_a_password_is_logged(
    client: Client, mira: User, password: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("opensubsonic.endpoints.system.accounts", broken)
    User.objects.update(is_superuser=True)
    said = Player(client, u="mira", p=password).call("getUsers")
    assert said["error"] == {"code": 0, "message": "Something broke on the server; its log says what."}
    assert "broken on purpose" in caplog.text
    assert password not in caplog.text


def test_the_command_makes_a_password(client: Client, mira: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("app_password", "mira", "Hi-fi")
    printed = capsys.readouterr().out.strip()
    Player(client, apiKey=printed).ok("ping")
    with pytest.raises(CommandError, match="called Hi-fi already"):
        call_command("app_password", "mira", "Hi-fi")
    with pytest.raises(CommandError, match="nobody called nobody"):
        call_command("app_password", "nobody", "x")


def test_names_of_app_passwords_are_kept_within_limits(mira: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, why in ((" \n", "Give it a name"), ("x" * 61, "at most 60")):
        with pytest.raises(AppPasswordRefused, match=why):
            make_app_password(mira, name)
    monkeypatch.setattr("accounts.services.app_passwords.MOST", 1)
    make_app_password(mira, "one")
    with pytest.raises(AppPasswordRefused, match="There can be 1"):
        make_app_password(mira, "two")


def test_the_extensions_need_no_log_in(client: Client) -> None:
    response = client.get("/rest/getOpenSubsonicExtensions", {"f": "json"})
    said = json.loads(response.content)["subsonic-response"]
    assert {one["name"]: one["versions"] for one in said["openSubsonicExtensions"]} == {
        "apiKeyAuthentication": [1],
        "formPost": [1],
        "indexBasedQueue": [1],
        "playbackReport": [1],
        "songLyrics": [1, 2],
        "sonicSimilarity": [1],
        "topSongsByArtistId": [1],
        "transcodeOffset": [1],
        "transcoding": [1],
    }


def test_the_page_shows_a_password_once_and_revokes_it(client: Client, listener: User) -> None:
    page = client.post("/accounts/players/", {"what": "make", "name": "Phone"}).content.decode()
    row = AppPassword.objects.get()
    shown = next(text for text in page.split("<code>") if len(text.split("</code>")[0]) == 26).split("</code>")[0]
    Player(client, apiKey=shown).ok("ping")
    assert shown not in client.get("/accounts/players/").content.decode()
    assert "Phone" in client.get("/accounts/players/").content.decode()
    assert client.post("/accounts/players/", {"what": "make", "name": "Phone"}).status_code == 400
    client.post("/accounts/players/", {"what": "revoke", "password": row.pk})
    assert not AppPassword.objects.exists()
    assert client.post("/accounts/players/", {"what": "nothing"}).status_code == 400
