"""Which tagger has listened to which song."""

from __future__ import annotations

from django.db import models

from catalog.models import Song


class Hearing(models.Model):
    """That a tagger has listened to a song: one that is installed later finds what it has still to hear."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="hearings")
    tagger = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["song", "tagger"], name="one_hearing_a_tagger")]

    def __str__(self) -> str:
        return f"{self.tagger} has heard {self.song}"
