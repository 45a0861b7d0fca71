"""A listener's favourites: hearts on the pages of songs, albums and artists, and a page of all; the words of a song."""

from __future__ import annotations

from collections.abc import Callable

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.http import ListenerRequest

from ..http import bad_request
from ..models import CollectionOpinion, Song
from ..names import artist_key, collection_hash
from ..services import favourites as service
from ..services.artists import album_of, find_artist
from ..services.favourites import FavouriteRefused
from ..services.lyrics import lyrics_of
from ..services.rows import song_rows
from .library import SONGS_A_PAGE

_YES_NO = {"1": True, "0": False}
_ALBUM, _ARTIST = CollectionOpinion.Kind.ALBUM, CollectionOpinion.Kind.ARTIST


@require_GET
def favourites(request: ListenerRequest) -> HttpResponse:
    """One page of the listener's favourite songs, and all albums and artists."""
    songs = service.favourite_songs(request.user).select_related("song")
    page = Paginator(songs, SONGS_A_PAGE).get_page(request.GET.get("page"))
    kept = CollectionOpinion.objects.filter(user=request.user, favourite_since__isnull=False).order_by("name", "pk")
    context = {
        "page": page,
        "rows": song_rows([favourite.song for favourite in page.object_list], request.user),
        "collections": [(one.get_kind_display(), one.name, _page_of(one)) for one in kept],
        "query": "",
    }
    return render(request, "catalog/favourites.html", context)


def _page_of(opinion: CollectionOpinion) -> str:
    """The address of an artist's own page; of an album, and of an artist who is written otherwise now, a search."""
    key = artist_key(opinion.name)
    if opinion.kind == _ARTIST and key and collection_hash(key) == opinion.key_hash:
        return reverse("artist", args=[key])
    return reverse("artists" if opinion.kind == _ARTIST else "albums", query={"q": opinion.name})


@require_POST
def favourite(request: ListenerRequest, pk: int) -> HttpResponse:
    """Make a song a favourite; `favourite` 0 takes it back."""
    song = get_object_or_404(Song, pk=pk)
    address = reverse("favourite", args=[pk])
    return _set(
        request,
        lambda wanted: service.set_favourite_song(request.user, song, wanted),
        song.title,
        address,
        song.get_absolute_url(),
    )


@require_POST
def favourite_album(request: ListenerRequest, pk: int) -> HttpResponse:
    """The same of the album that a song is on."""
    album = album_of(pk)
    if album is None:
        raise Http404("no such album")
    key, address = collection_hash(album.key), reverse("favourite_album", args=[pk])
    return _set(
        request,
        lambda wanted: service.set_favourite_collection(request.user, _ALBUM, key, album.title, wanted),
        album.title,
        address,
        reverse("album", args=[pk]),
    )


@require_POST
def favourite_artist(request: ListenerRequest, key: str) -> HttpResponse:
    """The same of an artist."""
    artist = find_artist(key, 0)
    if artist is None:
        raise Http404("no such artist")
    address = reverse("favourite_artist", args=[key])
    return _set(
        request,
        lambda wanted: service.set_favourite_collection(
            request.user, _ARTIST, collection_hash(artist.key), artist.name, wanted
        ),
        artist.name,
        address,
        reverse("artist", args=[key]),
    )


def _set(request: ListenerRequest, change: Callable[[bool], None], name: str, address: str, back: str) -> HttpResponse:
    wanted = _YES_NO.get(request.POST.get("favourite", "1"))
    if wanted is None:
        return bad_request("favourite is 1 or 0.")
    try:
        change(wanted)
    except FavouriteRefused as error:
        return bad_request(str(error))
    if not request.htmx:
        return redirect(back)
    said = f"{name} is a favourite of yours" if wanted else f"{name} is no longer a favourite"
    context = {"address": address, "favourite": wanted, "said": said}
    announced = render_to_string("components/announcement.html", context, request)
    return HttpResponse(announced + render_to_string("components/favourite.html", context, request))


@require_safe
def lyrics(request: ListenerRequest, pk: int) -> HttpResponse:
    """The part of a song's page with its words; nothing where it has none."""
    song = get_object_or_404(Song.objects.select_related("root"), pk=pk)
    return render(request, "catalog/lyrics.html", {"song": song, "lyrics": lyrics_of(song)})
