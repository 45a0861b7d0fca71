"""For you, and the fragments that other pages show: similar songs, how a song fits, songs for a mood."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import ValidationError

from catalog.http import ListenerRequest
from catalog.models import Label, Song
from catalog.services import listening
from catalog.services.rows import SongRow, song_rows

from . import services
from .contexts import contexts_of
from .dial import WORDS, turn
from .find_views import find_address
from .for_you import Part
from .for_you import for_you as page_for
from .models import Dial
from .serializers import QuerySerializer
from .services import LabelReason, Recommendation
from .similar import Alike, By, Similar, likeness_of
from .story import story_of

_MOST_CHIPS = 8
_LISTED = 12
_SIMILAR = 5

_SIMILAR_WORDS = {
    By.SOUND: (
        "Sounds like it",
        "by what a tagger hears in it",
        "No other song here is like it yet.",
    ),
    By.LISTENERS: (
        "Played by the same people",
        "the part of their listeners who have played both",
        "Nobody who has played it has played another song here.",
    ),
    By.BOTH: ("Both", "high in both lists", "Nothing yet, neither by sound nor by listeners."),
}

PICKED = 1.0
"""What a picked label adds to the profile: as much as a liked song that has no other label."""


@dataclass(frozen=True, slots=True)
class _Match:
    """A recommended song as a row of a list."""

    row: SongRow
    why: str
    score: str


_PARTS = {"rest": Part.REST, "all": Part.ALL}


@require_safe
def for_you(request: ListenerRequest) -> HttpResponse:
    """Rows of songs for the listener; `label`: what they are in the mood for; `silent`: also songs without a file.

    The page begins with the first rows; `rows=rest` are those that follow, as a fragment, and `rows=all` is all of it.
    """
    names = list(dict.fromkeys(request.GET.getlist("label")))[:_MOST_CHIPS]
    silent_too = request.GET.get("silent") == "1"
    labels = services.find_labels(names)
    mood = {label.pk: label for label in labels.values()}
    part = _PARTS.get(request.GET.get("rows", ""), Part.FIRST)
    page = page_for(request.user, dict.fromkeys(mood, 1.0), silent_too=silent_too, part=part)
    chosen = [label.name for label in mood.values()]
    position = round(page.dial * Dial.END)
    context: dict[str, object] = {
        "page": page,
        "silent_too": silent_too,
        "with_silent": _address(chosen, not silent_too),
        "rest": part is Part.REST,
    }
    if part is Part.REST:
        return render(request, "recommender/for_you_rows.html", context)
    context |= {
        "rest_address": _address(chosen, silent_too, "rest"),
        "all_address": _address(chosen, silent_too, "all"),
        "mood": [(name, _address([other for other in chosen if other != name], silent_too)) for name in chosen],
        "suggestions": [(name, _address([*chosen, name], silent_too)) for name in page.suggestions],
        "unknown": [services.no_such_label(name) for name in names if name not in labels],
        "here": _address(chosen, silent_too),
        "dial": position,
        "dial_word": WORDS[position],
        "dial_words": list(WORDS.values()),
        "contexts": [(one, find_address(one.words), False) for one in contexts_of(request.user)],
    }
    return render(request, "recommender/for_you.html", context)


@require_POST
def dial(request: ListenerRequest) -> HttpResponse:
    """Turn the dial to `position`, -2 to 2, and go back to For you as it was."""
    try:
        turn(request.user, int(request.POST.get("position", "")))
    except ValueError:
        return _refused("The dial goes from -2, familiar, to 2, adventurous.")
    return redirect(reverse("for_you", query=request.GET))


def _address(labels: list[str], silent_too: bool, rows: str = "") -> str:
    """For you in this mood."""
    asked = {"label": labels, "silent": ["1"] * silent_too, "rows": [rows] * bool(rows)}
    return "?" + urlencode(asked, doseq=True)


@require_POST
def pick_label(request: ListenerRequest, pk: int) -> HttpResponse:
    """Take a label into the profile; `picked` 0 takes it out again."""
    picked = request.POST.get("picked", "1")
    if picked not in ("0", "1"):
        return _refused("picked is 1 or 0.")
    listening.nudge(request.user, get_object_or_404(Label, pk=pk), PICKED if picked == "1" else None)
    return redirect("for_you")


@require_safe
def similar(request: ListenerRequest, pk: int) -> HttpResponse:
    """The songs like this one: by how they sound, by who plays them, and by both."""
    song = get_object_or_404(Song, pk=pk)
    # Whoever looks at a song without a file has gone past the switch that hides them.
    likeness = likeness_of(song, playable_only=song.playable)
    found = [likeness.by(by, _SIMILAR) if likeness else Similar.none(by) for by in By]
    return render(request, "recommender/similar.html", {"lists": [_similar_list(one) for one in found]})


@require_safe
def fits_you(request: ListenerRequest, pk: int) -> HttpResponse:
    """How this song fits the listener's profile, and which labels decide; for staff, how popular it should get."""
    song = get_object_or_404(Song, pk=pk)
    context = {
        "fit": services.fits_you(request.user, song),
        "story": story_of(request.user, song),
        "expected": services.expected_listeners(song) if request.user.is_staff else None,
    }
    return render(request, "recommender/fits_you.html", context)


@require_POST
def songs_for_query(request: ListenerRequest) -> HttpResponse:
    """Songs for labels with weights, by POST so that no mood stands in an access log.

    JSON: `{"labels": {name: weight}, "share": 0.5}`. A form: `label` and `weight`, as often as needed, and `share`.
    Labels that this library does not know are passed over.
    """
    try:
        given = json.loads(request.body) if request.content_type == "application/json" else _form(request.POST)
        asked = QuerySerializer(data=given)
        asked.is_valid(raise_exception=True)
    except (ValueError, RecursionError, ValidationError):
        return _refused("Name labels and their weights.")
    labels, share = asked.validated_data["labels"], asked.validated_data["share"]
    query = {name: labels[name] for name in services.find_labels(labels)}
    found = []
    if query:
        found = services.recommend(request.user, query=query, query_share=share, n=_LISTED, playable_only=True)
    context = {"matches": _matches(request, found, "fits {} of 100"), "asked": list(labels), "known": list(query)}
    # A form without scripts leads to a page; whoever else asks puts the songs on one.
    form_alone = request.content_type != "application/json" and not request.htmx
    template = "songs_for_query_page.html" if form_alone else "songs_for_query.html"
    return render(request, f"recommender/{template}", context)


def _form(form: QueryDict) -> dict[str, object]:
    """The labels and weights of a form, as JSON would have them.

    Raises
    ------
    ValueError
        If there is not one weight for each label.
    """
    names = form.getlist("label")
    labels = dict(zip(names, form.getlist("weight"), strict=True))
    return {"labels": labels} | ({"share": form["share"]} if "share" in form else {})


def _matches(request: ListenerRequest, found: list[Recommendation], score: str) -> list[_Match]:
    rows = song_rows([one.song for one in found], request.user)
    return [_Match(row, _why(one), score.format(round(100 * one.score))) for row, one in zip(rows, found, strict=True)]


def _why(found: Recommendation) -> str:
    """The labels that speak for a song, and which of them are the listener's own, not the query's."""
    asked = any(isinstance(reason, LabelReason) and reason.asked for reason in found.reasons)
    return found.words if asked or not found.words else f"{found.words} (yours)"


@dataclass(frozen=True, slots=True)
class _Line:
    """A song as a line of a narrow list."""

    song: Song
    score: str
    said: str
    why: str


@dataclass(frozen=True, slots=True)
class _SimilarList:
    """Songs like a song, and what they go by."""

    by: By
    title: str
    measure: str
    nothing: str
    lines: list[_Line]


def _similar_list(found: Similar) -> _SimilarList:
    title, measure, nothing = _SIMILAR_WORDS[found.by]
    if found.by is By.SOUND and not found.heard:
        measure = "by their labels"
    if found.by is By.LISTENERS and found.over_sessions:
        measure = "in the same sittings, as fewer than 20 people listen here"
    return _SimilarList(found.by, title, measure, nothing, [_line(found, one) for one in found.songs])


def _line(found: Similar, one: Alike) -> _Line:
    what = "sitting" if found.over_sessions else "listener"
    shared = f"{one.shared} {what}{'s' * (one.shared != 1)} in common" if one.shared else ""
    if found.by is By.BOTH:
        ranks = (("by sound", one.sound_rank), ("by listeners", one.listeners_rank))
        return _Line(one.song, "", ", ".join(f"{by} {rank}." for by, rank in ranks if rank), one.words)
    return _Line(one.song, f"{100 * one.score:.0f} % alike", shared, one.words)


def _refused(reason: str) -> HttpResponse:
    return HttpResponseBadRequest(reason, content_type="text/plain; charset=utf-8")
