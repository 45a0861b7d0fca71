"""Tagging runs of songs, and training jobs on curators' corrections."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from catalog.models import Song


class TaggingRun(models.Model):
    """A tagger has labelled a song; `services.sweep` requeues songs that lack a run of an installed tagger."""

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="tagging_runs")
    tagger = models.CharField(max_length=60)

    class Meta:
        """One run per song and tagger."""

        constraints = [models.UniqueConstraint(fields=["song", "tagger"], name="one_run_a_tagger")]

    def __str__(self) -> str:
        return f"{self.tagger} has labelled {self.song}"


class TrainingJob(models.Model):
    """One attempt to train a tagger on curators' corrections, and its result."""

    class State(models.TextChoices):
        """State of a training job; KEPT, REFUSED and FAILED are final."""

        WAITING = "waiting"
        RUNNING = "running"
        KEPT = "kept"
        REFUSED = "refused", "not kept"
        FAILED = "failed"

    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="training_jobs"
    )
    asked_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, help_text="While it runs, the last heartbeat.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tagger = models.CharField(max_length=60, blank=True, help_text="The one that came of it.")
    message = models.CharField(max_length=500, blank=True)
    figures = models.JSONField(default=dict, blank=True)

    class Meta:
        """At most one job is WAITING, and at most one RUNNING."""

        # The admin's changelist shows the taggers that training jobs have written.
        verbose_name_plural = "taggers"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="waiting"), name="one_training_job_waits"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="running"), name="one_training_job_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Training job {self.pk}: {self.get_state_display()}"
