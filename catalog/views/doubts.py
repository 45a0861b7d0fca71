"""A listener says that a label of a song is wrong."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from accounts.http import ListenerRequest

from ..http import bad_request, plain_text
from ..models import Label, Song
from ..services.doubts import MOST_AN_HOUR, TooManyDoubtsError, doubt, doubted_labels
from ..services.song_labels import LabelGroup, labels_by_kind

MAY_ADD_LABELS = "catalog.change_song"
_DOUBTED = {"1": True, "0": False}


@require_POST
def doubt_label(request: ListenerRequest, pk: int, label_pk: int) -> HttpResponse:
    """Note that a label does not belong to a song; `doubted` 0 takes it back."""
    doubted = _DOUBTED.get(request.POST.get("doubted", "1"))
    if doubted is None:
        return bad_request("doubted is 1 or 0.")
    song, label = get_object_or_404(Song, pk=pk), get_object_or_404(Label, pk=label_pk)
    try:
        doubt(request.user, song, label, doubted)
    except ValueError:
        return bad_request(f"{song.title} does not have the label {label.name}.")
    except TooManyDoubtsError:
        return plain_text(f"That is {MOST_AN_HOUR} labels within an hour: go on a little later.", 429)
    said = f"{label.name}: a curator will look at it" if doubted else f"{label.name}: taken back"
    if not request.htmx:
        messages.info(request, said)
        return redirect(song)
    context = {"said": said, "open": True, **doubts_context(request, song, shown_labels(request, song))}
    announced = render_to_string("components/announcement.html", context, request)
    return HttpResponse(announced + render_to_string("catalog/doubts.html", context, request))


def shown_labels(request: ListenerRequest, song: Song) -> list[LabelGroup]:
    """The labels of a song that a user sees: staff also those that a curator has refused."""
    groups = labels_by_kind(song)
    if not request.user.is_staff:
        for group in groups:
            group.labels[:] = [label for label in group.labels if not label.refused]
    return [group for group in groups if group.labels]


def doubts_context(request: ListenerRequest, song: Song, groups: list[LabelGroup]) -> dict[str, Any]:
    """What `catalog/doubts.html` needs."""
    doubted = doubted_labels(request.user, song)
    standing = [label for group in groups for label in group.labels if not label.refused]
    return {
        "song": song,
        "doubts": [(label, label.pk in doubted) for label in standing],
        "n_doubted": len(doubted),
        # Of most listeners it is known without asking what they may.
        "may_curate": request.user.is_staff and request.user.has_perm(MAY_ADD_LABELS),
    }
