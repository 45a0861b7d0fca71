"""Receivers that record every change of songs and labels for the index of songs, and clean up after deleted songs."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .models import Song
from .services import media_cleanup, song_index
from .signals import labels_changed, tagging_needed


@receiver([post_save, post_delete], sender=Song)
def record_song(instance: Song, raw: bool = False, **_: Any) -> None:
    """A song is new, other than before, or gone; `loaddata` brings the rows of changes itself."""
    if not raw:
        song_index.record_changes([instance.pk])


@receiver(post_delete, sender=Song)
def delete_files_of_song(instance: Song, **_: Any) -> None:
    """Delete the files that were made of a deleted song."""
    media_cleanup.song_deleted(instance)


@receiver([labels_changed, tagging_needed])
def record_songs(song_ids: list[int] | None, **_: Any) -> None:
    """Songs came with a file, or have other labels."""
    song_index.record_changes(song_ids)
