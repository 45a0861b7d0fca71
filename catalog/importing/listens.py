"""Events of listening as services export them, and ListenBrainz's export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .descriptions import Description
from .exports import Export
from .tables import BadValue, TableReport, name, text
from .tags import isrc, mbid

_LONGEST_USERNAME = 150
_LONGEST_DURATION_S = 24 * 3600
# In seconds, this would be the year 5138.
_SURELY_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Listen:
    """One event of listening.

    Attributes
    ----------
    user : str
    at : datetime
    song : Description
    identifiers : tuple of str
        `mbid:` and `isrc:`, as the listener's player sent them, or as the service has found them.
    also : Description, optional
        What else the song may be called.
    played_s : float, optional
        For how long it was played, where that is told, in seconds.
    """

    user: str
    at: datetime
    song: Description
    identifiers: tuple[str, ...] = ()
    also: Description | None = None
    played_s: float | None = None


class Listens(Export):
    """The events of an export; a context manager. Each format is a class of its own, which reads one record.

    Parameters
    ----------
    path : Path
        A file, a zip as it is downloaded, or its folder.
    report : TableReport
        Told of every record that is none, and of how many are.
    username : str
        Who listened where the export does not say so.
    """

    def __init__(self, path: Path, report: TableReport, username: str = "") -> None:
        super().__init__(path, report, self.holds_listens)
        self._username = username
        self._latest = datetime.now(UTC) + timedelta(days=1)

    @staticmethod
    def holds_listens(name: str) -> bool:
        """Whether a file of a zip or folder, by its path in it, holds events of listening."""
        raise NotImplementedError

    def read(self, record: Any, username: str) -> Iterator[Listen]:
        """The events that a record tells of; none where it is about something else.

        Raises
        ------
        BadValue
            If it is no such record.
        """
        raise NotImplementedError

    def __iter__(self) -> Iterator[Listen]:
        for _ in self.files():
            username = self._username or self.username()
            for number, record in self.records():
                try:
                    listens = list(self.read(record, username))
                except BadValue as error:
                    self.pass_over(number, str(error))
                else:
                    self._report.rows += 1
                    yield from listens


class ListenBrainzListens(Listens):
    """What ListenBrainz exports: lines of JSON in a zip, and the whole array of earlier years."""

    @staticmethod
    def holds_listens(name: str) -> bool:
        """Everything but what is loved, pinned, or told of the account."""
        file = name.rpartition("/")[2]
        return file.endswith((".json", ".jsonl")) and not file.startswith(("user", "feedback", "pinned", "."))

    def read(self, record: Any, username: str) -> Iterator[Listen]:
        """One event."""
        if not isinstance(record, dict):
            raise BadValue("not a JSON object")
        track = record.get("track_metadata")
        if not isinstance(track, dict):
            raise BadValue("no track_metadata")
        about, mapping = (
            value if isinstance(value, dict) else {}
            for value in (track.get("additional_info"), track.get("mbid_mapping"))
        )
        song = Description(
            title=name(_text(track.get("track_name"), "track_name"), "track_name"),
            artist=name(_text(track.get("artist_name"), "artist_name"), "artist_name"),
            album=album_name(track.get("release_name")),
            duration_s=_duration_s(about),
            artists=_artists(about.get("artist_names")),
        )
        yield Listen(
            user=listener(record.get("user_name") or username),
            at=moment(record.get("listened_at"), "listened_at", self._latest),
            song=song,
            identifiers=tuple(_identifiers(about, mapping)),
            also=_mapped(mapping, song),
        )


def listener(user: object) -> str:
    """The listener's name.

    Raises
    ------
    BadValue
        If there is none.
    """
    if not user:
        raise BadValue("no user_name, and no --user")
    return text(_text(user, "user_name"), "user_name", _LONGEST_USERNAME)


def _text(value: object, what: str) -> str:
    if value is None:
        raise BadValue(f"no {what}")
    if not isinstance(value, str):
        raise BadValue(f"the {what} is no text")
    return value


def album_name(value: object) -> str:
    """An album's title; empty where there is none: nothing depends on it."""
    try:
        return name(_text(value, "release_name"), "release_name")
    except BadValue:
        return ""


def moment(value: object, what: str, latest: datetime) -> datetime:
    """When something was played, from seconds or milliseconds since 1970.

    Raises
    ------
    BadValue
        If it is no moment, or after `latest`.
    """
    if isinstance(value, str) and value.strip().isdecimal() and value.isascii():
        value = int(value)
    # A bool is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"no {what}" if value is None else f"{what} is no number of seconds since 1970")
    try:
        at = datetime.fromtimestamp(int(value / 1000 if value > _SURELY_MILLISECONDS else value), UTC)
    except (ValueError, OverflowError, OSError):
        at = None
    if at is None or value <= 0:
        raise BadValue(f"{what} is no moment: {value}")
    if at > latest:
        raise BadValue(f"{what} is in the future")
    return at


def _duration_s(about: Mapping[str, Any]) -> float | None:
    """The track's length; players say it in milliseconds or seconds, as numbers or texts, or as 0 for unknown."""
    # Some players send milliseconds for seconds.
    for key, unit in (("duration_ms", 1000), ("duration", 1), ("duration", 1000)):
        try:
            seconds = float(about.get(key) or 0) / unit
        except (TypeError, ValueError):
            continue
        if 0 < seconds < _LONGEST_DURATION_S:
            return seconds
    return None


def _artists(value: object) -> tuple[str, ...]:
    """The names of several artists that a player lists; empty where it lists none."""
    names = [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return tuple(dict.fromkeys(album_name(one) for one in names if album_name(one))) if len(names) > 1 else ()


def _identifiers(about: Mapping[str, Any], mapping: Mapping[str, Any]) -> Iterator[str]:
    told = (("recording_mbid", about, mbid), ("isrc", about, isrc), ("recording_mbid", mapping, mbid))
    for key, where, make in told:
        values = where.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and (identifier := make(value)):
                yield identifier


def _mapped(mapping: Mapping[str, Any], song: Description) -> Description | None:
    """What ListenBrainz takes the song for, where it says so in words."""
    title, credits_ = mapping.get("recording_name"), mapping.get("artists")
    if not isinstance(title, str) or not isinstance(credits_, list):
        return None
    people = [one for one in credits_ if isinstance(one, dict)]
    written = "".join(f"{one.get('artist_credit_name') or ''}{one.get('join_phrase') or ''}" for one in people)
    names = _artists([one.get("artist_credit_name") for one in people])
    try:
        artist = name(written, "artist")
        return replace(song, title=name(title, "title"), artist=artist, artists=names)
    except BadValue:
        return None
