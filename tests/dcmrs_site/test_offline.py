"""The service worker and its page, which are the same for everybody, and what is said to a browser at log-out."""

from __future__ import annotations

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from dcmrs_site.offline import FORGET
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def shell_of(script: str) -> dict[str, object]:
    found = re.match(r"self\.SHELL = (\{.*\});\n", script)
    assert found
    about: dict[str, object] = json.loads(found[1])
    return about


def test_the_worker_is_a_script_that_is_asked_for_anew_and_names_files_that_are_there(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    files = shell_of(answer.content.decode())["files"]
    assert isinstance(files, list)
    for file in files:
        assert finders.find(file.removeprefix("/static/")), file


def test_the_worker_keeps_each_script_that_the_page_runs_and_that_its_scripts_import(client: Client) -> None:
    files = shell_of(client.get("/service-worker.js").content.decode())["files"]
    assert isinstance(files, list)
    page = client.get("/offline/shell/").content.decode()
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert named <= set(files)
    # Imported by scripts that are imported themselves.
    assert {"/static/js/kept_songs.js", "/static/js/crossfade.js", "/static/js/artists.js"} <= set(files)
    assert not {"/static/js/map.js", "/static/worker/service_worker.js"} & set(files)


def test_the_page_without_a_network_is_the_same_whoever_asks(client: Client) -> None:
    stranger = client.get("/offline/shell/")
    client.force_login(make_user("ada"))
    listener = client.get("/offline/shell/")
    assert listener.status_code == 200
    assert listener.content == stranger.content
    assert b"csrf" not in listener.content.lower()
    assert b"ada" not in re.sub(rb"data|head|play|fade|load|read", b"", listener.content)


def test_the_page_is_for_whoever_is_logged_in(client: Client) -> None:
    assert client.get("/offline/").status_code == 302
    client.force_login(make_user("ada"))
    answer = client.get("/offline/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("address", ["/accounts/logout/", "/admin/logout/"])
def test_a_browser_is_told_to_forget_at_log_out(client: Client, address: str) -> None:
    client.force_login(make_user("ada", is_staff=True))
    assert FORGET not in client.get("/").cookies
    cookie = client.post(address).cookies[FORGET]
    assert cookie.value == "1"
    # A script reads it, and takes it away once it has done so.
    assert not cookie["httponly"]


def test_a_browser_is_told_to_forget_with_the_account(client: Client) -> None:
    user = make_user("ada")
    user.set_password(PASSWORD)
    user.save()
    client.force_login(user)
    answer = client.post("/accounts/delete/", {"password": PASSWORD})
    assert answer.status_code == 302
    assert answer.cookies[FORGET].value == "1"
