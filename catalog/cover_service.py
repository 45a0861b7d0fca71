"""Covers of albums from MusicBrainz and the Cover Art Archive, or from servers that speak like them. No Django.

A server that asks is a guest there: one request a second, under a name that says who asks and how to reach them
(https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting). What comes back is limited in size and time, and a redirect
is followed only to hosts that are expected.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from .names import artist_key, title_key

INTERVAL_S = 1.0
"""Seconds between two requests, whichever of the two they go to."""

MOST_JSON_BYTES, MOST_PICTURE_BYTES = 2_000_000, 20_000_000
WITHIN_S = 30.0
"""Seconds for one answer, redirects included."""

_SILENT_S = 10.0
_MOST_REDIRECTS = 5
_MOST_RELEASES = 3
_LIKELY = 90
_PIECE_BYTES = 65_536
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPECIAL = re.compile(r'([\\"])')
_VARIOUS = frozenset({"", "various artists", "various"})


class LookupRefusedError(Exception):
    """An answer that is not taken, or none at all."""


class ServiceBusyError(LookupRefusedError):
    """The service asks to be left alone for a while."""


class CoverService:
    """Looks up one album after the other.

    Parameters
    ----------
    user_agent : str
        Says who asks and how to reach them.
    search_url, covers_url : str
        MusicBrainz and the Cover Art Archive, or what stands in for them.
    hosts : collection of str
        Where redirects may lead beside these two, subdomains included.
    within_s : float
        See `WITHIN_S`.
    clock, sleep : callable
        What time it is, and waiting, in seconds.
    """

    def __init__(
        self,
        user_agent: str,
        search_url: str = "https://musicbrainz.org",
        covers_url: str = "https://coverartarchive.org",
        hosts: Collection[str] = ("archive.org",),
        *,
        within_s: float = WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._user_agent = user_agent
        self._search_url, self._covers_url = search_url.rstrip("/"), covers_url.rstrip("/")
        self._hosts = {host.lower() for host in hosts}
        self._own = {urlsplit(url).netloc.lower() for url in (search_url, covers_url)}
        self._within_s, self._clock, self._sleep = within_s, clock, sleep
        self._next = clock()

    def cover(self, artist: str, album: str) -> bytes | None:
        """The front of an album as it was sent, still encoded; None where nobody has it.

        Raises
        ------
        ServiceBusyError
            If the service asks to come back later.
        LookupRefusedError
            If it cannot be reached, or answers what is not taken.
        """
        for release in self._releases(artist, album):
            address = f"{self._covers_url}/release/{release}/front-500"
            if (picture := self._get(address, MOST_PICTURE_BYTES)) is not None:
                return picture
        return None

    def _releases(self, artist: str, album: str) -> list[str]:
        """The releases that are called so and by whom they are said to be, the likeliest first."""
        query = f'release:"{_SPECIAL.sub(_escaped, album)}"'
        if artist_key(artist) not in _VARIOUS:
            query += f' AND artist:"{_SPECIAL.sub(_escaped, artist)}"'
        asked = urlencode({"query": query, "fmt": "json", "limit": 10})
        body = self._get(f"{self._search_url}/ws/2/release/?{asked}", MOST_JSON_BYTES)
        try:
            found = json.loads(body or b"{}")["releases"]
            fitting = [one for one in found if _is_it(one, artist, album)]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LookupRefusedError("the answer to the search is not what MusicBrainz sends") from error
        return list(dict.fromkeys(one["id"] for one in fitting))[:_MOST_RELEASES]

    def _get(self, address: str, most_bytes: int) -> bytes | None:
        """What is at an address; None for 404."""
        until = time.monotonic() + self._within_s
        for _ in range(_MOST_REDIRECTS + 1):
            self._wait_for_turn()
            answer = self._ask(address, most_bytes, until)
            if not isinstance(answer, str):
                return answer
            address = urljoin(address, answer)
            self._check(address)
        raise LookupRefusedError(f"more than {_MOST_REDIRECTS} redirects")

    def _wait_for_turn(self) -> None:
        self._sleep(max(0.0, self._next - self._clock()))
        self._next = self._clock() + INTERVAL_S

    def _check(self, address: str) -> None:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
        expected = any(host == one or host.endswith(f".{one}") for one in self._hosts)
        if parts.scheme not in ("http", "https") or not (parts.netloc.lower() in self._own or expected):
            raise LookupRefusedError(f"a redirect to {host or 'nowhere'}, which is not expected")

    def _ask(self, address: str, most_bytes: int, until: float) -> bytes | str | None:
        """One request: the body, where it is redirected to, or None for 404."""
        parts = urlsplit(address)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        patience = min(_SILENT_S, self._within_s)
        try:
            with closing(kind(parts.netloc, timeout=patience)) as connection:
                headers = {"User-Agent": self._user_agent, "Accept-Encoding": "identity"}
                target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
                connection.request("GET", target, headers=headers)
                response = connection.getresponse()
                if response.status in _REDIRECTS:
                    return response.headers.get("Location") or ""
                if response.status in (429, 503):
                    raise ServiceBusyError(f"{parts.hostname} asks to come back later")
                if response.status == 404:
                    return None
                if response.status != 200:
                    raise LookupRefusedError(f"{parts.hostname} answered {response.status}")
                return _read(response, most_bytes, until)
        except (OSError, HTTPException, ValueError) as error:
            raise LookupRefusedError(f"{parts.hostname} cannot be reached: {error or type(error).__name__}") from error


def _read(response: HTTPResponse, most_bytes: int, until: float) -> bytes:
    pieces: list[bytes] = []
    total = 0
    while piece := response.read1(_PIECE_BYTES):
        pieces.append(piece)
        total += len(piece)
        if total > most_bytes:
            raise LookupRefusedError(f"an answer of more than {most_bytes:,} bytes")
        if time.monotonic() > until:
            raise LookupRefusedError("an answer that does not end")
    return b"".join(pieces)


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[1]}"


def _is_it(release: dict[str, Any], artist: str, album: str) -> bool:
    """Whether a release that was found is the album: the same title, and one of its artists the same."""
    if not _MBID.fullmatch(str(release["id"])) or title_key(str(release["title"])) != title_key(album):
        return False
    names = [str(credit.get("name", "")) for credit in release.get("artist-credit", ()) if isinstance(credit, dict)]
    key = artist_key(artist)
    if key in _VARIOUS:
        return int(release.get("score", 0)) >= _LIKELY
    return key in {artist_key(name) for name in (*names, " & ".join(names), ", ".join(names))}
