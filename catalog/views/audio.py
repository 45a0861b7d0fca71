"""A song's audio, to be played and sought in."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from ..audio import UnreadableAudio
from ..http import ListenerRequest
from ..models import Song
from ..streaming import stream


@require_safe
def audio(request: ListenerRequest, pk: int) -> HttpResponseBase:
    """The audio of a song, whole or a range of it."""
    song = get_object_or_404(Song.objects.select_related("root"), pk=pk)
    try:
        return stream(request, song)
    except FileNotFoundError:
        return HttpResponse("There is no file to play.", status=404, content_type="text/plain")
    except UnreadableAudio as error:
        return HttpResponse(f"The file cannot be played: {error}.", status=404, content_type="text/plain")
