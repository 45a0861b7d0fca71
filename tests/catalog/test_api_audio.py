from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from catalog.models import LibraryRoot, Song
from tests.audio import tag, write_tone
from tests.factories import make_root, make_song, make_token, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(make_user('ada'))}")
    return client


@pytest.fixture
def staff(tmp_path: Path) -> APIClient:
    """An admin, where uploads go to a folder of the test."""
    make_root(tmp_path / "uploads", "uploads")
    (tmp_path / "uploads").mkdir()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {make_token(make_user('grace', is_staff=True))}")
    return client


@pytest.fixture
def song(tmp_path: Path) -> Song:
    write_tone(tmp_path / "music/tone.ogg")
    return make_song("Tone", root=make_root(tmp_path / "music"), path="tone.ogg", codec="vorbis")


def sent(path: Path, name: str | None = None) -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name or path.name, path.read_bytes())}


# --- Streaming


@pytest.mark.parametrize("accept", ["*/*", "audio/*;q=0.9", "audio/ogg", "application/json"])
def test_a_token_streams_audio_whatever_is_accepted(api: APIClient, song: Song, accept: str) -> None:
    answer = api.get(f"/api/songs/{song.pk}/audio/", HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "audio/ogg"
    assert answer.getvalue() == song.audio_file.read_bytes()


def test_a_range_of_the_audio_is_streamed(api: APIClient, song: Song) -> None:
    answer = api.get(f"/api/songs/{song.pk}/audio/", HTTP_RANGE="bytes=4-9")
    assert answer.status_code == 206
    assert answer.getvalue() == song.audio_file.read_bytes()[4:10]


def test_a_range_that_is_none_is_refused(api: APIClient, song: Song) -> None:
    assert api.get(f"/api/songs/{song.pk}/audio/", HTTP_RANGE=f"bytes={10**9}-").status_code == 416


def test_a_song_without_a_file_says_so_in_json(api: APIClient) -> None:
    answer = api.get(f"/api/songs/{make_song().pk}/audio/", HTTP_ACCEPT="audio/*")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no file to play."})


@pytest.mark.parametrize("path", ["../secret.ogg", "/etc/passwd", "link.ogg", "folder/../../secret.ogg", "."])
def test_nothing_outside_the_library_is_streamed(api: APIClient, tmp_path: Path, path: str) -> None:
    write_tone(tmp_path / "secret.ogg")
    (tmp_path / "music/folder").mkdir(parents=True)
    (tmp_path / "music/link.ogg").symlink_to(tmp_path / "secret.ogg")
    song = make_song(root=make_root(tmp_path / "music"), path=path, codec="vorbis")
    assert api.get(f"/api/songs/{song.pk}/audio/").status_code == 404


def test_a_token_sees_covers(api: APIClient, song: Song) -> None:
    answer = api.get(f"/api/songs/{song.pk}/cover/", HTTP_ACCEPT="image/*")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/svg+xml"
    assert api.get(f"/api/songs/{song.pk + 1}/cover/").status_code == 404


def test_strangers_hear_and_see_nothing(song: Song) -> None:
    for what in ("audio", "cover"):
        assert Client().get(f"/api/songs/{song.pk}/{what}/", headers={"accept": "audio/*"}).status_code == 401


# --- Uploading


def test_an_admin_brings_in_a_song(staff: APIClient, tmp_path: Path) -> None:
    path = tag(write_tone(tmp_path / "new.ogg"), title="New", artist="Somebody")
    answer = staff.post("/api/upload/", sent(path), format="multipart")
    assert answer.status_code == 201
    assert (answer.json()["title"], answer.json()["has_audio"]) == ("New", True)
    assert Song.objects.get().uploaded_by is not None
    again = staff.post("/api/upload/", sent(path), format="multipart")
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])


def test_a_name_leads_nowhere_but_to_the_uploads(staff: APIClient, tmp_path: Path) -> None:
    for number, name in enumerate(
        ("../../out.ogg", "/etc/out.ogg", "..\\out.ogg", "a\x00b.ogg", ".ogg", "x" * 5000 + ".ogg")
    ):
        path = write_tone(tmp_path / f"{number}.ogg", hz=300 + 100 * number)
        answer = staff.post("/api/upload/", sent(path, name), format="multipart")
        assert answer.status_code in (201, 400), answer.text
    folder = LibraryRoot.objects.get(name="uploads").folder
    for song in Song.objects.all():
        assert song.audio_file.resolve().parent == folder.resolve()


def test_what_is_no_song_is_refused_with_a_reason(staff: APIClient, tmp_path: Path) -> None:
    for name, content in (("text.mp3", b"no music at all"), ("empty.ogg", b""), ("song.exe", b"MZ")):
        answer = staff.post("/api/upload/", {"file": SimpleUploadedFile(name, content)}, format="multipart")
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["file"]
    assert staff.post("/api/upload/", {}, format="multipart").status_code == 400
    assert staff.post("/api/upload/", {"file": "text"}, format="multipart").status_code == 400
    assert staff.post("/api/upload/", {"file": "text"}).status_code == 415
    assert not Song.objects.exists()


def test_what_is_too_large_is_refused_before_it_is_read(staff: APIClient, settings: Any) -> None:
    settings.UPLOAD_MAX_MEGABYTES = 1
    large = BytesIO(bytes(1_200_000))
    large.name = "large.wav"
    answer = staff.post("/api/upload/", {"file": large}, format="multipart")
    assert (answer.status_code, set(answer.json())) == (413, {"detail"})


def test_what_is_too_long_is_refused(staff: APIClient, tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_MAX_MINUTES = 1
    path = write_tone(tmp_path / "long.flac", seconds=70, rate=8000)
    answer = staff.post("/api/upload/", sent(path), format="multipart")
    assert answer.status_code == 413, answer.text


def test_listeners_upload_only_where_they_may(api: APIClient, staff: APIClient, tmp_path: Path, settings: Any) -> None:
    path = write_tone(tmp_path / "new.ogg")
    assert api.post("/api/upload/", sent(path), format="multipart").status_code == 403
    assert not Song.objects.exists()
    settings.UPLOAD_OPEN = True
    assert api.post("/api/upload/", sent(path), format="multipart").status_code == 201
    assert Client().post("/api/upload/", sent(path)).status_code == 401
