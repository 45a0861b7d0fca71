"""The queue of the web's player, kept with that of other players; and how loud its songs are."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import ListenerRequest

from ..http import bad_request, parse_id
from ..models import NowPlaying, Song
from ..services import playback
from ..services.playback import PlaybackRefused
from ..services.sound_details import loudness_of

WEB_PLAYER = "DCMRS in a browser"
"""What other players are told that a queue was changed by, and that something is played on."""

_MOST_LOUD = 10


@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: ListenerRequest) -> HttpResponse:
    """Answer with the listener's queue, whichever player kept it; keep another one, and what plays now."""
    if request.method == "POST":
        return _keep(request)
    kept = playback.queue_of(request.user)
    songs = Song.objects.in_bulk(kept.song_ids) if kept else {}
    context = {"queue": kept, "songs": [songs[pk] for pk in kept.song_ids if pk in songs] if kept else []}
    response = render(request, "catalog/queue.html", {**context, "here": WEB_PLAYER})
    response["Cache-Control"] = "no-store"
    return response


def _keep(request: ListenerRequest) -> HttpResponse:
    """Keep `songs` (`5,17,3`), `current` (which of them, from 0) and `position` in it; `state` is what it does.

    Without `songs` the queue stays what it is, and only `song`, where the player is, is told.
    """
    said = request.POST
    try:
        songs = [parse_id(one) for one in said.get("songs", "").split(",") if one]
        current, position_ms = parse_id(said.get("current", "0")), parse_id(said.get("position", "0"))
        playing = songs[current] if songs else parse_id(said.get("song", ""))
    except (ValueError, IndexError):
        return bad_request("songs are numbers with commas between them; current is which of them, and position where.")
    state = said.get("state", "")
    if state not in NowPlaying.State.values:
        return bad_request(f"state is one of {', '.join(NowPlaying.State.values)}.")
    try:
        if songs:
            playback.save_queue(request.user, songs, current, position_ms, WEB_PLAYER)
    except PlaybackRefused as refusal:
        return bad_request(str(refusal))
    if (song := Song.objects.playable().filter(pk=playing).first()) is not None:
        # The page tells of plays and skips itself.
        playback.report_playback(request.user, song, WEB_PLAYER, state=state, position_ms=position_ms, counts=False)
    return HttpResponse(status=204)


@require_safe
def loudness(request: ListenerRequest) -> HttpResponse:
    """Answer with the ReplayGain of `songs` (`5,17,3`), and which of them are on one album, as JSON."""
    try:
        songs = [parse_id(one) for one in request.GET.get("songs", "").split(",")[:_MOST_LOUD] if one]
    except ValueError:
        return bad_request("songs are numbers with commas between them.")
    response = JsonResponse({str(pk): one for pk, one in loudness_of(songs).items()})
    response["Cache-Control"] = "private, max-age=300"
    return response
