"""The library: every song that can be played here, found by words, labels and artist."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET
from django_htmx.http import replace_url
from redis.exceptions import RedisError

from accounts.http import ListenerRequest

from ..models import Song, SongLabel
from ..services.browsing import SORTS, FacetGroup, Shelf, shelf, songs_in_order
from ..services.overviews import artists
from ..services.rows import song_rows

SONGS_A_PAGE = 30
_MOST_LABELS = 8
_MOST_SUGGESTIONS = 500
_SUGGESTIONS_KEPT_S = 60


class Search(NamedTuple):
    """What was asked of the library."""

    words: str
    labels: list[str]
    artist: str
    sort: str
    include_unplayable: bool

    @classmethod
    def of(cls, query: QueryDict) -> Search:
        """Read the address; what cannot be understood there is as if it were not there."""
        labels = [name.strip()[:100] for name in query.getlist("label") if name.strip()]
        # An artist that was typed comes before the one chosen earlier.
        artists = [name.strip()[:300] for name in query.getlist("artist") if name.strip()]
        words, sort = query.get("q", "").strip()[:200], query.get("sort", "")
        usual = _usual_sort(words)
        return cls(
            words=words,
            labels=list(dict.fromkeys(labels))[:_MOST_LABELS],
            artist=artists[0] if artists else "",
            sort=usual if sort not in SORTS or (sort == "best" and not words) else sort,
            include_unplayable=query.get("silent") == "1",
        )

    def query(self) -> str:
        """The address's parameters that ask the same again."""
        asked = [("q", self.words), *(("label", name) for name in self.labels), ("artist", self.artist)]
        asked += [("sort", "" if self.usual else self.sort), ("silent", "1" if self.include_unplayable else "")]
        return urlencode([(name, value) for name, value in asked if value])

    @property
    def usual(self) -> bool:
        """Whether songs come in the order that they come in where nobody asks for another."""
        return self.sort == _usual_sort(self.words)

    def sorts(self) -> list[tuple[str, str]]:
        """What it can be sorted by: the value of the choice, empty for the usual one, and its name."""
        usual = _usual_sort(self.words)
        others = [(name, label) for name, (label, _) in SORTS.items() if name not in ("best", usual)]
        return [("", SORTS[usual][0]), *others]

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.words or self.labels or self.artist)

    def with_label(self, name: str) -> str:
        """The parameters that ask for songs that have this label too."""
        return self._replace(labels=[*self.labels, name]).query()

    def as_label(self) -> str:
        """The parameters that ask for songs with a label that is called like the words."""
        sort = _usual_sort("") if self.usual else self.sort
        return self._replace(words="", labels=[self.words], sort=sort).query()

    def without_labels(self) -> list[tuple[str, str]]:
        """Each chosen label, and the parameters that ask the same without it."""
        return [
            (name, self._replace(labels=[other for other in self.labels if other != name]).query())
            for name in self.labels
        ]

    def without_artist(self) -> str:
        """The parameters that ask the same of every artist."""
        return self._replace(artist="").query()

    def facets(self, groups: list[FacetGroup]) -> list[tuple[str, list[tuple[str, int, str]]]]:
        """By kind: labels that narrow it, how many songs are left then, and the parameters that ask for them."""
        if len(self.labels) == _MOST_LABELS:
            return []
        return [
            (group.kind, [(one.name, one.songs, self.with_label(one.name)) for one in group.facets]) for group in groups
        ]

    def shelf(self, request: ListenerRequest) -> Shelf:
        """What it finds."""
        return shelf(
            request.user,
            words=self.words,
            labels=self.labels,
            artist=self.artist,
            sort=self.sort,
            include_unplayable=self.include_unplayable,
        )


def _usual_sort(words: str) -> str:
    return "best" if words else "newest"


@require_GET
def library(request: ListenerRequest) -> HttpResponse:
    """One page of the songs asked for; with htmx only what was found, or only the songs that come next."""
    search = Search.of(request.GET)
    found = search.shelf(request)
    page: Page[int] = Paginator(found.song_ids, SONGS_A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, object] = {
        "search": search,
        "page": page,
        "rows": song_rows(songs_in_order(list(page.object_list)), request.user),
    }
    if request.htmx and request.htmx.target == "more-songs":
        return _varied(render(request, "catalog/library_rows.html", context))
    context |= {
        "facets": search.facets(found.facets),
        "labelled": found.labelled,
        "read_as": [(word, " or ".join(others)) for word, others in found.read_as.items()],
        "waiting": 0 if request.htmx else _songs_without_labels(),
        "nothing_here": not page.paginator.count and not Song.objects.exists(),
    }
    if not request.htmx:
        return _varied(render(request, "catalog/library.html", context))
    response = render(request, "catalog/library_answer.html", context)
    return replace_url(_varied(response), f"{request.path}?{search.query()}".rstrip("?"))


def _varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _songs_without_labels() -> int:
    """How many songs are still to be listened to."""
    return Song.objects.playable().filter(tagging_state__in=(Song.Tagging.PENDING, Song.Tagging.RUNNING)).count()


@require_GET
def label_suggestions(request: ListenerRequest) -> HttpResponse:
    """The most frequent labels, to complete what is typed into the filter; last those that say little."""
    return _suggestions(request, "labels", _frequent_labels)


@require_GET
def artist_suggestions(request: ListenerRequest) -> HttpResponse:
    """The artists with most songs, to complete what is typed into the filter."""
    return _suggestions(request, "artists", _frequent_artists)


def _suggestions(request: ListenerRequest, kind: str, names: Callable[[], list[str]]) -> HttpResponse:
    try:
        found = cache.get_or_set(f"suggestions:{kind}", names, _SUGGESTIONS_KEPT_S)
    except (RedisError, OSError):
        # The cache is gone: the names are still in the database.
        found = names()
    return render(request, "catalog/suggestions.html", {"names": found})


def _frequent_labels() -> list[str]:
    counted = SongLabel.objects.counting().values("label__name").annotate(songs=Count("song", distinct=True))
    counted = counted.order_by("label__background", "-songs", "label__name")
    return list(counted.values_list("label__name", flat=True)[:_MOST_SUGGESTIONS])


def _frequent_artists() -> list[str]:
    return [artist.name for artist in artists(sort="songs")[:_MOST_SUGGESTIONS]]
