"""Sound and pictures: songs as they are or converted while they play, covers, lyrics; and scanning for new files."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from celery import current_app
from django.conf import settings
from django.core import signing
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from kombu.exceptions import OperationalError

from catalog.audio_frames import UnreadableAudio
from catalog.cover_pictures import rounded_size
from catalog.encoding import CODECS, Target, encode, possible_kbps
from catalog.file_parts import file_of
from catalog.importing.lyrics import Line, Lyrics
from catalog.models import LibraryRoot, Song, SoundDetails
from catalog.names import artist_key, title_key
from catalog.services.cover_pictures import cover_picture
from catalog.services.lyrics import lyrics_of
from catalog.streaming import download_name, original, song_file
from catalog.tasks import rescan
from recommender.services import daily_lists

from .. import ids
from ..asked import asked_song, find_album, find_artist
from ..conversions import Conversions, Sent
from ..failures import Code, Failure, not_found
from ..registry import Answer, Request, endpoint
from ..songs import CONTENT_TYPES, suffix_of
from ..transcode_decision import BadClientInfo, Decision, Stream, decide
from .annotating import check_media_type

_DEFAULT_KBPS = 192
_PARAMETERS_KEPT_S = 24 * 3600
_COVERS_KEPT_S = 24 * 3600
_SALT = "opensubsonic.transcode"
_LARGEST_BODY = 200_000
_LONGEST_LINE_MS = 2**40

conversions = Conversions(settings.TRANSCODES)


# --- Songs --------------------------------------------------------------------------------------


@endpoint("stream")
def stream(request: Request) -> Answer:
    """A song to play: as it is, or converted where the player asks for a format, fewer bits or a later beginning."""
    song, parameters = asked_song(request), request.parameters
    asked = parameters.text("format").lower()
    most_kbps = parameters.number("maxBitRate", 0, 0, 100_000)
    offset_s = parameters.number("timeOffset", 0, 0, 7 * 24 * 3600)
    target = None if asked == "raw" else _wanted(song, asked, most_kbps, offset_s)
    if target is None:
        return _as_it_is(request, song)
    estimate = parameters.truth("estimateContentLength")
    return _converted(request, song, target, float(offset_s), estimate)


@endpoint("download")
def download(request: Request) -> Answer:
    """A song's file, to keep."""
    song = asked_song(request)
    response = _as_it_is(request, song)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(download_name(song))}"
    return response


def _as_it_is(request: Request, song: Song) -> HttpResponseBase:
    try:
        return original(request.http, song, CONTENT_TYPES.get(suffix_of(song.path), "application/octet-stream"))
    except (FileNotFoundError, UnreadableAudio):
        raise not_found("file") from None


def _wanted(song: Song, asked: str, most_kbps: int, offset_s: int) -> Target | None:
    """What a song has to be converted to; None where it is sent as it is."""
    source = _source(song)
    own_kbps = (source.bit_rate or 0) / 1000
    codec = {"mp3": "mp3", "opus": "opus", "ogg": "opus", "oga": "opus"}.get(asked)
    too_many_bits = bool(most_kbps and own_kbps > most_kbps)
    if not offset_s and not too_many_bits and (codec is None or codec == source.codec):
        return None
    kbps = most_kbps or _DEFAULT_KBPS
    if own_kbps:
        # More bits than it has would add nothing.
        kbps = min(kbps, max(round(own_kbps), 32))
    codec = codec or "mp3"
    return Target(codec, possible_kbps(codec, kbps), source.channels or 2)


def _source(song: Song) -> Stream:
    details = SoundDetails.objects.filter(song=song).first()
    bits = details.bit_rate if details else None
    if not bits and song.size and song.duration_s:
        bits = round(8 * song.size / song.duration_s)
    suffix = suffix_of(song.path)
    if file_of(song.path) != song.path:
        # As it is sent: 16 bits, stereo at most.
        channels, rate = min((details and details.channels) or 2, 2), (details and details.sample_rate) or 44_100
        return Stream("wav", "pcm_s16le", channels, 16 * channels * rate, rate, 16)
    if details is None:
        return Stream(suffix, song.codec, bit_rate=bits)
    return Stream(suffix, song.codec, details.channels, bits, details.sample_rate, details.bit_depth)


def _converted(request: Request, song: Song, target: Target, offset_s: float, estimate: bool) -> HttpResponseBase:
    try:
        path = song_file(song)
    except FileNotFoundError:
        raise not_found("file") from None
    if request.http.method == "HEAD":
        return HttpResponse(content_type=target.content_type)
    conversion = conversions.begin(encode(path, target, offset_s))
    if conversion is None:
        raise Failure(Code.GENERIC, "Too many songs are being converted at the moment. Try again in a minute.")
    try:
        # Whatever is wrong with the file is found out while it can still be said.
        first = next(conversion)
    except (StopIteration, UnreadableAudio):
        conversion.close()
        raise Failure(Code.GENERIC, "This song cannot be converted from there.") from None
    except BaseException:
        conversion.close()
        raise
    response = StreamingHttpResponse(content_type=target.content_type)
    length = target.estimated_bytes((song.duration_s or 0.0) - offset_s)
    promised = length if estimate and target.codec == "mp3" and length > len(first) else None
    if promised is not None:
        # A promise of so many bytes is kept: what is missing is filled with nothing, and players skip that.
        response["Content-Length"] = str(promised)
    response.streaming_content = Sent(first, conversion, promised)
    # Nothing in it belongs to the thread that answers: it is converted while it is sent.
    response.any_thread = True  # type: ignore[attr-defined]
    response["Accept-Ranges"] = "none"
    response["Cache-Control"] = "no-store"
    return response


@endpoint("getTranscodeDecision")
def transcode_decision(request: Request) -> Answer:
    """Whether a player can play a song as it is, and what it can have in its place."""
    song = check_media_type(request)
    if request.http.method != "POST":
        raise Failure(Code.GENERIC, "What the player can do is posted as JSON.")
    try:
        body = request.http.body
        if len(body) > _LARGEST_BODY:
            raise BadClientInfo("it is too long")
        decision = decide(json.loads(body), source := _source(song))
    except (ValueError, RecursionError, RequestDataTooBig) as error:
        said = str(error) if isinstance(error, BadClientInfo) else "it is no JSON"
        raise Failure(Code.GENERIC, f"What the player says of itself cannot be read: {said}.") from error
    return {"transcodeDecision": _described(song, source, decision)}


def _described(song: Song, source: Stream, decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = {"canDirectPlay": decision.direct, "canTranscode": decision.target is not None}
    if decision.error:
        found["errorReason"] = decision.error
    target = decision.target
    if target is not None:
        chosen = [song.pk, target.codec, (target.bit_rate or 0) // 1000, target.channels or 2, target.sample_rate]
        found["transcodeParams"] = signing.dumps(chosen, salt=_SALT)
    found["transcodeReason"] = list(decision.reasons)
    found["sourceStream"] = source.described()
    if target is not None:
        found["transcodeStream"] = target.described()
    return found


@endpoint("getTranscodeStream")
def transcode_stream(request: Request) -> Answer:
    """A song as it was decided on."""
    song, parameters = check_media_type(request), request.parameters
    try:
        pk, codec, kbps, channels, rate = signing.loads(
            parameters.required("transcodeParams"), salt=_SALT, max_age=_PARAMETERS_KEPT_S
        )
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Failure(Code.GENERIC, "Ask getTranscodeDecision again: what it said is too old.") from error
    if pk != song.pk or codec not in CODECS:
        raise Failure(Code.GENERIC, "This decision is about another song.")
    offset_s = parameters.decimal("offset", 0.0, 0.0, 7 * 24 * 3600.0)
    return _converted(request, song, Target(codec, possible_kbps(codec, kbps), channels, rate), offset_s, False)


# --- Pictures -----------------------------------------------------------------------------------


@endpoint("getCoverArt")
def cover_art(request: Request) -> Answer:
    """The cover of a song, an album, an artist or a playlist, in about the size that is asked for."""
    size = rounded_size(request.parameters.number("size", 0, 0, 10_000))
    asked = request.parameters.id("id", ids.SONG, ids.ALBUM, ids.ARTIST, ids.PLAYLIST, ids.DAILY_LIST)
    song = _song_with_cover(_songs_of(request, asked))
    picture = cover_picture(song, size)
    unchanged = get_conditional_response(request.http, etag=picture.etag)
    response = unchanged or HttpResponse(picture.content, content_type=picture.content_type)
    response["ETag"] = picture.etag
    response["Cache-Control"] = f"private, max-age={_COVERS_KEPT_S}"
    return response


def _songs_of(request: Request, asked: ids.Id) -> list[int]:
    """The songs, by primary key, one of whose covers stands for something."""
    library = request.describe.library
    match asked.kind:
        case ids.SONG:
            return [asked.pk]
        case ids.ALBUM:
            return [song.pk for song in find_album(library, asked).songs]
        case ids.ARTIST:
            artist = find_artist(library, asked)
            return [song.pk for album in artist.albums for song in album.songs] or [song.pk for song in artist.songs]
        case ids.DAILY_LIST:
            daily = daily_lists.daily_list(request.user, asked.key)
            if daily is None:
                raise not_found("playlist")
            return list(daily.song_ids)
    playlist = request.user.playlists.filter(pk=asked.pk).first()
    if playlist is None:
        raise not_found("playlist")
    return list(playlist.entries.order_by("position", "pk").values_list("song_id", flat=True))


def _song_with_cover(pks: list[int]) -> Song:
    """The first song with a picture of its own, or else the first."""
    songs = Song.objects.filter(pk__in=pks[:100]).only("title", "artist", "cover").in_bulk()
    there = [songs[pk] for pk in pks[:100] if pk in songs]
    if not there:
        raise not_found("cover")
    return next((song for song in there if song.cover), there[0])


@endpoint("getAvatar")
def avatar(request: Request) -> Answer:
    """Nobody has a picture here."""
    raise not_found("picture")


# --- Lyrics -------------------------------------------------------------------------------------


@endpoint("getLyrics")
def lyrics(request: Request) -> Answer:
    """The words of a song by artist and title, without times."""
    artist, title = request.parameters.text("artist"), request.parameters.text("title")
    songs = Song.objects.playable().select_related("root").filter(title_key=title_key(title)) if title else ()
    if title and artist:
        songs = songs.filter(artist_key=artist_key(artist))  # type: ignore[union-attr]
    for song in songs[:5]:
        if found := lyrics_of(song):
            return {"lyrics": {"artist": song.artist, "title": song.title, "value": found[0].text}}
    return {"lyrics": {"value": ""}}


@endpoint("getLyricsBySongId")
def lyrics_by_song_id(request: Request) -> Answer:
    """The words of a song in every language, with times where there are some."""
    song = asked_song(request)
    enhanced = request.parameters.truth("enhanced")
    return {"lyricsList": {"structuredLyrics": [_structured(song, one, enhanced) for one in lyrics_of(song)]}}


def _structured(song: Song, one: Lyrics, enhanced: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"displayArtist": song.artist, "displayTitle": song.title, "lang": one.language}
    found["synced"] = one.synced
    if enhanced:
        found["kind"] = "main"
    found["line"] = [
        ({"start": min(line.start_ms, _LONGEST_LINE_MS)} if one.synced and line.start_ms is not None else {})
        | {"value": line.text}
        for line in one.lines
    ]
    if enhanced and one.synced and any(line.words for line in one.lines):
        ends = [line.start_ms for line in one.lines[1:]] + [None]
        found["cueLine"] = [
            _cue_line(place, line, end)
            for place, (line, end) in enumerate(zip(one.lines, ends, strict=True))
            if line.words
        ]
    return found


def _cue_line(index: int, line: Line, next_ms: int | None) -> dict[str, Any]:
    """The times of a line's words, each with where it stands in the line, counted in bytes of UTF-8."""
    cues, byte = [], 0
    ends = [word.end_ms for word in line.words]
    following = [word.start_ms for word in line.words[1:]]
    last = ends[-1] if ends[-1] is not None else next_ms
    complete = last is not None
    for word, own, after in zip(line.words, ends, [*following, last], strict=True):
        length = len(word.text.encode())
        cue: dict[str, Any] = {"start": word.start_ms}
        if complete and after is not None:
            # All or none say when they end, and none after the next one begins.
            cue["end"] = max(word.start_ms, min(own if own is not None else after, after))
        cues.append(cue | {"byteStart": byte, "byteEnd": byte + length - 1, "value": word.text})
        byte += length
    found: dict[str, Any] = {"index": index, "start": line.start_ms}
    if last is not None:
        found["end"] = last
    return found | {"value": line.text, "cue": cues}


# --- Scanning -----------------------------------------------------------------------------------


@endpoint("startScan")
def start_scan(request: Request) -> Answer:
    """Look for new files, if an admin asks."""
    if not request.user.is_staff:
        raise Failure(Code.NOT_AUTHORIZED, "Only an admin can have the folders looked through.")
    status = _scan_status(request)
    if not status["scanning"]:
        try:
            rescan.delay()
            status["scanning"] = not current_app.conf.task_always_eager
        except OperationalError:
            raise Failure(Code.GENERIC, "There is no worker that could look for new files at the moment.") from None
    return {"scanStatus": status}


@endpoint("getScanStatus")
def scan_status(request: Request) -> Answer:
    """Whether folders are being looked through, and how many songs there are."""
    return {"scanStatus": _scan_status(request)}


def _scan_status(request: Request) -> dict[str, Any]:
    scanning = LibraryRoot.objects.filter(scanning_until__gt=timezone.now()).exists()
    return {"scanning": scanning, "count": len(request.describe.library.song_ids)}
