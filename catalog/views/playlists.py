"""A listener's own playlists: the list of them, one of them, and what is done to both."""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import quote

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import ListenerRequest

from ..http import bad_request, parse_id
from ..importing.m3u import LARGEST_FILE_BYTES
from ..models import Playlist
from ..services.playlist_files import import_playlist
from ..services.playlists import (
    MOST_SONGS,
    PlaylistRefused,
    add_songs,
    m3u,
    make_playlist,
    move_song,
    playlists_of,
    remove_song,
    rename_playlist,
    roots_of,
    shift_song,
    songs_of,
    totals_of,
)
from ..services.rows import song_rows

SONGS_A_PAGE = 200
_LONGEST_FOLDER = 500
_MOST_NAMED = 20
_SHIFTS = {"up": -1, "down": 1}


@require_http_methods(["GET", "HEAD", "POST"])
def playlists(request: ListenerRequest) -> HttpResponse:
    """All playlists of the listener; by POST, a new one: `name`, and `song` as often as wanted."""
    refused = ""
    if request.method == "POST":
        try:
            playlist = make_playlist(request.user, request.POST.get("name", ""), _songs(request))
        except PlaylistRefused as error:
            refused = str(error)
            if request.htmx:
                return bad_request(refused)
        except ValueError:
            return bad_request("A song is named by its number.")
        else:
            if request.htmx:
                return _added(request, playlist, playlist.entries.count())
            return redirect(playlist)
    context = {"playlists": playlists_of(request.user), "refused": refused, "name": request.POST.get("name", "")}
    return render(request, "catalog/playlists.html", context, status=400 if refused else 200)


@require_safe
def playlist(request: ListenerRequest, pk: int) -> HttpResponse:
    """One page of a playlist's songs, to play, move and take out."""
    playlist = _own(request, pk)
    count, seconds = totals_of(playlist)
    paginator = Paginator(songs_of(playlist), SONGS_A_PAGE)
    # In place of a query of its own.
    paginator.count = count
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "playlist": playlist,
        "page": page,
        "rows": song_rows(page.object_list, request.user, labels=False),
        "following": songs_of(playlist)[page.end_index()] if page.has_next() else None,
        "seconds": seconds,
        "room": MOST_SONGS - count,
        "roots": roots_of(playlist),
    }
    return render(request, "catalog/playlist.html", context)


@require_POST
def import_file(request: ListenerRequest) -> HttpResponse:
    """A new playlist from a `file` that another player has written."""
    sent = request.FILES.get("file")
    if sent is None or not sent.name or (sent.size or 0) > LARGEST_FILE_BYTES:
        messages.error(request, "Choose a playlist: a file that ends with .m3u or .m3u8.")
        return redirect("playlists")
    try:
        made = import_playlist(request.user, sent.read(), PurePath(sent.name).stem)
    except PlaylistRefused as error:
        messages.error(request, str(error))
        return redirect("playlists")
    songs = "1 song" if made.found == 1 else f"{made.found} songs"
    if made.missing:
        named = ", ".join(made.missing[:_MOST_NAMED])
        more = f" and {len(made.missing) - _MOST_NAMED} more" if len(made.missing) > _MOST_NAMED else ""
        messages.warning(request, f"{songs} found. Not in the library: {named}{more}.")
    else:
        messages.success(request, f"All of it is here: {songs}.")
    return redirect(made.playlist)


@require_POST
def rename(request: ListenerRequest, pk: int) -> HttpResponse:
    """Give a playlist another `name`."""
    playlist = _own(request, pk)
    try:
        rename_playlist(playlist, request.POST.get("name", ""))
    except PlaylistRefused as error:
        messages.error(request, str(error))
    return redirect(playlist)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ListenerRequest, pk: int) -> HttpResponse:
    """Ask whether a playlist is to go; by POST, delete it."""
    playlist = _own(request, pk)
    if request.method != "POST":
        return render(request, "catalog/playlist_delete.html", {"playlist": playlist})
    playlist.delete()
    messages.success(request, f"The playlist {playlist.name} is deleted.")
    return redirect("playlists")


@require_POST
def choose(request: ListenerRequest) -> HttpResponse:
    """A fragment to choose a playlist for songs: `song`, as often as needed, and a `name` for a new one.

    By POST, as a whole queue is too long for an address; nothing is changed.
    """
    try:
        songs = _songs(request)
    except ValueError:
        return bad_request("A song is named by its number.")
    context = {"playlists": playlists_of(request.user), "songs": songs, "name": request.POST.get("name", "")[:100]}
    return render(request, "catalog/playlist_choose.html", context)


@require_POST
def add(request: ListenerRequest, pk: int) -> HttpResponse:
    """Put songs into a playlist: `song`, as often as needed, at the end or before the song `before`."""
    playlist = _own(request, pk)
    try:
        before = parse_id(request.POST["before"]) if request.POST.get("before") else None
        new = add_songs(playlist, _songs(request), before=before)
    except PlaylistRefused as error:
        return bad_request(str(error))
    except ValueError:
        return bad_request("A song is named by its number.")
    if request.htmx and "undo" not in request.POST:
        return _added(request, playlist, new)
    return redirect(playlist)


@require_POST
def remove(request: ListenerRequest, pk: int, song: int) -> HttpResponse:
    """Take a song out of a playlist; with htmx, a row in its place that can bring it back."""
    playlist = _own(request, pk)
    title = songs_of(playlist).filter(pk=song).values_list("title", flat=True).first()
    after = remove_song(playlist, song)
    if not request.htmx:
        return redirect(playlist)
    count, seconds = totals_of(playlist)
    context = {"playlist": playlist, "song": song, "title": title, "after": after, "said": f"{title} is taken out"}
    context |= {"count": count, "seconds": seconds, "room": MOST_SONGS - count}
    return render(request, "catalog/playlist_removed.html", context)


@require_POST
def move(request: ListenerRequest, pk: int, song: int) -> HttpResponse:
    """Move a song of a playlist: `to` up or down by one, or before the song `before`; to the end without either."""
    playlist = _own(request, pk)
    to, before = request.POST.get("to", ""), request.POST.get("before", "")
    try:
        if to in _SHIFTS:
            shift_song(playlist, song, _SHIFTS[to])
        else:
            move_song(playlist, song, parse_id(before) if before else None)
    except PlaylistRefused as error:
        return bad_request(str(error))
    except ValueError:
        return bad_request("A song is named by its number.")
    return HttpResponse(status=204) if request.htmx else redirect(playlist)


@require_safe
def export(request: ListenerRequest, pk: int) -> HttpResponse:
    """A playlist as a file for other players; `folder`, or `folder_` and a root's number: where they have the music."""
    playlist = _own(request, pk)
    folders = {
        int(number): request.GET.get(name, "")[:_LONGEST_FOLDER]
        for name in request.GET
        if (number := name.removeprefix("folder_")) != name and number.isascii() and number.isdecimal()
    }
    lines = m3u(playlist, request.GET.get("folder", "")[:_LONGEST_FOLDER], folders)
    response = HttpResponse("".join(lines), content_type="audio/x-mpegurl; charset=utf-8")
    plain, whole = slugify(playlist.name) or "playlist", quote(f"{playlist.name}.m3u8".replace("/", "-"), safe="")
    response["Content-Disposition"] = f"attachment; filename=\"{plain}.m3u8\"; filename*=UTF-8''{whole}"
    return response


def _own(request: ListenerRequest, pk: int) -> Playlist:
    """A playlist of the one who asks; those of others are not there."""
    return get_object_or_404(Playlist, pk=pk, user=request.user)


def _songs(request: ListenerRequest) -> list[int]:
    """The songs that a request names, at most as many as a playlist takes and one more.

    Raises
    ------
    ValueError
        If one of them is no number.
    """
    return [parse_id(said) for said in request.POST.getlist("song")[: MOST_SONGS + 1]]


def _added(request: ListenerRequest, playlist: Playlist, new: int) -> HttpResponse:
    """What became of the songs, for the dialog that they were sent from."""
    return HttpResponse(render_to_string("catalog/playlist_added.html", {"playlist": playlist, "new": new}, request))
