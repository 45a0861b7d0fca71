"""Uploading songs: what is taken, what is refused, and that nothing of it is left behind."""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from catalog.home import home
from catalog.models import DuplicateFile, LibraryRoot, Song
from catalog.services import uploads
from catalog.services.uploads import UploadRefused, save_upload
from catalog.tasks import rescan
from tests.audio import tag, write_tone
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder() -> Path:
    """The folder of uploads, empty."""
    shutil.rmtree(home() / "uploads", ignore_errors=True)
    return home() / "uploads"


@pytest.fixture
def staff(client: Client) -> User:
    """The member of the staff that `client` is logged in as."""
    user = make_user(is_staff=True)
    client.force_login(user)
    return user


def upload(client: Client, *files: Path | SimpleUploadedFile) -> Any:
    """Send files by the page's form."""
    sent = [SimpleUploadedFile(f.name, f.read_bytes()) if isinstance(f, Path) else f for f in files]
    return client.post("/upload/", {"files": sent})


def left(folder: Path) -> list[str]:
    """Every file among the uploads."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_an_upload_is_a_song_like_any_other(client: Client, staff: User, tmp_path: Path, folder: Path) -> None:
    path = tag(write_tone(tmp_path / "Artist - Title.flac"), genre="Jazz")

    response = upload(client, path)

    song = Song.objects.get()
    assert response.status_code == 200
    assert f'href="/songs/{song.pk}/"' in response.text
    assert (song.title, song.artist, song.uploaded_by, song.tagging_state) == ("Title", "Artist", staff, "pending")
    assert song.audio_file == folder / "Artist - Title.flac"
    assert song.song_labels.get().label.name == "Jazz"
    assert song.audio_file.read_bytes() == path.read_bytes()
    rescan()
    assert Song.objects.get().missing_since is None


def test_several_files_at_once_the_bad_ones_named(client: Client, staff: User, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "text.mp3").write_text("no music at all")
    (tmp_path / "empty.ogg").touch()
    (tmp_path / "notes.txt").write_text("notes")
    response = upload(
        client,
        write_tone(tmp_path / "a.ogg", hz=300),
        tmp_path / "text.mp3",
        tmp_path / "empty.ogg",
        tmp_path / "notes.txt",
        write_tone(tmp_path / "b.ogg", hz=400),
    )
    assert response.status_code == 200
    assert sorted(Song.objects.values_list("title", flat=True)) == ["a", "b"]
    assert "<strong>text.mp3</strong>: not an audio file" in response.text
    assert "<strong>empty.ogg</strong>: empty file" in response.text
    assert "<strong>notes.txt</strong>: not the name of an audio file" in response.text
    assert left(folder) == ["a.ogg", "b.ogg"]


def test_nothing_is_left_of_what_is_refused(client: Client, staff: User, tmp_path: Path, folder: Path) -> None:
    whole = write_tone(tmp_path / "a.flac", seconds=20).read_bytes()
    response = upload(client, SimpleUploadedFile("cut.flac", whole[: len(whole) // 2]))
    assert response.status_code == 400
    assert "cut off before its end" in response.text
    assert left(folder) == []
    assert not Song.objects.exists()


def test_nothing_is_left_when_storing_fails(
    staff: User, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(uploads, "import_file", fail)
    file = SimpleUploadedFile("a.ogg", write_tone(tmp_path / "a.ogg").read_bytes())
    with pytest.raises(OSError, match="the disk is full"):
        save_upload(file, staff)
    assert left(folder) == []


def test_a_file_that_is_too_large_is_refused(
    client: Client, staff: User, tmp_path: Path, folder: Path, settings: Settings
) -> None:
    settings.UPLOAD_MAX_MEGABYTES = 1
    response = upload(client, write_tone(tmp_path / "large.wav", seconds=20, rate=44100))
    assert response.status_code == 413
    assert "larger than 1 MB" in response.text
    response = upload(
        client, write_tone(tmp_path / "large.wav", seconds=20, rate=44100), write_tone(tmp_path / "small.ogg")
    )
    assert response.status_code == 200
    assert left(folder) == ["small.ogg"]


def test_a_request_that_is_too_large_is_not_read(client: Client, staff: User, settings: Settings) -> None:
    settings.UPLOAD_MAX_MEGABYTES = 1

    class Unread(BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

    response = client.generic("POST", "/upload/", b"", "multipart/form-data; boundary=x", CONTENT_LENGTH="999999999")
    assert response.status_code == 413
    request = client.request(
        REQUEST_METHOD="POST",
        PATH_INFO="/upload/",
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH="999999999",
        **{"wsgi.input": Unread()},
    )
    assert request.status_code == 413


def test_the_service_limits_size_by_itself(staff: User, folder: Path, settings: Settings) -> None:
    settings.UPLOAD_MAX_MEGABYTES = 1
    with pytest.raises(UploadRefused, match="larger than 1 MB") as refusal:
        save_upload(SimpleUploadedFile("a.mp3", b"x" * 1_000_001), staff)
    assert refusal.value.too_large
    assert left(folder) == []


def test_a_song_that_is_too_long_is_refused(
    client: Client, staff: User, tmp_path: Path, folder: Path, settings: Settings
) -> None:
    settings.UPLOAD_MAX_MINUTES = 1
    response = upload(client, write_tone(tmp_path / "a.ogg", seconds=90, rate=8000))
    assert response.status_code == 413
    assert "2 minutes long, and 1 are the most taken here" in response.text
    assert left(folder) == []


def test_a_recording_that_is_there_already_is_not_stored_again(
    client: Client, staff: User, tmp_path: Path, folder: Path
) -> None:
    path = write_tone(tmp_path / "a.ogg")
    upload(client, path)
    response = upload(client, path.rename(tmp_path / "b.ogg"))
    assert response.status_code == 200
    assert "was there already" in response.text
    assert left(folder) == ["a.ogg"]
    assert not DuplicateFile.objects.exists()


def test_files_of_one_name_get_names_of_their_own(client: Client, staff: User, tmp_path: Path, folder: Path) -> None:
    for hz in (300, 400):
        upload(client, write_tone(tmp_path / "a.ogg", hz=hz))
    assert left(folder) == ["a (2).ogg", "a.ogg"]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd.ogg", "passwd.ogg"),
        ("..\\..\\evil.ogg", "evil.ogg"),
        (".hidden.ogg", "hidden.ogg"),
        ("-rf.OGG", "rf.ogg"),
        ("a<b>|c?*\n.ogg", "a_b_c.ogg"),
        ("Sigur R\u00f3s - \u00c1g\u00e6tis.ogg", "Sigur R\u00f3s - \u00c1g\u00e6tis.ogg"),
        ("\u97f3" * 120 + ".ogg", "\u97f3" * 50 + ".ogg"),
        ("???.ogg", "song.ogg"),
    ],
)
def test_names_are_made_safe(staff: User, tmp_path: Path, folder: Path, name: str, stored: str) -> None:
    save_upload(SimpleUploadedFile(name, write_tone(tmp_path / "a.ogg").read_bytes()), staff)
    assert left(folder) == [stored]


def test_what_a_killed_server_left_is_cleared_away_after_a_day(staff: User, tmp_path: Path, folder: Path) -> None:
    (folder / ".incoming").mkdir(parents=True)
    for name, age_s in (("old.mp3", 2 * 86400), ("new.mp3", 60)):
        (folder / ".incoming" / name).touch()
        moment = (folder / ".incoming" / name).stat().st_mtime - age_s
        os.utime(folder / ".incoming" / name, (moment, moment))
    save_upload(SimpleUploadedFile("a.ogg", write_tone(tmp_path / "a.ogg").read_bytes()), staff)
    assert left(folder) == ["a.ogg", "new.mp3"]


def test_uploading_is_for_the_staff_unless_it_is_open(
    client: Client, listener: User, tmp_path: Path, folder: Path, settings: Settings
) -> None:
    path = write_tone(tmp_path / "a.ogg")
    assert client.get("/upload/").status_code == 403
    assert upload(client, path).status_code == 403
    assert left(folder) == []

    settings.UPLOAD_OPEN = True
    assert client.get("/upload/").status_code == 200
    assert upload(client, path).status_code == 200
    assert Song.objects.get().uploaded_by == listener


def test_nobody_uploads_without_logging_in(client: Client, tmp_path: Path) -> None:
    assert upload(client, write_tone(tmp_path / "a.ogg")).status_code == 302


def test_the_form_needs_its_token(staff: User, tmp_path: Path, folder: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert upload(client, write_tone(tmp_path / "a.ogg")).status_code == 403
    page = client.get("/upload/").text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    file = SimpleUploadedFile("a.ogg", (tmp_path / "a.ogg").read_bytes())
    assert client.post("/upload/", {"files": [file], "csrfmiddlewaretoken": token}).status_code == 200


def test_sending_nothing_is_told(client: Client, staff: User) -> None:
    response = client.post("/upload/")
    assert response.status_code == 400
    assert "choose a file first" in response.text


def test_an_upload_of_a_song_whose_file_is_gone_brings_it_back(
    client: Client, staff: User, tmp_path: Path, folder: Path
) -> None:
    path = write_tone(tmp_path / "a.ogg")
    upload(client, path)
    song = Song.objects.get()
    song.audio_file.unlink()
    Song.objects.update(missing_since="2026-01-01T00:00Z")

    response = upload(client, path)

    assert "is in the library" in response.text
    assert Song.objects.get().pk == song.pk
    assert Song.objects.get().missing_since is None
    assert LibraryRoot.objects.get().name == "uploads"
