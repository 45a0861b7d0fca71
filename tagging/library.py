"""The library as something to learn from: what imports and curators say of songs that can be heard here."""

from __future__ import annotations

from itertools import groupby

from catalog.models import SongLabel

from .training.sources import NO_VOCABULARY, Collection, Word

_AT_ONCE = 2000


def add_library(collection: Collection) -> None:
    """Add the library's songs with imported or curated labels; each import is a source, and every curator one word."""
    sources = (SongLabel.Source.IMPORT, SongLabel.Source.CURATOR)
    words = SongLabel.objects.filter(source__in=sources, song__missing_since=None).exclude(song__path="")
    origins: dict[str, int] = {}
    ordered = words.select_related("song__root", "label").order_by("song_id", "pk")
    for _, of_song in groupby(ordered.iterator(chunk_size=_AT_ONCE), lambda word: word.song_id):
        recording: int | None = None
        for number, word in enumerate(of_song):
            if not number:
                recording = collection.add_file(word.song.audio_file, word.song.artist)
            if recording is None:
                continue
            origin = NO_VOCABULARY
            if word.source == SongLabel.Source.IMPORT:
                if word.origin not in origins:
                    origins[word.origin] = collection.origin()
                origin = origins[word.origin]
            collection.say(recording, Word(word.label.name, word.label.kind, word.weight), origin)
