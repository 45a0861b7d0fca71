"""Songs that curators have made part of others."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .songs import Song


class JoinedSong(models.Model):
    """A song that is part of another by a curator's word, with all that it needs to be one of its own again."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="joined", help_text="What it is part of.")
    title = models.CharField(max_length=300)
    artist = models.CharField(max_length=300, blank=True)
    album = models.CharField(max_length=300, blank=True)
    duration_s = models.FloatField(null=True, blank=True, help_text="Seconds.")
    contents = models.JSONField(editable=False, help_text="What went over to the other song, and how it was before.")
    joined_at = models.DateTimeField(auto_now_add=True)
    joined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="joined_songs"
    )

    def __str__(self) -> str:
        return f"{self.title} - {self.artist}" if self.artist else self.title
