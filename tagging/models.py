"""Which tagger has listened to which song, and what was learned from curators."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from catalog.models import Song


class Hearing(models.Model):
    """That a tagger has listened to a song: one that is installed later finds what it has still to hear."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="hearings")
    tagger = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["song", "tagger"], name="one_hearing_a_tagger")]

    def __str__(self) -> str:
        return f"{self.tagger} has heard {self.song}"


class Lesson(models.Model):
    """One attempt to learn from what curators said of labels, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        KEPT = "kept"
        REFUSED = "refused", "not kept"
        FAILED = "failed"

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="lessons"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, help_text="While it runs, the last sign of life.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tagger = models.CharField(max_length=60, blank=True, help_text="The one that came of it.")
    message = models.CharField(max_length=500, blank=True)
    figures = models.JSONField(default=dict, blank=True)

    class Meta:
        # What the admin's desk shows of them is the taggers that came of them.
        verbose_name_plural = "taggers"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="waiting"), name="one_lesson_waits"),
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="running"), name="one_lesson_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"Lesson {self.pk}: {self.get_state_display()}"
