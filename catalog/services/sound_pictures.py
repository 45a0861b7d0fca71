"""Songs' waveforms and spectrograms: computed once, by a worker or the web process, and stored beside the covers."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from .. import limited
from ..audio_frames import UnreadableAudio
from ..models import Song
from ..sound_shape import SoundShape, drawing_limits, look_at
from ..streaming import song_file

logger = logging.getLogger(__name__)

SUFFIXES = ("json", "png")
"""What there is of a drawn song: its shape, and its spectrogram."""

# Raised when songs are drawn in another way: browsers and this server then forget the old pictures.
_DRAWING = 1


@dataclass(frozen=True, slots=True)
class Look:
    """What became of drawing a song: its shape, or why there is none."""

    shape: SoundShape | None
    trouble: str = ""


def version_of(song: Song) -> str:
    """What a song's pictures are kept under: another one as soon as the sound of the file is another."""
    file = song.content_hash or f"{song.pk} {song.path} {song.size} {song.mtime_ns}"
    return hashlib.blake2b(f"{_DRAWING} {file}".encode(errors="replace"), digest_size=10).hexdigest()


def find(song: Song) -> Look | None:
    """The pictures of a song; None before they are made."""
    try:
        with default_storage.open(_name(song, "json")) as file:
            text = file.read().decode()
        if trouble := json.loads(text).get("trouble"):
            return Look(None, trouble)
        return Look(SoundShape.from_json(text))
    except (FileNotFoundError, ValueError):
        # One that is being written at this moment is there in the next.
        return None


def spectrogram(song: Song) -> bytes:
    """The spectrogram of a song whose pictures are made, as PNG.

    Raises
    ------
    FileNotFoundError
        If they are not.
    """
    with default_storage.open(_name(song, "png")) as file:
        picture: bytes = file.read()
    return picture


def make(song: Song) -> None:
    """Draw a song and keep the pictures, or the reason why it cannot be drawn; again does nothing.

    Raises
    ------
    FileNotFoundError
        If the song has no file here.
    """
    path = song_file(song)
    if find(song) is not None:
        return
    try:
        limits = drawing_limits(song.size or 0, song.duration_s or 0.0)
        shape, picture = limited.call(limits, look_at, path)
    except (UnreadableAudio, limited.LimitExceededError) as error:
        logger.info("%s cannot be drawn: %s", song, error)
        _keep(_name(song, "json"), json.dumps({"trouble": str(error)}).encode())
        return
    # The shape is stored last: where it is there, so is the spectrogram.
    _keep(_name(song, "png"), picture)
    _keep(_name(song, "json"), shape.as_json().encode())


def name_of(version: str, suffix: str) -> str:
    """The name in the storage of one picture of a version; `SUFFIXES` are those that there may be."""
    return f"sound/{version[:2]}/{version}.{suffix}"


def _name(song: Song, suffix: str) -> str:
    return name_of(version_of(song), suffix)


def _keep(name: str, content: bytes) -> None:
    if default_storage.exists(name):
        return
    stored = default_storage.save(name, ContentFile(content))
    if stored != name:
        # Another process has drawn the same song in this very moment.
        default_storage.delete(stored)
