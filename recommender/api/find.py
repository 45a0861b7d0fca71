"""The API of finding music by words, and of the words that a listener keeps."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..engine.query_parser import LONGEST_TEXT
from ..engine.query_weights import QueryTerm
from ..models import ListeningContext
from ..services.contexts import LONGEST_NAME, ContextRefused, contexts_of, keep_context, rename_context
from ..services.finding import Artist, find
from .serializers import RecommendationSerializer


class WordsSerializer(serializers.Serializer[Any]):
    """A search in a listener's own words."""

    words = serializers.CharField(
        max_length=LONGEST_TEXT, help_text="For example: calm piano for a rainy evening, but not sad."
    )
    n = serializers.IntegerField(min_value=1, max_value=100, default=20, help_text="How many songs.")
    has_audio = serializers.BooleanField(default=False, help_text="Only songs that can be played here.")
    new_only = serializers.BooleanField(default=False, help_text="Without songs that you have played or rated.")


class PieceSerializer(serializers.Serializer[QueryTerm]):
    """A word or phrase as it was understood."""

    words = serializers.CharField(help_text="With what steers it: not pop, very calm.")
    said = serializers.CharField(source="text", help_text="The word or phrase alone, typing errors put right.")
    typed = serializers.CharField(help_text="As it was typed, where that was taken for a typing error; else empty.")
    strength = serializers.FloatField(help_text="1; 1.5 after very, 0.5 after a bit, -1 after not, -0.5 after less.")
    labels = serializers.DictField(
        child=serializers.FloatField(), help_text="Its part of the query; empty where no song here has a label for it."
    )
    without = serializers.CharField(help_text="The words that ask for everything but this.")


class NamedSongSerializer(serializers.Serializer[Any]):
    """A song that is called so."""

    song = serializers.IntegerField(source="pk", help_text="The song's id.")
    title = serializers.CharField()
    artist = serializers.CharField()
    has_audio = serializers.BooleanField(source="playable")


class NamedArtistSerializer(serializers.Serializer[Artist]):
    """An artist who is called so."""

    name = serializers.CharField()
    key = serializers.CharField(help_text="That of the artist's page.")


class FindingsSerializer(serializers.Serializer[Any]):
    """What was found: music that fits the words, and what is called so."""

    understood = PieceSerializer(many=True, source="parsed.terms")
    not_understood = serializers.ListField(child=serializers.CharField(), source="parsed.unknown")
    labels = serializers.DictField(
        child=serializers.FloatField(), source="parsed.labels", help_text="The query: the sum of all parts."
    )
    refused = serializers.ListField(
        child=serializers.CharField(), source="parsed.refused", help_text="Labels that no song of the list carries."
    )
    like = serializers.CharField(
        source="like.name", default="", help_text="The artist or song that the music should be like; else empty."
    )
    by_names = serializers.ListField(
        child=serializers.CharField(),
        help_text="Words that were looked for in titles, artists, albums and playlists, too or only.",
    )
    by_year = serializers.ListField(
        child=serializers.CharField(), help_text="Decades that no label is for: songs are listed by their year."
    )
    songs = RecommendationSerializer(many=True)
    called_so = NamedSongSerializer(many=True, source="named.songs")
    artists_called_so = NamedArtistSerializer(many=True, source="named.artists")


class FindView(APIView):
    """Music in your own words: how they are understood, the songs that fit, and what is called so."""

    name = "Find"

    @extend_schema(parameters=[WordsSerializer], responses=FindingsSerializer)
    def get(self, request: Request) -> Response:
        """Find music by words, ranked by your taste too."""
        return self._found(request, request.query_params)

    @extend_schema(request=WordsSerializer, responses=FindingsSerializer)
    def post(self, request: Request) -> Response:
        """Do the same with the words in the body, so that they stand in no access log."""
        return self._found(request, request.data)

    def _found(self, request: Request, given: Any) -> Response:
        asked = WordsSerializer(data=given)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        findings = find(
            cast(User, request.user),
            wanted["words"],
            n=wanted["n"],
            playable_only=wanted["has_audio"],
            new_only=wanted["new_only"],
        )
        return Response(FindingsSerializer(findings).data)


class ContextSerializer(serializers.ModelSerializer[ListeningContext]):
    """A listening context."""

    class Meta:
        """Options of the class."""

        model = ListeningContext
        fields = ["id", "name", "words", "created_at"]
        read_only_fields = fields


class ContextKeptSerializer(serializers.Serializer[ListeningContext]):
    """A name, and the words that it stands for."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    words = serializers.CharField(max_length=LONGEST_TEXT)


class ContextRenamedSerializer(serializers.Serializer[ListeningContext]):
    """Another name for a context."""

    name = serializers.CharField(max_length=LONGEST_NAME)


class ContextsView(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[ListeningContext],
):
    """Your own contexts: words that you keep under a name, to be found with again."""

    serializer_class = ContextSerializer
    lookup_value_converter = "id"
    queryset = ListeningContext.objects.none()

    def get_queryset(self) -> QuerySet[ListeningContext]:
        """The objects of this view."""
        return contexts_of(cast(User, self.request.user))

    @extend_schema(request=ContextKeptSerializer, responses={201: ContextSerializer})
    def create(self, request: Request) -> Response:
        """Keep words under a name that no other context of yours has."""
        wanted = ContextKeptSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            kept = keep_context(cast(User, request.user), **wanted.validated_data)
        except ContextRefused as error:
            raise ValidationError({"detail": [str(error)]}) from error
        return Response(ContextSerializer(kept).data, status.HTTP_201_CREATED)

    @extend_schema(request=ContextRenamedSerializer, responses=ContextSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Give a context another name."""
        context = get_object_or_404(self.get_queryset(), pk=pk)
        wanted = ContextRenamedSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            rename_context(context, wanted.validated_data["name"])
        except ContextRefused as error:
            raise ValidationError({"detail": [str(error)]}) from error
        return Response(ContextSerializer(context).data)
