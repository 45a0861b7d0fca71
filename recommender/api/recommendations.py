"""The API of recommendations, similar songs, and methods side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.utils.text import capfirst
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.models import Label, Song

from ..evaluation import held_out
from ..services import comparison, label_queries, listeners, recommending
from ..services.comparison import Comparator
from ..services.placements import explain
from ..services.profile import Change, ProfileLabel, change_label, profile_of, songs_behind
from ..services.similar import By, similar_songs
from .serializers import (
    AlikeSerializer,
    ComparisonQuestionSerializer,
    ComparisonSerializer,
    ExplainedSerializer,
    LabelledWishSerializer,
    ProfileChangeSerializer,
    ProfileLabelSerializer,
    RecommendationSerializer,
    SimilarQuestionSerializer,
    SongBehindSerializer,
    WhyQuestionSerializer,
    WishSerializer,
)

_MOST_BEHIND = 100


class RecommendationsView(APIView):
    """Songs for you, each with its reasons, best first."""

    name = "Recommendations"

    @extend_schema(parameters=[WishSerializer], responses=RecommendationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Recommend songs to the one who asks: the raw ranking, without the songs they know."""
        wish = WishSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        _refuse_unfitted(asked, ["method"], recommending.methods())
        try:
            found = recommending.recommend(
                cast(User, request.user),
                asked.get("method"),
                query=dict.fromkeys(asked.get("label", []), 1.0),
                n=asked["n"],
                playable_only=asked["has_audio"],
            )
        except ValueError as error:
            raise ValidationError({"label": [str(error)]}) from error
        return Response(RecommendationSerializer(found, many=True).data)


class SongsForLabelsView(APIView):
    """Songs for labels with weights, as for a mood; asked by POST, so that no mood stands in an access log."""

    name = "Songs for labels"

    @extend_schema(request=LabelledWishSerializer, responses=RecommendationSerializer(many=True))
    def post(self, request: Request) -> Response:
        """Recommend songs that have these labels, beside your profile; labels that are not there are passed over."""
        wish = LabelledWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        query = {name: asked["labels"][name] for name in label_queries.find_labels(asked["labels"])}
        found = []
        if query:
            found = recommending.recommend(
                cast(User, request.user),
                query=query,
                query_share=asked["share"],
                n=asked["n"],
                playable_only=asked["has_audio"],
            )
        return Response(RecommendationSerializer(found, many=True).data)


class SimilarSongsView(APIView):
    """Songs like a song, with the labels and listeners they share."""

    name = "Similar songs"

    @extend_schema(parameters=[SimilarQuestionSerializer], responses=AlikeSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The songs that are most like this song by sound, by listeners, or by both, most alike first."""
        question = SimilarQuestionSerializer(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        song = get_object_or_404(Song, pk=pk)
        found = similar_songs(song, By(asked["by"]), asked["n"], playable_only=asked["has_audio"])
        return Response(AlikeSerializer(found.songs, many=True).data)


class TasteView(APIView):
    """Your profile, label by label."""

    name = "Taste"

    @extend_schema(responses=ProfileLabelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What was learned from your songs, and what you have nudged by hand; strongest first."""
        profile = profile_of(cast(User, request.user))
        return Response(ProfileLabelSerializer(profile.labels, many=True).data)


class TasteLabelView(APIView):
    """One label of your profile."""

    name = "Label of your taste"

    @extend_schema(operation_id="taste_songs_list", responses=SongBehindSerializer(many=True))
    def get(self, request: Request, label: int) -> Response:
        """Your songs that the label's weight comes from, at most a hundred, those that carry most of it first."""
        found = songs_behind(cast(User, request.user), get_object_or_404(Label, pk=label), _MOST_BEHIND)
        return Response(SongBehindSerializer(found, many=True).data)

    @extend_schema(request=ProfileChangeSerializer, responses=ProfileLabelSerializer)
    def post(self, request: Request, label: int) -> Response:
        """Correct it: more or less of it, forget what was learned until now, or undo what was changed by hand."""
        user, changed = cast(User, request.user), get_object_or_404(Label, pk=label)
        asked = ProfileChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        change_label(user, changed, Change(asked.validated_data["change"]))
        now = profile_of(user).label(changed.pk) or ProfileLabel.untouched(changed)
        return Response(ProfileLabelSerializer(now).data)


class CompareView(APIView):
    """Two methods side by side, for a listener."""

    name = "Compare"

    @extend_schema(parameters=[ComparisonQuestionSerializer], responses=ComparisonSerializer)
    def get(self, request: Request) -> Response:
        """What two methods recommend to a listener, on what grounds, and how they did on plays that were held back."""
        asked, comparator = _comparator(request, ComparisonQuestionSerializer)
        compared = comparator.compare(asked["left"], asked["right"])
        measured = held_out.measured(str, asked["left"], asked["right"])
        return Response(ComparisonSerializer(compared, context={"held_out": measured}).data)


class WhyMissingView(APIView):
    """Why songs are not on a list."""

    name = "Why a song is missing"

    @extend_schema(parameters=[WhyQuestionSerializer], responses=ExplainedSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Where the songs of a title stand in the rankings of both methods, and why not higher; five songs at most."""
        asked, comparator = _comparator(request, WhyQuestionSerializer)
        methods = list(dict.fromkeys((asked["left"], asked["right"])))
        explained = explain(comparator, comparison.songs_titled(asked["title"]), methods)
        return Response(ExplainedSerializer(explained, many=True).data)


def _comparator(request: Request, serializer: type[ComparisonQuestionSerializer]) -> tuple[dict[str, Any], Comparator]:
    """What is asked, and where it can be answered.

    Raises
    ------
    ValidationError
        If the question is none, or about a method that is not fitted.
    NotFound
        If there is no such listener for the one who asks, or no snapshot.
    """
    question = serializer(data=request.query_params)
    question.is_valid(raise_exception=True)
    asked = question.validated_data
    try:
        listener = listeners.find_listener(cast(User, request.user), asked["listener"])
    except listeners.NoSuchListenerError as error:
        raise NotFound(f"{capfirst(str(error))}.") from error
    comparator = comparison.comparator(listener, n=asked["n"], playable_only=asked["has_audio"])
    if comparator is None:
        raise NotFound("There is nothing to compare before the first snapshot.")
    _refuse_unfitted(asked, ["left", "right"], list(comparator.bundle.methods))
    return asked, comparator


def _refuse_unfitted(asked: Mapping[str, Any], fields: Sequence[str], fitted: Collection[str]) -> None:
    """Refuse a method that this library is too small for, or that came after its snapshot.

    Raises
    ------
    ValidationError
        If one of the fields names a method that is not fitted, while others are.
    """
    for field in fields:
        if fitted and asked.get(field) and asked[field] not in fitted:
            raise ValidationError({field: [f"{asked[field]} is not fitted here; there are {', '.join(fitted)}."]})
