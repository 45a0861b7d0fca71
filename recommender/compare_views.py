"""Compare: two methods side by side for a listener, why a song is missing, and how it all works."""

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

from catalog.http import ListenerRequest

from . import charts, comparison, held_out, listeners, snapshot
from .comparison import Bench, Comparison

METHODS: dict[str, tuple[str, str]] = {
    "cooccurrence": ("Co-occurrence", "people who play these songs play it"),
    "content": ("Content", "it sounds like what is liked"),
    "latent": ("Latent factors", "people with a taste like this one play it"),
    "hybrid": ("Hybrid", "all of it, weighed together"),
    "popular": ("Popular", "everybody plays it"),
}
"""What methods are called, and what a song on their list has to say for itself."""

_PARTS = {"towers": "Towers"}
"""What else is measured: parts of the hybrid that are no methods by themselves."""

_LONGEST = 300


def called(method: str) -> str:
    """What a method is called; one that has no name here, by that of the engine."""
    return METHODS[method][0] if method in METHODS else _PARTS.get(method, method)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be compared, as the address says it."""

    listener: str
    left: str
    right: str
    silent_too: bool
    title: str

    @classmethod
    def of(cls, query: QueryDict, fitted: list[str]) -> Self:
        """Read the address; what cannot be understood there is as if it were not there."""
        left, right = (
            asked if (asked := query.get(side, "")) in fitted else default
            for side, default in (("left", comparison.LEFT), ("right", comparison.RIGHT))
        )
        return cls(
            listener=query.get("listener", "").strip()[:_LONGEST],
            left=left if left in fitted else fitted[0],
            right=right if right in fitted else fitted[-1],
            silent_too=query.get("silent") == "1",
            title=query.get("title", "").strip()[:_LONGEST],
        )

    def address(self, *, silent_too: bool) -> str:
        """The same question with or without songs that cannot be played here."""
        asked = {"listener": self.listener, "left": self.left, "right": self.right, "silent": "1" if silent_too else ""}
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a listener and a question come to."""

    question: Question
    listener: User
    bench: Bench


@require_safe
def compare(request: ListenerRequest) -> HttpResponse:
    """Two methods side by side; with htmx only what changes with the question.

    `listener`: a username, oneself without; `left`, `right`: methods; `silent`: also songs without a file;
    `title`: a song to be explained.
    """
    seen = _look(request)
    if isinstance(seen, HttpResponse):
        return seen
    question = seen.question
    compared = seen.bench.compare(question.left, question.right)
    context = {
        "question": question,
        "methods": [(name, called(name)) for name in seen.bench.recommenders.methods],
        "whole_address": question.address(silent_too=True),
        **_drawn(compared, seen),
    }
    page = "recommender/comparison.html" if request.htmx else "recommender/compare.html"
    response = render(request, page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def why_missing(request: ListenerRequest) -> HttpResponse:
    """Why the songs of a title are on a side, or not: a fragment of the page."""
    seen = _look(request)
    if isinstance(seen, HttpResponse):
        return seen
    return render(request, "recommender/why_missing.html", {"question": seen.question, **_explained(seen)})


@require_safe
def listener_suggestions(request: ListenerRequest) -> HttpResponse:
    """Names of listeners, to complete what is typed."""
    text = request.GET.get("listener", "").strip()[:_LONGEST]
    return render(request, "catalog/suggestions.html", {"names": listeners.names_like(request.user, text)})


@require_safe
def how_it_works(request: ListenerRequest) -> HttpResponse:
    """The formulas, where they come from, and where they differ from the 2018 report."""
    return render(request, "recommender/how_it_works.html")


def _look(request: ListenerRequest) -> _Sight | HttpResponse:
    """What is asked, on the snapshot that counts now; a page that says so where there is nothing to see."""
    recommenders = snapshot.current()
    if recommenders is None or not len(recommenders.catalogue.song_ids):
        return render(request, "recommender/compare_nothing.html")
    question = Question.of(request.GET, list(recommenders.methods))
    try:
        listener = listeners.find_listener(request.user, question.listener)
    except listeners.NoSuchListenerError as error:
        if request.htmx:
            return HttpResponseNotFound(f"{capfirst(str(error))}.", content_type="text/plain; charset=utf-8")
        return render(request, "recommender/compare_nobody.html", {"said": str(error)}, status=404)
    return _Sight(question, listener, Bench(recommenders, listener, playable_only=not question.silent_too))


def _drawn(compared: Comparison, seen: _Sight) -> dict[str, object]:
    """A comparison with what is drawn of it."""
    sides = [("left", compared.left), ("right", compared.right)]
    return {
        "compared": compared,
        "sides": [(place, side, called(side.method), METHODS.get(side.method, ("", ""))[1]) for place, side in sides],
        "histogram": charts.histogram(compared.left.listeners, compared.right.listeners),
        "held_out": held_out.measured(called, seen.question.left, seen.question.right),
        **(_explained(seen) if seen.question.title else {}),
    }


def _explained(seen: _Sight) -> dict[str, object]:
    """The songs of the title that was asked for, with what each method says of them."""
    question = seen.question
    explained = seen.bench.explain(
        comparison.songs_called(question.title), list(dict.fromkeys((question.left, question.right)))
    )
    return {
        "explained": [(one.song, [(called(place.method), place.text) for place in one.places]) for one in explained]
    }
