"""Sending a song's audio: as it is where browsers play it, else as WAV; whole, or the range that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from .models import Song
from .transcoding import wave_file

_READ_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?", re.IGNORECASE)

# What browsers play, by how the file begins and what is in it.
_OGG = {"vorbis", "opus", "flac"}
_MP4 = {"aac", "mp3"}
_WAVE = {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_f32le"}


@dataclass(frozen=True, slots=True)
class Representation:
    """A song's audio as it is sent.

    Attributes
    ----------
    size : int
        Bytes.
    content_type : str
    etag : str
        Strong: the same bytes have the same one.
    last_modified : int
        Seconds since 1970.
    read : callable
        The bytes from a first one up to another, some at a time.
    """

    size: int
    content_type: str
    etag: str
    last_modified: int
    read: Callable[[int, int], Iterator[bytes]]


def song_file(song: Song) -> Path:
    """The file of a song, every link followed.

    Raises
    ------
    FileNotFoundError
        If there is none, or it does not lie in the song's library root.
    """
    if song.playable and song.root is not None:
        folder = song.root.folder.resolve()
        try:
            path = (folder / song.path).resolve(strict=True)
        except (OSError, RuntimeError):
            path = folder
        if path.is_relative_to(folder) and path.is_file():
            return path
    raise FileNotFoundError(f"no file for {song}")


def playable_type(path: Path, codec: str) -> str | None:
    """The media type of a file that browsers play as it is; None for any other.

    Parameters
    ----------
    path : Path
    codec : str
        FFmpeg's name of what is in the file.
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"OggS":
        return "audio/ogg" if codec in _OGG else None
    if head[4:8] == b"ftyp":
        return "audio/mp4" if codec in _MP4 else None
    if head[:4] == b"RIFF":
        return "audio/wav" if codec in _WAVE else None
    return {"mp3": "audio/mpeg", "flac": "audio/flac", "aac": "audio/aac"}.get(codec)


def stream(request: HttpRequest, song: Song) -> HttpResponseBase:
    """The answer to a request for a song's audio.

    Raises
    ------
    FileNotFoundError
        If the song has no file here.
    UnreadableAudio
        If its file has to be transcoded and is none that can be.
    """
    path = song_file(song)
    status = path.stat()
    content_type = playable_type(path, song.codec)
    if content_type and settings.STREAM_ACCEL_PREFIX and song.root is not None:
        response = HttpResponse(content_type=content_type)
        place = f"{song.root.name}/{path.relative_to(song.root.folder.resolve()).as_posix()}"
        response["X-Accel-Redirect"] = f"{settings.STREAM_ACCEL_PREFIX.rstrip('/')}/{quote(place)}"
        return response
    version = f"{status.st_mtime_ns:x}-{status.st_size:x}"
    last_modified = int(status.st_mtime)
    if content_type:
        whole = Representation(
            status.st_size, content_type, f'"{version}"', last_modified, lambda start, stop: _read(path, start, stop)
        )
    else:
        wave = wave_file(path)
        whole = Representation(wave.size, "audio/wav", f'"{version}-wav"', last_modified, wave.read)
    return respond(request, whole)


def respond(request: HttpRequest, whole: Representation) -> HttpResponseBase:
    """The whole of it, or the one range that was asked for (RFC 9110, section 14), or that nothing has changed."""
    unchanged = get_conditional_response(request, etag=whole.etag, last_modified=whole.last_modified)
    response = _content(request, whole) if unchanged is None else unchanged
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = whole.etag
    response["Last-Modified"] = http_date(whole.last_modified)
    response["Cache-Control"] = "private, no-cache"
    return response


def requested_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte, and the one after the last, that a Range header asks for.

    None where the whole is to be sent: what is no range of bytes is passed over, and so are several at once.

    Raises
    ------
    ValueError
        If there is no such byte.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] is match[2] is None:
        return None
    if match[1] is None:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= stop:
        raise ValueError("no such byte")
    return start, stop


def _content(request: HttpRequest, whole: Representation) -> HttpResponseBase:
    start, stop, status = 0, whole.size, 200
    unchanged = request.headers.get("If-Range", whole.etag) in (whole.etag, http_date(whole.last_modified))
    if request.method == "GET" and unchanged and "Range" in request.headers:
        try:
            wanted = requested_range(request.headers["Range"], whole.size)
        except ValueError:
            refusal = HttpResponse("No such range.", status=416, content_type="text/plain")
            refusal["Content-Range"] = f"bytes */{whole.size}"
            return refusal
        if wanted is not None:
            (start, stop), status = wanted, 206
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type=whole.content_type)
    else:
        response = StreamingHttpResponse(whole.read(start, stop), status=status, content_type=whole.content_type)
    response["Content-Length"] = str(stop - start)
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{whole.size}"
    return response


def _read(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(stop - start, _READ_BYTES))):
            start += len(piece)
            yield piece
