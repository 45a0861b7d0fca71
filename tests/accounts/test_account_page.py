"""The page where a listener sees and changes the name and the e-mail address of the account."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from tests.factories import make_user

pytestmark = pytest.mark.django_db

ADDRESS = "/accounts/account/"
PASSWORD = "correct horse"


@pytest.fixture
def mira() -> User:
    return make_user("mira", email="mira@example.org")


@pytest.fixture
def own(client: Client, mira: User) -> Client:
    client.force_login(mira, backend="accounts.backends.Accounts")
    return client


def test_the_page_shows_name_and_address_and_the_menu_leads_to_it(own: Client) -> None:
    content = own.get(ADDRESS).content.decode()
    assert 'value="mira"' in content
    assert 'value="mira@example.org"' in content
    assert f'<a href="{ADDRESS}">Name and e-mail</a>' in own.get("/taste/").content.decode()


def test_strangers_are_sent_to_log_in(client: Client) -> None:
    assert client.get(ADDRESS)["Location"].startswith("/accounts/login/")
    assert client.post(ADDRESS, {"username": "x", "password": PASSWORD}).status_code == 302


def test_name_and_address_are_changed_by_the_password_and_only_ones_own(own: Client, mira: User) -> None:
    other = make_user("bob", email="bob@example.org")
    data = {"username": "Mira.K", "email": "new@example.org", "password": PASSWORD, "pk": other.pk, "is_staff": "on"}
    answer = own.post(ADDRESS, data, follow=True)
    assert answer.redirect_chain == [(ADDRESS, 302)]
    assert "Saved." in answer.content.decode()
    mira.refresh_from_db()
    other.refresh_from_db()
    assert (mira.username, mira.email, mira.is_staff) == ("Mira.K", "new@example.org", False)
    assert (other.username, other.email) == ("bob", "bob@example.org")


def test_who_left_the_address_empty_can_give_one_and_then_reset_the_password(own: Client, mira: User) -> None:
    User.objects.filter(pk=mira.pk).update(email="")
    own.post(ADDRESS, {"username": "mira", "email": "late@example.org", "password": PASSWORD})
    Client().post("/accounts/reset/", {"email": "late@example.org"})
    assert [sent.to for sent in mail.outbox] == [["late@example.org"]]


def test_the_address_can_be_taken_away(own: Client, mira: User) -> None:
    own.post(ADDRESS, {"username": "mira", "email": "", "password": PASSWORD})
    mira.refresh_from_db()
    assert mira.email == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong"}, "That is not your password."),
        ({"password": ""}, "This field is required."),
        ({"username": "BOB"}, "already exists"),
        ({"username": "a b"}, "valid username"),
        ({"username": ""}, "This field is required."),
        ({"email": "nowhere"}, "valid email"),
        ({"email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.org"}, "at most 254"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(
    own: Client, mira: User, changes: dict[str, str], reason: str
) -> None:
    make_user("bob")
    answer = own.post(ADDRESS, {"username": "other", "email": "o@example.org", "password": PASSWORD, **changes})
    assert answer.status_code == 400
    content = answer.content.decode()
    assert reason in content
    # The head still has the name that counts.
    assert "Signed in as mira<" in content
    mira.refresh_from_db()
    assert (mira.username, mira.email) == ("mira", "mira@example.org")


def test_passwords_are_not_found_by_trying(own: Client) -> None:
    data = {"username": "mira", "email": "", "password": "wrong"}
    answers = [own.post(ADDRESS, data).status_code for _ in range(30)]
    assert answers[0] == 400
    assert answers[-1] == 429
    assert "Too many failed attempts" in own.post(ADDRESS, data | {"password": PASSWORD}).content.decode()


def test_another_site_cannot_change_it(mira: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mira, backend="accounts.backends.Accounts")
    data = {"username": "other", "email": "evil@example.org", "password": PASSWORD}
    assert strict.post(ADDRESS, data).status_code == 403
    mira.refresh_from_db()
    assert (mira.username, mira.email) == ("mira", "mira@example.org")


def test_only_looking_and_sending_are_taken(own: Client) -> None:
    assert own.delete(ADDRESS).status_code == 405
