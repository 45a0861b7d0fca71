"""What the mood's API says and takes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .emotions import FEELINGS, MOODS
from .labels import strength
from .models import MoodPreference, MoodReading, MusicFor


class PictureSerializer(serializers.Serializer[Any]):
    """A picture of a face, and what music is to do about it."""

    picture = serializers.FileField(
        allow_empty_file=True, help_text="JPEG, PNG, WebP or GIF (its first frame), 20 MB and 50 megapixels at most."
    )
    way = serializers.ChoiceField(
        choices=MusicFor.choices, required=False, help_text="The one that you chose last, where it is left out."
    )


class FeelingSerializer(serializers.Serializer[Any]):
    """A mood that is picked, or a distribution over feelings; one of the two."""

    mood = serializers.ChoiceField(choices=list(MOODS), required=False)
    emotions = serializers.DictField(
        child=serializers.FloatField(min_value=0, max_value=1),
        required=False,
        help_text=f"The probability of each of {', '.join(FEELINGS)}; what is left out is 0.",
    )
    way = serializers.ChoiceField(
        choices=MusicFor.choices, required=False, help_text="The one that you chose last, where it is left out."
    )

    def validate_emotions(self, emotions: dict[str, float]) -> dict[str, float]:
        """Refuse probabilities that are no distribution."""
        try:
            strength(emotions)
        except ValueError as error:
            raise serializers.ValidationError(f"{str(error).capitalize()}.") from error
        return emotions

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuse anything but exactly one of mood and emotions."""
        if ("mood" in asked) == ("emotions" in asked):
            raise serializers.ValidationError("Say mood or emotions, one of the two.")
        return asked


class FaceSerializer(serializers.Serializer[Any]):
    """A face in a picture."""

    box = serializers.ListField(
        child=serializers.IntegerField(),
        min_length=4,
        max_length=4,
        help_text="Left, top, width, height, in pixels of the picture as it was sent, upright.",
    )
    emotions = serializers.DictField(child=serializers.FloatField(), help_text="The probability of each emotion.")


class LabelQuerySerializer(serializers.Serializer[Any]):
    """Labels of music for a mood; posted to the address `songs`, it is answered with songs."""

    labels = serializers.DictField(child=serializers.FloatField())
    share = serializers.FloatField(
        source="strength", help_text="What they count beside your profile: 0.5 for a mood that is certain, else less."
    )


class AnsweredSerializer(serializers.Serializer[Any]):
    """A query, and where it is answered."""

    query = LabelQuerySerializer(allow_null=True, help_text="null where no face was found.")
    songs = serializers.URLField(help_text="Post the query here, as JSON.")


class ReadPictureSerializer(AnsweredSerializer):
    """What was read in a picture; the query is that of the largest face."""

    faces = FaceSerializer(many=True, help_text="The largest first.")
    width = serializers.IntegerField(help_text="Of the picture, upright, in pixels.")
    height = serializers.IntegerField()


class MoodPreferenceSerializer(serializers.ModelSerializer[MoodPreference]):
    """Whether to match or lift a mood, and whether readings are kept."""

    class Meta:
        model = MoodPreference
        fields = ["way", "keep_readings"]


class MoodReadingSerializer(serializers.ModelSerializer[MoodReading]):
    """A kept reading."""

    emotions = serializers.DictField(child=serializers.FloatField(), help_text="The probability of each feeling.")

    class Meta:
        model = MoodReading
        fields = ["id", "at", "emotions", "way", "hand_picked"]
