"""What the index of the library hears: every change of songs and their labels is noted down."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .models import Song
from .services import song_index, tidying
from .signals import labels_changed, songs_added


@receiver([post_save, post_delete], sender=Song)
def note_song(instance: Song, **_: Any) -> None:
    """A song is new, other than before, or gone."""
    song_index.note([instance.pk])


@receiver(post_delete, sender=Song)
def clear_away(instance: Song, **_: Any) -> None:
    """What was made of a song goes with it."""
    tidying.song_goes(instance)


@receiver([labels_changed, songs_added])
def note_songs(song_ids: list[int] | None, **_: Any) -> None:
    """Songs came with a file, or have other labels."""
    song_index.note(song_ids)
