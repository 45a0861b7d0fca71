"""Merging songs by hand: the page that asks which one stays, and the list from which they are unmerged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest

from ..components import clock
from ..models import MergedSong, Song
from ..services.song_merging import unmerge_song
from .read_only import ReadOnlyAdmin


@dataclass(frozen=True, slots=True)
class SongMergePreview:
    """What there is of a song that may stay or become part of another."""

    song: Song
    file: str
    plays: int
    listeners: int
    ratings: int
    labels: int
    identifiers: list[str]
    can_stay: bool
    chosen: bool


def preview_merge(songs: Sequence[Song]) -> list[SongMergePreview]:
    """What there is of each song; the one with a file is the only one that can stay, else the most played is chosen."""
    own = [song for song in songs if song.path]
    plays = {song.pk: song.play_counts.aggregate(Sum("count"), Count("user", distinct=True)) for song in songs}
    first = own[0] if own else max(songs, key=lambda song: plays[song.pk]["count__sum"] or 0)
    return [
        SongMergePreview(
            song=song,
            file=f"A file of {clock(song.duration_s)}: {song.path}" if song.path else "No file.",
            plays=plays[song.pk]["count__sum"] or 0,
            listeners=plays[song.pk]["user__count"],
            ratings=song.ratings.count(),
            labels=song.song_labels.values("label").distinct().count(),
            identifiers=list(song.identifiers.order_by("pk").values_list("value", flat=True)),
            can_stay=not own or song in own,
            chosen=song == first,
        )
        for song in songs
    ]


@admin.register(MergedSong)
class MergedSongAdmin(ReadOnlyAdmin):
    """Merged songs, which can be unmerged."""

    list_display = ("title", "artist", "album", "song", "merged_at", "merged_by")
    list_select_related = ("song", "merged_by")
    search_fields = ("title", "artist", "song__title", "song__artist")
    date_hierarchy = "merged_at"
    fields = ("title", "artist", "album", "duration_s", "song", "merged_at", "merged_by")
    actions = ("part",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergedSong]:
        """Leave out the contents, which may be large."""
        return super().get_queryset(request).defer("contents")

    def has_delete_permission(self, request: HttpRequest, obj: MergedSong | None = None) -> bool:
        """Refuse: deleting would lose what unmerging restores."""
        # Only unmerging gives back what went over.
        return False

    def has_part_permission(self, request: HttpRequest) -> bool:
        """Who may merge songs may unmerge them."""
        return request.user.has_perm("catalog.change_song")

    @admin.action(description="Part selected songs from what they were joined to", permissions=["part"])
    def part(self, request: HttpRequest, queryset: QuerySet[MergedSong]) -> None:
        """Make songs their own again, the one that was merged last first."""
        for pk in queryset.order_by("-pk").values_list("pk", flat=True):
            merged = MergedSong.objects.select_related("song").get(pk=pk)
            into, song = merged.song, unmerge_song(merged)
            self.log_change(request, song, f"Parted from {into}")
            self.message_user(request, f"{song}: a song of its own again, not part of {into}.", messages.SUCCESS)
