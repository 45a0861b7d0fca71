"""The API of what a listener rates, plays, refuses and nudges."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import Label, NotThis, Nudge, Play, PlayCount, Rating, Song
from ..services import listening
from . import filters, serializers


class _Own(viewsets.GenericViewSet[Any]):
    """Of what listeners do and say, only what belongs to the one who asks; the rest is not there for them."""

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(user=self.request.user.pk)

    @property
    def listener(self) -> User:
        return cast(User, self.request.user)

    def stored(self, new: bool, **which: object) -> Response:
        """The answer to something stored, new or in the place of an earlier one."""
        row = self.get_queryset().get(**which)
        return Response(self.get_serializer(row).data, status.HTTP_201_CREATED if new else status.HTTP_200_OK)


class Ratings(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, _Own):
    """Your own ratings, by the song's id."""

    queryset = Rating.objects.select_related("song").order_by("-rated_at", "pk")
    serializer_class = serializers.RatingSerializer
    filterset_class = filters.RatingFilter
    lookup_field = "song"
    lookup_value_converter = "id"

    @extend_schema(responses=dict.fromkeys((200, 201), serializers.RatingSerializer))
    def create(self, request: Request) -> Response:
        """Rate a song, in the place of an earlier rating."""
        rating = self.get_serializer(data=request.data)
        rating.is_valid(raise_exception=True)
        return self._rate(rating.validated_data["song"], rating.validated_data["stars"])

    @extend_schema(
        request=serializers.StarsSerializer, responses=dict.fromkeys((200, 201), serializers.RatingSerializer)
    )
    def update(self, request: Request, song: int) -> Response:
        """Rate this song, in the place of an earlier rating."""
        rating = serializers.StarsSerializer(data=request.data)
        rating.is_valid(raise_exception=True)
        return self._rate(get_object_or_404(Song, pk=song), rating.validated_data["stars"])

    def perform_destroy(self, instance: Rating) -> None:
        """Delete through the service, so that what depends on it is told."""
        listening.rate(self.listener, instance.song, None)

    def _rate(self, song: Song, stars: int) -> Response:
        new = not self.get_queryset().filter(song=song).exists()
        listening.rate(self.listener, song, stars)
        return self.stored(new, song=song)


class NotThese(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, _Own):
    """The songs that you do not want to be recommended, by id."""

    queryset = NotThis.objects.select_related("song").order_by("-created_at", "pk")
    serializer_class = serializers.NotThisSerializer
    filterset_class = filters.NotThisFilter
    lookup_field = "song"
    lookup_value_converter = "id"

    @extend_schema(request=None, responses=dict.fromkeys((200, 201), serializers.NotThisSerializer))
    def update(self, request: Request, song: int) -> Response:
        """Never recommend this song to me."""
        refused = get_object_or_404(Song, pk=song)
        new = not self.get_queryset().filter(song=refused).exists()
        listening.refuse(self.listener, refused)
        return self.stored(new, song=refused)

    def perform_destroy(self, instance: NotThis) -> None:
        """Delete through the service, so that what depends on it is told."""
        listening.refuse(self.listener, instance.song, refused=False)


class Nudges(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, _Own):
    """How much more or less of a label you want, by the label's id."""

    queryset = Nudge.objects.select_related("label").order_by("label__key", "pk")
    serializer_class = serializers.NudgeSerializer
    filterset_class = filters.NudgeFilter
    lookup_field = "label"
    lookup_value_converter = "id"

    @extend_schema(
        request=serializers.NudgeWeightSerializer, responses=dict.fromkeys((200, 201), serializers.NudgeSerializer)
    )
    def update(self, request: Request, label: int) -> Response:
        """Want more, or below 0 less, of this label."""
        nudge = serializers.NudgeWeightSerializer(data=request.data)
        nudge.is_valid(raise_exception=True)
        wanted = get_object_or_404(Label, pk=label)
        new = not self.get_queryset().filter(label=wanted).exists()
        listening.nudge(self.listener, wanted, nudge.validated_data["weight"])
        return self.stored(new, label=wanted)

    def perform_destroy(self, instance: Nudge) -> None:
        """Delete through the service, so that what depends on it is told."""
        listening.nudge(self.listener, instance.label, None)


class Plays(mixins.ListModelMixin, mixins.RetrieveModelMixin, _Own):
    """What you have listened to, latest first."""

    queryset = Play.objects.select_related("song").order_by("-played_at", "-pk")
    serializer_class = serializers.PlaySerializer
    filterset_class = filters.PlayFilter
    lookup_value_converter = "id"

    @extend_schema(responses={201: serializers.PlaySerializer})
    def create(self, request: Request) -> Response:
        """Say that you have listened to a song; the same song and moment again is the same play."""
        play = self.get_serializer(data=request.data)
        play.is_valid(raise_exception=True)
        stored = listening.record_play(self.listener, **play.validated_data)
        return self.stored(True, pk=stored.pk)


class PlayCounts(mixins.ListModelMixin, _Own):
    """How often you have played which song, by where the count comes from."""

    queryset = PlayCount.objects.select_related("song").order_by("-count", "pk")
    serializer_class = serializers.PlayCountSerializer
    filterset_class = filters.PlayCountFilter
