"""A song's audio over HTTP: ranges, what is not to be had, and what browsers cannot play."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.audio_lengths import probe
from catalog.models import LibraryRoot, Song
from catalog.streaming import playable_type, requested_range
from catalog.transcoding import WaveFile, wave_file
from tests.audio import write_long_silence, write_tone
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db

Get = Callable[..., HttpResponseBase]


@pytest.fixture
def root(tmp_path: Path) -> LibraryRoot:
    """A library root that is there."""
    folder = tmp_path / "Music"
    folder.mkdir()
    return make_root(folder, "Music")


@pytest.fixture
def get(client: Client, listener: User) -> Get:
    """Ask for a song's audio with some headers."""

    def get(song: Song, method: str = "get", **headers: str) -> HttpResponseBase:
        send = client.head if method == "head" else client.get
        return send(f"/songs/{song.pk}/audio", headers=headers)

    return get


def song_at(root: LibraryRoot, path: str, codec: str | None = None, **fields: Any) -> Song:
    """A song whose file is made, if its codec is not given."""
    if codec is None:
        codec = probe(write_tone(root.folder / path, seconds=1)).codec
    return make_song(root=root, path=path, codec=codec, **fields)


def body(response: HttpResponseBase) -> bytes:
    """What was sent."""
    if isinstance(response, HttpResponse):
        return response.content
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(part for part in response if isinstance(part, bytes))


# --- Whole and in part ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.mp3", "audio/mpeg"),
        ("a.ogg", "audio/ogg"),
        ("a.opus", "audio/ogg"),
        ("a.flac", "audio/flac"),
        ("a.m4a", "audio/mp4"),
        ("a.wav", "audio/wav"),
        ("a.aac", "audio/aac"),
    ],
)
def test_what_browsers_play_is_sent_as_it_is(get: Get, root: LibraryRoot, name: str, content_type: str) -> None:
    response = get(song_at(root, name))
    whole = (root.folder / name).read_bytes()
    assert (response.status_code, response["Content-Type"]) == (200, content_type)
    assert (response["Content-Length"], response["Accept-Ranges"]) == (str(len(whole)), "bytes")
    assert body(response) == whole


@pytest.mark.parametrize("name", ["a.flac", "a.aiff"])
@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, None),
        ("bytes=0-0", 0, 1),
        ("bytes=100-", 100, None),
        ("bytes=100-199", 100, 200),
        ("bytes=101-99999999999999", 101, None),
        ("bytes=-50", -50, None),
        ("bytes=-99999999", 0, None),
        ("Bytes=7-8", 7, 9),
    ],
)
def test_ranges(get: Get, root: LibraryRoot, name: str, header: str, start: int, stop: int | None) -> None:
    song = song_at(root, name)
    whole = body(get(song))
    response = get(song, Range=header)
    first, after, _ = slice(start, stop).indices(len(whole))
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{after - 1}/{len(whole)}"
    assert response["Content-Length"] == str(after - first)
    assert body(response) == whole[first:after]


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
def test_a_range_that_is_not_there_is_refused(get: Get, root: LibraryRoot, header: str) -> None:
    song = song_at(root, "a.flac")
    response = get(song, Range=header)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{(root.folder / 'a.flac').stat().st_size}"


@pytest.mark.parametrize(
    "header",
    [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=0-1,4-5",
        "lines=0-1",
        "bytes=--1",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_no_single_range_is_passed_over(get: Get, root: LibraryRoot, header: str) -> None:
    response = get(song_at(root, "a.flac"), Range=header)
    assert response.status_code == 200
    assert body(response) == (root.folder / "a.flac").read_bytes()


def test_an_empty_file_has_no_range() -> None:
    with pytest.raises(ValueError, match="no such byte"):
        requested_range("bytes=0-", 0)


@pytest.mark.parametrize("name", ["a.flac", "a.aiff"])
def test_head_tells_the_size_without_sending_anything(get: Get, root: LibraryRoot, name: str) -> None:
    song = song_at(root, name)
    size = len(body(get(song)))
    response = get(song, "head", Range="bytes=0-9")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(size), b"")


def test_if_range_keeps_parts_of_two_files_apart(get: Get, root: LibraryRoot) -> None:
    song = song_at(root, "a.flac")
    first = get(song, Range="bytes=0-9")
    for unchanged in (first["ETag"], first["Last-Modified"]):
        assert get(song, Range="bytes=0-9", If_Range=unchanged).status_code == 206

    write_tone(root.folder / "a.flac", seconds=2)
    os.utime(root.folder / "a.flac", (1, 1))

    for changed in (first["ETag"], first["Last-Modified"], "W/" + first["ETag"]):
        response = get(song, Range="bytes=0-9", If_Range=changed)
        assert response.status_code == 200
        assert body(response) == (root.folder / "a.flac").read_bytes()


def test_an_unchanged_file_is_not_sent_again(get: Get, root: LibraryRoot) -> None:
    song = song_at(root, "a.flac")
    first = get(song)
    assert get(song, If_None_Match=first["ETag"]).status_code == 304
    assert get(song, If_Modified_Since=first["Last-Modified"]).status_code == 304
    assert get(song, If_None_Match='"other"').status_code == 200
    assert get(song, If_Match='"other"').status_code == 412


def test_a_proxy_may_send_the_file(get: Get, root: LibraryRoot, settings: Settings) -> None:
    settings.STREAM_ACCEL_PREFIX = "/library/"
    song = song_at(root, "a b/50 %?.flac")
    response = get(song)
    assert response["X-Accel-Redirect"] == "/library/Music/a%20b/50%20%25%3F.flac"
    assert (response["Content-Type"], body(response)) == ("audio/flac", b"")
    assert "X-Accel-Redirect" not in get(song_at(root, "b.aiff"))


# --- What is not to be had ------------------------------------------------------------------------


def test_a_download_is_the_file_itself_under_its_own_name(client: Client, listener: User, root: LibraryRoot) -> None:
    write_tone(root.folder / "Sœur 1.wav", seconds=0.1)
    song = make_song(path="Sœur 1.wav", root=root, codec="pcm_s16le")
    answer = client.get(f"/songs/{song.pk}/download")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''S%C5%93ur%201.wav"
    assert b"".join(answer) == (root.folder / "Sœur 1.wav").read_bytes()
    (root.folder / "Sœur 1.wav").unlink()
    gone = client.get(f"/songs/{song.pk}/download")
    assert gone.status_code == 404
    assert "Content-Disposition" not in gone


def test_nobody_listens_without_logging_in(client: Client, root: LibraryRoot) -> None:
    response = client.get(f"/songs/{song_at(root, 'a.flac').pk}/audio")
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_songs_are_only_read(client: Client, listener: User, root: LibraryRoot) -> None:
    assert client.post(f"/songs/{song_at(root, 'a.flac').pk}/audio").status_code == 405


def test_a_song_without_a_file_or_whose_file_is_gone_is_not_found(get: Get, root: LibraryRoot) -> None:
    assert get(make_song()).status_code == 404
    assert get(make_song(root=root, path="nowhere.mp3", codec="mp3")).status_code == 404
    assert get(song_at(root, "a.flac", missing_since=timezone.now())).status_code == 404
    (root.folder / "folder.mp3").mkdir()
    assert get(song_at(root, "folder.mp3", "mp3")).status_code == 404
    assert get(make_song(root=make_root("/nowhere"), path="a.mp3", codec="mp3")).status_code == 404


def test_nothing_outside_the_root_is_sent(get: Get, root: LibraryRoot, tmp_path: Path) -> None:
    secret = write_tone(tmp_path / "secret.flac")
    (root.folder / "link.flac").symlink_to(secret)
    (root.folder / "loop.flac").symlink_to("loop.flac")
    (root.folder / "up").symlink_to(tmp_path)
    for path in ("../secret.flac", str(secret), "link.flac", "up/secret.flac", "loop.flac", "x/../../secret.flac"):
        assert get(song_at(root, path, "flac")).status_code == 404, path


def test_a_link_inside_the_root_is_followed(get: Get, root: LibraryRoot) -> None:
    song_at(root, "a.flac")
    (root.folder / "link.flac").symlink_to("a.flac")
    assert get(song_at(root, "link.flac", "flac")).status_code == 200


def test_a_root_that_is_itself_a_link_is_followed(get: Get, root: LibraryRoot, tmp_path: Path) -> None:
    write_tone(root.folder / "a.flac")
    (tmp_path / "linked").symlink_to(root.folder)
    assert get(make_song(root=make_root(tmp_path / "linked"), path="a.flac", codec="flac")).status_code == 200


def test_a_file_that_cannot_be_transcoded_is_not_found(get: Get, root: LibraryRoot) -> None:
    (root.folder / "a.aiff").write_text("no music")
    response = get(song_at(root, "a.aiff", "pcm_s16be"))
    assert response.status_code == 404
    assert b"cannot be played" in body(response)


# --- What browsers cannot play --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.aiff", None), ("a.m4a", "alac"), ("a.wma", None), ("a.wav", "pcm_s32le"), ("a.wav", "adpcm_ms")],
)
def test_what_browsers_cannot_play_is_sent_as_wav(get: Get, root: LibraryRoot, name: str, codec: str | None) -> None:
    path = write_tone(root.folder / name, codec=codec)
    response = get(make_song(root=root, path=name, codec=probe(path).codec))
    sent = body(response)
    assert (response.status_code, response["Content-Type"]) == (200, "audio/wav")
    assert response["Content-Length"] == str(len(sent))
    samples, rate = sf.read(io.BytesIO(sent))
    assert rate == 22050
    assert samples.shape == (pytest.approx(2 * rate, rel=0.05), 2)
    spectrum = np.abs(np.fft.rfft(samples[: 2 * rate, 0]))
    assert np.argmax(spectrum) / 2 == pytest.approx(440, abs=1)


@pytest.mark.parametrize(("name", "codec"), [("a.aiff", None), ("a.m4a", "alac")])
def test_lossless_audio_stays_what_it_was(tmp_path: Path, name: str, codec: str | None) -> None:
    path = write_tone(tmp_path / name, codec=codec)
    wave = wave_file(path)
    sent, _ = sf.read(io.BytesIO(b"".join(wave.read(0, wave.size))), dtype="int16")
    expected, _ = sf.read(write_tone(tmp_path / "same.aiff"), dtype="int16")
    assert np.abs(sent.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(("name", "codec"), [("a.aiff", None), ("a.m4a", "alac"), ("a.ogg", None)])
def test_any_part_of_the_wav_file_is_what_the_whole_has_there(tmp_path: Path, name: str, codec: str | None) -> None:
    wave = wave_file(write_tone(tmp_path / name, seconds=5, codec=codec))
    whole = b"".join(wave.read(0, wave.size))
    assert len(whole) == wave.size
    for start in (0, 10, 43, 44, 45, 46, 47, 48, 1001, 100_003, wave.size // 2 + 1, wave.size - 3):
        for length in (1, 5, 44, 40_001):
            stop = min(start + length, wave.size)
            assert b"".join(wave.read(start, stop)) == whole[start:stop], (start, stop)


def test_sound_that_ends_early_is_followed_by_silence(tmp_path: Path) -> None:
    wave = wave_file(write_tone(tmp_path / "a.aiff", seconds=1))
    longer = WaveFile(wave.path, wave.sample_rate, wave.channels, 2 * wave.n_samples)
    sent = b"".join(longer.read(0, longer.size))
    assert len(sent) == longer.size
    assert not any(sent[wave.size :])


def test_many_channels_and_high_rates_become_what_every_browser_plays(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.aiff", np.zeros((96_000, 6)), 96_000)
    wave = wave_file(tmp_path / "a.aiff")
    assert (wave.sample_rate, wave.channels, wave.n_samples) == (48_000, 2, 48_000)
    assert len(b"".join(wave.read(0, wave.size))) == wave.size


def test_a_very_long_file_fits_a_wav_file_and_is_begun_anywhere_at_once(tmp_path: Path) -> None:
    path = write_long_silence(tmp_path / "a.mp3", hours=11)
    wave = wave_file(path)
    assert wave.size < 2**32
    piece = next(wave.read(wave.size - 100_000, wave.size))
    assert piece
    longer = WaveFile(path, 44_100, 2, 11 * 3600 * 44_100)
    assert longer.size > 2**32


def test_the_type_follows_from_what_is_in_a_file_and_not_from_its_name(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.ogg").rename(tmp_path / "a.mp3")
    assert playable_type(path, "vorbis") == "audio/ogg"
    assert playable_type(path, "speex") is None
