"""The whole site under an attacker's input: it refuses or passes over, and never breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from accounts.services.app_passwords import make_app_password
from benchmarks.faults import hostile
from catalog.models import Label, LabelAlias, NotThis, Nudge, Play, Rating, Song
from catalog.services import listening
from opensubsonic.registry import ENDPOINTS
from recommender.services import label_queries
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db

SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
NAMES = [SCRIPT, "javascript:alert(1)", "' OR 1=1 --", "\u202egnp.exe", "{0.__class__}", "%s%n", "a\nSet-Cookie: x=1"]
TEXTS = [SCRIPT, NAMES[-1], "a\x00b", "x" * 3000, "\ufffe%_\\([", "🎵\u0130" * 50, "jazz calm " * 900]
NUMBERS = ["-1", "9" * 19, "9" * 2000, "1e400", "nan", "\x00", ""]
LONG_IDS = [f"{2**63}", "9" * 40, "0" * 20 + "9" * 30, "9" * 5000, "0" * 6000]
IDS = ["0", f"{2**63 - 1}", *LONG_IDS]
PARAMETERS = ["q", "label", "artist", "sort", "page", "page_size", "silent", "next", "v", "n", "has_audio", "method"]
PARAMETERS += ["stars", "refused", "picked", "skipped", "started_at", "share", "weight", "search", "ordering", "format"]
PARAMETERS += ["listener", "left", "right", "title", "by", "songs"]
FIELDS = [*PARAMETERS, "username", "password", "password1", "password2", "email", "labels", "name", "verdict", "song"]
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b"[" * 200_000,
    b'{"labels": {"\\ud800": 1}}',
    b'{"labels": {"\\u0000": 1}}',
]


@pytest.fixture
def ada(client: Client) -> User:
    """Somebody logged in, in a library whose every name is an attack."""
    user = make_user("ada")
    client.force_login(user)
    client.raise_request_exception = False
    for number, name in enumerate(NAMES):
        song = make_song(
            name, name, album=name, external_id=f"x:{number}", labels={f"{name} {number}": 0.5, "jazz": 0.5}
        )
        listening.rate(user, song, 1 + number % 5)
        listening.record_play(user, song)
    return user


@pytest.fixture
def song(ada: User) -> Song:
    return Song.objects.earliest("pk")


def addresses(patterns: list[URLPattern | URLResolver] | None = None, before: str = "/") -> list[str]:
    """Every address of the site but the admin's, `{}` in the place of what it takes."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += [] if pattern.app_name == "admin" else addresses(pattern.url_patterns, here)
        else:
            found.append("{}".join(part.split("<")[0] for part in here.replace(r"[\s\S]*/$", "nowhere/").split(">")))
    return found


ADDRESSES = sorted(set(addresses()) - {"/accounts/logout/", "/rest/{}"})
"""Those of pages and API; players' calls, answered with status 200 whatever is wrong, are `CALLS`."""

CALLS = sorted(ENDPOINTS)
CALL_PARAMETERS = [
    "id",
    "songId",
    "albumId",
    "artistId",
    "playlistId",
    "musicFolderId",
    "name",
    "query",
    "genre",
    "size",
]
CALL_PARAMETERS += [
    "count",
    "offset",
    "rating",
    "time",
    "submission",
    "position",
    "current",
    "index",
    "comment",
    "type",
]
CALL_PARAMETERS += ["fromYear", "toYear", "artist", "title", "format", "maxBitRate", "timeOffset", "songIdToAdd"]
CALL_PARAMETERS += ["songIndexToRemove", "songCount", "albumCount", "ifModifiedSince", "username"]


def answers(client: Client, address: str, **more: Any) -> Any:
    answer = client.get(address, **more)
    assert answer.status_code < 500, (address[:300], answer.status_code)
    return answer


def is_html(answer: Any) -> bool:
    return not answer.streaming and answer["Content-Type"].startswith("text/html")


@pytest.mark.one_database
def test_no_name_in_the_library_becomes_a_script(client: Client, song: Song) -> None:
    for address in ADDRESSES:
        for accept in ("text/html", "application/json"):
            answer = answers(client, address.replace("{}", str(song.pk)), headers={"accept": accept})
            if is_html(answer):
                assert "<script>alert" not in answer.text, address
                assert "<img src=x" not in answer.text, address
                assert 'href="javascript:' not in answer.text, address


def at_once_or_each(client: Client, address: str, parameters: list[str], value: Any, **more: Any) -> None:
    """Send a value as all parameters, and where that is refused, as each alone: else one would hide the others."""
    if answers(client, address, data=dict.fromkeys(parameters, value), **more).status_code >= 400:
        for parameter in parameters:
            answers(client, address, data={parameter: value}, **more)


def test_every_address_bears_every_parameter(client: Client, song: Song) -> None:
    read = [here for address in ADDRESSES if client.get(here := address.replace("{}", str(song.pk))).status_code < 400]
    assert len(read) > 20
    for here in read:
        for text in (*TEXTS, *NUMBERS):
            answer = answers(client, here, data=dict.fromkeys(PARAMETERS, text))
            assert not is_html(answer) or "<script>alert" not in answer.text, here
            assert not any("\n" in value for value in answer.headers.values()), here
        # The API refuses at the first that is wrong; its own tests try each by itself.
        if not here.startswith("/api/"):
            headers = {"HX-Request": "true", "HX-Current-URL": SCRIPT}
            at_once_or_each(client, here, PARAMETERS, ["a\x00b", SCRIPT, "9" * 30], headers=headers)


def test_ids_that_no_database_can_hold_are_refused_or_unknown(client: Client, song: Song) -> None:
    read = [here for address in ADDRESSES if client.get(here := address.replace("{}", str(song.pk))).status_code < 400]
    for here in read:
        for text in (*LONG_IDS, "\u0663", "\u00b2", f"{song.pk},{'0' * 20}{'9' * 30}"):
            at_once_or_each(client, here, ["but", "songs", "song", "offer", "label", "playlist"], text)


@pytest.mark.parametrize("text", [f"{2**63}", "0" * 20 + "9" * 30, "9" * 5000, "-1", "\u0663", "1;2"])
def test_lists_of_ids_are_refused_with_what_is_wrong(client: Client, song: Song, text: str) -> None:
    for address in (f"/songs/{song.pk}/go-on/?but=", "/map/songs/?songs="):
        answer = client.get(f"{address}{song.pk},{quote(text)}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")
        assert "is a list of song numbers" in answer.text
    zeros = client.get(f"/map/songs/?songs={'0' * 40}{song.pk}")
    assert zeros.status_code == 200


OTHERWISE = {
    "/accounts/reset/{}/{}/": {200},
    # No id but a name: one without a picture has one drawn, whatever the name.
    "/artist-pictures/{}": {200, 405},
    "/api/songs/{}/labels/": {403, 404},
    "/curation/{}/alike/": {403, 405},
}


@pytest.mark.one_database
def test_an_id_that_is_none_is_not_found(client: Client, ada: User) -> None:
    for address in (address for address in ADDRESSES if "{}" in address):
        found = OTHERWISE.get(address, {404, 405})
        for pk in IDS:
            here = address.replace("{}", pk)
            form = {"stars": 1, "weight": 1, "picked": 1}
            assert client.get(here).status_code in found | {404}, here[:100]
            assert client.post(here, form).status_code in found | {404}, here[:100]


def test_every_form_bears_everything(client: Client, song: Song) -> None:
    taking = [
        here for address in ADDRESSES if client.post(here := address.replace("{}", str(song.pk))).status_code != 405
    ]
    assert len(taking) > 10
    for here in taking:
        for text in (*TEXTS, *NUMBERS):
            assert client.post(here, dict.fromkeys(FIELDS, text)).status_code < 500, (here, text[:50])
        for body in BODIES:
            for content_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
                answer = client.post(here, body, content_type=content_type)
                assert answer.status_code < 500, (here, body[:30], content_type)


def test_every_call_of_a_player_bears_everything(client: Client, song: Song, caplog: pytest.LogCaptureFixture) -> None:
    _, password = make_app_password(User.objects.get(username="ada"), "Fuzz")
    who = {"u": "ada", "p": password, "v": "1.16.1", "c": SCRIPT, "f": "json"}
    assert len(CALLS) > 40
    for call in CALLS:
        for text in (*NUMBERS, *LONG_IDS[:2], SCRIPT, "a\x00b", "x" * 3000, f"so-{song.pk}", str(song.pk)):
            answer = client.post(f"/rest/{call}", who | dict.fromkeys(CALL_PARAMETERS, text))
            assert answer.status_code in (200, 206, 302, 404), (call, text[:50], answer.status_code)
            assert not is_html(answer), call
            if not answer.streaming and answer["Content-Type"].startswith("application/json"):
                said = answer.json()["subsonic-response"]
                assert said["status"] == "ok" or said["error"]["code"] in range(71), (call, text[:50])
                assert "Something broke" not in answer.text, (call, text[:50])
    # What broke would be in the log, with a trace.
    assert [record for record in caplog.records if record.exc_info] == []


def test_no_call_of_a_player_answers_strangers(client: Client, song: Song) -> None:
    client.logout()
    for call in set(CALLS) - {"getopensubsonicextensions"}:
        for who in ({}, {"u": "ada", "p": "guess"}, {"u": SCRIPT, "t": "0" * 32, "s": "x"}, {"apiKey": "x" * 3000}):
            answer = client.get(f"/rest/{call}", {"v": "1.16.1", "c": "x", "f": "json", **who})
            assert answer.status_code == 200, call
            assert answer.json()["subsonic-response"]["status"] == "failed", (call, who)


def test_labels_asked_for_by_weight_bear_anything(client: Client, ada: User) -> None:
    hostile: list[Any] = [1, "x", [], None, {}, {"jazz": "nan"}, {"jazz": 1e308, "calm": -1e308}, {"": 1}, {"\x00": 1}]
    hostile += [{"x" * 100_000: 1}, {f"label {n}": n for n in range(5000)}, {"jazz": True}, {"jazz": {"jazz": 1}}]
    asked: list[dict[str, Any]] = [{"labels": labels, "share": 0.5} for labels in hostile]
    shares: list[Any] = ["nan", -1, 1e400, None, [], "x"]
    asked += [{"labels": {"jazz": 1}, "share": share} for share in shares]
    for body in asked:
        answer = client.post("/recommendations/for-labels/", json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 400), str(body)[:80]


@pytest.mark.long
def test_hostile_files_come_to_nothing_at_every_address_that_takes_some(
    client: Client, ada: User, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """What each door does inside is `tests/catalog/test_limited.py`; here it is what the sender is told."""
    settings.UPLOAD_OPEN = True
    doors = {
        hostile.AUDIO: [("/api/upload/", "file"), ("/upload/", "file")],
        hostile.PICTURES: [("/api/mood/picture/", "picture"), ("/mood/picture/", "picture")],
        (".m3u8",): [("/playlists/import/", "file")],
    }
    sent = 0
    for suffix, content in hostile.hostile_files(40, seed=19, folder=tmp_path):
        for address, field in next((found for suffixes, found in doors.items() if suffix in suffixes), []):
            answer = client.post(address, {field: SimpleUploadedFile(f"hostile{suffix}", content)})
            assert answer.status_code < 500, (address, suffix, len(content))
            sent += 1
    assert sent > 30
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "/%09/evil",
    ],
)
def test_nobody_is_sent_elsewhere(ada: User, song: Song, elsewhere: str) -> None:
    client = Client()
    password = {"username": "ada", "password": "correct horse", "next": elsewhere}
    signup = {"username": "eve", "password1": "a long new phrase", "password2": "a long new phrase", "next": elsewhere}
    for address, form in (("/accounts/login/", password), ("/accounts/signup/", signup)):
        answer = client.post(f"{address}?next={quote(elsewhere)}", form)
        assert answer.status_code == 302
        assert answer["Location"] in ("/", "/%09/evil")
        client.post("/accounts/logout/")
    client.force_login(ada)
    for what, form in (("rate", {"stars": "1"}), ("not-this", {"refused": "1"})):
        answer = client.post(f"/songs/{song.pk}/{what}/", form, headers={"Referer": elsewhere})
        assert answer["Location"] in (song.get_absolute_url(), "/%09/evil")


@pytest.mark.one_database
def test_every_change_needs_the_csrf_token(ada: User, song: Song) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    before = [model.objects.count() for model in (Rating, Play, NotThis, Nudge)]
    for address in ADDRESSES:
        if address == "/api/token/":
            continue
        here = address.replace("{}", str(song.pk))
        for method in (client.post, client.put, client.patch, client.delete):
            answer = method(here, {"stars": "5"}, content_type="application/json")
            assert answer.status_code in (403, 404, 405, 415), (here, answer.status_code)
    assert [model.objects.count() for model in (Rating, Play, NotThis, Nudge)] == before


def test_strangers_see_nothing_but_the_doors(ada: User, song: Song) -> None:
    client = Client()
    doors = {address for address in ADDRESSES if address.startswith("/accounts/")} - {
        "/accounts/password/",
        "/accounts/password/done/",
    }
    assert client.get("/metrics").status_code == 404
    of_nobody = {"/app.webmanifest", "/health/", "/metrics", "/theme/", "/service-worker.js", "/offline/shell/"}
    for address in set(ADDRESSES) - doors - of_nobody:
        answer = client.get(address.replace("{}", str(song.pk)))
        assert answer.status_code in (302, 401), address
        if answer.status_code == 302:
            assert answer["Location"].startswith(("/accounts/login/?next=/", "/admin/login/?next=/"))
    for address in doors:
        assert "jazz" not in client.get(address.replace("{}", "1")).text


def test_many_unknown_labels_cost_little(client: Client, ada: User, django_assert_max_num_queries: Any) -> None:
    Label.objects.bulk_create(Label(name=f"known {n}", key=f"known {n}") for n in range(300))
    LabelAlias.objects.create(label=Label.objects.earliest("pk"), name="another")
    unknown = [f"knwn {n}" for n in range(100)]
    with django_assert_max_num_queries(15):
        answers(client, "/api/recommendations/", data={"label": unknown})
    with pytest.raises(label_queries.UnknownLabelError) as error:
        label_queries.query_of(dict.fromkeys(unknown, 1.0))
    assert len(str(error.value)) < 1000


@pytest.mark.one_database
def test_every_answer_tells_browsers_to_be_careful(client: Client, song: Song) -> None:
    for address in ADDRESSES:
        answer = client.get(address.replace("{}", str(song.pk)))
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.one_database
def test_a_made_up_host_is_answered_with_nothing(client: Client, song: Song) -> None:
    for address in ADDRESSES:
        here = address.replace("{}", str(song.pk))
        for host in ("evil.example", "localhost@evil.example", "evil.example:80:80", "\x00"):
            answer = client.get(here, headers={"Host": host})
            assert answer.status_code == 400, (here, host)
            assert "evil" not in answer.text
