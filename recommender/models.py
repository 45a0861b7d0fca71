"""The recommender's tables: snapshots and their builds, evaluations, dials, query words, contexts and daily lists."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from .engine.query_tokens import word_key


class Snapshot(models.Model):
    """A finished snapshot; its files are complete in the storage before this row exists."""

    class Kind(models.TextChoices):
        """Full: all parts fitted. Content: fast parts fitted, the others carried over."""

        FULL = "full"
        CONTENT = "content", "content only"

    version = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    created_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(help_text="How long it took.")
    figures = models.JSONField(default=dict, help_text="What it was built from.")
    methods = models.JSONField(default=dict, help_text="What each method was fitted on, how long it took, or why not.")
    folder = models.CharField(max_length=100, unique=True, help_text="In the storage called snapshots.")
    files = models.JSONField(default=dict, help_text="Size and CRC-32 of each file; empty up to version 1.0.")
    damaged = models.CharField(max_length=300, blank=True, help_text="What is wrong with its files; it is not read.")
    current = models.BooleanField(default=False, help_text="Readers use it.")
    labels_read = models.BigIntegerField(help_text="The count of label changes that it has seen.")
    plays_read = models.BigIntegerField(help_text="The count of plays that it has seen.")

    class Meta:
        """Options of the class."""

        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=models.Q(current=True), name="one_current_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.get_kind_display()})"


class Evaluation(models.Model):
    """The figures of all methods on held-out plays, for one protocol.

    It refers to the snapshot that was current at that time and outlives it: the admin charts the history.
    """

    class Protocol(models.TextChoices):
        """How plays are held out (`engine.evaluation.protocols`)."""

        WARM = "warm"
        COLD = "cold"

    protocol = models.CharField(max_length=10, choices=Protocol)
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.SET_NULL, related_name="evaluations")
    snapshot_version = models.BigIntegerField(null=True, help_text="Of the snapshot, which may be gone.")
    created_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(help_text="How long it took.")
    figures = models.JSONField(help_text="As evaluate_recommenders prints them.")

    class Meta:
        """Options of the class."""

        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["protocol", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.protocol}, {self.created_at:%Y-%m-%d %H:%M}"


class SnapshotBuild(models.Model):
    """A snapshot being built: its folder holds the training data, and workers fit its parts.

    Workers poll this table, so losing the queue loses no work; the row is deleted when the snapshot becomes current.
    """

    folder = models.CharField(max_length=100, unique=True, help_text="In the storage called snapshots.")
    started_at = models.DateTimeField(auto_now_add=True)
    figures = models.JSONField(default=dict, help_text="What it is built from.")
    files = models.JSONField(default=dict, help_text="Size and CRC-32 of the files of its index of songs and labels.")
    labels_read = models.BigIntegerField()
    plays_read = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.folder}, begun {self.started_at:%Y-%m-%d %H:%M}"


class SnapshotBuildPart(models.Model):
    """One part of a snapshot build, or one block of a part: free, leased by a worker, or done."""

    snapshot_build = models.ForeignKey(SnapshotBuild, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=20)
    block = models.PositiveSmallIntegerField(default=0, help_text="Which block, from 1; 0 for the part as a whole.")
    blocks = models.PositiveSmallIntegerField(default=0, help_text="How many are joined to the part; 0 if not cut.")
    taken_until = models.DateTimeField(null=True, help_text="End of the worker's lease; each heartbeat extends it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.BooleanField(default=False)
    figures = models.JSONField(default=dict, help_text="What it was fitted on, how long it took, or why not.")
    files = models.JSONField(default=dict, help_text="Size and CRC-32 of the files that it has written.")

    class Meta:
        """Options of the class."""

        constraints = [models.UniqueConstraint(fields=["snapshot_build", "name", "block"], name="one_part_a_block")]

    def __str__(self) -> str:
        block = f", block {self.block} of {self.blocks}" if self.block else ""
        return f"{self.name}{block}, of {self.snapshot_build}"


class Changes(models.Model):
    """A single row (pk 1): counters of library changes, and the lease of a running build.

    A snapshot stores the counters it has read, so changes read by a build that died count as unread.
    """

    labels = models.BigIntegerField(default=0, help_text="Changes of songs and their labels so far.")
    labels_read = models.BigIntegerField(default=0)
    plays = models.BigIntegerField(default=0, help_text="Changes of plays so far.")
    plays_read = models.BigIntegerField(default=0)
    building_until = models.DateTimeField(null=True, help_text="End of the build's lease; each heartbeat extends it.")

    class Meta:
        """Options of the class."""

        verbose_name_plural = "changes"

    def __str__(self) -> str:
        return f"labels {self.labels_read} of {self.labels}, plays {self.plays_read} of {self.plays}"


class Dial(models.Model):
    """A listener's dial position on For you; no row means 0."""

    END = 2

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="dial"
    )
    position = models.SmallIntegerField(help_text="-2, most familiar, to 2, most adventurous; 0 is the plain ranking.")

    class Meta:
        """Options of the class."""

        constraints = [
            models.CheckConstraint(
                condition=models.Q(position__gte=-2, position__lte=2), name="dial_between_familiar_and_adventurous"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.position:+}"


class Word(models.Model):
    """A word or phrase of the query vocabulary; it means its own labels, or those of `same_as`."""

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
    in_names = models.BooleanField(
        "in names too",
        default=False,
        help_text="Songs are meant too whose title, album or playlist says it, as with Christmas or a wedding.",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Options of the class."""

        ordering = ["text"]

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save with the normalized spelling as key."""
        self.key = word_key(self.text)
        super().save(*args, **kwargs)


class WordLabel(models.Model):
    """The weight of one label in the meaning of a word.

    Stores the label's name, not a foreign key: names survive renaming and merging, and the table may name labels that
    the library does not have yet.
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
        """Options of the class."""

        verbose_name = "label of a word"
        verbose_name_plural = "labels of words"
        ordering = ["-weight", "label"]
        constraints = [models.UniqueConstraint(fields=["word", "label"], name="one_weight_a_words_label")]

    def __str__(self) -> str:
        return f"{self.word}: {self.label} {self.weight:g}"


class ListeningContext(models.Model):
    """A query text saved by a listener under a name ("work", "late evening"); parsed again on each use."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="listening_contexts")
    name = models.CharField(max_length=40)
    words = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Options of the class."""

        ordering = ["created_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_context_a_name")]

    def __str__(self) -> str:
        return f"{self.user}: {self.name}"


class SimilarityChoice(models.Model):
    """What a listener wants "similar songs" in players to go by; no row means both."""

    class By(models.TextChoices):
        """As `services.similar.By`."""

        SOUND = "sound", "how they sound"
        LISTENERS = "listeners", "who plays them"
        BOTH = "both", "both"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="similarity_choice"
    )
    by = models.CharField(max_length=10, choices=By)

    def __str__(self) -> str:
        return f"{self.user}: {self.by}"


class AskedMood(models.Model):
    """The labels that a listener's last mood asked for, kept for a day; nothing of a face or a feeling."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="asked_mood"
    )
    labels = models.JSONField(help_text="Weights by label name.")
    share = models.FloatField(help_text="Their weight beside the profile.")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {', '.join(self.labels)}"


class DailyList(models.Model):
    """A recommended list of songs whose order is kept for a day."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="daily_lists", db_index=False
    )
    slug = models.CharField(max_length=40, help_text="for-you, new-here, mood, or context- and its number.")
    title = models.CharField(max_length=100)
    reason = models.CharField(max_length=300)
    song_ids = models.JSONField(default=list, help_text="Primary keys, in order.")
    day = models.DateField()
    made_of = models.CharField(max_length=300, blank=True, help_text="The words or the mood; other ones, another list.")
    made_at = models.DateTimeField()

    class Meta:
        """Options of the class."""

        constraints = [models.UniqueConstraint(fields=["user", "slug"], name="one_daily_list_a_slug")]

    def __str__(self) -> str:
        return f"{self.title} for {self.user} on {self.day}"
