"""The words of a song, read from its file and what lies beside it when they are asked for."""

from __future__ import annotations

from ..file_parts import part_of
from ..importing.lyrics import Lyrics, read_lyrics
from ..models import Song
from ..streaming import song_file


def lyrics_of(song: Song) -> list[Lyrics]:
    """All lyrics of a song, with its root: those with times first; none of one whose file is gone, or is a part of one.

    What lies beside a file of many songs, or in its tags, is not the words of one of them.
    """
    try:
        path = song_file(song)
        return read_lyrics(path) if part_of(path) is None else []
    except FileNotFoundError:
        return []
