"""Sound and pictures: songs as they are and converted, covers, lyrics, decisions on what to convert."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from PIL import Image
from pytest_django import Settings

from catalog.file_parts import part_path
from catalog.models import Song
from catalog.services import cover_pictures
from dcmrs_site.gateway import answer_of
from dcmrs_site.wsgi import application
from opensubsonic.conversions import LEFT_ALONE_S
from opensubsonic.endpoints import media
from opensubsonic.transcode_decision import BadClientInfo, Stream, decide

from .player import Player

pytestmark = pytest.mark.django_db


def body(response: HttpResponseBase) -> bytes:
    if isinstance(response, StreamingHttpResponse):
        return b"".join(response.streaming_content)  # type: ignore[arg-type]
    return response.content  # type: ignore[attr-defined,no-any-return]


def sound(content: bytes) -> tuple[str, float]:
    """The codec of a file, and how many seconds it lasts."""
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        return stream.codec_context.codec.canonical_name, samples / stream.codec_context.sample_rate


@contextmanager
def connection_kept() -> Iterator[None]:
    """Requests begin and end, and Django leaves the connection to the database, and the test's transaction, open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def hang_up(response: HttpResponseBase) -> None:
    """Listen no longer."""
    with connection_kept():
        response.close()


def sid(song: Song) -> str:
    return f"so-{song.pk}"


def test_a_song_is_sent_as_it_is_and_in_ranges(player: Player, songs: list[Song]) -> None:
    file = songs[0].audio_file.read_bytes()
    for name, more in (("stream", {}), ("stream", {"format": "raw", "maxBitRate": 64}), ("download", {})):
        response = player.raw(name, id=sid(songs[0]), **more)
        assert (response["Content-Type"], body(response)) == ("audio/flac", file)
    assert "01%20One.flac" in player.raw("download", id=sid(songs[0]))["Content-Disposition"]
    address = f"/rest/stream?{player.query(id=sid(songs[0]))}"
    part = player.client.get(address, HTTP_RANGE="bytes=10-19")
    assert (part.status_code, body(part)) == (206, file[10:20])


@pytest.mark.parametrize(
    ("more", "codec", "seconds"),
    [
        ({"format": "mp3", "maxBitRate": 64}, "mp3", 3.0),
        ({"maxBitRate": 96, "timeOffset": 1}, "mp3", 2.0),
        ({"format": "opus", "timeOffset": 2}, "opus", 1.0),
    ],
)
def test_a_song_is_converted_while_it_plays(
    player: Player, songs: list[Song], more: dict[str, object], codec: str, seconds: float
) -> None:
    response = player.raw("stream", id=sid(songs[0]), **more)
    found = sound(body(response))
    assert found[0] == codec
    assert found[1] == pytest.approx(seconds, abs=0.15)


def test_a_promised_length_is_kept(player: Player, songs: list[Song]) -> None:
    response = player.raw("stream", id=sid(songs[0]), format="mp3", maxBitRate=64, estimateContentLength=True)
    assert len(body(response)) == int(response["Content-Length"])


def test_songs_are_converted_a_few_at_a_time_and_given_up_when_nobody_listens(
    player: Player, songs: list[Song], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = media.conversions.begin
    monkeypatch.setattr(media.conversions, "begin", lambda pieces: begin(pieces, 0.01))
    held = [player.raw("stream", id=sid(songs[0]), format="mp3") for _ in range(settings.TRANSCODES)]
    assert "Too many songs" in player.call("stream", id=sid(songs[0]), format="mp3")["error"]["message"]
    for response in held:
        hang_up(response)
    assert len(media.conversions) == 0
    body(player.raw("stream", id=sid(songs[0]), format="mp3"))
    for response in [player.raw("stream", id=sid(songs[0]), format="mp3") for _ in range(settings.TRANSCODES)]:
        assert response["Content-Type"] == "audio/mpeg"
        hang_up(response)
    assert len(media.conversions) == 0


def test_who_has_paused_for_long_gives_the_turn_to_who_waits(
    player: Player, songs: list[Song], settings: Settings
) -> None:
    held = [player.raw("stream", id=sid(songs[0]), format="mp3", maxBitRate=320) for _ in range(settings.TRANSCODES)]
    media.conversions._open[1].read_at -= LEFT_ALONE_S + 1
    waited = player.raw("stream", id=sid(songs[0]), format="mp3")
    assert len(media.conversions) == settings.TRANSCODES
    # What was paused is broken off, and not at its end.
    with pytest.raises(ConnectionAbortedError):
        body(held[1])
    assert sound(body(held[0]))[0] == sound(body(waited))[0] == "mp3"
    for response in [*held, waited]:
        hang_up(response)
    assert len(media.conversions) == 0


def test_a_song_is_sent_by_the_web_server_while_it_is_converted(
    player: Player, songs: list[Song], rf: RequestFactory
) -> None:
    environ = rf.get(f"/rest/stream?{player.query(id=sid(songs[0]), format='mp3', maxBitRate=64)}").environ
    with connection_kept():
        answer = answer_of(application, environ)
        assert (answer.status, len(media.conversions)) == (200, 1)
        assert answer.rest is not None
        next(answer.rest)
        assert len(media.conversions) == 1
        rest = b"".join(answer.rest)
        assert len(media.conversions) == 0
        answer.close()
    assert rest


def test_what_cannot_be_played_says_so(player: Player, songs: list[Song], tmp_path: Path) -> None:
    Song.objects.filter(pk=songs[1].pk).update(path="Nina/gone.ogg")
    assert player.code("stream", id=sid(songs[1])) == 70
    assert player.code("stream", id=sid(songs[1]), format="mp3") == 70
    assert player.code("stream", id=sid(songs[0]), format="mp3", timeOffset=3600) == 0
    assert player.code("stream", id=sid(songs[0]), timeOffset="x") == 0


# --- Decisions ----------------------------------------------------------------------------------

FLAC = Stream("flac", "flac", 2, 900_000, 44_100, 16)
PLAYS_MP3 = {"containers": ["mp3"], "audioCodecs": ["mp3"], "protocols": ["http"], "maxAudioChannels": 2}
PLAYS_FLAC = {"containers": ["flac"], "audioCodecs": ["flac"], "protocols": [], "maxAudioChannels": 2}
WANTS_MP3 = {"container": "mp3", "audioCodec": "mp3", "protocol": "http", "maxAudioChannels": 2}
WANTS_OPUS = {"container": "ogg", "audioCodec": "opus", "protocol": "http"}
WANTS_HLS = {"container": "mp3", "audioCodec": "mp3", "protocol": "hls"}


def limit(name: str, comparison: str, *values: str, codec: str = "flac", required: bool = True) -> dict[str, Any]:
    limitation = {"name": name, "comparison": comparison, "values": list(values), "required": required}
    return {"type": "AudioCodec", "name": codec, "limitations": [limitation]}


@pytest.mark.parametrize(
    ("info", "direct", "codec", "reasons"),
    [
        ({"directPlayProfiles": [PLAYS_FLAC]}, True, None, ()),
        ({"directPlayProfiles": [PLAYS_MP3, PLAYS_FLAC]}, True, None, ()),
        ({"directPlayProfiles": [PLAYS_MP3]}, False, None, ("ContainerNotSupported",)),
        ({"directPlayProfiles": [PLAYS_MP3], "transcodingProfiles": [WANTS_HLS, WANTS_OPUS]}, False, "opus",
         ("ContainerNotSupported",)),
        ({"directPlayProfiles": [PLAYS_FLAC], "maxAudioBitrate": 320_000, "transcodingProfiles": [WANTS_MP3]}, False,
         "mp3", ("AudioBitrateNotSupported",)),
        ({"directPlayProfiles": [PLAYS_FLAC | {"maxAudioChannels": 1}]}, False, None, ("AudioChannelsNotSupported",)),
        ({"directPlayProfiles": [PLAYS_FLAC], "codecProfiles": [limit("audioSamplerate", "LessThanEqual", "32000")]},
         False, None, ("AudioSamplerateNotSupported",)),
        ({"directPlayProfiles": [PLAYS_FLAC],
          "codecProfiles": [limit("audioSamplerate", "LessThanEqual", "32000", required=False)]}, True, None, ()),
        ({"directPlayProfiles": [PLAYS_FLAC], "codecProfiles": [limit("audioChannels", "Equals", "1", "2")]}, True,
         None, ()),
        ({}, False, None, ("NoDirectPlayProfile",)),
    ],
)  # fmt: skip
def test_what_a_player_gets_follows_from_what_it_says(
    info: dict[str, Any], direct: bool, codec: str | None, reasons: tuple[str, ...]
) -> None:
    decision = decide(info, FLAC)
    assert (decision.direct, decision.reasons) == (direct, reasons)
    assert (decision.target.codec if decision.target else None) == codec


def test_what_is_made_keeps_within_the_players_limits() -> None:
    info = {
        "maxTranscodingAudioBitrate": 256_000,
        "transcodingProfiles": [WANTS_MP3],
        "codecProfiles": [limit("audioBitrate", "LessThanEqual", "128000", codec="mp3")],
    }
    target = decide(info, FLAC).target
    assert target is not None
    assert (target.bit_rate, target.channels, target.sample_rate) == (128_000, 2, 44_100)
    impossible = info | {"codecProfiles": [limit("audioBitrate", "Equals", "8000", codec="mp3")]}
    assert decide(impossible, FLAC).target is None


@pytest.mark.parametrize(
    "info", [[], "x", {"directPlayProfiles": 1}, {"maxAudioBitrate": "many"}, {"codecProfiles": [1]}]
)
def test_what_a_player_cannot_mean_is_refused(info: Any) -> None:
    with pytest.raises(BadClientInfo):
        decide(info, FLAC)


def test_a_decision_leads_to_its_stream(player: Player, songs: list[Song]) -> None:
    info = {"name": "x", "platform": "y", "directPlayProfiles": [PLAYS_MP3], "transcodingProfiles": [WANTS_MP3]}
    address = f"/rest/getTranscodeDecision?{player.query(mediaId=sid(songs[0]), mediaType='song')}"
    answer = player.client.post(address, json.dumps(info), "application/json")
    decision = json.loads(answer.content)["subsonic-response"]["transcodeDecision"]
    assert not decision["canDirectPlay"]
    assert decision["sourceStream"]["codec"] == "flac"
    asked = {"mediaType": "song", "transcodeParams": decision["transcodeParams"], "offset": 1}
    response = player.raw("getTranscodeStream", mediaId=sid(songs[0]), **asked)
    assert sound(body(response))[1] == pytest.approx(2.0, abs=0.15)
    assert player.code("getTranscodeStream", mediaId=sid(songs[1]), **asked) == 0
    assert player.code("getTranscodeStream", mediaId=sid(songs[0]), **(asked | {"transcodeParams": "x"})) == 0
    for bad in ("", "[", "[]", "[" * 100_000):
        answer = player.client.post(address, bad, "application/json")
        assert json.loads(answer.content)["subsonic-response"]["error"]["code"] == 0


# --- Pictures -----------------------------------------------------------------------------------


def test_everything_has_a_cover_in_the_size_that_is_asked_for(player: Player, heard: list[Song]) -> None:
    song = player.ok("getSong", id=sid(heard[0]))["song"]
    made = player.ok("createPlaylist", name="Mine", songId=sid(heard[0]))["playlist"]
    for thing in (song["coverArt"], song["albumId"], song["artistId"], made["coverArt"], "dl-new-here"):
        response = player.raw("getCoverArt", id=thing, size=100)
        with Image.open(io.BytesIO(body(response))) as picture:
            assert picture.size == (128, 128)
        address = f"/rest/getCoverArt?{player.query(id=thing, size=100)}"
        assert player.client.get(address, HTTP_IF_NONE_MATCH=response["ETag"]).status_code == 304
    empty = player.ok("createPlaylist", name="Empty")["playlist"]
    assert player.code("getCoverArt", id=empty["id"]) == 70


def test_covers_are_made_once_for_all_processes_and_kept_by_players(
    player: Player, songs: list[Song], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cover_pictures, "home", lambda: tmp_path)
    made = player.raw("getCoverArt", id=sid(songs[0]), size=200)
    assert made["Cache-Control"] == "private, max-age=86400"
    monkeypatch.setattr(cover_pictures, "_kept", cover_pictures._Kept())
    monkeypatch.delattr(cover_pictures, "drawn")
    assert body(player.raw("getCoverArt", id=sid(songs[0]), size=200)) == body(made)
    [kept] = (tmp_path / "cache" / "covers").glob("*/*")
    assert kept.read_bytes() == body(made)


# --- Lyrics -------------------------------------------------------------------------------------


def test_words_beside_a_song_are_given_with_their_times(player: Player, songs: list[Song]) -> None:
    [found] = player.ok("getLyricsBySongId", id=sid(songs[0]))["lyricsList"]["structuredLyrics"]
    assert found["synced"]
    assert found["line"] == [{"start": 500, "value": "First line"}, {"start": 1500, "value": "Second <b> & line"}]
    plain = player.ok("getLyrics", artist="nina", title="ONE")["lyrics"]
    assert plain["value"] == "First line\nSecond <b> & line"
    assert player.ok("getLyricsBySongId", id=sid(songs[1]))["lyricsList"]["structuredLyrics"] == []


def test_words_with_their_own_times_are_given_to_who_asks(player: Player, songs: list[Song], tmp_path: Path) -> None:
    copy = tmp_path / "x.flac"
    copy.write_bytes(songs[0].audio_file.read_bytes())
    copy.with_suffix(".lrc").write_text("[la:de]\n[00:01.00]<00:01.00>Grün <00:01.50>ist\n[00:02.00]plain\n")
    assert songs[0].root is not None
    songs[0].root.path = str(tmp_path)
    songs[0].root.save()
    Song.objects.filter(pk=songs[0].pk).update(path="x.flac")
    [found] = player.ok("getLyricsBySongId", id=sid(songs[0]), enhanced=True)["lyricsList"]["structuredLyrics"]
    assert (found["kind"], found["lang"]) == ("main", "de")
    [line] = found["cueLine"]
    assert line["value"] == "Grün ist"
    assert line["cue"] == [
        {"start": 1000, "end": 1500, "byteStart": 0, "byteEnd": 5, "value": "Grün "},
        {"start": 1500, "end": 2000, "byteStart": 6, "byteEnd": 8, "value": "ist"},
    ]
    [plain] = player.ok("getLyricsBySongId", id=sid(songs[0]))["lyricsList"]["structuredLyrics"]
    assert "cueLine" not in plain
    assert "kind" not in plain


def test_a_part_of_a_file_is_a_song_of_its_own(player: Player, songs: list[Song]) -> None:
    path = part_path("Nina/Blue/01 One.flac", 1.0, 2.5)
    Song.objects.filter(pk=songs[0].pk).update(path=path, duration_s=1.5)
    songs[0].refresh_from_db()
    songs[0].save()
    said = player.ok("getSong", id=sid(songs[0]))["song"]
    assert (said["suffix"], said["contentType"], said["duration"]) == ("wav", "audio/wav", 2)
    assert "size" not in said
    for more in ({}, {"format": "mp3"}):
        response = player.raw("stream", id=sid(songs[0]), **more)
        assert sound(body(response))[1] == pytest.approx(1.5, abs=0.15)
    assert "One.wav" in player.raw("download", id=sid(songs[0]))["Content-Disposition"]
    assert player.ok("getLyricsBySongId", id=sid(songs[0]))["lyricsList"]["structuredLyrics"] == []
    assert player.code("stream", id=sid(songs[0]), format="mp3", timeOffset=2) == 0
