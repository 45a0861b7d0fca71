"""What the API says of songs, labels and listening, and what it takes."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from ..models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song, SongLabel
from ..services.listening import LARGEST_NUDGE
from ..services.quotas import Quota
from ..services.uploads import size_limit

_CLOCKS_MAY_DIFFER = timedelta(minutes=5)
_EARLIEST_PLAY = datetime(1970, 1, 1, tzinfo=UTC)


def _song_field() -> serializers.PrimaryKeyRelatedField[Song]:
    """A song by its id, typed in where the browsable API would list the whole library."""
    return serializers.PrimaryKeyRelatedField(
        queryset=Song.objects.all(), pk_field=serializers.IntegerField(), style={"base_template": "input.html"}
    )


class SongLabelSerializer(serializers.ModelSerializer[SongLabel]):
    """One source's word on one label of a song."""

    id = serializers.IntegerField(source="label_id", read_only=True, help_text="The label's id.")
    name = serializers.CharField(source="label.name", read_only=True)
    kind = serializers.ChoiceField(source="label.kind", choices=Label.Kind.choices, read_only=True)
    origin = serializers.SerializerMethodField(
        help_text="The import's format or the tagger's name; the curator's username, for admins only."
    )

    class Meta:
        model = SongLabel
        fields = ["id", "name", "kind", "source", "origin", "weight"]
        read_only_fields = fields

    def get_origin(self, annotation: SongLabel) -> str:
        """Return the origin; a curator's name is for staff only."""
        hidden = annotation.source == SongLabel.Source.CURATOR and not self.context["request"].user.is_staff
        return "" if hidden else annotation.origin


class SongSerializer(serializers.ModelSerializer[Song]):
    """A song with its labels."""

    external_id = serializers.CharField(
        read_only=True, allow_null=True, help_text="The first name the song is known by elsewhere."
    )
    identifiers = serializers.SlugRelatedField[Song](many=True, read_only=True, slug_field="value")
    artists = serializers.ListField(
        source="artist_names", child=serializers.CharField(), read_only=True, help_text="The artists one by one."
    )
    has_audio = serializers.BooleanField(source="playable", read_only=True)
    audio = serializers.SerializerMethodField(help_text="Where to stream it from; null without audio.")
    cover = serializers.SerializerMethodField(help_text="Its picture: that of its file, or one drawn from its labels.")
    labels = SongLabelSerializer(source="song_labels", many=True, read_only=True)

    class Meta:
        model = Song
        fields = [
            "id",
            "external_id",
            "identifiers",
            "title",
            "artist",
            "artists",
            "album",
            "album_artist",
            "track_number",
            "disc_number",
            "year",
            "duration_s",
            "has_audio",
            "audio",
            "cover",
            "tagging_state",
            "added_at",
            "labels",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_audio(self, song: Song) -> str | None:
        """Return the URL of the audio, where it can be played."""
        return reverse("api-song-audio", [song.pk], request=self.context["request"]) if song.playable else None

    @extend_schema_field(OpenApiTypes.URI)
    def get_cover(self, song: Song) -> str:
        """Return the URL of the cover."""
        return reverse("api-song-cover", [song.pk], request=self.context["request"])


class UploadSerializer(serializers.Serializer[Any]):
    """A song to bring in."""

    file = serializers.FileField()


class QuotaSerializer(serializers.Serializer[Any]):
    """How much a user may upload, and has."""

    used_bytes = serializers.IntegerField(read_only=True)
    used_songs = serializers.IntegerField(read_only=True)
    most_bytes = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null for no limit.")
    most_songs = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null for no limit.")
    left_bytes = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null for no limit.")
    left_songs = serializers.IntegerField(read_only=True, allow_null=True, help_text="Null for no limit.")
    most_bytes_a_file = serializers.SerializerMethodField()
    most_minutes_a_file = serializers.SerializerMethodField()

    def get_most_bytes_a_file(self, _quota: Quota) -> int:
        """Return the largest size of a file in bytes."""
        return size_limit()

    def get_most_minutes_a_file(self, _quota: Quota) -> int:
        """Return the longest duration of a file in minutes."""
        return int(settings.UPLOAD_MAX_MINUTES)


class VerdictSerializer(serializers.Serializer[Any]):
    """A curator's word on a label of a song."""

    name = serializers.CharField(max_length=100, help_text="Its name or an alias; a new name makes a new label.")
    kind = serializers.ChoiceField(choices=Label.Kind.choices, default=Label.Kind.OTHER, help_text="Of a new label.")
    verdict = serializers.BooleanField(allow_null=True, help_text="Yes, no, or null to take an earlier word back.")


class LabelSerializer(serializers.ModelSerializer[Label]):
    """A label with its other spellings."""

    aliases = serializers.SlugRelatedField[Label](many=True, read_only=True, slug_field="name")
    songs = serializers.IntegerField(source="song_count", read_only=True, help_text="How many songs have it.")

    class Meta:
        model = Label
        fields = ["id", "name", "kind", "background", "aliases", "songs"]
        read_only_fields = fields


class _OfSong(serializers.ModelSerializer[Any]):
    """Something a listener says of a song, with enough of the song to show it."""

    song = _song_field()
    title = serializers.CharField(source="song.title", read_only=True)
    artist = serializers.CharField(source="song.artist", read_only=True)


class RatingSerializer(_OfSong):
    """A listener's stars for a song."""

    class Meta:
        model = Rating
        fields = ["song", "title", "artist", "stars", "rated_at"]
        extra_kwargs = {"stars": {"min_value": 1, "max_value": 5}}


class StarsSerializer(serializers.ModelSerializer[Rating]):
    """A rating of the song that the address names."""

    class Meta:
        model = Rating
        fields = ["stars"]
        extra_kwargs = {"stars": {"min_value": 1, "max_value": 5}}


class PlaySerializer(_OfSong):
    """One play of a song."""

    played_at = serializers.DateTimeField(required=False, help_text="Now, where it is left out.")

    class Meta:
        model = Play
        fields = ["id", "song", "title", "artist", "played_at", "skipped", "origin"]
        read_only_fields = ["origin"]

    def validate_played_at(self, moment: datetime) -> datetime:
        """Refuse moments in the future."""
        if moment > timezone.now() + _CLOCKS_MAY_DIFFER:
            raise serializers.ValidationError("This moment is in the future.")
        if moment < _EARLIEST_PLAY:
            raise serializers.ValidationError("Nothing was played here before 1970.")
        return moment


class PlayCountSerializer(_OfSong):
    """How often a listener has played a song."""

    class Meta:
        model = PlayCount
        fields = ["song", "title", "artist", "origin", "count", "last_played"]
        read_only_fields = fields


class NotThisSerializer(_OfSong):
    """A song that a listener has refused."""

    class Meta:
        model = NotThis
        fields = ["song", "title", "artist", "created_at"]
        read_only_fields = fields


class NudgeWeightSerializer(serializers.ModelSerializer[Nudge]):
    """How much more, or below 0 less, of the label that the address names."""

    class Meta:
        model = Nudge
        fields = ["weight"]
        extra_kwargs = {"weight": {"min_value": -LARGEST_NUDGE, "max_value": LARGEST_NUDGE}}

    def validate_weight(self, weight: float) -> float:
        """Refuse 0 and weights that are too large."""
        if math.isnan(weight) or weight == 0:
            raise serializers.ValidationError("A number above or below 0; DELETE takes a nudge back.")
        return weight


class NudgeSerializer(serializers.ModelSerializer[Nudge]):
    """A label that a listener wants more, or less, of."""

    label = serializers.IntegerField(source="label_id", read_only=True)  # type: ignore[assignment]
    name = serializers.CharField(source="label.name", read_only=True)

    class Meta:
        model = Nudge
        fields = ["label", "name", "weight"]
        read_only_fields = fields
