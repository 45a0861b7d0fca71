"""What a network hears in a song before it has words for it."""

from __future__ import annotations

from django.db import models

from .songs import Song


class SongEmbedding(models.Model):
    """A song as a vector: songs that sound alike lie close together. Only vectors of one version can be compared."""

    song = models.OneToOneField(Song, on_delete=models.CASCADE, primary_key=True, related_name="embedding")
    model = models.CharField(max_length=60, help_text="The version of the network that made it.")
    vector = models.BinaryField(help_text="Half-precision numbers, little-endian.")

    class Meta:
        indexes = [models.Index(fields=["model"])]

    def __str__(self) -> str:
        return f"{self.song}, as {self.model} hears it"
