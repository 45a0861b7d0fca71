"""What players want to know of a song's file beyond its tags."""

from __future__ import annotations

from django.db import models

from .songs import Song


class SoundDetails(models.Model):
    """How a song's file is encoded, and how loud it says it is (ReplayGain)."""

    song = models.OneToOneField(Song, on_delete=models.CASCADE, primary_key=True, related_name="sound_details")
    # Of the file that was read: one that is another since is read again.
    size = models.PositiveBigIntegerField(null=True)
    mtime_ns = models.BigIntegerField(null=True)
    bit_rate = models.PositiveIntegerField(null=True, help_text="Bits per second.")
    sample_rate = models.PositiveIntegerField(null=True, help_text="Hertz.")
    channels = models.PositiveSmallIntegerField(null=True)
    bit_depth = models.PositiveSmallIntegerField(null=True, help_text="Of lossless files.")
    track_gain = models.FloatField(null=True, help_text="Decibels to play it louder, or below 0 softer.")
    track_peak = models.FloatField(null=True, help_text="1 is full scale.")
    album_gain = models.FloatField(null=True)
    album_peak = models.FloatField(null=True)

    class Meta:
        verbose_name_plural = "sound details"

    def __str__(self) -> str:
        return f"Sound of {self.song}"
