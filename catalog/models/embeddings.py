"""Songs as vectors: what a network computes of a song before its last layer."""

from __future__ import annotations

from django.db import models

from .songs import Song


class Embedding(models.Model):
    """A song as a vector: songs that sound alike lie close together. Only vectors of one version can be compared."""

    model = models.CharField(max_length=60, help_text="The version of the network, or networks, that made it.")
    vector = models.BinaryField(help_text="Half-precision numbers, little-endian.")

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["model"])]


class SongEmbedding(Embedding):
    """What the local tagger computes of a song: its labels can be computed anew from it."""

    song = models.OneToOneField(Song, on_delete=models.CASCADE, primary_key=True, related_name="embedding")

    class Meta(Embedding.Meta):
        """The index of the base."""

    def __str__(self) -> str:
        return f"{self.song}, as {self.model} hears it"


class PublishedEmbedding(Embedding):
    """What published networks compute of a song: it knows more of music, and comes later."""

    song = models.OneToOneField(Song, on_delete=models.CASCADE, primary_key=True, related_name="published_embedding")

    class Meta(Embedding.Meta):
        """The index of the base."""

    def __str__(self) -> str:
        return f"{self.song}, as {self.model} hear it"
