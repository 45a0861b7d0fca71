"""A song's audio, to be played and sought in, or to be kept."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest

from ..audio_frames import UnreadableAudio
from ..models import Song
from ..streaming import download_name, original, stream


@require_safe
def audio(request: ListenerRequest, pk: int) -> HttpResponseBase:
    """The audio of a song, whole or a range of it."""
    song = _asked(pk)
    return _sent(lambda: stream(request, song))


@require_safe
def download(request: ListenerRequest, pk: int) -> HttpResponseBase:
    """A song's file as it is, to be kept under its own name."""
    song = _asked(pk)
    name = download_name(song)
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = _sent(lambda: original(request, song, content_type))
    if response.status_code < 400:
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def _asked(pk: int) -> Song:
    return get_object_or_404(Song.objects.select_related("root"), pk=pk)


def _sent(answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return answer()
    except FileNotFoundError:
        return HttpResponse("There is no file to play.", status=404, content_type="text/plain")
    except UnreadableAudio as error:
        return HttpResponse(f"The file cannot be played: {error}.", status=404, content_type="text/plain")
