"""The library: every song that can be played here, found by words, labels and artist."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import Count, F, Min, QuerySet
from django.db.models.expressions import OrderBy
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET
from django_htmx.http import replace_url
from redis.exceptions import RedisError

from ..http import ListenerRequest
from ..models import Song, SongLabel
from ..names import artist_key
from ..search import playable_songs, songs_matching, songs_with_label
from ..services.rows import song_rows

SONGS_A_PAGE = 30
_MOST_LABELS = 8
_MOST_SUGGESTIONS = 500
_SUGGESTIONS_KEPT_S = 60

_SORTS: dict[str, tuple[str, list[str | OrderBy]]] = {
    "newest": ("Newest here", ["-added_at", "-pk"]),
    "title": ("Title", ["title_key", "pk"]),
    "artist": ("Artist", ["artist_key", "title_key", "pk"]),
    "year": ("Year", [F("year").desc(nulls_last=True), "title_key", "pk"]),
}


class Search(NamedTuple):
    """What was asked of the library."""

    words: str
    labels: list[str]
    artist: str
    sort: str
    silent_too: bool

    @classmethod
    def of(cls, query: QueryDict) -> Search:
        """Read the address; what cannot be understood there is as if it were not there."""
        labels = [name.strip()[:100] for name in query.getlist("label") if name.strip()]
        # An artist that was typed comes before the one chosen earlier.
        artists = [name.strip()[:300] for name in query.getlist("artist") if name.strip()]
        sort = query.get("sort", "")
        return cls(
            words=query.get("q", "").strip()[:200],
            labels=list(dict.fromkeys(labels))[:_MOST_LABELS],
            artist=artists[0] if artists else "",
            sort=sort if sort in _SORTS else "newest",
            silent_too=query.get("silent") == "1",
        )

    def query(self) -> str:
        """The address's parameters that ask the same again."""
        asked = [("q", self.words), *(("label", name) for name in self.labels), ("artist", self.artist)]
        asked += [("sort", "" if self.sort == "newest" else self.sort), ("silent", "1" if self.silent_too else "")]
        return urlencode([(name, value) for name, value in asked if value])

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.words or self.labels or self.artist)

    def without_labels(self) -> list[tuple[str, str]]:
        """Each chosen label, and the parameters that ask the same without it."""
        return [
            (name, self._replace(labels=[other for other in self.labels if other != name]).query())
            for name in self.labels
        ]

    def without_artist(self) -> str:
        """The parameters that ask the same of every artist."""
        return self._replace(artist="").query()

    def songs(self) -> QuerySet[Song]:
        """The songs it finds, in its order."""
        songs = Song.objects.all() if self.silent_too else playable_songs(Song.objects.all())
        if self.words:
            songs = songs_matching(songs, self.words)
        for name in self.labels:
            songs = songs_with_label(songs, name)
        if self.artist:
            songs = songs.filter(artist_key=artist_key(self.artist))
        return songs.order_by(*_SORTS[self.sort][1])


@require_GET
def library(request: ListenerRequest) -> HttpResponse:
    """One page of the songs asked for; with htmx only the list, to be put in the place of the last one."""
    search = Search.of(request.GET)
    page = Paginator(search.songs(), SONGS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "sorts": [(name, label) for name, (label, _) in _SORTS.items()],
        "page": page,
        "rows": song_rows(page.object_list, request.user),
        "waiting": 0 if request.htmx else _songs_without_labels(),
        "nothing_here": not page.paginator.count and not Song.objects.exists(),
    }
    response = render(request, "catalog/library_found.html" if request.htmx else "catalog/library.html", context)
    patch_vary_headers(response, ["HX-Request"])
    if request.htmx:
        replace_url(response, f"{request.path}?{search.query()}".rstrip("?"))
    return response


def _songs_without_labels() -> int:
    """How many songs are still to be listened to."""
    waiting = playable_songs(Song.objects.filter(tagging_state__in=(Song.Tagging.PENDING, Song.Tagging.RUNNING)))
    return waiting.count()


@require_GET
def label_suggestions(request: ListenerRequest) -> HttpResponse:
    """The most frequent labels, to complete what is typed into the filter."""
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
    counted = SongLabel.objects.values("label__name").annotate(songs=Count("song", distinct=True))
    return list(counted.order_by("-songs", "label__name").values_list("label__name", flat=True)[:_MOST_SUGGESTIONS])


def _frequent_artists() -> list[str]:
    known = Song.objects.exclude(artist_key="").values("artist_key")
    counted = known.annotate(songs=Count("pk"), name=Min("artist")).order_by("-songs", "name")
    return list(counted.values_list("name", flat=True)[:_MOST_SUGGESTIONS])
