"""Audio files with tags. The same recording gives the same bytes."""

import base64
import filecmp
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TDRC, TIT2, TPE1, TPE2, TRCK
from mutagen.ogg import OggPage
from mutagen.oggvorbis import OggVorbis
from numpy.typing import NDArray

from .covers import PICTURE_PIXELS
from .synthesis.waves import RATE, Signal

_FRONT_COVER = 3


SUBTYPES = {"mp3": "MPEG_LAYER_III", "ogg": "VORBIS", "flac": "PCM_16"}
"""Formats by the suffix of their files, with libsndfile's names of their encodings."""

# 0 is the best that a lossy format can do, 1 the smallest.
_COMPRESSION = 0.4
# libsndfile puts what one call gives to Vorbis on the stack.
_FRAMES_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class TrackTags:
    """What a file says of itself."""

    title: str
    artist: str
    album: str
    album_artist: str
    track: int
    tracks: int
    year: int
    cover: bytes | None = None


def write(path: Path, sound: Signal, tags: TrackTags) -> None:
    """Write a recording in the format that the suffix names, whole or not at all; the same one is left as it is.

    Parameters
    ----------
    path : Path
        Ends in one of `SUBTYPES`; its folder is there.
    sound : float32, shape (2, n)
        At `RATE`, within -1 and 1.
    tags : TrackTags
        The cover is JPEG.
    """
    form = path.suffix.removeprefix(".")
    draft = path.with_name(f".{path.name}")
    frames = _dithered(sound).T if form == "flac" else sound.T
    level = None if form == "flac" else _COMPRESSION
    with sf.SoundFile(
        draft, "w", RATE, 2, format=form.upper(), subtype=SUBTYPES[form], compression_level=level
    ) as file:
        for start in range(0, len(frames), _FRAMES_AT_ONCE):
            file.write(frames[start : start + _FRAMES_AT_ONCE])
    _tag(draft, form, tags)
    if form == "ogg":
        _set_serial(draft)
    if path.exists() and filecmp.cmp(draft, path, shallow=False):
        draft.unlink()  # its date is how caches know the file
    else:
        draft.replace(path)


def _dithered(sound: Signal) -> NDArray[np.int16]:
    """Sixteen bits, with triangular dither: the error of the rounding stays noise however soft the music."""
    rng = np.random.default_rng(0)
    dither = rng.random(sound.shape, dtype=np.float32) - rng.random(sound.shape, dtype=np.float32)
    return np.clip(np.round(sound * np.float32(32_766.0) + dither), -32_768, 32_767).astype(np.int16)


def _set_serial(path: Path) -> None:
    """Give an Ogg stream the serial number 1: libsndfile draws another for every file."""
    with path.open("rb+") as file:
        while True:
            start = file.tell()
            try:
                page = OggPage(file)
            except EOFError:
                return
            page.serial = 1
            file.seek(start)
            file.write(page.write())


def _tag(path: Path, form: str, tags: TrackTags) -> None:
    if form == "mp3":
        frames = ID3()
        for frame, text in (
            (TIT2, tags.title),
            (TPE1, tags.artist),
            (TALB, tags.album),
            (TPE2, tags.album_artist),
            (TRCK, f"{tags.track}/{tags.tracks}"),
            (TDRC, str(tags.year)),
        ):
            frames.add(frame(encoding=3, text=text))
        if tags.cover:
            frames.add(APIC(encoding=3, mime="image/jpeg", type=_FRONT_COVER, desc="", data=tags.cover))
        frames.save(path)
        return
    file = FLAC(path) if form == "flac" else OggVorbis(path)
    file["title"] = tags.title
    file["artist"] = tags.artist
    file["album"] = tags.album
    file["albumartist"] = tags.album_artist
    file["tracknumber"] = str(tags.track)
    file["tracktotal"] = str(tags.tracks)
    file["date"] = str(tags.year)
    if tags.cover:
        picture = Picture()
        picture.type, picture.mime, picture.data = _FRONT_COVER, "image/jpeg", tags.cover
        picture.width = picture.height = PICTURE_PIXELS
        picture.depth = 24
        if isinstance(file, FLAC):
            file.add_picture(picture)
        else:
            file["metadata_block_picture"] = base64.b64encode(picture.write()).decode()
    file.save()
