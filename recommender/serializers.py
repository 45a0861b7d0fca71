"""What the recommender's API says and takes."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from catalog.names import storable

from .engine.interface import QUERY_SHARE
from .services import LabelReason, Reason, SongReason

_MOST_LABELS = 100
_LONGEST_NAME = 100


class QuerySerializer(serializers.Serializer[Any]):
    """Labels that are asked for, with their weights."""

    labels = serializers.DictField(child=serializers.FloatField(), allow_empty=False)
    share = serializers.FloatField(
        min_value=0, max_value=1, default=QUERY_SHARE, help_text="What they count beside the profile."
    )

    def validate_labels(self, labels: dict[str, float]) -> dict[str, float]:
        if len(labels) > _MOST_LABELS or not all(map(math.isfinite, labels.values())):
            raise serializers.ValidationError(f"At most {_MOST_LABELS} labels, each with a number.")
        if any(len(name) > _LONGEST_NAME or storable(name) != name for name in labels):
            raise serializers.ValidationError("A name that is no label's.")
        return labels

    def validate_share(self, share: float) -> float:
        if math.isnan(share):
            raise serializers.ValidationError("A number from 0 to 1.")
        return share


class WishSerializer(serializers.Serializer[Any]):
    """What somebody asks to be recommended."""

    method = serializers.ChoiceField(
        choices=["content", "popular"], required=False, help_text="The best that there is, where it is left out."
    )
    label = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(max_length=_LONGEST_NAME),
        required=False,
        max_length=_MOST_LABELS,
        help_text="What you want now, beside your profile; may come several times.",
    )
    n = serializers.IntegerField(min_value=1, max_value=500, default=20, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class ListLengthSerializer(serializers.Serializer[Any]):
    """How much somebody asks for."""

    n = serializers.IntegerField(min_value=1, max_value=500, default=10, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class LabelReasonSerializer(serializers.Serializer[LabelReason]):
    """A label that put the song where it is, and its part of the score."""

    label = serializers.CharField()  # type: ignore[assignment]
    weight = serializers.FloatField(help_text="Below 0 where it speaks against the song.")


class SongReasonSerializer(serializers.Serializer[SongReason]):
    """A song that put the song where it is."""

    song = serializers.IntegerField(source="song.pk")
    title = serializers.CharField(source="song.title")
    weight = serializers.FloatField()


@extend_schema_field(
    PolymorphicProxySerializer(
        "Reason", serializers=[LabelReasonSerializer, SongReasonSerializer], resource_type_field_name=None
    )
)
class ReasonField(serializers.Field[Reason, Any, dict[str, Any], Reason]):
    """A label or a song."""

    def to_representation(self, value: Reason) -> dict[str, Any]:
        if isinstance(value, LabelReason):
            return dict(LabelReasonSerializer(value).data)
        return dict(SongReasonSerializer(value).data)


class RecommendationSerializer(serializers.Serializer[Any]):
    """A song, where it stands and why."""

    rank = serializers.IntegerField()
    song = serializers.IntegerField(source="song.pk", help_text="The song's id.")
    external_id = serializers.CharField(
        source="song.external_id", allow_null=True, help_text="The first name the song is known by elsewhere."
    )
    title = serializers.CharField(source="song.title")
    artist = serializers.CharField(source="song.artist")
    has_audio = serializers.BooleanField(source="song.playable")
    score = serializers.FloatField()
    reasons = serializers.ListField(child=ReasonField())
