"""Signing up, logging in and out, passwords, and the limit on guessing them."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.throttling import SimpleRateThrottle

from accounts import login_throttle
from accounts.models import ApiToken
from accounts.services.api_tokens import find_api_token
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse"
NEW = "battery staple 7"


def log_in(client: Client, username: str, password: str, address: str = "10.0.0.1", **extra: str) -> int:
    data = {"username": username, "password": password, **extra}
    return client.post("/accounts/login/", data, REMOTE_ADDR=address).status_code


def is_logged_in(client: Client) -> bool:
    return client.get("/ratings/").status_code == 200


def test_signing_up_makes_an_account_and_logs_in(client: Client) -> None:
    response = client.post(
        "/accounts/signup/", {"username": "mira", "password1": NEW, "password2": NEW, "next": "/library/?q=love"}
    )
    assert response["Location"] == "/library/?q=love"
    assert is_logged_in(client)
    assert not User.objects.get().is_staff


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"username": "MIRA"}, "already exists"),
        ({"username": "a b"}, "valid username"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"password2": "another one"}, "match"),
        ({"email": "nowhere"}, "valid email"),
    ],
)
def test_a_bad_sign_up_says_why(client: Client, changes: dict[str, str], reason: str) -> None:
    make_user("Mira")
    data = {"username": "other", "password1": NEW, "password2": NEW, **changes}
    response = client.post("/accounts/signup/", data)
    assert response.status_code == 200
    assert reason in response.content.decode()
    assert User.objects.count() == 1


def test_sign_up_can_be_closed(client: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False
    assert client.get("/accounts/signup/").status_code == 403
    data = {"username": "mira", "password1": NEW, "password2": NEW}
    assert client.post("/accounts/signup/", data).status_code == 403
    assert not User.objects.exists()
    assert "/accounts/signup/" not in client.get("/accounts/login/").content.decode()


def test_accounts_cannot_be_made_for_ever(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {**SimpleRateThrottle.THROTTLE_RATES, "signup": "3/hour"}
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", rates)

    def sign_up(name: str, address: str = "10.0.0.1") -> HttpResponse:
        data = {"username": name, "password1": NEW, "password2": NEW}
        return Client().post("/accounts/signup/", data, REMOTE_ADDR=address)  # type: ignore[return-value]

    assert [sign_up(name).status_code for name in ("a1", "a1", "a3", "a4")] == [302, 200, 302, 429]
    # Not even whether a name is taken is said.
    page = sign_up("a1").content.decode()
    assert "Too many accounts were asked for from where you are. Try again in 60 minutes." in page
    assert "already exists" not in page
    assert 'value="a1"' in page
    assert sign_up("a5", "10.0.0.2").status_code == 302
    assert set(User.objects.values_list("username", flat=True)) == {"a1", "a3", "a5"}
    assert Client().get("/accounts/signup/", REMOTE_ADDR="10.0.0.1").status_code == 200


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/\\evil.example"])
@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/signup/"])
def test_next_never_leads_away(client: Client, address: str, page: str) -> None:
    make_user("mira")
    name = {"/accounts/login/": "mira", "/accounts/signup/": "new"}[page]
    data = {"username": name, "password": PASSWORD, "password1": NEW, "password2": NEW, "next": address}
    response = client.post(page, data)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert "evil" not in client.get(page, {"next": address}, follow=True).content.decode()


def test_logging_in_and_out(client: Client) -> None:
    make_user("mira")
    assert log_in(client, "mira", PASSWORD) == 302
    assert is_logged_in(client)
    assert client.get("/accounts/logout/").status_code == 405
    assert is_logged_in(client)
    client.post("/accounts/logout/")
    assert not is_logged_in(client)


def test_a_session_gets_a_new_name_at_the_log_in(client: Client) -> None:
    make_user("mira")
    client.session.save()
    before = client.session.session_key
    log_in(client, "mira", PASSWORD)
    assert client.session.session_key != before


def test_a_wrong_password_and_an_unknown_name_read_the_same(client: Client) -> None:
    make_user("mira")
    pages = []
    for name in ("mira", "nobody"):
        response = client.post("/accounts/login/", {"username": name, "password": "wrong"})
        pages.append(re.sub(r'value="[^"]*"|content="[^"]*"|hx-headers=\S+ \S+', "", response.content.decode()))
    assert pages[0] == pages[1]


def test_after_ten_failures_not_even_the_right_password_is_looked_at(client: Client) -> None:
    make_user("mira")
    for _ in range(9):
        assert log_in(client, "mira", "wrong") == 200
    assert log_in(client, "mira", "wrong") == 429
    response = client.post("/accounts/login/", {"username": "mira", "password": PASSWORD}, REMOTE_ADDR="10.0.0.1")
    assert response.status_code == 429
    assert "Too many failed attempts. Wait 15 minutes" in response.content.decode()
    assert not is_logged_in(client)


def test_the_admins_door_is_behind_the_same_limit(client: Client) -> None:
    make_user("boss", is_staff=True)
    for _ in range(10):
        log_in(client, "boss", "wrong")
    data = {"username": "boss", "password": PASSWORD}
    page = client.post("/admin/login/", data, REMOTE_ADDR="10.0.0.1").content.decode()
    assert "Too many failed attempts" in page


def test_somebody_elsewhere_is_not_locked_out(client: Client) -> None:
    make_user("mira")
    make_user("nora")
    for _ in range(10):
        log_in(client, "mira", "wrong", "10.6.6.6")
    assert log_in(Client(), "mira", PASSWORD, "10.0.0.1") == 302
    assert log_in(Client(), "nora", PASSWORD, "10.6.6.6") == 302


def test_an_address_that_tries_many_names_is_locked_out(client: Client) -> None:
    make_user("mira")
    for number in range(50):
        log_in(client, f"name-{number}", "wrong")
    assert log_in(client, "mira", PASSWORD) == 429


def test_a_name_tried_from_many_addresses_is_locked(client: Client) -> None:
    make_user("mira")
    for number in range(100):
        log_in(client, "mira", "wrong", f"10.1.{number}.1")
    assert log_in(client, "mira", PASSWORD, "10.2.0.1") == 429


def test_logging_in_forgets_the_failures(client: Client) -> None:
    make_user("mira")
    for _ in range(2):
        for _ in range(9):
            log_in(client, "mira", "wrong")
        assert log_in(client, "mira", PASSWORD) == 302
        client.post("/accounts/logout/")


def test_the_proxys_word_on_the_address_counts_only_behind_one(rf: RequestFactory, settings: Settings) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert login_throttle.client_address(request) == "10.0.0.9"
    settings.BEHIND_PROXY = True
    assert login_throttle.client_address(request) == "2.2.2.2"


def test_changing_the_password_keeps_this_session_and_ends_the_others(client: Client) -> None:
    make_user("mira")
    other = Client()
    for each in (client, other):
        log_in(each, "mira", PASSWORD)
    data = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    page = client.post("/accounts/password/", data, follow=True).content.decode()
    assert "Password changed" in page
    assert is_logged_in(client)
    assert not is_logged_in(other)


def test_a_new_password_is_asked_for_as_briefly_as_the_first(client: Client) -> None:
    make_user("mira")
    log_in(client, "mira", PASSWORD)
    page = client.get("/accounts/password/").content.decode()
    assert "At least 8 characters, and hard to guess. A new password ends your API tokens" in page
    assert "New password again" in page
    assert "commonly used" not in page
    assert "E-mail" in Client().get("/accounts/reset/").content.decode()


def test_a_forgotten_password_is_reset_by_mail_once(client: Client) -> None:
    make_user("mira", email="mira@example.org")
    page = client.post("/accounts/reset/", {"email": "Mira@example.org"}, follow=True).content.decode()
    assert "Look into your mail" in page
    (letter,) = mail.outbox
    link = re.search(r"http://testserver(/accounts/reset/\S+)", str(letter.body))
    assert link is not None
    form = client.get(link[1], follow=True)
    assert "Choose a new password" in form.content.decode()
    address = form.redirect_chain[-1][0]
    page = client.post(address, {"new_password1": NEW, "new_password2": NEW}, follow=True).content.decode()
    assert "Password saved" in page
    assert log_in(client, "mira", NEW) == 302
    assert "no longer good" in Client().get(link[1], follow=True).content.decode()


def test_an_unknown_address_reads_the_same_and_gets_no_mail(client: Client) -> None:
    page = client.post("/accounts/reset/", {"email": "nobody@example.org"}, follow=True).content.decode()
    assert "Look into your mail" in page
    assert not mail.outbox


def test_without_a_mail_server_the_page_says_where_the_link_is(client: Client, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "no mail server set up" in client.get("/accounts/reset/").content.decode()
    assert "Ask for your link" in client.get("/accounts/reset/sent/").content.decode()


def test_pages_with_passwords_are_kept_by_no_browser(client: Client) -> None:
    for page in ("/accounts/login/", "/accounts/signup/"):
        assert "no-store" in client.get(page)["Cache-Control"]


def test_links_for_a_new_password_have_a_limit_by_who_asks_and_by_whom_they_go_to(client: Client) -> None:
    User.objects.create_user("ada", "ada@example.org", PASSWORD)
    answers = [
        client.post("/accounts/reset/", {"email": email}).status_code
        for email in ["ada@example.org", "ADA@example.org"] * 4
    ]
    assert answers == [302] * 3 + [429] * 5
    assert len(mail.outbox) == 3
    answer = client.post("/accounts/reset/", {"email": "ada@example.org"})
    assert "Too many links were asked for. Try again in 60 minutes." in answer.content.decode()
    # Other people's mails still go out, up to what one address may ask for.
    others = [client.post("/accounts/reset/", {"email": f"{number}@example.org"}).status_code for number in range(10)]
    assert 302 in others
    assert others[-1] == 429


# --- Tokens of the API


def test_a_token_is_made_shown_once_and_revoked(client: Client) -> None:
    ada = make_user("ada")
    client.force_login(ada)
    made = client.post("/accounts/tokens/", {"name": "Script", "days": "30", "read_only": "on"})
    (row,) = ApiToken.objects.all()
    (token,) = re.findall(r"<code>([0-9a-f]{40})</code>", made.text)
    assert find_api_token(token) == row
    shown = client.get("/accounts/tokens/").text
    assert token not in shown
    assert "Script" in shown
    assert "only reads" in shown
    assert "not used yet, good until" in shown
    other = Client()
    other.force_login(make_user("bob"))
    other.post("/accounts/tokens/", {"what": "revoke", "token": str(row.pk)})
    assert ApiToken.objects.exists()
    client.post("/accounts/tokens/", {"what": "revoke", "token": str(row.pk)})
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("wish", [{}, {"name": "x" * 61}, {"name": "x", "days": "0"}, {"name": "\u200b\x00"}])
def test_a_token_that_cannot_be_made_so_is_refused_in_words(client: Client, wish: dict[str, str]) -> None:
    client.force_login(make_user("ada"))
    answer = client.post("/accounts/tokens/", wish)
    assert answer.status_code == 400
    assert 'class="field-errors"' in answer.text or "note-error" in answer.text
    assert not ApiToken.objects.exists()


def test_the_command_prints_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    make_user("ada")
    call_command("api_token", "ada", "Script", "--days", "3", "--read-only")
    row = find_api_token(capsys.readouterr().out.strip())
    assert row is not None
    assert row.read_only
    for arguments in (("eve", "Script"), ("ada", ""), ("ada", "Script", "--days", "0")):
        with pytest.raises(CommandError):
            call_command("api_token", *arguments)


def test_the_sign_up_says_in_a_line_what_a_password_needs(client: Client) -> None:
    page = client.get("/accounts/signup/").content.decode()
    assert "At least 8 characters" in page
    # Of these nobody has any yet, and rules are told to those who break them.
    assert "API tokens" not in page
    assert "commonly used" not in page
