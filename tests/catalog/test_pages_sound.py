"""A song's waveform and spectrogram, as its page shows them and as pictures by themselves."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from catalog.models import Song
from catalog.services import sound_pictures
from catalog.views import sound
from tests.audio import write_tone
from tests.factories import make_root, make_song
from tests.processes import wait_until

pytestmark = pytest.mark.django_db


def digest(path: Path) -> str:
    """As long as a content's hash is, and another for each test."""
    return sha256(bytes(path)).hexdigest()


@pytest.fixture
def song(tmp_path: Path) -> Song:
    write_tone(tmp_path / "tone.ogg", 4.0)
    return make_song("Tone", root=make_root(tmp_path), path="tone.ogg", duration_s=4.0, content_hash=digest(tmp_path))


@pytest.fixture
def drawn(song: Song) -> Song:
    sound_pictures.make(song)
    return song


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("waveform", "image/svg+xml"), ("waveform.json", "application/json"), ("spectrogram", "image/png")],
)
def test_pictures_are_kept_for_good_under_the_name_of_their_version(
    client: Client, listener: User, drawn: Song, name: str, content_type: str
) -> None:
    version = sound_pictures.version_of(drawn)
    response = client.get(f"/songs/{drawn.pk}/{name}?v={version}")
    assert response.status_code == 200
    assert response["Content-Type"] == content_type
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    plain = client.get(f"/songs/{drawn.pk}/{name}")
    assert plain["Cache-Control"] == "private, no-cache"
    again = client.get(f"/songs/{drawn.pk}/{name}", headers={"If-None-Match": plain["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["waveform", "waveform.json", "spectrogram", "sound/"])
def test_pictures_are_for_those_logged_in(client: Client, drawn: Song, name: str) -> None:
    assert client.get(f"/songs/{drawn.pk}/{name}").status_code == 302


def test_the_numbers_go_from_beginning_to_end(client: Client, listener: User, drawn: Song) -> None:
    numbers = client.get(f"/songs/{drawn.pk}/waveform.json").json()
    assert numbers["duration_s"] == pytest.approx(4.0, abs=0.05)
    assert len(numbers["peaks"]) == len(numbers["loudness"]) > 100
    assert max(numbers["peaks"]) == 255


def test_the_spectrogram_is_a_picture(client: Client, listener: User, drawn: Song) -> None:
    picture = Image.open(io.BytesIO(client.get(f"/songs/{drawn.pk}/spectrogram").content))
    assert picture.size[1] == 96
    assert picture.mode == "L"


def test_a_file_with_another_sound_is_another_version(drawn: Song) -> None:
    before = sound_pictures.version_of(drawn)
    drawn.title = "Renamed"
    assert sound_pictures.version_of(drawn) == before
    drawn.content_hash = "other"
    assert sound_pictures.version_of(drawn) != before
    assert sound_pictures.find(drawn) is None


def test_what_is_not_drawn_yet_is_drawn_while_the_page_waits(client: Client, listener: User, song: Song) -> None:
    first = client.get(f"/songs/{song.pk}/waveform")
    assert (first.status_code, first["Retry-After"]) == (202, "2")
    assert first["Cache-Control"] == "no-store"
    wait_until(lambda: client.get(f"/songs/{song.pk}/waveform").status_code == 200, lambda: "not drawn")


def test_a_worker_draws_it_where_there_is_one(client: Client, listener: User, song: Song) -> None:
    from celery import current_app

    current_app.conf.task_always_eager = True
    try:
        assert client.get(f"/songs/{song.pk}/spectrogram").status_code == 200
    finally:
        current_app.conf.task_always_eager = False


def test_the_songs_page_shows_a_loading_state_and_then_the_pictures(client: Client, listener: User, song: Song) -> None:
    page = client.get(f"/songs/{song.pk}/").content.decode()
    assert "Drawing what it sounds like" in page
    assert f"/songs/{song.pk}/sound/?look=1" in page
    sound_pictures.make(song)
    page = client.get(f"/songs/{song.pk}/").content.decode()
    assert "Waveform: how loud it is from 0:00 to 0:04" in page
    assert f"/songs/{song.pk}/spectrogram?v={sound_pictures.version_of(song)}" in page
    assert ">3 s<" in page
    assert ">100 Hz<" in page
    assert ">5 kHz<" in page


def test_it_stops_asking_after_a_while(client: Client, listener: User, song: Song) -> None:
    assert "look=8" in client.get(f"/songs/{song.pk}/sound/?look=7").content.decode()
    Song.objects.filter(pk=song.pk).update(content_hash="never drawn", path="gone.ogg")
    page = client.get(f"/songs/{song.pk}/sound/?look=99").content.decode()
    assert "takes longer than usual" in page
    assert "hx-get" not in page
    assert client.get(f"/songs/{song.pk}/sound/?look=x").status_code == 200


def test_a_damaged_file_says_so(client: Client, listener: User, tmp_path: Path) -> None:
    (tmp_path / "bad.mp3").write_bytes(b"nothing that sounds")
    song = make_song("Bad", root=make_root(tmp_path), path="bad.mp3", content_hash=digest(tmp_path / "bad"))
    sound_pictures.make(song)
    assert "not an audio file" in client.get(f"/songs/{song.pk}/").content.decode()
    refused = client.get(f"/songs/{song.pk}/waveform")
    assert refused.status_code == 404
    assert "cannot be drawn" in refused.content.decode()


def test_a_song_without_a_file_has_no_pictures(client: Client, listener: User) -> None:
    song = make_song("Known by name")
    assert client.get(f"/songs/{song.pk}/waveform").status_code == 404
    assert "What it sounds like" not in client.get(f"/songs/{song.pk}/").content.decode()
    with pytest.raises(FileNotFoundError):
        sound_pictures.make(song)


def test_half_a_file_is_as_none(drawn: Song) -> None:
    version = sound_pictures.version_of(drawn)
    name = f"sound/{version[:2]}/{version}.json"
    whole = Path(default_storage.path(name)).read_text()
    Path(default_storage.path(name)).write_text(whole[:40])
    assert sound_pictures.find(drawn) is None
    assert json.loads(whole)["peaks"]


def test_nobody_has_the_whole_library_drawn(
    client: Client, listener: User, song: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Song] = []
    monkeypatch.setattr(sound, "draw_soon", asked.append)
    monkeypatch.setattr(sound, "MOST_ASKED", 1)
    for _ in range(2):
        assert client.get(f"/songs/{song.pk}/waveform").status_code == 202
    assert asked == [song]


def test_times_on_the_axis_are_round() -> None:
    assert [tick.text for tick in sound._times(200)] == ["0:00", "1:00", "2:00", "3:00"]
    assert [tick.at for tick in sound._times(200)] == ["0.00%", "30.00%", "60.00%", "90.00%"]
    assert [tick.text for tick in sound._times(3.0)] == ["0 s", "1 s", "2 s"]
    assert sound._times(39_600)[-1].text == "10:00:00"
    assert sound._times(0.0) == []
