"""What curators are to look at, and what they did: enough of each change to undo it exactly."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from .labels import Label
from .songs import Song


class CurationItem(models.Model):
    """A label of a song that a curator should check. It is deleted once a curator has decided."""

    class Reason(models.TextChoices):
        DOUBTED = "doubted", "listeners say it is wrong"
        CONTRADICTED = "contradicted", "sources disagree"
        UNSURE = "unsure", "heard without being sure"

    # The constraint below begins with the song.
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="curation_items", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="curation_items")
    reason = models.CharField(max_length=12, choices=Reason)
    urgency = models.FloatField(help_text="The larger, the sooner.")
    figures = models.JSONField(default=dict, help_text="What the reason says in numbers.")
    skips = models.PositiveIntegerField(default=0, help_text="How often it was put off: such ones come last.")
    # Only for a moment: who is looking at it, so that nobody else is asked the same.
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    taken_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "label to curate"
        verbose_name_plural = "labels to curate"
        ordering = ["skips", "-urgency", "pk"]
        constraints = [models.UniqueConstraint(fields=["song", "label"], name="one_item_a_label")]
        indexes = [models.Index(fields=["skips", "-urgency"])]

    def __str__(self) -> str:
        return f"{self.label} on {self.song}"


class CurationAction(models.Model):
    """One thing that a curator did: to one song, to many at once, or to the labels themselves."""

    class Kind(models.TextChoices):
        KEPT = "kept", "kept"
        REFUSED = "refused", "refused"
        CORRECTED = "corrected", "corrected"
        TAKEN_BACK = "taken_back", "word taken back"
        SEVERAL = "said", "several words"
        BULK = "bulk", "many songs at once"
        MERGED = "merged", "labels merged"
        CHANGED = "changed", "label changed"
        DELETED = "deleted", "label deleted"
        JUDGED = "judged", "label judged as a whole"

    kind = models.CharField(max_length=12, choices=Kind)
    summary = models.CharField(max_length=500, help_text="What was done, in words.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="curation_actions"
    )
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    songs = models.PositiveIntegerField(default=0, help_text="Of how many songs labels were changed.")
    item = models.JSONField(null=True, help_text="What of the queue it decided, to put it back when it is undone.")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = "curators' decision"
        verbose_name_plural = "curators' decisions"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.summary


class CurationChange(models.Model):
    """One row of a table, before and after an action; nothing before it was made, nothing after it was deleted."""

    action = models.ForeignKey(CurationAction, on_delete=models.CASCADE, related_name="changes")
    table = models.CharField(max_length=20, help_text="The model's name.")
    row = models.BigIntegerField(help_text="The row's primary key.")
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Whose nudge, doubt or label it is: it goes with the account.",
    )

    class Meta:
        indexes = [models.Index(fields=["table", "row"])]

    def __str__(self) -> str:
        return f"{self.table} {self.row}"
