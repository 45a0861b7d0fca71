"""Where listeners are in their music: the queue, bookmarks, and what plays now."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .songs import Song


class PlayQueue(models.Model):
    """A listener's queue, kept here so that one device goes on where another stopped."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="play_queue"
    )
    # No foreign keys: one write for a queue of thousands, in which a song may stand twice.
    song_ids = models.JSONField(default=list, help_text="Primary keys in order; of songs that are gone, too.")
    current = models.PositiveIntegerField(default=0, help_text="Which of them plays, counted from 0.")
    position_ms = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=100, blank=True, help_text="The player.")

    def __str__(self) -> str:
        return f"Queue of {self.user}"


class Bookmark(models.Model):
    """A place in a song to go on from."""

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bookmarks", db_index=False
    )
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="bookmarks")
    position_ms = models.PositiveBigIntegerField()
    comment = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "song"], name="one_bookmark_a_song")]

    def __str__(self) -> str:
        return f"{self.user}: {self.song} at {self.position_ms} ms"


class NowPlaying(models.Model):
    """What a player of a listener plays, as far as it tells; each player has one row."""

    class State(models.TextChoices):
        STARTING = "starting"
        PLAYING = "playing"
        PAUSED = "paused"
        STOPPED = "stopped"

    # The constraint below begins with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="now_playing", db_index=False
    )
    player = models.CharField(max_length=100)
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.PLAYING)
    position_ms = models.PositiveBigIntegerField(default=0)
    rate = models.FloatField(default=1.0, help_text="How fast it plays; 1 is as it was recorded.")
    heard_ms = models.PositiveBigIntegerField(default=0, help_text="How much of it was heard, as far as is told.")
    counted = models.BooleanField(default=False, help_text="This listening is stored as a play.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "player"], name="one_song_a_player")]

    def __str__(self) -> str:
        return f"{self.user} on {self.player}: {self.song}"
