"""What listeners keep close: favourite songs, and what they say of an album or an artist as a whole."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .songs import Song


class FavouriteSong(models.Model):
    """A listener's favourite song. One without stars counts as liked."""

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourite_songs", db_index=False
    )
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="favourites")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "song"], name="one_favourite_a_song")]

    def __str__(self) -> str:
        return f"{self.user}: {self.song}"


class CollectionOpinion(models.Model):
    """What a listener says of an album or an artist as a whole: that it is a favourite, or stars.

    Albums and artists are read from the songs' names and have no rows to point at: one is named by the hash of its
    key (`names.collection_hash`).
    """

    class Kind(models.TextChoices):
        ALBUM = "album"
        ARTIST = "artist"

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collection_opinions", db_index=False
    )
    kind = models.CharField(max_length=6, choices=Kind)
    key_hash = models.CharField(max_length=20)
    name = models.CharField(max_length=300, blank=True, help_text="What it was called when it was said.")
    favourite_since = models.DateTimeField(null=True)
    stars = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1), MaxValueValidator(5)])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "key_hash"], name="one_opinion_a_collection"),
            models.CheckConstraint(
                condition=models.Q(stars=None) | models.Q(stars__gte=1, stars__lte=5), name="collection_one_to_five"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} {self.name}"
