"""Reading ListenBrainz's exports: events of listening, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .descriptions import Description
from .tables import BadValue, Lines, TableReport, name, text
from .tags import isrc, mbid

_LONGEST_USERNAME = 150
_LONGEST_DURATION_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Listen:
    """One event of listening.

    Attributes
    ----------
    user : str
    at : datetime
    song : Description
    identifiers : tuple of str
        `mbid:` and `isrc:`, as the listener's player sent them.
    """

    user: str
    at: datetime
    song: Description
    identifiers: tuple[str, ...]


class Listens(Lines):
    """The events of a file; a context manager.

    Parameters
    ----------
    path : Path
    report : TableReport
        Told of every line that is none, and of how many are.
    username : str
        Who listened where a line does not say so.
    """

    def __init__(self, path: Path, report: TableReport, username: str = "") -> None:
        super().__init__(path, report)
        self._username = username

    def __iter__(self) -> Iterator[Listen]:
        latest = datetime.now(UTC) + timedelta(days=1)
        for number, line in self.lines():
            try:
                listen = _listen(line, self._username, latest)
            except BadValue as error:
                self._report.pass_over(number, str(error))
            else:
                self._report.rows += 1
                yield listen


def _listen(line: str, username: str, latest: datetime) -> Listen:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise BadValue("not JSON") from None
    if not isinstance(said, dict):
        raise BadValue("not a JSON object")
    track = said.get("track_metadata")
    if not isinstance(track, dict):
        raise BadValue("no track_metadata")
    about = track.get("additional_info")
    about = about if isinstance(about, dict) else {}
    user = said.get("user_name") or username
    if not user:
        raise BadValue("no user_name, and no --user")
    return Listen(
        user=text(_text(user, "user_name"), "user_name", _LONGEST_USERNAME),
        at=_moment(said.get("listened_at"), latest),
        song=Description(
            title=name(_text(track.get("track_name"), "track_name"), "track_name"),
            artist=name(_text(track.get("artist_name"), "artist_name"), "artist_name"),
            album=_album(track.get("release_name")),
            duration_s=_duration_s(about),
        ),
        identifiers=tuple(_identifiers(about)),
    )


def _text(value: object, what: str) -> str:
    if value is None:
        raise BadValue(f"no {what}")
    if not isinstance(value, str):
        raise BadValue(f"the {what} is no text")
    return value


def _album(value: object) -> str:
    try:
        return name(_text(value, "release_name"), "release_name")
    except BadValue:
        # Nothing depends on it.
        return ""


def _moment(value: object, latest: datetime) -> datetime:
    # A bool is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue("no listened_at" if value is None else "listened_at is no number of seconds since 1970")
    try:
        moment = datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or value <= 0:
        raise BadValue(f"listened_at is no moment: {value}")
    if moment > latest:
        raise BadValue("listened_at is in the future")
    return moment


def _duration_s(about: Mapping[str, Any]) -> float | None:
    """The track's length; players say it in milliseconds or seconds, as numbers or texts, or as 0 for unknown."""
    for key, unit in (("duration_ms", 1000), ("duration", 1)):
        try:
            seconds = float(about.get(key) or 0) / unit
        except (TypeError, ValueError):
            continue
        if 0 < seconds < _LONGEST_DURATION_S:
            return seconds
    return None


def _identifiers(about: Mapping[str, Any]) -> Iterator[str]:
    for key, make in (("recording_mbid", mbid), ("isrc", isrc)):
        values = about.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and (identifier := make(value)):
                yield identifier
