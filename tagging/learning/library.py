"""Training data from the library: imported and curated labels of songs whose file is present."""

from __future__ import annotations

from itertools import groupby

from catalog.models import SongLabel
from tagging.training.sources import NO_VOCABULARY, Annotation, Collection

_AT_ONCE = 2000


def add_library(collection: Collection) -> None:
    """Add songs with imported or curated labels.

    Every import is a source with a vocabulary of its own; curators' labels belong to no vocabulary, so that a label
    they do not mention stays unknown.
    """
    sources = (SongLabel.Source.IMPORT, SongLabel.Source.CURATOR)
    annotations = SongLabel.objects.filter(source__in=sources, song__missing_since=None).exclude(song__path="")
    origins: dict[str, int] = {}
    ordered = annotations.select_related("song__root", "label").order_by("song_id", "pk")
    for _, of_song in groupby(ordered.iterator(chunk_size=_AT_ONCE), lambda annotation: annotation.song_id):
        recording: int | None = None
        for number, annotation in enumerate(of_song):
            if not number:
                recording = collection.add_file(annotation.song.audio_file, annotation.song.artist)
            if recording is None:
                continue
            origin = NO_VOCABULARY
            if annotation.source == SongLabel.Source.IMPORT:
                if annotation.origin not in origins:
                    origins[annotation.origin] = collection.origin()
                origin = origins[annotation.origin]
            collection.annotate(
                recording, Annotation(annotation.label.name, annotation.label.kind, annotation.weight), origin
            )
