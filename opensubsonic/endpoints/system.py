"""The server, and who asks."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from accounts.services.allowances import may_upload
from catalog.models import LibraryRoot
from catalog.services.people import accounts

from ..failures import Code, Failure, not_found
from ..registry import Answer, Request, endpoint

EXTENSIONS: dict[str, list[int]] = {
    "apiKeyAuthentication": [1],
    "formPost": [1],
    "indexBasedQueue": [1],
    "playbackReport": [1],
    "songLyrics": [1, 2],
    "sonicSimilarity": [1],
    "topSongsByArtistId": [1],
    "transcodeOffset": [1],
    "transcoding": [1],
}
"""The extensions of the protocol that this server has, with their versions."""


def extensions() -> dict[str, Any]:
    """The extensions as an answer has them."""
    return {"openSubsonicExtensions": [{"name": name, "versions": EXTENSIONS[name]} for name in EXTENSIONS]}


@endpoint("ping")
def ping(request: Request) -> Answer:
    """Nothing but that all is well."""


@endpoint("getLicense")
def license_(request: Request) -> Answer:
    """Free software needs none."""
    return {"license": {"valid": True}}


@endpoint("getOpenSubsonicExtensions")
def open_subsonic_extensions(request: Request) -> Answer:
    """What this server has beyond Subsonic."""
    return extensions()


@endpoint("tokenInfo")
def token_info(request: Request) -> Answer:
    """Whose API key it is."""
    if "apiKey" not in request.parameters:
        raise Failure(Code.INVALID_API_KEY, "Send an API key to be told whose it is.")
    return {"tokenInfo": {"username": request.user.get_username()}}


@endpoint("getUser")
def user(request: Request) -> Answer:
    """The one who asks; an admin may ask for anybody."""
    username = request.parameters.text("username") or request.user.get_username()
    if username == request.user.get_username():
        return {"user": _described(request.user)}
    if not request.user.is_superuser:
        raise Failure(Code.NOT_AUTHORIZED, "Only an admin can ask about other people.")
    other = accounts().filter(username=username, is_active=True).first()
    if other is None:
        raise not_found("person")
    return {"user": _described(other)}


@endpoint("getUsers")
def users(request: Request) -> Answer:
    """Everybody with an account, for an admin."""
    if not request.user.is_superuser:
        raise Failure(Code.NOT_AUTHORIZED, "Only an admin can ask about other people.")
    people = accounts().filter(is_active=True).select_related("upload_allowance").order_by("username")
    return {"users": {"user": [_described(person) for person in people]}}


def _described(person: User) -> dict[str, Any]:
    return {
        "username": person.get_username(),
        "scrobblingEnabled": True,
        "adminRole": person.is_superuser,
        "settingsRole": False,
        "downloadRole": True,
        "uploadRole": may_upload(person),
        "playlistRole": True,
        "coverArtRole": False,
        "commentRole": False,
        "podcastRole": False,
        "streamRole": True,
        "jukeboxRole": False,
        "shareRole": False,
        "videoConversionRole": False,
        "folder": list(LibraryRoot.objects.order_by("pk").values_list("pk", flat=True)),
    }


@endpoint("getInternetRadioStations")
def internet_radio_stations(request: Request) -> Answer:
    """None: this server plays what is here."""
    return {"internetRadioStations": {"internetRadioStation": []}}


@endpoint("getShares")
def shares(request: Request) -> Answer:
    """None: nothing is shown to people without an account."""
    return {"shares": {"share": []}}


@endpoint("getPodcasts")
def podcasts(request: Request) -> Answer:
    """None."""
    return {"podcasts": {"channel": []}}


@endpoint("getNewestPodcasts")
def newest_podcasts(request: Request) -> Answer:
    """None."""
    return {"newestPodcasts": {"episode": []}}


@endpoint("getVideos")
def videos(request: Request) -> Answer:
    """None."""
    return {"videos": {"video": []}}


@endpoint("getChatMessages")
def chat_messages(request: Request) -> Answer:
    """None."""
    return {"chatMessages": {"chatMessage": []}}


@endpoint(
    "createShare",
    "updateShare",
    "deleteShare",
    "createInternetRadioStation",
    "updateInternetRadioStation",
    "deleteInternetRadioStation",
    "refreshPodcasts",
    "createPodcastChannel",
    "deletePodcastChannel",
    "deletePodcastEpisode",
    "downloadPodcastEpisode",
    "addChatMessage",
    "jukeboxControl",
)
def not_here(request: Request) -> Answer:
    """Shares, radio stations, podcasts, chat and jukebox are nothing that this server has."""
    raise Failure(
        Code.NOT_AUTHORIZED, "This server has no shares, radio stations, podcasts or chat, and plays no sound itself."
    )


@endpoint("createUser", "updateUser", "deleteUser", "changePassword")
def on_the_site(request: Request) -> Answer:
    """Accounts are made and changed on the site."""
    raise Failure(Code.NOT_AUTHORIZED, "Accounts and passwords are changed on this server's own pages.")


@endpoint("getPodcastEpisode")
def podcast_episode(request: Request) -> Answer:
    """None."""
    raise not_found("episode")


@endpoint("getVideoInfo", "getCaptions", "hls", "hls.m3u8")
def no_video(request: Request) -> Answer:
    """There is no video."""
    raise not_found("video")
