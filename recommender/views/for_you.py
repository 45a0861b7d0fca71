"""The page For you, and fragments of other pages: similar songs, fit of a song, songs for a mood."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event
from rest_framework.exceptions import ValidationError

from accounts.http import ListenerRequest
from catalog.http import bad_request
from catalog.models import Label, Song
from catalog.services import listening
from catalog.services.rows import SongRow, song_rows

from ..api.serializers import QuerySerializer
from ..models import Dial
from ..services import fit, label_queries, recommending
from ..services.contexts import contexts_of
from ..services.daily_lists import remember_mood
from ..services.dial import WORDS, turn
from ..services.for_you.arrivals import arrivals as arrivals_of
from ..services.for_you.page import for_you as page_for
from ..services.for_you.rows import RowRange
from ..services.reasons import LabelReason
from ..services.recommending import Recommendation
from ..services.similar import By, SimilarSong, SimilarSongs, similarity_of
from ..services.story import story_of
from ..snapshots import current
from .find import find_address

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
    By.BOTH: ("Both", "the two lists as one, high in both first", "Nothing yet, neither by sound nor by listeners."),
}

PICKED = 1.0
"""Nudge of a picked label: the weight of a liked song with a single label."""


@dataclass(frozen=True, slots=True)
class _Match:
    """A recommended song as a row of a list."""

    row: SongRow
    why: str


_ROW_RANGES = {"rest": RowRange.REST, "all": RowRange.ALL}


@require_safe
def for_you(request: ListenerRequest) -> HttpResponse:
    """The page For you; `label`: mood labels; `silent`: also songs without a file.

    Without `rows` the page has the first rows; `rows=rest` returns the others as a fragment, `rows=all` all rows.
    """
    names = list(dict.fromkeys(request.GET.getlist("label")))[:_MOST_CHIPS]
    include_unplayable = request.GET.get("silent") == "1"
    labels = label_queries.find_labels(names)
    mood = {label.pk: label for label in labels.values()}
    row_range = _ROW_RANGES.get(request.GET.get("rows", ""), RowRange.FIRST)
    page = page_for(request.user, dict.fromkeys(mood, 1.0), include_unplayable=include_unplayable, row_range=row_range)
    chosen = [label.name for label in mood.values()]
    position = round(page.dial * Dial.END)
    context: dict[str, object] = {
        "page": page,
        "include_unplayable": include_unplayable,
        "with_silent": _address(chosen, not include_unplayable),
        "rest": row_range is RowRange.REST,
    }
    if row_range is RowRange.REST:
        return render(request, "recommender/for_you_rows.html", context)
    context |= {
        "rest_address": _address(chosen, include_unplayable, "rest"),
        "all_address": _address(chosen, include_unplayable, "all"),
        "mood": [(name, _address([other for other in chosen if other != name], include_unplayable)) for name in chosen],
        "suggestions": [(name, _address([*chosen, name], include_unplayable)) for name in page.suggestions],
        "unknown": [label_queries.no_such_label(name) for name in names if name not in labels],
        "here": _address(chosen, include_unplayable),
        "dial": position,
        "dial_word": WORDS[position],
        "dial_words": list(WORDS.values()),
        "contexts": [(one, find_address(one.words), False) for one in contexts_of(request.user)],
    }
    return render(request, "recommender/for_you.html", context)


@never_cache
@require_safe
def arrivals(request: ListenerRequest) -> HttpResponse:
    """What arrives, as a fragment that asks again while something does; 204 where it is as `seen` says.

    The event `songs-arrived` tells the page that its rows are of an older snapshot, or that it does not show yet how
    many songs wait.
    """
    arriving = arrivals_of(current.bundle())
    seen = request.GET.get("seen", "")
    if seen == arriving.seen and arriving.going_on:
        return HttpResponse(status=204)
    response = render(request, "recommender/arriving.html", {"arriving": arriving})
    begins = seen.endswith(".0") and arriving.waiting
    if begins or not seen.startswith(f"{arriving.snapshot}."):
        return trigger_client_event(response, "songs-arrived")
    return response


@require_POST
def dial(request: ListenerRequest) -> HttpResponse:
    """Set the dial to `position`, -2 to 2, and redirect to For you."""
    try:
        turn(request.user, int(request.POST.get("position", "")))
    except ValueError:
        return bad_request("The dial goes from -2, familiar, to 2, adventurous.")
    return redirect(reverse("for_you", query=request.GET))


def _address(labels: list[str], include_unplayable: bool, rows: str = "") -> str:
    """The URL of For you with these mood labels."""
    asked = {"label": labels, "silent": ["1"] * include_unplayable, "rows": [rows] * bool(rows)}
    return "?" + urlencode(asked, doseq=True)


@require_POST
def pick_label(request: ListenerRequest, pk: int) -> HttpResponse:
    """Nudge a label of a new listener; `picked` 0 removes the nudge."""
    picked = request.POST.get("picked", "1")
    if picked not in ("0", "1"):
        return bad_request("picked is 1 or 0.")
    listening.nudge(request.user, get_object_or_404(Label, pk=pk), PICKED if picked == "1" else None)
    return redirect("for_you")


@require_safe
def similar(request: ListenerRequest, pk: int) -> HttpResponse:
    """Similar songs by sound, by listeners, and by both."""
    song = get_object_or_404(Song, pk=pk)
    # A listener on the page of a song without a file has chosen to see such songs.
    similarity = similarity_of(song, playable_only=song.playable)
    found = [similarity.by(by, _SIMILAR) if similarity else SimilarSongs.none(by) for by in By]
    lists = {one.by: _similar_list(one) for one in found}
    if bool(lists[By.SOUND].lines) != bool(lists[By.LISTENERS].lines):
        # The two as one would be the one of them again.
        del lists[By.BOTH]
    return render(request, "recommender/similar.html", {"lists": lists.values(), "one_only": By.BOTH not in lists})


@require_safe
def fits_you(request: ListenerRequest, pk: int) -> HttpResponse:
    """The fit of a song to the listener's profile; for staff, also its predicted popularity."""
    song = get_object_or_404(Song, pk=pk)
    context = {
        "fit": fit.fits_you(request.user, song),
        "story": story_of(request.user, song),
        "expected": fit.expected_listeners(song) if request.user.is_staff else None,
    }
    return render(request, "recommender/fits_you.html", context)


@require_POST
def songs_for_query(request: ListenerRequest) -> HttpResponse:
    """Songs for a query of labels, by POST so that no mood is in an access log.

    JSON: `{"labels": {name: weight}, "share": 0.5}`. A form: `label` and `weight`, as often as needed, and `share`.
    Unknown labels are ignored. With `remember` 1 the labels are kept for a day, for the list "Your mood" of players.
    """
    try:
        given = json.loads(request.body) if request.content_type == "application/json" else _form(request.POST)
        asked = QuerySerializer(data=given)
        asked.is_valid(raise_exception=True)
    except (ValueError, RecursionError, ValidationError):
        return bad_request("Name labels and their weights.")
    labels, share = asked.validated_data["labels"], asked.validated_data["share"]
    query = {name: labels[name] for name in label_queries.find_labels(labels)}
    found = []
    if query:
        found = recommending.recommend(request.user, query=query, query_share=share, n=_LISTED, playable_only=True)
        if str(given.get("remember", "")) == "1":
            remember_mood(request.user, query, share)
    context = {"matches": _matches(request, found), "asked": list(labels), "known": list(query)}
    # A form without JavaScript gets a page; htmx and JSON clients get a fragment.
    form_alone = request.content_type != "application/json" and not request.htmx
    template = "songs_for_query_page.html" if form_alone else "songs_for_query.html"
    return render(request, f"recommender/{template}", context)


def _form(form: QueryDict) -> dict[str, object]:
    """Convert a form to the JSON format.

    Raises
    ------
    ValueError
        If the numbers of labels and weights differ.
    """
    names = form.getlist("label")
    labels = dict(zip(names, form.getlist("weight"), strict=True))
    return {"labels": labels} | {name: form[name] for name in ("share", "remember") if name in form}


def _matches(request: ListenerRequest, found: list[Recommendation]) -> list[_Match]:
    rows = song_rows([one.song for one in found], request.user)
    # Without the scores: they are places among what matches, which the order says already.
    return [_Match(row, _why(one)) for row, one in zip(rows, found, strict=True)]


def _why(found: Recommendation) -> str:
    """The reason as text, marked as the listener's own if no query label is in it."""
    asked = any(isinstance(reason, LabelReason) and reason.asked for reason in found.reasons)
    return found.words if asked or not found.words else f"{found.words} (yours)"


@dataclass(frozen=True, slots=True)
class _Line:
    """A song in a narrow list."""

    song: Song
    score: str
    said: str
    why: str


@dataclass(frozen=True, slots=True)
class _SimilarList:
    """A list of similar songs, with its kind of similarity."""

    by: By
    title: str
    measure: str
    nothing: str
    lines: list[_Line]


def _similar_list(found: SimilarSongs) -> _SimilarList:
    title, measure, nothing = _SIMILAR_WORDS[found.by]
    if found.by is By.SOUND and not found.by_embedding:
        measure = "by their labels"
    if found.by is By.LISTENERS and found.over_sessions:
        measure = "in the same sittings, as fewer than 20 people listen here"
    return _SimilarList(found.by, title, measure, nothing, [_line(found, one) for one in found.songs])


def _line(found: SimilarSongs, one: SimilarSong) -> _Line:
    what = "sitting" if found.over_sessions else "listener"
    shared = f"{one.shared} {what}{'s' * (one.shared != 1)} in common" if one.shared else ""
    if found.by is By.BOTH:
        ranks = (("by sound", one.sound_rank), ("by listeners", one.listeners_rank))
        return _Line(one.song, "", ", ".join(f"number {rank} {by}" for by, rank in ranks if rank), one.words)
    return _Line(one.song, f"{100 * one.score:.0f} % alike", shared, one.words)
