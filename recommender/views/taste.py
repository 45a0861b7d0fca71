"""The page Taste: the profile, the songs behind each label, and corrections."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import ListenerRequest
from catalog.http import bad_request
from catalog.models import Label

from ..services.profile import Change, KindOfLabels, ProfileLabel, change_label, profile_of, songs_behind

SHOWN = 8
"""Labels shown per kind; the others are folded."""

_SONGS_BEHIND = 10

_SAID = {
    Change.MORE: "More {}",
    Change.LESS: "Less {}",
    Change.FORGET: "{} is forgotten",
    Change.UNDO: "{} is as it was",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """The labels of one kind, shown and folded."""

    slug: str
    name: str
    labels: list[ProfileLabel]
    folded: list[ProfileLabel]


@require_safe
def taste(request: ListenerRequest) -> HttpResponse:
    """The listener's profile."""
    profile = profile_of(request.user)
    columns = _in_columns([_folded(kind) for kind in profile.kinds()])
    return render(request, "recommender/taste.html", {"profile": profile, "columns": columns})


def _folded(kind: KindOfLabels) -> _Kind:
    # Never fold a single label: the fold is as high as the label.
    shown = SHOWN if len(kind.labels) > SHOWN + 1 else len(kind.labels)
    return _Kind(kind.kind, Label.Kind(kind.kind).label, kind.labels[:shown], kind.labels[shown:])


def _in_columns(kinds: list[_Kind]) -> tuple[list[_Kind], list[_Kind]]:
    """Distribute the kinds over two columns of about equal height."""
    columns: tuple[list[_Kind], list[_Kind]] = ([], [])
    heights = [0, 0]
    for kind in kinds:
        shorter = int(heights[1] < heights[0])
        columns[shorter].append(kind)
        # A title is as high as two labels.
        heights[shorter] += len(kind.labels) + 2
    return columns


@require_http_methods(["GET", "HEAD", "POST"])
def taste_label(request: ListenerRequest, pk: int) -> HttpResponse:
    """The songs behind a label; by POST, `change` more, less, forget or undo corrects it."""
    label = get_object_or_404(Label, pk=pk)
    if request.method == "POST":
        return _change(request, label)
    behind = songs_behind(request.user, label, _SONGS_BEHIND)
    one = profile_of(request.user).label(label.pk)
    more = max(one.liked + one.disliked - len(behind), 0) if one else 0
    context = {"label": label, "one": one, "behind": behind, "more": more}
    template = "recommender/taste_songs.html" if request.htmx else "recommender/taste_label.html"
    return render(request, template, context)


def _change(request: ListenerRequest, label: Label) -> HttpResponse:
    asked, given = request.POST.get("change", ""), request.POST.get("back_to", "")
    try:
        change = Change(asked)
        before = change_label(request.user, label, change, float(given) if given else None)
    except ValueError:
        return bad_request("A label is changed by more, less, forget or undo.")
    if not request.htmx:
        return redirect(f"{reverse('taste')}#label-{label.pk}")
    one = profile_of(request.user).label(label.pk)
    context = {
        "label": one or ProfileLabel.untouched(label),
        "before": before if change is Change.FORGET else None,
        "said": _SAID[change].format(label.name),
    }
    return render(request, "recommender/taste_changed.html", context)
