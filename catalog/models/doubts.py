"""Labels that listeners doubt."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .labels import Label
from .songs import Song


class LabelDoubt(models.Model):
    """A listener's doubt that a label belongs to a song, for a curator to check."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="label_doubts")
    # The constraint below begins with the song.
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="label_doubts", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="doubts")
    at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(
        null=True, editable=False, db_index=True, help_text="When a curator had the last word on it."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["song", "label", "user"], name="one_doubt_a_person")]
        indexes = [models.Index(fields=["user", "at"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.song} is not {self.label}"
