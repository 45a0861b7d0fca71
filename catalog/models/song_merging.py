"""Songs that curators have merged into others."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .songs import Song


class MergedSong(models.Model):
    """A song that a curator has merged into another, with all that is needed to restore it."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="merged", help_text="What it is part of.")
    title = models.CharField(max_length=300)
    artist = models.CharField(max_length=300, blank=True)
    album = models.CharField(max_length=300, blank=True)
    duration_s = models.FloatField(null=True, blank=True, help_text="Seconds.")
    contents = models.JSONField(editable=False, help_text="What went over to the other song, and how it was before.")
    merged_at = models.DateTimeField("joined at", auto_now_add=True)
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="merged_songs",
        verbose_name="joined by",
    )

    class Meta:
        verbose_name = "joined song"

    def __str__(self) -> str:
        return f"{self.title} - {self.artist}" if self.artist else self.title
