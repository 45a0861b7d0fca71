"""What listeners do and say: plays, stars, nudges, refusals."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .labels import Label
from .songs import Song


class Listener(models.Model):
    """What Django's `User` does not say of a listener. A user without this row is a person with an account here."""

    class Origin(models.TextChoices):
        PERSON = "person"
        IMPORTED = "imported"
        SIMULATED = "simulated"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="listener"
    )
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PERSON)

    def __str__(self) -> str:
        return f"{self.user} ({self.origin})"


class Rating(models.Model):
    """A listener's stars for a song, 1 to 5."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    rated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "song"], name="one_rating_a_song"),
            models.CheckConstraint(condition=models.Q(stars__gte=1, stars__lte=5), name="one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.song} {self.stars}/5"


class PlayCount(models.Model):
    """How often a listener has played a song to its end or near it, by where the count comes from."""

    # The indexes below begin with the one and with the other; each more is paid for with every imported row.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="play_counts", db_index=False
    )
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="play_counts", db_index=False)
    origin = models.CharField(max_length=20, default="player", help_text="player, or the import's format.")
    count = models.PositiveIntegerField()
    last_played = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "song", "origin"], name="one_count_an_origin")]
        indexes = [models.Index(fields=["song", "user"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.song} x {self.count}"


class Play(models.Model):
    """One event of listening."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plays")
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="plays")
    played_at = models.DateTimeField(db_index=True)
    skipped = models.BooleanField(default=False, help_text="Left before half the song and four minutes.")
    origin = models.CharField(max_length=20, default="player", help_text="player, or the import's format.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "song", "played_at", "origin"], name="one_play_a_moment"),
        ]
        indexes = [models.Index(fields=["user", "played_at"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.song} at {self.played_at:%Y-%m-%d %H:%M}"


class Nudge(models.Model):
    """More or less of a label in a listener's profile."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="nudges")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="nudges")
    weight = models.FloatField(help_text="Added to the label's weight in the profile; below 0 for less.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "label"], name="one_nudge_a_label")]

    def __str__(self) -> str:
        return f"{self.user}: {self.label} {self.weight:+g}"


class NotThis(models.Model):
    """A song that a listener does not want to be recommended."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="refusals")
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="refusals")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "song"], name="one_refusal_a_song")]
        verbose_name_plural = "not this"

    def __str__(self) -> str:
        return f"{self.user}: not {self.song}"
