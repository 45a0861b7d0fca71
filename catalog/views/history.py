"""What a listener has played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.http import ListenerRequest

from ..models import NowPlaying, Play
from ..services import playback
from ..services.listening import most_played
from ..services.rows import SongRow, song_rows

_PLAYS_A_PAGE = 50
_MOST_PLAYED = 50


@dataclass(frozen=True, slots=True)
class _Played:
    """One event of listening, as a row."""

    play: Play
    row: SongRow


@dataclass(frozen=True, slots=True)
class _Now:
    """What one player plays, as a row."""

    playing: NowPlaying
    row: SongRow


@dataclass(frozen=True, slots=True)
class _Day:
    """What was played on one day, latest first."""

    day: date
    played: list[_Played]


@require_GET
def history(request: ListenerRequest) -> HttpResponse:
    """One page of the listener's plays, latest first, by day; by `most`, the songs that were played most."""
    if request.GET.get("by") == "most":
        songs = most_played(request.user, _MOST_PLAYED)
        return render(request, "catalog/history_most.html", {"rows": song_rows(songs, request.user)})
    plays = Play.objects.filter(user=request.user).select_related("song").order_by("-played_at", "-pk")
    page = Paginator(plays, _PLAYS_A_PAGE).get_page(request.GET.get("page"))
    now = _now(request) if page.number == 1 else []
    context = {"page": page, "now": now, "days": _days(list(page.object_list), request)}
    return render(request, "catalog/history.html", context)


def _now(request: ListenerRequest) -> list[_Now]:
    """What the listener's players play at the moment."""
    playing = playback.playing_now(request.user)
    rows = song_rows([one.song for one in playing], request.user) if playing else []
    return [_Now(one, row) for one, row in zip(playing, rows, strict=True)]


def _days(plays: list[Play], request: ListenerRequest) -> list[_Day]:
    rows = {row.song.pk: row for row in song_rows({play.song_id: play.song for play in plays}.values(), request.user)}
    days: list[_Day] = []
    for play in plays:
        day = timezone.localdate(play.played_at)
        if not days or days[-1].day != day:
            days.append(_Day(day, []))
        days[-1].played.append(_Played(play, rows[play.song_id]))
    return days
