"""Pictures as they are sent to the page and to the API, hostile ones among them; and that nothing of them stays."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mood import services
from mood.emotions import EMOTIONS
from mood.models import MoodReading
from mood.picture import MAX_BYTES
from tests.factories import make_token, make_user
from tests.mood.pictures import portrait
from tests.mood.sent import READ, REFUSED, encoded

# What is refused, and where nothing is left, does not depend on the database.
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

PAGE, API = "/mood/picture/", "/api/mood/picture/"
NAME = "ada-in-the-kitchen-7531.jpg"

Send = Callable[..., Any]


def sender(client: Client, address: str, **headers: str) -> Send:
    def send(data: bytes, **fields: str) -> Any:
        return client.post(address, {"picture": SimpleUploadedFile(NAME, data), **fields}, headers=headers)

    return send


@pytest.fixture(params=["page", "page without scripts", "api", "api with token"])
def send(request: pytest.FixtureRequest, client: Client, ada: User) -> Send:
    """Sends a picture, by every way in."""
    client.raise_request_exception = False
    if request.param == "api with token":
        return sender(client, API, Authorization=f"Token {make_token(ada)}")
    client.force_login(ada)
    if request.param == "api":
        return sender(client, API)
    return sender(client, PAGE, **({"HX-Request": "true"} if request.param == "page" else {}))


@pytest.fixture
def api(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def portrait_file() -> bytes:
    return encoded(portrait(300), "JPEG")


# --- What is read, and what is refused ----------------------------------------------------------


@pytest.mark.parametrize("name", READ)
def test_every_kind_of_picture_is_read(send: Send, name: str) -> None:
    assert send(READ[name]()).status_code == 200


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_with_a_clear_message_and_never_a_trace(send: Send, name: str) -> None:
    make, status = REFUSED[name]
    answer = send(make())
    assert answer.status_code == status
    said = answer.content.decode()
    assert "Traceback" not in said
    assert 'File "' not in said
    assert "<script>alert" not in said
    assert any(word in said for word in ("picture", "file"))


@pytest.mark.parametrize("fields", [{}, {"picture": "text"}, {"other": "x" * 3000}])
def test_a_form_without_a_picture_is_refused(api: Client, fields: dict[str, str]) -> None:
    for address in (PAGE, API):
        assert api.post(address, fields).status_code == 400


def test_what_is_no_form_is_refused(api: Client) -> None:
    assert api.post(API, portrait_file(), content_type="image/jpeg").status_code == 415
    for address in (PAGE, API):
        body = b"--x\r\nContent-Disposition: form-data; name=picture; filename=a.jpg\r\n\r\nno end"
        assert api.post(address, body, content_type="multipart/form-data; boundary=x").status_code == 400


def test_too_long_a_request_is_refused_by_its_length_before_it_is_read(api: Client) -> None:
    for address in (PAGE, API):
        answer = api.post(
            address, b"", content_type="multipart/form-data; boundary=x", headers={"Content-Length": str(10**12)}
        )
        assert answer.status_code == 413


def test_of_several_files_only_the_first_is_looked_at(api: Client) -> None:
    files = [SimpleUploadedFile("a.jpg", portrait_file()), *(SimpleUploadedFile("b.jpg", b"x" * 500_000),) * 8]
    assert len(api.post(API, {"picture": files}).json()["faces"]) == 1


# --- The API ------------------------------------------------------------------------------------


def test_a_picture_is_answered_with_faces_a_query_and_where_it_is_answered(api: Client) -> None:
    answer = sender(api, API)(portrait_file(), way="match").json()
    assert answer.keys() == {"faces", "width", "height", "query", "songs"}
    assert (answer["width"], answer["height"]) == (300, 300)
    (face,) = answer["faces"]
    assert len(face["box"]) == 4
    assert set(face["emotions"]) == set(EMOTIONS)
    assert sum(face["emotions"].values()) == pytest.approx(1, abs=1e-5)
    assert 0 < answer["query"]["share"] <= 0.5
    assert answer["songs"] == "http://testserver/api/recommendations/for-labels/"
    found = api.post(answer["songs"], json.dumps(answer["query"]), content_type="application/json")
    assert (found.status_code, found.json()) == (200, [])


def test_several_faces_are_all_told_and_the_largest_is_read(api: Client) -> None:
    wide = portrait(300).resize((300, 300))
    both = portrait(300).resize((700, 300))
    both.paste(120, (0, 0, 700, 300))
    both.paste(wide, (0, 0))
    both.paste(portrait(200), (450, 50))
    answer = sender(api, API)(encoded(both)).json()
    first, second = answer["faces"]
    assert first["box"][2] > second["box"][2]
    asked = api.post("/api/mood/", json.dumps({"emotions": first["emotions"]}), content_type="application/json").json()
    assert asked["query"] == answer["query"]


def test_a_picture_without_a_face_has_no_query(api: Client) -> None:
    answer = sender(api, API)(READ["4-megapixel-png"]()).json()
    assert (answer["faces"], answer["query"]) == ([], None)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"mood": "bored"},
        {"mood": "sad", "emotions": {"sad": 1}},
        {"emotions": {"sad": -1}},
        {"emotions": {"bored": 1}},
        {"emotions": {"sad": 0}},
        {"emotions": {}},
        {"emotions": "sad"},
        {"mood": "sad", "way": "down"},
        [],
    ],
)
def test_what_is_no_mood_is_refused(api: Client, asked: Any) -> None:
    assert api.post("/api/mood/", json.dumps(asked), content_type="application/json").status_code == 400


def test_a_mood_is_picked_by_hand_and_goes_the_way_that_was_chosen_last(api: Client, ada: User) -> None:
    def labels(**asked: str) -> dict[str, float]:
        answer = api.post("/api/mood/", json.dumps({"mood": "sad", **asked}), content_type="application/json").json()
        assert answer["query"]["share"] == 0.5
        return dict(answer["query"]["labels"])

    assert "hopeful" in labels()
    assert "melancholic" in labels(way="match")
    assert "hopeful" in labels()
    api.patch("/api/mood/preference/", json.dumps({"way": "match"}), content_type="application/json")
    assert "melancholic" in labels()


def test_strangers_read_nothing(client: Client) -> None:
    assert sender(client, API)(portrait_file()).status_code == 401
    assert sender(client, PAGE)(portrait_file()).status_code == 302


def test_pictures_are_limited_for_each_listener(api: Client, settings: Any) -> None:
    small = encoded(portrait(60))
    statuses = [sender(api, API)(small).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    assert sender(api, PAGE)(small).status_code == 429


def test_forged_requests_are_refused(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    for address in (PAGE, API):
        assert sender(client, address)(portrait_file()).status_code == 403


# --- Many at once -------------------------------------------------------------------------------


@contextmanager
def waiting(number: int) -> Iterator[None]:
    """So many pictures are being read, or wait for it."""
    with ExitStack() as stack:
        for _ in range(number):
            assert services._admitted.acquire(blocking=False)
            stack.callback(services._admitted.release)
        yield


def test_whoever_comes_when_many_wait_is_asked_to_come_again(send: Send) -> None:
    with waiting(1 + services.WAITING):
        answer = send(portrait_file())
    assert answer.status_code == 503
    assert "try again in some seconds" in answer.content.decode()
    assert send(portrait_file()).status_code == 200


def test_other_pages_answer_while_pictures_are_read(api: Client) -> None:
    with services._turn, waiting(1 + services.WAITING):
        for address in ("/", "/library/", "/mood/", "/api/songs/"):
            assert api.get(address).status_code == 200


def test_a_refused_picture_gives_its_place_to_the_next(api: Client) -> None:
    for _ in range(2 * (1 + services.WAITING)):
        assert sender(api, API)(b"no picture").status_code == 400
    assert sender(api, API)(portrait_file()).status_code == 200


# --- Nothing stays ------------------------------------------------------------------------------

_written: list[str] = []
_watching = False


def _note_writing(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _written.append(str(path))
    elif event.startswith("tempfile."):
        _written.append(str(arguments))


sys.addaudithook(_note_writing)


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Every file that Python opens for writing from here on."""
    global _watching
    _written.clear()
    _watching = True
    yield _written
    _watching = False


def everything_stored() -> str:
    """The whole database as text, sessions included."""
    return "".join(serializers.serialize("json", model._default_manager.all()) for model in apps.get_models())


def test_the_watch_sees_what_is_written(written: list[str], tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(b"")
    with tempfile.TemporaryFile():
        pass
    assert str(tmp_path / "seen") in written
    assert len(written) >= 2


def test_django_alone_would_have_written_the_picture_to_the_disk(ada: User, written: list[str]) -> None:
    client = Client()
    ada.is_staff = True
    ada.save()
    client.force_login(ada)
    client.post("/upload/", {"files": SimpleUploadedFile("a.mp3", b"x" * 3_000_000)})
    assert any(".upload" in path for path in written)


@pytest.mark.parametrize(
    "name", ["jpeg", "with-place", "4-megapixel-png", "polyglot", "truncated-jpeg", "bomb", "20.05-megabytes"]
)
def test_nothing_of_a_picture_is_written_anywhere(
    send: Send,
    ada: User,
    name: str,
    written: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = READ[name]() if name in READ else REFUSED[name][0]()
    send(portrait_file())
    services.remember_way(ada, "match")
    stored = everything_stored()
    written.clear()
    caplog.set_level(logging.DEBUG)
    send(data)
    assert written == []
    assert list(tmp_path.iterdir()) == []
    assert everything_stored() == stored
    assert NAME not in stored
    assert caplog.text == ""


def test_a_token_in_the_form_is_looked_for_without_writing_the_picture(ada: User, written: list[str]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    token = client.get("/mood/").cookies["csrftoken"].value
    large = READ["4-megapixel-png"]()
    assert 2_500_000 < len(large) < MAX_BYTES
    written.clear()
    assert sender(client, PAGE)(large, csrfmiddlewaretoken=token).status_code == 200
    assert sender(client, API, **{"X-CSRFToken": token})(large).status_code == 200
    assert written == []


# --- What a listener wants kept -----------------------------------------------------------------


def test_readings_are_kept_only_if_the_listener_asks(send: Send, ada: User) -> None:
    send(portrait_file())
    assert not MoodReading.objects.exists()
    services.remember_keeping(ada, True)
    send(portrait_file())
    (kept,) = MoodReading.objects.filter(user=ada)
    assert set(kept.emotions) == set(EMOTIONS)
    assert not kept.hand_picked


def test_kept_readings_are_deleted_one_by_one_and_all(api: Client, ada: User) -> None:
    services.remember_keeping(ada, True)
    others = make_user()
    services.remember_keeping(others, True)
    theirs = services.keep_reading(others, {"sad": 1.0}, "lift")
    assert theirs is not None
    for _ in range(3):
        services.keep_reading(ada, {"happy": 1.0}, "lift", hand_picked=True)
    first, *_ = api.get("/api/mood/readings/").json()["results"]
    assert first["emotions"] == {"happy": 1.0}
    assert api.delete(f"/api/mood/readings/{first['id']}/").status_code == 204
    assert api.delete(f"/api/mood/readings/{theirs.pk}/").status_code == 404
    assert MoodReading.objects.filter(user=ada).count() == 2
    assert api.post("/api/mood/readings/forget/").status_code == 204
    assert list(MoodReading.objects.all()) == [theirs]


def test_no_longer_keeping_leaves_what_is_kept(ada: User) -> None:
    services.remember_keeping(ada, True)
    services.keep_reading(ada, {"happy": 1.0}, "lift")
    services.remember_keeping(ada, False)
    assert services.keep_reading(ada, {"happy": 1.0}, "lift") is None
    assert MoodReading.objects.count() == 1
