"""For label curation: songs similar to one whose label was just corrected."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest
from catalog.models import CurationAction
from catalog.services.curation.decisions import correction_of
from catalog.services.curation.question import telling_place

from ..services.similar import By, SimilarSongs, similarity_of

_SHOWN = 12
_LOOKED_AT = 100
_LEAST_ALIKE = 0.2
_TICKED_ABOVE = 0.8
_SURELY_ALIKE = 6


@require_safe
def alike(request: ListenerRequest, pk: int) -> HttpResponse:
    """Similar songs that the same correction may apply to; the most similar are preselected."""
    if not (request.user.is_staff and request.user.has_perm("catalog.change_songlabel")):
        raise PermissionDenied
    correction = correction_of(get_object_or_404(CurationAction, pk=pk))
    if correction is None:
        raise Http404
    similarity = similarity_of(correction.song, playable_only=True)
    found = similarity.by(By.SOUND, _LOOKED_AT) if similarity else SimilarSongs.none(By.SOUND)
    open_to = correction.open_to([one.song.pk for one in found.songs])
    shown = [one for one in found.songs if one.song.pk in open_to and one.score >= _LEAST_ALIKE][:_SHOWN]
    context = {
        "correction": correction,
        "songs": [
            (
                one.song,
                f"{round(100 * one.score)} of 100 alike",
                telling_place(one.song.duration_s),
                one.score >= _TICKED_ABOVE and place < _SURELY_ALIKE,
            )
            for place, one in enumerate(shown)
        ],
    }
    return render(request, "recommender/alike.html" if request.htmx else "recommender/alike_page.html", context)
