"""The clients of `benchmarks.pages`, and the addresses of the pages that they request."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from tests.pages import SitePage, fill

from .made_library import LOGGED_IN, PASSWORD

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PATIENCE_S = 600
"""Timeout of a request: the first one to a process reads the library, which takes long if that is large."""

NAMES = {"mira": "listener", "newcomer": "newcomer", "boss": "admin"}
"""Names of the users, without their number, by the users of `tests/pages.py`."""

_FAVOURITES = 30
_PLAYS = 150
_REFUSED = 20


class Addresses(NamedTuple):
    """The objects that addresses of pages contain: songs, a label, and a playlist for each listener."""

    songs: list[int]
    label: int
    playlists: dict[str, int]

    @classmethod
    def of_library(cls) -> Addresses:
        """Look the objects up, and create the users if they do not exist."""
        from django.contrib.auth.models import User

        from catalog.models import Label, Playlist, Song

        songs = list(Song.objects.order_by("pk").values_list("pk", flat=True).iterator(20_000))
        if not User.objects.filter(username="admin-0").exists():
            _make_people(songs)
        playlists = dict(Playlist.objects.values_list("user__username", "pk"))
        return cls(songs, Label.objects.get(key="mood 3").pk, playlists)

    def of(self, row: SitePage, number: int, who: str) -> str:
        """Return the address of a page; numbers give different objects as long as there are enough."""
        values: dict[str, object] = {
            "song": self.songs[number * 7919 % len(self.songs)],
            "artist": f"artist%20{number % 50}",
            "label": self.label,
            "label_name": "mood%203",
            "title": f"song%20{number % 100}",
            "playlist": self.playlists.get(who, 0),
        }
        address = fill(row.address, values).replace("davsi", f"artsit%20{number % 100}")
        return address.replace("calm", f"genre%20{number % 20}")


def _make_people(songs: list[int]) -> None:
    """Create admins, users without any feedback, and the data that active listeners have."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User

    listeners = User.objects.filter(username__in=[f"listener-{number}" for number in range(LOGGED_IN)])
    for number, user in enumerate(listeners.order_by("pk")):
        _use(user, songs, number)
    password = make_password(PASSWORD)
    for who, staff in (("newcomer", False), ("admin", True)):
        User.objects.bulk_create(
            User(username=f"{who}-{number}", password=password, is_staff=staff, is_superuser=staff)
            for number in range(LOGGED_IN)
        )


def _use(user: User, songs: list[int], number: int) -> None:
    """Create a listener's own data: a playlist, favourites, a history, refused songs."""
    from catalog.models import Song
    from catalog.services.favourites import set_favourite_song
    from catalog.services.listening import record_play, refuse
    from catalog.services.playlists import make_playlist

    own = [songs[(number + 1) * 7919 * place % len(songs)] for place in range(1, _PLAYS + 1)]
    if not user.playlists.exists():
        make_playlist(user, "Evening", songs[:50])
        for song in Song.objects.filter(pk__in=songs[:_REFUSED]):
            refuse(user, song, True)
    for song in Song.objects.filter(pk__in=own):
        record_play(user, song)
    for song in Song.objects.filter(pk__in=own[:_FAVOURITES]):
        set_favourite_song(user, song)


class Client:
    """An HTTP client that requests pages without their images; logged in unless it has no user.

    Raises
    ------
    SystemExit
        If the user cannot log in.
    """

    def __init__(self, port: int, username: str) -> None:
        self.username = username
        self.connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.cookies: dict[str, str] = {}
        if username:
            self._log_in()

    def _log_in(self) -> None:
        form = self._request("GET", "/accounts/login/")[1].decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        if token is None:
            raise SystemExit("the page to log in has no form")
        body = urlencode({"csrfmiddlewaretoken": token[1], "username": self.username, "password": PASSWORD})
        self._request("POST", "/accounts/login/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        if "sessionid" not in self.cookies:
            raise SystemExit(f"{self.username} could not log in")

    def get(self, path: str, status: int = 200) -> bytes:
        """Return the body of a page, compressed as for browsers; exit if the status is another one."""
        answered, body = self._request("GET", path, headers={"Accept-Encoding": "gzip"})
        if answered != status:
            raise SystemExit(f"{path} answered {answered}")
        return body

    def _request(
        self, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookies, **(headers or {})}
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        except ConnectionError:
            # The server closes a connection that was idle: a browser opens another.
            self.connection.close()
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, value = cookie.partition(";")[0].split("=", 1)
            self.cookies[name] = value
        return response.status, response.read()


def logged_in(port: int, who: str | None, n: int) -> list[Client]:
    """Return n clients of the kind `who` of `tests/pages.py`; None is anonymous."""
    return [Client(port, f"{NAMES[who]}-{number}" if who else "") for number in range(n)]
