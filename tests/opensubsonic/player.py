"""A player that checks what it is told: each answer against the schemas, and its XML against its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http.response import HttpResponseBase
from django.test import Client

from tests.conftest import SHARED

from .schemas import check_json, check_same, check_xml

PASSWORD = "correct horse"
SPECIFICATION = SHARED / "opensubsonic"
WRITING = re.compile(r"^(create|update|delete|save|star|unstar|set|scrobble|report|startScan)", re.IGNORECASE)
CHANGING = frozenset({"getRandomSongs", "getAlbumList", "getAlbumList2", "getPlaylists", "getNowPlaying", "getIndexes"})
"""What two calls need not say the same of."""


class Player:
    """Calls of one person.

    Parameters
    ----------
    client : Client
    username : str
    credentials : parameters to log in with, optional
        The account's password where left out.
    """

    def __init__(self, client: Client, username: str = "", **credentials: str) -> None:
        self.client = client
        self.credentials = credentials or {"u": username, "p": PASSWORD}

    def raw(self, name: str, form: str = "json", /, **parameters: Any) -> HttpResponseBase:
        """One answer, as it comes."""
        return self.client.get(f"/rest/{name}?{self.query(form, **parameters)}")

    def query(self, form: str = "json", /, **parameters: Any) -> str:
        """The address of a call, behind the question mark."""
        return urlencode([*self.credentials.items(), ("v", "1.16.1"), ("c", "test"), ("f", form), *_pairs(parameters)])

    def call(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """What an answer says, checked."""
        response = self.raw(name, **parameters)
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json; charset=utf-8"
        answer: dict[str, Any] = json.loads(response.content)  # type: ignore[attr-defined]
        self._check(name, answer, parameters)
        said: dict[str, Any] = answer["subsonic-response"]
        return said

    def ok(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """What an answer says that has to be a good one."""
        said = self.call(name, **parameters)
        assert said["status"] == "ok", said
        return said

    def code(self, name: str, /, **parameters: Any) -> int:
        """The number of the error that a call has to end with."""
        said = self.call(name, **parameters)
        assert said["status"] == "failed", said
        code: int = said["error"]["code"]
        return code

    def _check(self, name: str, answer: dict[str, Any], parameters: dict[str, Any]) -> None:
        specified = (SPECIFICATION / "openapi" / "endpoints" / f"{name}.json").is_file()
        if specified and name not in BINARY:
            check_json(SPECIFICATION, name, answer)
        if WRITING.match(name):
            # Called again, it would not do the same.
            return
        document = self.raw(name, "xml", **parameters)
        assert document["Content-Type"] == "application/xml; charset=utf-8"
        content: bytes = document.content  # type: ignore[attr-defined]
        if name not in CHANGING:
            check_same(answer, content)
        if SPECIFICATION.is_dir():
            check_xml(SPECIFICATION, content)


BINARY = frozenset({"stream", "download", "getCoverArt", "getAvatar", "getTranscodeStream", "hls", "getCaptions"})


def _pairs(parameters: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in parameters.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            yield name, str(one).lower() if isinstance(one, bool) else str(one)


def song_ids(songs: list[dict[str, Any]]) -> list[str]:
    return [song["id"] for song in songs]
