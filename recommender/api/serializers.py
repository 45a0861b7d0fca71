"""What the recommender's API says and takes."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from catalog.models import Label
from catalog.names import storable

from ..engine.interface import QUERY_SHARE
from ..engine.methods import METHODS
from ..services import comparison
from ..services.placements import PlacementReason
from ..services.profile import Change
from ..services.reasons import LabelReason, Reason, SongReason
from ..services.recommending import fetch_names_elsewhere
from ..services.similar import By

_MOST_LABELS = 100
_LONGEST_NAME = 100


class QuerySerializer(serializers.Serializer[Any]):
    """Labels that are asked for, with their weights."""

    labels = serializers.DictField(child=serializers.FloatField(), allow_empty=False)
    share = serializers.FloatField(
        min_value=0, max_value=1, default=QUERY_SHARE, help_text="What they count beside the profile."
    )

    def validate_labels(self, labels: dict[str, float]) -> dict[str, float]:
        """Refuse too many labels, weights that are not finite, and impossible names."""
        if len(labels) > _MOST_LABELS or not all(map(math.isfinite, labels.values())):
            raise serializers.ValidationError(f"At most {_MOST_LABELS} labels, each with a number.")
        if any(len(name) > _LONGEST_NAME or storable(name) != name for name in labels):
            raise serializers.ValidationError("A name that is no label's.")
        return labels

    def validate_share(self, share: float) -> float:
        """Refuse NaN."""
        if math.isnan(share):
            raise serializers.ValidationError("A number from 0 to 1.")
        return share


class LabelledWishSerializer(QuerySerializer):
    """A request for recommendations by labels with weights."""

    n = serializers.IntegerField(min_value=1, max_value=500, default=20, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class WishSerializer(serializers.Serializer[Any]):
    """A request for recommendations."""

    method = serializers.ChoiceField(
        choices=list(METHODS), required=False, help_text="The best that there is, where it is left out."
    )
    label = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(max_length=_LONGEST_NAME),
        required=False,
        max_length=_MOST_LABELS,
        help_text="What you want now, beside your profile; may come several times.",
    )
    n = serializers.IntegerField(min_value=1, max_value=500, default=20, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class SimilarQuestionSerializer(serializers.Serializer[Any]):
    """A request for songs like a song."""

    by = serializers.ChoiceField(
        choices=[str(by) for by in By],
        default=str(By.SOUND),
        help_text="sound: what a tagger hears, or labels where it has not heard the song. listeners: who has played "
        "both. both: high in the two lists.",
    )
    n = serializers.IntegerField(min_value=1, max_value=500, default=10, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class LabelReasonSerializer(serializers.Serializer[LabelReason]):
    """A label that put the song where it is, and its part of the score."""

    label = serializers.CharField()  # type: ignore[assignment]
    weight = serializers.FloatField(help_text="Below 0 where it speaks against the song.")
    asked = serializers.BooleanField(help_text="Whether it was asked for; else it is of your taste alone.")


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
        """Serialize the value."""
        if isinstance(value, LabelReason):
            return dict(LabelReasonSerializer(value).data)
        return dict(SongReasonSerializer(value).data)


class RecommendationsSerializer(serializers.ListSerializer[Any]):
    """Songs, and in one query the names that all of them are known by elsewhere."""

    def to_representation(self, data: Any) -> Any:
        """Serialize the value."""
        fetch_names_elsewhere(data)
        return super().to_representation(data)


class RecommendationSerializer(serializers.Serializer[Any]):
    """A song, where it stands and why."""

    class Meta:
        """Options of the class."""

        list_serializer_class = RecommendationsSerializer

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


class AlikeSerializer(RecommendationSerializer):
    """A song like another; its reasons are the labels that both have."""

    listeners_in_common = serializers.IntegerField(
        source="shared", help_text="How many listeners have played both; sittings, where listeners are few."
    )
    sound_rank = serializers.IntegerField(allow_null=True, help_text="Where it stands by sound.")
    listeners_rank = serializers.IntegerField(allow_null=True, help_text="Where it stands by listeners.")


class ProfileLabelSerializer(serializers.Serializer[Any]):
    """One label of a profile."""

    label = serializers.IntegerField(source="pk", help_text="The label's id.")  # type: ignore[assignment]
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Label.Kind.choices)
    weight = serializers.FloatField(help_text="What counts: what was learned, and the nudge.")
    learned = serializers.FloatField(help_text="From the songs you liked, less a quarter of what you did not.")
    nudge = serializers.FloatField(help_text="What you have added by hand; 0 where nothing.")
    liked = serializers.IntegerField(help_text="How many songs you liked have it.")
    disliked = serializers.IntegerField(help_text="How many songs you did not like have it.")


class ProfileChangeSerializer(serializers.Serializer[Any]):
    """How a label of a profile is to be corrected."""

    change = serializers.ChoiceField(choices=[str(change) for change in Change])


class SongBehindSerializer(serializers.Serializer[Any]):
    """A song of yours that a label's weight comes from."""

    song = serializers.IntegerField(source="song.pk", help_text="The song's id.")
    title = serializers.CharField(source="song.title")
    artist = serializers.CharField(source="song.artist")
    weight = serializers.FloatField(help_text="Its part of what was learned; below 0 for a song you did not like.")


_MOST_COMPARED = 100


class ComparisonQuestionSerializer(serializers.Serializer[Any]):
    """A request for a comparison."""

    listener = serializers.CharField(
        max_length=150,
        default="",
        allow_blank=True,
        help_text="A username; yourself, where it is left out. Imported and simulated listeners; for admins, anybody.",
    )
    left = serializers.ChoiceField(choices=list(METHODS), default=comparison.LEFT)
    right = serializers.ChoiceField(choices=list(METHODS), default=comparison.RIGHT)
    n = serializers.IntegerField(
        min_value=1, max_value=_MOST_COMPARED, default=comparison.SONGS, help_text="How many songs a side."
    )
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")


class WhyQuestionSerializer(ComparisonQuestionSerializer):
    """A request for explanations of songs."""

    title = serializers.CharField(max_length=300, help_text="Of the song; words of it are enough.")


class ComparedSongSerializer(RecommendationSerializer):
    """A song on one side."""

    listeners = serializers.IntegerField(help_text="How many people have played it.")
    other_rank = serializers.IntegerField(allow_null=True, help_text="Where it stands on the other side.")


class EvidenceSerializer(serializers.Serializer[Any]):
    """What the scores stand on."""

    ground = serializers.ChoiceField(choices=[str(ground) for ground in comparison.Ground])
    count = serializers.IntegerField(help_text="So many labelled songs, listeners, sittings, or plays.")
    nearest = serializers.IntegerField(help_text="How many neighbours each song keeps at least; 0 where all are.")
    loss = serializers.FloatField(help_text="Which part of the first 20 is lost by keeping no more.")


class SideSerializer(serializers.Serializer[Any]):
    """What one method recommends, best first."""

    method = serializers.CharField()
    evidence = EvidenceSerializer()
    reached = serializers.IntegerField(help_text="How many songs that are new to the listener score above 0.")
    unplayed = serializers.IntegerField(help_text="How many of its songs nobody has played.")
    songs = ComparedSongSerializer(many=True, source="entries")


class MeasuredSerializer(serializers.Serializer[Any]):
    """How one method did on plays that were held back."""

    method = serializers.CharField()
    baseline = serializers.BooleanField(help_text="Whether it is only there to be beaten.")
    auc = serializers.FloatField()
    map = serializers.FloatField()
    ndcg_at_10 = serializers.FloatField()
    recall_at_50 = serializers.FloatField()


class RankingSerializer(serializers.Serializer[Any]):
    """Among which songs those held back were to be found, and how every method did."""

    name = serializers.CharField()
    title = serializers.CharField()
    songs = serializers.IntegerField(help_text="Among how many songs those held back were to be found.")
    methods = MeasuredSerializer(many=True, source="rows")


class FirstTenSerializer(serializers.Serializer[Any]):
    """What the first ten of all songs were like."""

    method = serializers.CharField()
    coverage = serializers.FloatField(help_text="Which part of all songs is in anybody's first ten.")
    novelty = serializers.FloatField(help_text="How little known they are, in bits.")
    cold_share = serializers.FloatField(help_text="Which part of them nobody has played.")


class HeldOutSerializer(serializers.Serializer[Any]):
    """One evaluation on plays that were held back."""

    protocol = serializers.ChoiceField(choices=["warm", "cold"])
    listeners = serializers.IntegerField()
    splits = serializers.IntegerField()
    verdict = serializers.CharField(allow_blank=True, help_text="Which of the two is better, where that is sure.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What else was measured, in sentences.")
    rankings = RankingSerializer(many=True)
    lists = FirstTenSerializer(many=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    """Two methods side by side, for one listener."""

    listener = serializers.CharField(source="listener.username")
    n = serializers.IntegerField()
    candidates = serializers.IntegerField(help_text="How many songs could be recommended.")
    overlap = serializers.IntegerField(help_text="How many songs stand on both sides.")
    left = SideSerializer()
    right = SideSerializer()
    held_out = serializers.SerializerMethodField()

    @extend_schema_field(HeldOutSerializer(many=True))
    def get_held_out(self, _: comparison.Comparison) -> Any:
        """Serialize the evaluations."""
        return HeldOutSerializer(self.context["held_out"], many=True).data


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a song stands in one ranking, and why not higher."""

    method = serializers.CharField()
    why = serializers.ChoiceField(choices=[str(why) for why in PlacementReason])
    text = serializers.CharField(help_text="The same in a sentence.")
    score = serializers.FloatField()
    rank = serializers.IntegerField(allow_null=True, help_text="null where it is not ranked.")


class ExplainedSerializer(serializers.Serializer[Any]):
    """A song, and where it stands."""

    song = serializers.IntegerField(source="song.pk", help_text="The song's id.")
    title = serializers.CharField(source="song.title")
    artist = serializers.CharField(source="song.artist")
    places = PlaceSerializer(many=True)
