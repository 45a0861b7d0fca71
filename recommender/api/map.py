"""The API of the map."""

from __future__ import annotations

from typing import Any

from django.utils.cache import get_conditional_response
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..services.song_map import WIDTH, shown


class MapSerializer(serializers.Serializer[Any]):
    """Where songs lie by how they sound: columns of the same length, a place in each for every song."""

    width = serializers.IntegerField(help_text=f"Places are whole numbers from 0 to this, {WIDTH}.")
    labels = serializers.ListField(child=serializers.CharField(), help_text="The names of labels.")
    songs = serializers.ListField(child=serializers.IntegerField(), help_text="The songs' ids, ascending.")
    x = serializers.ListField(child=serializers.IntegerField(), help_text="From the left.")
    y = serializers.ListField(child=serializers.IntegerField(), help_text="From the top.")
    strongest = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="The strongest labels of each song, strongest first, as places in `labels`.",
    )
    left_out = serializers.IntegerField(help_text="How many songs wait to be listened to.")
    not_drawn = serializers.IntegerField(help_text="How many songs on the map are left out as there are too many.")


class MapView(APIView):
    """All songs on a plane: those that sound alike lie together."""

    name = "Map"

    @extend_schema(responses=MapSerializer)
    def get(self, request: Request) -> Any:
        """Where every song lies that can be played here and has been listened to, and its strongest labels."""
        seen = shown()
        etag = f'"{seen.version}"'
        unchanged = get_conditional_response(request._request, etag=etag)
        # As it stands: to look at each of a hundred thousand numbers would take longer than to send them.
        answer = Response(seen.as_json()) if unchanged is None else unchanged
        answer["ETag"] = etag
        answer["Cache-Control"] = "private, no-cache"
        return answer
