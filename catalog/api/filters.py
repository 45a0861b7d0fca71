"""What the API's lists can be filtered and ordered by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import F, Q, QuerySet
from django.utils.datastructures import MultiValueDict
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field

from ..http import LARGEST_ID
from ..models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song, SongQuerySet
from ..names import artist_key
from ..search import labels_named, songs_matching, songs_with_label
from ..services import song_index
from ..services.browsing import songs_nearly_matching

_LATEST_YEAR = 9999
_MOST_LABELS = 20
_MAY_BE_UNKNOWN = {"year", "duration_s", "last_played"}


class _RepeatedText(forms.TextInput):
    """Every value of a parameter that may come several times."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return data.getlist(name) if isinstance(data, MultiValueDict) else data.get(name, [])


class _NamesField(forms.Field):
    widget = _RepeatedText

    def clean(self, value: Sequence[str]) -> list[str]:
        if len(value) > _MOST_LABELS:
            raise forms.ValidationError(f"At most {_MOST_LABELS} at once.")
        name = forms.CharField(max_length=100)
        return [name.clean(each) for each in value if each.strip()]


class _MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A moment in UTC: one at the calendar's edge in another zone is none that a database can be asked for."""

    def clean(self, value: Any) -> datetime | None:
        try:
            moment: datetime | None = super().clean(value)
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This moment is out of range.") from None


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    """A moment in ISO 8601, with a time zone."""

    field_class = _MomentField


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "maxLength": 100},
        "maxItems": _MOST_LABELS,
        "description": "A label's name or an alias of it; repeated, songs that have all of them.",
    }
)
class LabelNamesFilter(filters.Filter):  # type: ignore[misc]
    """Songs that have every label named, by name or alias."""

    field_class = _NamesField

    def filter(self, qs: QuerySet[Song], value: Sequence[str]) -> QuerySet[Song]:
        """Apply the filter."""
        for name in value or ():
            qs = songs_with_label(qs, name)
        return qs


def _integer(field_name: str, lowest: int, highest: int, lookup: str = "exact", help_text: str = "") -> Any:
    """A filter for whole numbers that the database can hold."""

    @extend_schema_field({"type": "integer", "minimum": lowest, "maximum": highest, "description": help_text})
    class IntegerFilter(filters.NumberFilter):  # type: ignore[misc]
        field_class = forms.IntegerField

    return IntegerFilter(
        field_name=field_name, lookup_expr=lookup, min_value=lowest, max_value=highest, help_text=help_text
    )


def _song_filter() -> Any:
    return _integer("song_id", 1, LARGEST_ID, help_text="The song's id.")


class StableOrdering(filters.OrderingFilter):  # type: ignore[misc]
    """Ordering that puts what is unknown last and breaks ties by the primary key, so that pages never overlap."""

    def filter(self, qs: QuerySet[Any], value: Sequence[str] | None) -> QuerySet[Any]:
        """Apply the filter."""
        terms: list[Any] = []
        for choice in filter(None, value or ()):
            column = self.param_map[choice.removeprefix("-")]
            direction = F(column).desc if choice.startswith("-") else F(column).asc
            terms.append(direction(nulls_last=True if column in _MAY_BE_UNKNOWN else None))
        return qs.order_by(*terms, "pk") if terms else qs


class SongFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of songs."""

    search = filters.CharFilter(
        method="filter_search",
        max_length=200,
        help_text="Words that are all in title, artist or album; where none are, typing errors are forgiven.",
    )
    label = LabelNamesFilter()
    artist = filters.CharFilter(method="filter_artist", max_length=300, help_text="The artist, however it is spelled.")
    album = filters.CharFilter(field_name="album", lookup_expr="iexact", max_length=300, help_text="The album's title.")
    year_min = _integer("year", 0, _LATEST_YEAR, "gte", "Of this year or later.")
    year_max = _integer("year", 0, _LATEST_YEAR, "lte", "Of this year or earlier.")
    has_audio = filters.BooleanFilter(method="filter_has_audio", help_text="Whether the song can be played here.")
    tagging_state = filters.ChoiceFilter(choices=Song.Tagging.choices)
    ordering = StableOrdering(
        fields={
            "title_key": "title",
            "artist_key": "artist",
            "year": "year",
            "duration_s": "duration",
            "added_at": "added",
        }
    )

    class Meta:
        model = Song
        fields: list[str] = []

    def filter_search(self, queryset: QuerySet[Song], name: str, value: str) -> QuerySet[Song]:
        """Return songs with all words, or with words that are nearly these."""
        written = songs_matching(queryset, value)
        return written if written.exists() else queryset.filter(pk__in=songs_nearly_matching(value))

    def filter_artist(self, queryset: QuerySet[Song], name: str, value: str) -> QuerySet[Song]:
        """Return songs of an artist, however the name is spelled."""
        key = artist_key(value)
        with_others = song_index.current().of_artist_with_others(key)
        return queryset.filter(Q(artist_key=key) | Q(pk__in=with_others))

    def filter_has_audio(self, queryset: SongQuerySet, name: str, value: bool) -> QuerySet[Song]:
        """Return songs that can, or cannot, be played."""
        playable = queryset.playable()
        return playable if value else queryset.exclude(pk__in=playable.values("pk"))


class LabelFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of labels."""

    kind = filters.ChoiceFilter(choices=Label.Kind.choices)
    name = filters.CharFilter(method="filter_name", max_length=100, help_text="The label's name or an alias of it.")
    ordering = StableOrdering(fields={"key": "name", "song_count": "songs"})

    class Meta:
        model = Label
        fields: list[str] = []

    def filter_name(self, queryset: QuerySet[Label], name: str, value: str) -> QuerySet[Label]:
        """Return the label of a name or alias."""
        return queryset.filter(pk__in=labels_named(value).values("pk"))


class RatingFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of ratings."""

    song = _song_filter()
    stars_min = _integer("stars", 1, 5, "gte", "So many stars or more.")
    ordering = StableOrdering(fields={"rated_at": "rated", "stars": "stars"})

    class Meta:
        model = Rating
        fields: list[str] = []


class PlayFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of plays."""

    song = _song_filter()
    skipped = filters.BooleanFilter()
    since = MomentFilter(field_name="played_at", lookup_expr="gte", help_text="At this moment or later.")
    until = MomentFilter(field_name="played_at", lookup_expr="lt", help_text="Before this moment.")

    class Meta:
        model = Play
        fields: list[str] = []


class PlayCountFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of counts of plays."""

    song = _song_filter()
    ordering = StableOrdering(fields={"count": "count", "last_played": "last_played"})

    class Meta:
        model = PlayCount
        fields: list[str] = []


class NotThisFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of refused songs."""

    song = _song_filter()

    class Meta:
        model = NotThis
        fields: list[str] = []


class NudgeFilter(filters.FilterSet):  # type: ignore[misc]
    """Filters of nudges."""

    label = _integer("label_id", 1, LARGEST_ID, help_text="The label's id.")

    class Meta:
        model = Nudge
        fields: list[str] = []
