"""The API of songs and of labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import ListenerRequest

from ..audio_frames import UnreadableAudio
from ..models import Label, LabelAlias, Song, SongIdentifier, SongLabel
from ..search import labels_named, standing_annotations
from ..services import labels
from ..streaming import stream
from ..views.songs import cover
from . import filters, serializers


class AnyMedia(DefaultContentNegotiation):
    """For answers that are neither JSON nor HTML: a client that accepts audio or pictures only gets no 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer, whatever is accepted."""
        first = next(iter(renderers))
        return first, first.media_type


class Songs(viewsets.ReadOnlyModelViewSet[Song]):
    """The library's songs, each with its labels and who says so."""

    serializer_class = serializers.SongSerializer
    lookup_value_converter = "id"
    filterset_class = filters.SongFilter
    queryset = Song.objects.order_by("title_key", "pk").prefetch_related(
        Prefetch("identifiers", SongIdentifier.objects.order_by("pk")),
        Prefetch(
            "song_labels", SongLabel.objects.counting().select_related("label").order_by("-weight", "label__key", "pk")
        ),
    )

    def get_permissions(self) -> Sequence[Any]:
        """Let staff alone curate."""
        return [IsAdminUser()] if self.action == "curate" else super().get_permissions()

    @extend_schema(responses=serializers.SongLabelSerializer(many=True))
    @action(detail=True, url_path="labels", pagination_class=None, filterset_class=None)
    def labels(self, request: Request, pk: int) -> Response:
        """What every source says of this song's labels."""
        return self._labels(self.get_object())

    @extend_schema(request=serializers.VerdictSerializer, responses=serializers.SongLabelSerializer(many=True))
    @labels.mapping.post
    def curate(self, request: Request, pk: int) -> Response:
        """For admins: say yes or no to a label of this song, or take the word back."""
        song = self.get_object()
        verdict = serializers.VerdictSerializer(data=request.data)
        verdict.is_valid(raise_exception=True)
        name, yes_or_no = verdict.validated_data["name"], verdict.validated_data["verdict"]
        label = labels_named(name).first()
        if label is not None:
            labels.curate(song, label, yes_or_no, cast(User, request.user))
        elif yes_or_no:
            labels.curate_named(song, name, verdict.validated_data["kind"], cast(User, request.user))
        else:
            raise ValidationError({"name": [f"There is no label {name!r}."]})
        return self._labels(self.get_object())

    @extend_schema(
        parameters=[OpenApiParameter("Range", location=OpenApiParameter.HEADER, description="The bytes wanted.")],
        responses={
            (200, "audio/*"): OpenApiTypes.BINARY,
            (206, "audio/*"): OpenApiTypes.BINARY,
            (304, "audio/*"): None,
            (416, "text/plain"): OpenApiTypes.STR,
        },
    )
    @action(detail=True, pagination_class=None, filterset_class=None, content_negotiation_class=AnyMedia)
    def audio(self, request: Request, pk: int) -> HttpResponseBase:
        """The audio of this song, whole or a range of it; what browsers do not play, as WAV."""
        song = get_object_or_404(Song.objects.select_related("root"), pk=pk)
        try:
            return stream(request._request, song)
        except FileNotFoundError:
            raise NotFound("There is no file to play.") from None
        except UnreadableAudio as error:
            raise NotFound(f"The file cannot be played: {error}.") from error

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY, (304, "image/*"): None})
    @action(detail=True, pagination_class=None, filterset_class=None, content_negotiation_class=AnyMedia)
    def cover(self, request: Request, pk: int) -> HttpResponseBase:
        """The picture of this song."""
        return cover(cast(ListenerRequest, request._request), pk)

    def _labels(self, song: Song) -> Response:
        annotations = song.song_labels.all()
        return Response(
            serializers.SongLabelSerializer(annotations, many=True, context=self.get_serializer_context()).data
        )


class Labels(viewsets.ReadOnlyModelViewSet[Label]):
    """The labels, with their other spellings and how many songs have them."""

    serializer_class = serializers.LabelSerializer
    lookup_value_converter = "id"
    filterset_class = filters.LabelFilter

    def get_queryset(self) -> QuerySet[Label]:
        """Return the labels with how many songs have each."""
        annotations = standing_annotations().filter(label=OuterRef("pk")).order_by().values("label")
        songs = annotations.annotate(songs=Count("song", distinct=True)).values("songs")
        return (
            Label.objects.annotate(song_count=Coalesce(Subquery(songs), 0))
            .order_by("key")
            .prefetch_related(Prefetch("aliases", LabelAlias.objects.order_by("key")))
        )
