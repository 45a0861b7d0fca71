"""A song's waveform and spectrogram: as pictures, as numbers, and as the part of its page that shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest

from ..components import clock
from ..http import plain_text
from ..models import Song
from ..services import sound_pictures
from ..services.sound_pictures import Look
from ..sound_shape import HIGHEST_HZ, SoundShape, mel_of, outline_width, waveform_svg
from ..tasks import about_to_draw, draw_soon

MOST_ASKED = 120
"""Songs that one listener can have drawn in ten minutes."""

_A_YEAR_S = 365 * 24 * 3600
_AGAIN_S = 2
_COUNTED_FOR_S = 600
_LOOKS = 20

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 6
_HERTZ = (100, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, in per cent from its beginning, and what it says."""

    at: str
    text: str


@require_safe
def waveform(request: ListenerRequest, pk: int) -> HttpResponse:
    """A song's waveform as an SVG picture, which also serves as a mask."""
    song = _song(pk)
    return _answer(request, song, "image/svg+xml", lambda shape: waveform_svg(shape).encode())


@require_safe
def waveform_numbers(request: ListenerRequest, pk: int) -> HttpResponse:
    """A song's waveform as JSON: `duration_s`, and `peaks` and `loudness` from 0 to 255, evenly spread over it."""
    song = _song(pk)
    return _answer(request, song, "application/json", lambda shape: shape.as_json().encode())


@require_safe
def spectrogram(request: ListenerRequest, pk: int) -> HttpResponse:
    """A song's mel spectrogram as a grey PNG picture: white is loud, low notes are at the bottom."""
    song = _song(pk)
    return _answer(request, song, "image/png", lambda _: sound_pictures.spectrogram(song))


@require_safe
def sound(request: ListenerRequest, pk: int) -> HttpResponse:
    """The part of a song's page that shows its sound; while it is not drawn yet, it asks again."""
    song = _song(pk)
    looks = request.GET.get("look", "1")
    number = int(looks) if looks.isascii() and looks.isdigit() and len(looks) < 4 else 1
    return render(request, "catalog/sound.html", sound_context(request, song, number))


def sound_context(request: ListenerRequest, song: Song, look_number: int = 0) -> dict[str, object]:
    """What `catalog/sound.html` needs; a song that is not drawn yet is asked to be."""
    look = _look(request, song) if song.playable else None
    context: dict[str, object] = {"song": song, "look": look}
    if look is None:
        context |= {"next_look": look_number + 1, "given_up": look_number >= _LOOKS}
    elif shape := look.shape:
        context |= {
            "version": sound_pictures.version_of(song),
            "width": outline_width(shape),
            "peaks": shape.outline(shape.peaks),
            "loudness": shape.outline(shape.loudness),
            "seconds": shape.duration_s,
            "times": _times(shape.duration_s),
            "hertz": _hertz(),
        }
    return context


def _song(pk: int) -> Song:
    return get_object_or_404(Song.objects.select_related("root"), pk=pk)


def _look(request: ListenerRequest, song: Song) -> Look | None:
    look = sound_pictures.find(song)
    if look is None and not about_to_draw(song) and _may_ask(request):
        draw_soon(song)
        # Where it is drawn at once, it is there now.
        look = sound_pictures.find(song)
    return look


def _may_ask(request: ListenerRequest) -> bool:
    """Whether this listener has not had more songs drawn lately than anybody looks at."""
    key = f"drawings-asked:{request.user.pk}"
    cache.add(key, 0, _COUNTED_FOR_S)
    try:
        return cache.incr(key) <= MOST_ASKED
    except ValueError:
        return True


def _answer(
    request: ListenerRequest, song: Song, content_type: str, content: Callable[[SoundShape], bytes]
) -> HttpResponse:
    if not song.playable:
        return plain_text("There is no file to look at.", 404)
    version = sound_pictures.version_of(song)
    etag = f'"{version}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is None:
        look = _look(request, song)
        if look is None:
            waits = plain_text("It is being drawn.", 202)
            waits["Retry-After"] = str(_AGAIN_S)
            waits["Cache-Control"] = "no-store"
            return waits
        if look.shape is None:
            return plain_text(f"The file cannot be drawn: {look.trouble}.", 404)
        response = HttpResponse(content(look.shape), content_type=content_type)
    else:
        response = HttpResponse(status=304)
    response["ETag"] = etag
    # Under an address that names the version it never changes; under the plain one the song's file may.
    named = request.GET.get("v") == version
    response["Cache-Control"] = f"private, max-age={_A_YEAR_S}, immutable" if named else "private, no-cache"
    return response


def _times(duration_s: float) -> list[Tick]:
    """Round moments of a song, and where they are."""
    step = next((step for step in _STEPS_S if duration_s / step <= _MOST_TICKS), _STEPS_S[-1])
    # One so near the end would be written over it.
    moments = [step * n for n in range(int(0.96 * duration_s / step) + 1)] if duration_s > 0 else []
    return [
        Tick(_percent(moment / duration_s), f"{moment} s" if duration_s < 60 else clock(moment)) for moment in moments
    ]


def _hertz() -> list[Tick]:
    """Round frequencies, and how far below the top of the picture they are."""
    return [
        Tick(
            _percent(1 - mel_of(hertz) / mel_of(HIGHEST_HZ)), f"{hertz // 1000} kHz" if hertz >= 1000 else f"{hertz} Hz"
        )
        for hertz in _HERTZ
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
