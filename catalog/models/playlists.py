"""Lists of songs that listeners make for themselves."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from .songs import Song


class Playlist(models.Model):
    """A listener's own list of songs; nobody else sees it."""

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="playlists", db_index=False
    )
    name = models.CharField(max_length=100)
    comment = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_playlist_a_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the URL of the playlist's page."""
        return reverse("playlist", args=[self.pk])


class PlaylistSong(models.Model):
    """A song in a playlist, and where it stands there."""

    # The constraint and the index below begin with the playlist.
    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="entries", db_index=False)
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="playlist_entries")
    position = models.PositiveIntegerField(help_text="Ascending; gaps mean nothing.")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["playlist", "song"], name="one_entry_a_song")]
        indexes = [models.Index(fields=["playlist", "position"])]

    def __str__(self) -> str:
        return f"{self.song} in {self.playlist}"
