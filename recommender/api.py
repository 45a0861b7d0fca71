"""The API of recommendations and similar songs."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import Song

from . import services
from .serializers import ListLengthSerializer, RecommendationSerializer, WishSerializer


class Recommendations(APIView):
    """Songs for you, each with its reasons, best first."""

    name = "Recommendations"

    @extend_schema(parameters=[WishSerializer], responses=RecommendationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Recommend songs to the one who asks: the raw ranking, without the songs they know."""
        wish = WishSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        try:
            found = services.recommend(
                cast(User, request.user),
                asked.get("method"),
                query=dict.fromkeys(asked.get("label", []), 1.0),
                n=asked["n"],
                playable_only=asked["has_audio"],
            )
        except ValueError as error:
            raise ValidationError({"label": [str(error)]}) from error
        return Response(RecommendationSerializer(found, many=True).data)


class SimilarSongs(APIView):
    """Songs that sound like a song, with the labels they share."""

    name = "Similar songs"

    @extend_schema(parameters=[ListLengthSerializer], responses=RecommendationSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The songs whose labels are most like those of this song, most alike first."""
        length = ListLengthSerializer(data=request.query_params)
        length.is_valid(raise_exception=True)
        song = get_object_or_404(Song, pk=pk)
        found = services.similar(song, length.validated_data["n"], playable_only=length.validated_data["has_audio"])
        return Response(RecommendationSerializer(found, many=True).data)
