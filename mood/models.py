"""What is kept of moods: which labels each feeling asks for, and what a listener wants remembered."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .emotions import FEELINGS
from .labels import DEFAULT_WAY


class MusicFor(models.TextChoices):
    """What a listener wants of music: more of the mood, or a way out of it."""

    MATCH = "match", "match my mood"
    LIFT = "lift", "lift my mood"


class EmotionLabel(models.Model):
    """What one label weighs in music for one feeling.

    The label is named, not pointed at: a name leads to its label through renaming and merging, and a label of the
    table that no song has yet does not stand among the library's.
    """

    emotion = models.CharField(max_length=10, choices=[(name, name) for name in FEELINGS])
    way = models.CharField(max_length=5, choices=MusicFor)
    label = models.CharField(max_length=100)
    weight = models.FloatField(help_text="Beside the others of the feeling; below 0, against it.")

    class Meta:
        verbose_name = "label of an emotion"
        verbose_name_plural = "labels of emotions"
        ordering = ["emotion", "way", "-weight", "label"]
        constraints = [models.UniqueConstraint(fields=["emotion", "way", "label"], name="one_weight_an_emotions_label")]

    def __str__(self) -> str:
        return f"{self.emotion}, {self.way}: {self.label} {self.weight:g}"


class MoodPreference(models.Model):
    """What a listener chose the last time."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="mood_preference"
    )
    way = models.CharField(max_length=5, choices=MusicFor, default=DEFAULT_WAY)
    keep_readings = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user}: {self.way}"


class MoodReading(models.Model):
    """A mood that a listener wanted kept; nothing of a picture."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mood_readings", db_index=False
    )
    at = models.DateTimeField(auto_now_add=True)
    emotions = models.JSONField(help_text="The probability of each feeling.")
    way = models.CharField(max_length=5, choices=MusicFor)
    hand_picked = models.BooleanField(default=False)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["user", "at"])]

    def __str__(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M}"
