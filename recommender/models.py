"""What the recommender remembers of its own work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from .engine.words import word_key


class Snapshot(models.Model):
    """One finished recomputation, complete on disk before this row exists."""

    class Kind(models.TextChoices):
        FULL = "full"
        CONTENT = "content", "content only"

    version = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    created_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(help_text="How long it took.")
    figures = models.JSONField(default=dict, help_text="What it was built from.")
    methods = models.JSONField(default=dict, help_text="What each method was fitted on, how long it took, or why not.")
    folder = models.CharField(max_length=100, unique=True, help_text="In the storage called snapshots.")
    current = models.BooleanField(default=False, help_text="Readers use it.")
    labels_read = models.BigIntegerField(help_text="The count of label changes that it has seen.")
    plays_read = models.BigIntegerField(help_text="The count of plays that it has seen.")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=models.Q(current=True), name="one_current_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.get_kind_display()})"


class Evaluation(models.Model):
    """How well every method found plays that were held out from it, in one way of holding out.

    It belongs to the snapshot that was used when it was made, and outlives it: the figures of many nights are drawn.
    """

    class Protocol(models.TextChoices):
        WARM = "warm"
        COLD = "cold"

    protocol = models.CharField(max_length=10, choices=Protocol)
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.SET_NULL, related_name="evaluations")
    snapshot_version = models.BigIntegerField(null=True, help_text="Of the snapshot, which may be gone.")
    created_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(help_text="How long it took.")
    figures = models.JSONField(help_text="As evaluate_recommenders prints them.")

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["protocol", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.protocol}, {self.created_at:%Y-%m-%d %H:%M}"


class Recomputation(models.Model):
    """A snapshot at work: what it is fitted on lies in its folder, and workers fit its parts, each as they come.

    The row that is deleted when the snapshot takes over is what workers look for: no queue is needed to go on.
    """

    folder = models.CharField(max_length=100, unique=True, help_text="In the storage called snapshots.")
    started_at = models.DateTimeField(auto_now_add=True)
    figures = models.JSONField(default=dict, help_text="What it is built from.")
    labels_read = models.BigIntegerField()
    plays_read = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.folder}, begun {self.started_at:%Y-%m-%d %H:%M}"


class RecomputationPart(models.Model):
    """One part of a recomputation, or one block of a part: waiting, with a worker, or done."""

    recomputation = models.ForeignKey(Recomputation, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=20)
    block = models.PositiveSmallIntegerField(default=0, help_text="Which block, from 1; 0 for the part as a whole.")
    blocks = models.PositiveSmallIntegerField(default=0, help_text="How many are joined to the part; 0 if not cut.")
    taken_until = models.DateTimeField(null=True, help_text="A worker has it, and says so again before this moment.")
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.BooleanField(default=False)
    figures = models.JSONField(default=dict, help_text="What it was fitted on, how long it took, or why not.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recomputation", "name", "block"], name="one_part_a_block")]

    def __str__(self) -> str:
        block = f", block {self.block} of {self.blocks}" if self.block else ""
        return f"{self.name}{block}, of {self.recomputation}"


class Changes(models.Model):
    """One row: how much has changed since the last build began to read, and whether a build is at work.

    What a build read is also on its snapshot: a build that dies leaves its changes to be read by the next.
    """

    labels = models.BigIntegerField(default=0, help_text="Changes of songs and their labels so far.")
    labels_read = models.BigIntegerField(default=0)
    plays = models.BigIntegerField(default=0, help_text="Changes of plays so far.")
    plays_read = models.BigIntegerField(default=0)
    building_until = models.DateTimeField(
        null=True, help_text="A build is at work, and says so again before this moment."
    )

    class Meta:
        verbose_name_plural = "changes"

    def __str__(self) -> str:
        return f"labels {self.labels_read} of {self.labels}, plays {self.plays_read} of {self.plays}"


class Dial(models.Model):
    """How far a listener has turned For you from familiar to adventurous; a listener without a row, not at all."""

    END = 2

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="dial"
    )
    position = models.SmallIntegerField(help_text="-2, most familiar, to 2, most adventurous; 0 is the plain ranking.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(position__gte=-2, position__lte=2), name="dial_between_familiar_and_adventurous"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.position:+}"


class Word(models.Model):
    """A word or phrase that people find music by; what it means are its labels, or another word's."""

    text = models.CharField(max_length=60)
    key = models.CharField(max_length=60, unique=True, editable=False)
    same_as = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="synonyms",
        limit_choices_to={"same_as": None},
        help_text="Another word that it means the same as: then it needs no labels of its own.",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["text"]

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = word_key(self.text)
        super().save(*args, **kwargs)


class WordLabel(models.Model):
    """What one label weighs in what a word means.

    The label is named, not pointed at: a name leads to its label through renaming and merging, and a label that no
    song here has yet does not stand among the library's.
    """

    word = models.ForeignKey(Word, on_delete=models.CASCADE, related_name="labels")
    label = models.CharField(max_length=100)
    weight = models.FloatField(
        default=1.0,
        help_text="1 for what the word says itself, less for what goes with it, below 0 for what should be less; "
        "-1 keeps songs with the label off the list.",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "label of a word"
        verbose_name_plural = "labels of words"
        ordering = ["-weight", "label"]
        constraints = [models.UniqueConstraint(fields=["word", "label"], name="one_weight_a_words_label")]

    def __str__(self) -> str:
        return f"{self.word}: {self.label} {self.weight:g}"


class ListeningContext(models.Model):
    """Words that a listener keeps under a name: "work", "late evening". They are understood anew each time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="listening_contexts")
    name = models.CharField(max_length=40)
    words = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_context_a_name")]

    def __str__(self) -> str:
        return f"{self.user}: {self.name}"
