"""Pictures of artists from the library's folders and tags, and covers that are looked up elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .songs import LibraryRoot


class ArtistPicture(models.Model):
    """A picture of an artist, from a folder of theirs or the tags of a song."""

    key = models.CharField(max_length=200, unique=True, help_text="Of the artist, see `names.artist_key`.")
    picture = models.ImageField(upload_to="covers/")
    root = models.ForeignKey(LibraryRoot, on_delete=models.CASCADE, related_name="artist_pictures")
    path = models.CharField(max_length=1000, help_text="Of the file it is made of, relative to the root.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    mtime_ns = models.BigIntegerField()

    def __str__(self) -> str:
        return self.key


class CoverLookup(models.Model):
    """An album without a cover that an admin has asked to be looked up, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        FOUND = "found"
        NOTHING = "nothing", "nothing found"
        FAILED = "failed"
        UNDONE = "undone"

    album_hash = models.CharField(max_length=40, unique=True, editable=False)
    album = models.CharField(max_length=300)
    artist = models.CharField(max_length=300, blank=True)
    song_ids = models.JSONField(default=list, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    said = models.CharField(max_length=200, blank=True, help_text="Why it failed.")
    cover = models.CharField(max_length=100, blank=True, editable=False, help_text="The file that was stored.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    running_until = models.DateTimeField(null=True, editable=False, help_text="A worker is at it until then.")

    class Meta:
        ordering = ["artist", "album"]

    def __str__(self) -> str:
        return f"{self.album} - {self.artist}" if self.artist else self.album
