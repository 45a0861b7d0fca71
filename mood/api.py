"""The API of moods: a picture or a word in, a query of labels out, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from catalog.api.errors import TooLarge

from . import services
from .labels import Way
from .models import MoodPreference, MoodReading
from .picture import MAX_BYTES
from .serializers import (
    AnsweredSerializer,
    FeelingSerializer,
    MoodPreferenceSerializer,
    MoodReadingSerializer,
    PictureSerializer,
    ReadPictureSerializer,
)
from .throttling import PictureThrottle
from .uploads import PictureInMemory, too_long


class Busy(APIException):
    """503: all places of the queue of pictures are taken."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    wait = 5
    """Seconds, as `Retry-After` says."""


class Picture(APIView):
    """Where a picture is read; nothing of it is kept."""

    name = "Mood of a picture"
    parser_classes = [MultiPartParser]

    def get_throttles(self) -> list[Any]:
        """Limit pictures, besides requests."""
        return [*super().get_throttles(), PictureThrottle()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a request that is too long before its body is parsed."""
        # Before anything, the look for a CSRF token included, reads the picture.
        if too_long(request):
            raise TooLarge(f"The picture is too large: at most {MAX_BYTES // 1_000_000} MB are read.")
        request._request.upload_handlers = [PictureInMemory(request._request)]
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request={"multipart/form-data": PictureSerializer},
        responses={200: ReadPictureSerializer, 503: None},
    )
    def post(self, request: Request) -> Response:
        """Find the faces in a picture, read the largest, and get the labels of music for its mood."""
        sent = PictureSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            reading = services.read_picture(sent.validated_data["picture"])
        except services.PictureError as error:
            raise _refusal(error) from error
        user = cast(User, request.user)
        way = sent.validated_data.get("way") or services.way_of(user)
        emotions = reading.faces[0].emotions if reading.faces else None
        if emotions:
            services.keep_reading(user, emotions, way)
        answer = _answer(request, emotions, way)
        answer |= {"faces": reading.faces, "width": reading.width, "height": reading.height}
        return Response(ReadPictureSerializer(answer).data)


class MoodQuery(APIView):
    """The query for a mood that needs no picture."""

    name = "Mood"

    @extend_schema(request=FeelingSerializer, responses=AnsweredSerializer)
    def post(self, request: Request) -> Response:
        """Get the labels of music for a mood that you pick, or for a distribution over feelings."""
        sent = FeelingSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked, user = sent.validated_data, cast(User, request.user)
        picked = services.mood(asked.get("mood", ""))
        distribution = picked.distribution if picked else asked["emotions"]
        way = asked.get("way") or services.way_of(user)
        services.keep_reading(user, distribution, way, hand_picked=picked is not None)
        return Response(AnsweredSerializer(_answer(request, distribution, way)).data)


class Preference(generics.RetrieveUpdateAPIView[MoodPreference]):
    """What you chose the last time, and whether readings are kept."""

    name = "Mood preference"
    serializer_class = MoodPreferenceSerializer

    def get_object(self) -> MoodPreference:
        """The preference of the user who asks."""
        return services.preference(cast(User, self.request.user))


class Readings(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Any]
):
    """The moods that you wanted kept, latest first."""

    queryset = MoodReading.objects.order_by("-at", "-pk")
    serializer_class = MoodReadingSerializer
    filter_backends = []
    lookup_value_converter = "id"

    def get_queryset(self) -> QuerySet[Any]:
        """Only the readings of the user who asks."""
        return super().get_queryset().filter(user=self.request.user.pk)

    @extend_schema(request=None, responses={204: None})
    @action(detail=False, methods=["post"], pagination_class=None)
    def forget(self, request: Request) -> Response:
        """Delete all of them."""
        services.forget_readings(cast(User, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(request: Request, distribution: Mapping[str, float] | None, way: Way) -> dict[str, Any]:
    query = services.query_for(cast(User, request.user), distribution, way) if distribution else None
    return {"query": query, "songs": reverse("api-songs-for-labels", request=request)}


def _refusal(error: services.PictureError) -> APIException:
    if error.status == status.HTTP_413_REQUEST_ENTITY_TOO_LARGE:
        return TooLarge(str(error))
    return Busy(str(error)) if error.status == Busy.status_code else ValidationError({"picture": [str(error)]})
