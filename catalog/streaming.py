"""Sending a song's audio: as it is where browsers play it, else as WAV; whole, or the range that was asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from .file_parts import file_of, part_of
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
    """The file of a song, or the part of one that it is (`file_parts`), every link followed.

    Raises
    ------
    FileNotFoundError
        If there is none, or it does not lie in the song's library root.
    """
    if song.playable and song.root is not None:
        folder = song.root.folder.resolve()
        try:
            path = (folder / file_of(song.path)).resolve(strict=True)
        except (OSError, RuntimeError):
            path = folder
        if path.is_relative_to(folder) and path.is_file():
            return path / song.path.rpartition("/")[2] if file_of(song.path) != song.path else path
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
    """The answer to a request for a song's audio: as it is where browsers play it, else as WAV.

    Raises
    ------
    FileNotFoundError
        If the song has no file here.
    UnreadableAudio
        If its file has to be transcoded and is none that can be.
    """
    path = song_file(song)
    part = part_of(path)
    # No browser plays a part of a file as a song of its own.
    if part is None and (content_type := playable_type(path, song.codec)):
        return _as_it_is(request, song, path, content_type)
    status = (path if part is None else part.file).stat()
    wave = wave_file(path)
    etag = f'"{_version(status)}-{path.name if part else "wav"}"'
    return respond(request, Representation(wave.size, "audio/wav", etag, int(status.st_mtime), wave.read))


def original(request: HttpRequest, song: Song, content_type: str) -> HttpResponseBase:
    """The answer to a request for a song's file, without a check of permissions; a part of a file is sent as WAV.

    Raises
    ------
    FileNotFoundError
        If the song has no file here.
    UnreadableAudio
        If it is a part of a file that cannot be read.
    """
    path = song_file(song)
    if part_of(path) is not None:
        return stream(request, song)
    return _as_it_is(request, song, path, content_type)


def download_name(song: Song) -> str:
    """The name under which a browser saves a song's file; a part of a file is a WAV named after the song."""
    whole = file_of(song.path) == song.path
    return PurePosixPath(song.path).name if whole else f"{song.title.replace('/', '-')}.wav"


def _as_it_is(request: HttpRequest, song: Song, path: Path, content_type: str) -> HttpResponseBase:
    if settings.STREAM_ACCEL_PREFIX and song.root is not None:
        response = HttpResponse(content_type=content_type)
        place = f"{song.root.name}/{path.relative_to(song.root.folder.resolve()).as_posix()}"
        response["X-Accel-Redirect"] = f"{settings.STREAM_ACCEL_PREFIX.rstrip('/')}/{quote(place)}"
        return response
    status = path.stat()
    whole = Representation(
        status.st_size,
        content_type,
        f'"{_version(status)}"',
        int(status.st_mtime),
        lambda start, stop: _read(path, start, stop),
    )
    return respond(request, whole)


def _version(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


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
        # Nothing in it belongs to the thread that answers: the server asks for the pieces as they are read.
        response.any_thread = True  # type: ignore[attr-defined]
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
