"""The API of playlists: a listener's own, each with its songs in order."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, cast

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from ..http import LARGEST_ID
from ..importing.m3u import LARGEST_FILE_BYTES
from ..models import Playlist, Song
from ..services.playlist_files import import_playlist
from ..services.playlists import (
    MOST_SONGS,
    PlaylistRefused,
    make_playlist,
    playlists_of,
    rename_playlist,
    replace_songs,
    songs_of,
)
from .errors import TooLarge


class PlaylistEntrySerializer(serializers.ModelSerializer[Song]):
    """A song of a playlist."""

    song = serializers.IntegerField(source="pk", read_only=True)
    has_audio = serializers.BooleanField(source="playable", read_only=True)

    class Meta:
        model = Song
        fields = ["song", "title", "artist", "has_audio"]
        read_only_fields = fields


class PlaylistSerializer(serializers.ModelSerializer[Playlist]):
    """A playlist without its songs."""

    length = serializers.IntegerField(read_only=True, help_text="How many songs it has.")

    class Meta:
        model = Playlist
        fields = ["id", "name", "length", "created_at", "changed_at"]
        read_only_fields = fields


class WholePlaylistSerializer(PlaylistSerializer):
    """A playlist with its songs in order."""

    songs = serializers.SerializerMethodField(help_text="In order.")

    class Meta(PlaylistSerializer.Meta):
        fields = [*PlaylistSerializer.Meta.fields, "songs"]
        read_only_fields = fields

    @extend_schema_field(PlaylistEntrySerializer(many=True))
    def get_songs(self, playlist: Playlist) -> list[dict[str, Any]]:
        """Return the songs in order."""
        return cast(list[dict[str, Any]], PlaylistEntrySerializer(songs_of(playlist), many=True).data)


class PlaylistChangeSerializer(serializers.Serializer[Playlist]):
    """A playlist's name, and its songs by id; a song that is named twice stands where it is named first."""

    name = serializers.CharField(max_length=100)
    songs = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        max_length=MOST_SONGS,
        required=False,
        help_text="All of them, in order, in the place of those that are in it.",
    )


class PlaylistFileSerializer(serializers.Serializer[Playlist]):
    """A playlist that another player has written."""

    file = serializers.FileField(help_text="M3U or M3U8, with relative or absolute paths.")
    name = serializers.CharField(
        max_length=100,
        required=False,
        help_text="What it is called here; otherwise as it says, or as the file is called.",
    )


class ImportedPlaylistSerializer(WholePlaylistSerializer):
    """A playlist that came in, and what of it is not in the library."""

    not_found = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="The paths, as the file has them."
    )

    class Meta(WholePlaylistSerializer.Meta):
        fields = [*WholePlaylistSerializer.Meta.fields, "not_found"]
        read_only_fields = fields


class Playlists(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Playlist]
):
    """Your own playlists, changed last first; with its id, one and the songs in it."""

    serializer_class = PlaylistSerializer
    lookup_value_converter = "id"
    queryset = Playlist.objects.none()

    def get_queryset(self) -> QuerySet[Playlist]:
        """Return the listener's own playlists."""
        return playlists_of(cast(User, self.request.user))

    def get_serializer_class(self) -> type[PlaylistSerializer]:
        """Return the serializer with songs for one playlist, else the one without."""
        return WholePlaylistSerializer if self.action == "retrieve" else PlaylistSerializer

    @extend_schema(request=PlaylistChangeSerializer, responses={201: WholePlaylistSerializer})
    def create(self, request: Request) -> Response:
        """Make a playlist; where the name is taken, it gets a number behind it."""
        wanted = self._wanted(request, partial=False)
        try:
            with transaction.atomic():
                playlist = make_playlist(cast(User, request.user), wanted["name"])
                replace_songs(playlist, wanted.get("songs", []))
        except PlaylistRefused as error:
            raise _refusal(error) from error
        return self._whole(playlist.pk, status.HTTP_201_CREATED)

    @extend_schema(request=PlaylistChangeSerializer, responses=WholePlaylistSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change a playlist's name, its songs and their order, or both."""
        playlist = get_object_or_404(self.get_queryset(), pk=pk)
        wanted = self._wanted(request, partial=True)
        try:
            with transaction.atomic():
                if "name" in wanted:
                    rename_playlist(playlist, wanted["name"])
                if "songs" in wanted:
                    replace_songs(playlist, wanted["songs"])
        except PlaylistRefused as error:
            raise _refusal(error) from error
        return self._whole(playlist.pk, status.HTTP_200_OK)

    @extend_schema(request={"multipart/form-data": PlaylistFileSerializer}, responses={201: ImportedPlaylistSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import", parser_classes=[MultiPartParser])
    def import_file(self, request: Request) -> Response:
        """Make a playlist of a file of another player's; the songs in it that are not here are named."""
        sent = PlaylistFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        file = sent.validated_data["file"]
        if file.size > LARGEST_FILE_BYTES:
            raise TooLarge(f"A playlist has at most {LARGEST_FILE_BYTES // 1_000_000} MB.")
        try:
            made = import_playlist(
                cast(User, request.user), file.read(), PurePath(file.name).stem, sent.validated_data.get("name", "")
            )
        except PlaylistRefused as error:
            raise _refusal(error) from error
        whole = self.get_queryset().get(pk=made.playlist.pk)
        return Response({**WholePlaylistSerializer(whole).data, "not_found": made.missing}, status.HTTP_201_CREATED)

    def _wanted(self, request: Request, *, partial: bool) -> dict[str, Any]:
        change = PlaylistChangeSerializer(data=request.data, partial=partial)
        change.is_valid(raise_exception=True)
        return cast(dict[str, Any], change.validated_data)

    def _whole(self, pk: int, code: int) -> Response:
        return Response(WholePlaylistSerializer(self.get_queryset().get(pk=pk)).data, code)


def _refusal(error: PlaylistRefused) -> ValidationError:
    return ValidationError({"detail": [str(error)]})
