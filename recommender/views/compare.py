"""The page Compare: two methods for one listener, placements of a song, and the page of formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseNotFound, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.text import capfirst
from django.views.decorators.http import require_safe

from accounts.http import ListenerRequest
from catalog.models import Listener

from ..evaluation import charts, held_out
from ..services import comparison, listeners
from ..services.comparison import Comparator, Comparison
from ..services.placements import explain
from ..snapshots import current

METHOD_NAMES: dict[str, tuple[str, str]] = {
    "cooccurrence": ("Co-occurrence", "people who play these songs play it"),
    "content": ("Content", "it sounds like what is liked"),
    "labels_and_sound": ("Labels and sound", "its labels and its sound are like what is liked"),
    "latent": ("Latent factors", "people with a taste like this one play it"),
    "hybrid": ("Hybrid", "all of it, weighed together"),
    "popular": ("Popular", "everybody plays it"),
}
"""Display name of each method, and the reason of its recommendations."""

_PARTS = {"towers": "Towers"}
"""Display names of evaluated parts that are not methods."""

_LONGEST = 300


def called(method: str) -> str:
    """The display name of a method."""
    return METHOD_NAMES[method][0] if method in METHOD_NAMES else _PARTS.get(method, method)


@dataclass(frozen=True, slots=True)
class Question:
    """The comparison requested by a URL."""

    listener: str
    left: str
    right: str
    include_unplayable: bool
    title: str

    @classmethod
    def of(cls, query: QueryDict, fitted: list[str]) -> Self:
        """Parse query parameters; invalid ones get their defaults."""
        left, right = (
            asked if (asked := query.get(side, "")) in fitted else default
            for side, default in (("left", comparison.LEFT), ("right", comparison.RIGHT))
        )
        return cls(
            listener=query.get("listener", "").strip()[:_LONGEST],
            left=left if left in fitted else fitted[0],
            right=right if right in fitted else fitted[-1],
            include_unplayable=query.get("silent") == "1",
            title=query.get("title", "").strip()[:_LONGEST],
        )

    def address(self, *, include_unplayable: bool) -> str:
        """The URL of the question, with or without songs without a file."""
        asked = {
            "listener": self.listener,
            "left": self.left,
            "right": self.right,
            "silent": "1" if include_unplayable else "",
        }
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class _Sight:
    """A validated question, with its listener and comparator; `example`: of another one than was asked for."""

    question: Question
    listener: User
    comparator: Comparator
    example: bool = False


@require_safe
def compare(request: ListenerRequest) -> HttpResponse:
    """The page Compare; with htmx, the part that depends on the question.

    `listener`: a username, default oneself, or an example while nothing is known of oneself; `left`, `right`: methods;
    `silent`: also songs without a file; `title`: a song to explain.
    """
    seen = _look(request)
    if isinstance(seen, HttpResponse):
        return seen
    question = seen.question
    compared = seen.comparator.compare(question.left, question.right)
    context = {
        "question": question,
        "methods": [(name, called(name)) for name in seen.comparator.bundle.methods],
        "whole_address": question.address(include_unplayable=True),
        **_drawn(compared, seen),
    }
    page = "recommender/comparison.html" if request.htmx else "recommender/compare.html"
    response = render(request, page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def why_missing(request: ListenerRequest) -> HttpResponse:
    """The placements of the songs with a title, as a fragment."""
    seen = _look(request)
    if isinstance(seen, HttpResponse):
        return seen
    return render(request, "recommender/why_missing.html", {"question": seen.question, **_explained(seen)})


@require_safe
def listener_suggestions(request: ListenerRequest) -> HttpResponse:
    """Autocomplete of listeners' names."""
    text = request.GET.get("listener", "").strip()[:_LONGEST]
    return render(request, "catalog/suggestions.html", {"names": listeners.names_like(request.user, text)})


@require_safe
def how_it_works(request: ListenerRequest) -> HttpResponse:
    """The page of formulas and sources."""
    return render(request, "recommender/how_it_works.html")


def _look(request: ListenerRequest) -> _Sight | HttpResponse:
    """The question on the current snapshot, or an error page."""
    bundle = current.bundle()
    if bundle is None or not len(bundle.index.song_ids):
        return render(request, "recommender/compare_nothing.html")
    question = Question.of(request.GET, list(bundle.methods))
    try:
        listener = listeners.find_listener(request.user, question.listener)
    except listeners.NoSuchListenerError as error:
        if request.htmx:
            return HttpResponseNotFound(f"{capfirst(str(error))}.", content_type="text/plain; charset=utf-8")
        return render(request, "recommender/compare_nobody.html", {"said": str(error)}, status=404)
    playable_only = not question.include_unplayable
    comparator = Comparator(bundle, listener, playable_only=playable_only)
    # A listener of whom nothing is known yet sees another one, until they have rated.
    if not question.listener and comparator.taste.empty and (other := listeners.example_listener()) is not None:
        return _Sight(question, other, Comparator(bundle, other, playable_only=playable_only), example=True)
    return _Sight(question, listener, comparator)


def _drawn(compared: Comparison, seen: _Sight) -> dict[str, object]:
    """The template context of a comparison with its charts."""
    sides = [("left", compared.left), ("right", compared.right)]
    about = getattr(compared.listener, "listener", None)
    return {
        "compared": compared,
        "example": seen.example,
        "nothing_known": not seen.example and seen.comparator.taste.empty,
        "simulated": about is not None and about.origin == Listener.Origin.SIMULATED,
        "sides": [
            (place, side, called(side.method), METHOD_NAMES.get(side.method, ("", ""))[1]) for place, side in sides
        ],
        "histogram": charts.histogram(compared.left.listeners, compared.right.listeners),
        "held_out": held_out.measured(called, seen.question.left, seen.question.right),
        **(_explained(seen) if seen.question.title else {}),
    }


def _explained(seen: _Sight) -> dict[str, object]:
    """The template context of the placements of the songs with the title."""
    question = seen.question
    explained = explain(
        seen.comparator, comparison.songs_titled(question.title), list(dict.fromkeys((question.left, question.right)))
    )
    return {
        "explained": [(one.song, [(called(place.method), place.text) for place in one.places]) for one in explained]
    }
