"""Who may upload, and how much: by the page, by the API, and by several at the same moment."""

from __future__ import annotations

import shutil
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import UploadAllowance
from accounts.services.allowances import may_upload
from accounts.services.exporting import export
from catalog.home import home
from catalog.importing.roots import uploads_root
from catalog.models import Song
from catalog.services import uploads
from catalog.services.quotas import quota_of
from catalog.services.song_files import import_file
from catalog.services.uploads import UploadRefused, save_upload
from tests.audio import tag, write_tone
from tests.factories import make_root, make_song, make_token, make_user

pytestmark = pytest.mark.django_db

MB = 1_000_000


@pytest.fixture(autouse=True)
def folder() -> Path:
    """The folder of uploads, empty."""
    shutil.rmtree(home() / "uploads", ignore_errors=True)
    return home() / "uploads"


@pytest.fixture(autouse=True)
def _open(settings: Settings) -> None:
    settings.UPLOAD_OPEN = True
    settings.UPLOAD_QUOTA_MEGABYTES = 3
    settings.UPLOAD_QUOTA_SONGS = 4


@pytest.fixture
def api(listener: User) -> APIClient:
    """The API, asked by the listener by a token."""
    api = APIClient(raise_request_exception=False)
    api.credentials(HTTP_AUTHORIZATION=f"Token {make_token(listener)}")
    return api


def has_uploaded(user: User, megabytes: float, number: int = 1, **fields: Any) -> None:
    """Songs that somebody has uploaded, of so many megabytes together."""
    root = uploads_root()
    for n in range(number):
        path = f"{user.pk}-{n}-{megabytes}.ogg"
        make_song(root=root, path=path, size=round(megabytes * MB / number), uploaded_by=user, **fields)


def sent(path: Path) -> SimpleUploadedFile:
    return SimpleUploadedFile(path.name, path.read_bytes())


def by_page(client: Client, *files: Path) -> Any:
    return client.post("/upload/", {"files": [sent(file) for file in files]})


def by_api(api: APIClient, file: Path) -> Any:
    return api.post("/api/upload/", {"file": sent(file)}, format="multipart")


def tone(folder: Path, megabytes: float, hz: int = 300) -> Path:
    """An uncompressed tone of so many megabytes."""
    return write_tone(folder / f"{hz}.wav", seconds=megabytes * MB / (4 * 44100), hz=hz, rate=44100)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --- Who ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("is_staff", [True, False])
@pytest.mark.parametrize("word", [None, True, False])
def test_an_admins_word_counts_before_the_sites_setting(
    settings: Settings, is_open: bool, is_staff: bool, word: bool | None
) -> None:
    settings.UPLOAD_OPEN = is_open
    user = make_user(is_staff=is_staff)
    UploadAllowance.objects.create(user=user, may_upload=word)
    assert may_upload(User.objects.get(pk=user.pk)) is (word if word is not None else is_open or is_staff)


def test_somebody_chosen_uploads_where_only_staff_may(
    client: Client, listener: User, api: APIClient, settings: Settings, tmp_path: Path
) -> None:
    settings.UPLOAD_OPEN = False
    assert by_page(client, tone(tmp_path, 0.1)).status_code == 403
    assert by_api(api, tone(tmp_path, 0.1)).status_code == 403
    assert 'href="/upload/"' not in client.get("/ratings/").text
    UploadAllowance.objects.create(user=listener, may_upload=True)
    assert 'href="/upload/"' in client.get("/ratings/").text
    assert by_page(client, tone(tmp_path, 0.1)).status_code == 200
    assert by_api(api, tone(tmp_path, 0.1, hz=500)).status_code == 201


def test_somebody_refused_does_not_where_everybody_may(client: Client, listener: User, tmp_path: Path) -> None:
    UploadAllowance.objects.create(user=listener, may_upload=False)
    assert by_page(client, tone(tmp_path, 0.1)).status_code == 403
    assert client.get("/upload/").status_code == 403
    assert not Song.objects.exists()


def test_whether_there_is_a_link_to_upload_costs_no_query(
    client: Client, listener: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/accounts/password/")
    with django_assert_num_queries(2):  # the session, and whose it is
        client.get("/accounts/password/")


# --- How much -----------------------------------------------------------------------------------


def test_what_counts_is_what_lies_among_the_uploads(listener: User) -> None:
    has_uploaded(listener, 1.5, number=3)
    has_uploaded(make_user(), 1.0)
    has_uploaded(listener, 0.7, missing_since="2026-01-01T00:00Z")
    make_song(root=make_root(), path="moved.ogg", size=5 * MB, uploaded_by=listener)
    make_song(uploaded_by=listener)
    quota = quota_of(listener)
    assert (quota.used_bytes, quota.used_songs) == (1_500_000, 3)
    assert (quota.left_bytes, quota.left_songs) == (1_500_000, 1)
    assert not quota.full


@pytest.mark.parametrize(
    ("is_staff", "own", "most"),
    [(False, None, 3), (False, 7, 7), (False, 0, None), (True, None, None), (True, 7, 7), (True, 0, None)],
)
def test_limits_are_the_sites_unless_an_admin_has_set_others(is_staff: bool, own: int | None, most: int | None) -> None:
    user = make_user(is_staff=is_staff)
    UploadAllowance.objects.create(user=user, megabytes=own, songs=own)
    quota = quota_of(user)
    assert quota.most_bytes == (None if most is None else most * MB)
    assert quota.most_songs == (4 if own is None and not is_staff else most)


def test_a_site_may_have_no_limits(listener: User, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_MEGABYTES = settings.UPLOAD_QUOTA_SONGS = 0
    has_uploaded(listener, 100.0, number=10)
    quota = quota_of(listener)
    assert not quota.limited
    assert not quota.full
    assert (quota.left_bytes, quota.left_songs) == (None, None)


def test_the_page_says_how_much_is_left(client: Client, listener: User) -> None:
    has_uploaded(listener, 1.5, number=2)
    page = " ".join(client.get("/upload/").text.split())
    assert "1.5 MB of your 3.0 MB are used, by 2 of at most 4 songs." in page
    assert '<progress class="meter" max="3000000" value="1500000"' in page
    assert 'type="file"' in page


def test_a_page_without_limits_says_nothing_of_them(client: Client, listener: User, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_MEGABYTES = settings.UPLOAD_QUOTA_SONGS = 0
    assert "are used" not in client.get("/upload/").text


@pytest.mark.parametrize(("megabytes", "songs"), [(3.0, 1), (0.1, 4)])
def test_who_is_full_is_told_what_to_do_and_sends_in_vain(
    client: Client, api: APIClient, listener: User, tmp_path: Path, megabytes: float, songs: int
) -> None:
    has_uploaded(listener, megabytes, songs)
    page = client.get("/upload/").text
    assert "are the most. Whoever runs this server can give you more." in page
    assert 'type="file"' not in page
    answer = by_page(client, tone(tmp_path, 0.1))
    assert answer.status_code == 403
    assert "Whoever runs this server can give you more." in answer.text
    answer = by_api(api, tone(tmp_path, 0.1))
    assert answer.status_code == 403
    assert "Whoever runs this server can give you more." in answer.text
    assert Song.objects.count() == songs


class Unread(BytesIO):
    """A body that nobody may read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


def send_unread(client: Client, address: str, length: int, **headers: str) -> Any:
    return client.request(
        REQUEST_METHOD="POST",
        PATH_INFO=address,
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(length),
        **{"wsgi.input": Unread(), **headers},
    )


def test_who_is_full_is_refused_before_the_file_is_read(client: Client, listener: User) -> None:
    has_uploaded(listener, 3.0)
    token = make_token(listener)
    assert send_unread(client, "/upload/", 500_000).status_code == 403
    assert send_unread(client, "/api/upload/", 500_000).status_code == 403
    assert send_unread(Client(), "/api/upload/", 500_000, HTTP_AUTHORIZATION=f"Token {token}").status_code == 403


def test_a_file_larger_than_what_is_left_is_refused_by_the_api_before_it_is_read(
    client: Client, listener: User
) -> None:
    has_uploaded(listener, 2.0)
    answer = send_unread(client, "/api/upload/", 2_000_000)
    assert answer.status_code == 413
    assert "larger than the 1.0 MB that are left of your 3.0 MB" in answer.text


def test_a_file_larger_than_what_is_left_is_refused_while_it_is_read(
    client: Client, api: APIClient, listener: User, tmp_path: Path, folder: Path
) -> None:
    has_uploaded(listener, 2.0)
    for answer in (by_page(client, tone(tmp_path, 1.05)), by_api(api, tone(tmp_path, 1.05))):
        assert answer.status_code == 413
        assert "larger than the 1.0 MB that are left of your 3.0 MB" in answer.text
    assert left(folder) == []


def test_of_several_files_those_are_taken_that_there_is_room_for(
    client: Client, listener: User, tmp_path: Path, folder: Path
) -> None:
    files = [tone(tmp_path, megabytes, hz) for megabytes, hz in ((1.2, 300), (2.5, 400), (1.2, 500), (1.2, 600))]
    page = by_page(client, *files)
    assert page.status_code == 200
    assert left(folder) == ["300.wav", "500.wav"]
    for name in ("400.wav", "600.wav"):
        assert f"<strong>{name}</strong>: larger than the" in page.text
    assert quota_of(listener).used_songs == 2


def test_of_several_files_no_more_are_taken_than_songs_are_allowed(
    client: Client, listener: User, tmp_path: Path, folder: Path
) -> None:
    has_uploaded(listener, 0.2, number=2)
    page = by_page(client, *(tone(tmp_path, 0.1, hz) for hz in (300, 400, 500)))
    assert page.status_code == 200
    assert "<strong>500.wav</strong>: You have uploaded 4 songs, and 4 are the most." in page.text
    assert left(folder) == ["300.wav", "400.wav"]


def test_what_is_here_already_takes_no_room(client: Client, listener: User, tmp_path: Path) -> None:
    for _ in range(3):
        assert by_page(client, tone(tmp_path, 0.5)).status_code == 200
    assert quota_of(listener).used_songs == 1


def test_a_file_for_a_song_known_from_plays_counts_for_who_sends_it(
    client: Client, listener: User, tmp_path: Path
) -> None:
    song = make_song("Title", "Artist")
    by_page(client, tag(write_tone(tmp_path / "a.ogg"), title="Title", artist="Artist"))
    song.refresh_from_db()
    assert song.path
    assert song.uploaded_by == listener
    assert quota_of(listener).used_songs == 1


def test_the_api_tells_how_much_is_left(api: APIClient, listener: User, settings: Settings) -> None:
    has_uploaded(listener, 1.5)
    assert api.get("/api/upload/").json() == {
        "used_bytes": 1_500_000,
        "used_songs": 1,
        "most_bytes": 3_000_000,
        "most_songs": 4,
        "left_bytes": 1_500_000,
        "left_songs": 3,
        "most_bytes_a_file": 200_000_000,
        "most_minutes_a_file": 120,
    }
    UploadAllowance.objects.create(user=listener, megabytes=0, songs=0)
    assert api.get("/api/upload/").json()["left_bytes"] is None
    UploadAllowance.objects.update(may_upload=False)
    assert api.get("/api/upload/").status_code == 403
    assert APIClient().get("/api/upload/").status_code == 401


def test_of_two_let_in_for_one_place_the_second_is_not_stored(
    listener: User, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_uploaded(listener, 2.5)
    first, second = sent(tone(tmp_path, 0.4, 300)), sent(tone(tmp_path, 0.4, 400))

    def meanwhile(*args: Any, **options: Any) -> Any:
        # The second has looked at the room that is left: now the first comes in.
        monkeypatch.setattr(uploads, "import_file", import_file)
        save_upload(first, listener)
        return import_file(*args, **options)

    monkeypatch.setattr(uploads, "import_file", meanwhile)
    with pytest.raises(UploadRefused, match="more than you may upload") as refusal:
        save_upload(second, listener)
    assert refusal.value.full
    assert left(folder) == ["300.wav"]
    assert quota_of(listener).used_songs == 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_exceed_what_one_may(listener: User, tmp_path: Path, folder: Path) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has no second writer to wait for the first")
    files = [sent(tone(tmp_path, 0.9, 300 + 50 * n)) for n in range(6)]
    outcomes: list[str] = []
    start = threading.Barrier(len(files))

    def one(file: SimpleUploadedFile) -> None:
        start.wait()
        try:
            save_upload(file, listener)
            outcomes.append("taken")
        except UploadRefused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[file]) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["taken"] * 3
    assert len(left(folder)) == 3
    assert quota_of(listener).used_bytes <= 3 * MB


def test_an_allowance_is_exported_with_its_account(listener: User) -> None:
    UploadAllowance.objects.create(user=listener, megabytes=7)
    assert '"upload_allowance": [\n{"may_upload": null, "megabytes": 7, "songs": null}]' in "".join(export(listener))
