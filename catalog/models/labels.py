"""Labels, their other spellings, and who says which label of which song."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from ..names import label_key
from .songs import Song


class Label(models.Model):
    """A word that describes music."""

    class Kind(models.TextChoices):
        GENRE = "genre"
        MOOD = "mood"
        INSTRUMENT = "instrument"
        ERA = "era"
        VOCALS = "vocals"
        OTHER = "other"

    name = models.CharField(max_length=100)
    key = models.CharField(max_length=100, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    background = models.BooleanField(
        default=False,
        help_text="It says little to a listener: it can be searched for, but is not offered or shown first.",
    )
    least_probability = models.FloatField(
        default=0.0,
        editable=False,
        help_text="What taggers predict with less does not count: a curator's verdict on the label as a whole.",
    )
    judged_at = models.DateTimeField(
        null=True, editable=False, help_text="When a curator judged the label as a whole for the last time."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep `key` as the name has it."""
        self.key = label_key(self.name)
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "key"}
        super().save(*args, **kwargs)


class LabelAlias(models.Model):
    """Another spelling of a label: annotations with the alias count for the label."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=100, unique=True, editable=False)

    class Meta:
        verbose_name_plural = "label aliases"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep `key` as the name has it."""
        self.key = label_key(self.name)
        super().save(*args, **kwargs)


class SongLabelQuerySet(models.QuerySet["SongLabel"]):
    """Queries of annotations."""

    def counting(self) -> SongLabelQuerySet:
        """Leave out what taggers predict with less than the label's least probability; imports and curators stay."""
        return self.filter(~Q(source=SongLabel.Source.CNN) | Q(weight__gte=F("label__least_probability")))


class SongLabel(models.Model):
    """One source's annotation of one song with one label."""

    class Source(models.TextChoices):
        IMPORT = "import"
        CNN = "cnn"
        CURATOR = "curator"

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="song_labels")
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="song_labels")
    source = models.CharField(max_length=10, choices=Source)
    origin = models.CharField(
        max_length=60, blank=True, help_text="The import's format, the tagger's name, or the curator's username."
    )
    weight = models.FloatField(
        help_text="import: how many people gave it; cnn: the probability; curator: 1 for, -1 against."
    )

    objects = SongLabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["song", "label", "source", "origin"], name="one_word_a_source", violation_error_message="Said."
            ),
            models.UniqueConstraint(
                fields=["song", "label"], condition=models.Q(source="curator"), name="one_curator_a_label"
            ),
        ]
        indexes = [models.Index(fields=["label", "song"]), models.Index(fields=["label", "source", "weight"])]

    def __str__(self) -> str:
        return f"{self.label} on {self.song}: {self.weight:g} ({self.source})"


class LabelAssignment(models.Model):
    """Who gave a label to a song, where an import names them; the label's weight there is how many they are."""

    # The constraint below begins with the song.
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="label_assignments", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="label_assignments")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["song", "label", "user"], name="one_assignment_a_person")]

    def __str__(self) -> str:
        return f"{self.user}: {self.label} on {self.song}"
