"""The API of songs, labels, and of what a listener rates, plays, refuses and nudges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from . import filters, serializers
from .accounts import exported
from .api_errors import TooLarge
from .audio import UnreadableAudio
from .http import ListenerRequest
from .models import Label, LabelAlias, NotThis, Nudge, Play, PlayCount, Rating, Song, SongIdentifier, SongLabel
from .search import labels_named, standing_words
from .services import labels, listening
from .services.quotas import Quota, may_upload, quota_of
from .services.uploads import UploadRefused, refuse_if_full, save_upload, size_limit
from .streaming import stream
from .views.songs import cover

# What surrounds a file in a form.
_OTHER_PARTS_BYTES = 100_000


class AnyMedia(DefaultContentNegotiation):
    """For answers that are neither JSON nor HTML: whoever asks for audio or pictures gets no 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type


class Songs(viewsets.ReadOnlyModelViewSet[Song]):
    """The library's songs, each with its labels and who says so."""

    serializer_class = serializers.SongSerializer
    lookup_value_converter = "id"
    filterset_class = filters.SongFilter
    queryset = Song.objects.order_by("title_key", "pk").prefetch_related(
        Prefetch("identifiers", SongIdentifier.objects.order_by("pk")),
        Prefetch("song_labels", SongLabel.objects.select_related("label").order_by("-weight", "label__key", "pk")),
    )

    def get_permissions(self) -> Sequence[Any]:
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
        """This song's audio, whole or a range of it; what browsers do not play, as WAV."""
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
        """This song's picture."""
        return cover(cast(ListenerRequest, request._request), pk)

    def _labels(self, song: Song) -> Response:
        words = song.song_labels.all()
        return Response(serializers.SongLabelSerializer(words, many=True, context=self.get_serializer_context()).data)


class MayUpload(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return may_upload(cast(User, request.user))


class Upload(APIView):
    """Where songs are brought in, one at a time, by those who may."""

    name = "Upload"
    permission_classes = [IsAuthenticated, MayUpload]
    parser_classes = [MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything, the look for a CSRF token included, reads the file.
        length = int(request.META.get("CONTENT_LENGTH") or 0) - _OTHER_PARTS_BYTES
        if length > size_limit():
            raise TooLarge(f"At most {settings.UPLOAD_MAX_MEGABYTES} MB are taken at once.")
        if request.method == "POST" and (user := _sender(request)) is not None and may_upload(user):
            quota = quota_of(user)
            _refuse_if_full(quota)
            if quota.left_bytes is not None and length > quota.left_bytes:
                raise TooLarge(f"The file is {quota.why_too_large}.")
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=serializers.QuotaSerializer)
    def get(self, request: Request) -> Response:
        """How much you may upload, and how much you have."""
        return Response(serializers.QuotaSerializer(quota_of(cast(User, request.user))).data)

    @extend_schema(
        request={"multipart/form-data": serializers.UploadSerializer},
        responses={201: serializers.SongSerializer, 200: serializers.SongSerializer},
    )
    def post(self, request: Request) -> Response:
        """Bring in a song; one that is here already is answered with 200."""
        sent = serializers.UploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            upload = save_upload(sent.validated_data["file"], cast(User, request.user))
        except UploadRefused as error:
            if error.full:
                raise PermissionDenied(str(error)) from error
            raise (TooLarge(str(error)) if error.too_large else ValidationError({"file": [str(error)]})) from error
        song = serializers.SongSerializer(upload.song, context={"request": request})
        return Response(song.data, status.HTTP_201_CREATED if upload.new else status.HTTP_200_OK)


def _sender(request: Request) -> User | None:
    """Who sends a request, as far as that is known without its body; None where it is not, or is nobody."""
    # Looking at the session's CSRF token, as REST framework does, may read the body.
    by_token = TokenAuthentication().authenticate(request)
    user = request._request.user if by_token is None else by_token[0]
    return user if isinstance(user, User) else None


def _refuse_if_full(quota: Quota) -> None:
    try:
        refuse_if_full(quota)
    except UploadRefused as error:
        raise PermissionDenied(str(error)) from error


class Labels(viewsets.ReadOnlyModelViewSet[Label]):
    """The labels, with their other spellings and how many songs have them."""

    serializer_class = serializers.LabelSerializer
    lookup_value_converter = "id"
    filterset_class = filters.LabelFilter

    def get_queryset(self) -> QuerySet[Label]:
        words = standing_words().filter(label=OuterRef("pk")).order_by().values("label")
        songs = words.annotate(songs=Count("song", distinct=True)).values("songs")
        return (
            Label.objects.annotate(song_count=Coalesce(Subquery(songs), 0))
            .order_by("key")
            .prefetch_related(Prefetch("aliases", LabelAlias.objects.order_by("key")))
        )


class Export(APIView):
    """Everything that is kept of you."""

    name = "Export"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Account, ratings, plays, nudges, refusals and whatever else is kept of you, as one JSON document."""
        return exported(cast(User, request.user))


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
