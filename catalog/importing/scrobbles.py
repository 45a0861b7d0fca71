"""Histories of Last.fm, as the programs that export them write them: tables with a header or without, and JSON."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .descriptions import Description
from .listens import Listen, Listens, album_name, listener, moment
from .tables import BadValue, name
from .tags import mbid

_COLUMNS = {
    "title": ("track", "title", "song", "name", "track name", "track_name"),
    "artist": ("artist", "artist name", "artist_name"),
    "album": ("album", "release", "album name"),
    "mbid": ("track_mbid", "track mbid", "mbid", "recording_mbid"),
    "at": (
        *("uts", "timestamp", "unixtime", "unix time", "unix timestamp", "date_uts", "played_at", "scrobbled_at"),
        *("date", "utc_time", "time", "datetime", "iso time", "date and time", "scrobble time", "played", "at"),
    ),
}
# Of tables without a header: artist, album, title, moment; or moment, title, artist, album, MusicBrainz id.
_FOUR = ("artist", "album", "title", "at")
_LAST_EXPORT = ("at", "title", "artist", "album", "mbid")
_MOST_LINES = 4
_USERNAME = re.compile(r'"(?:username|user)"\s*:\s*"([^"\\]{1,150})"|^[^\n]*#([^,;"\s]{1,150})')
_MOMENTS = (
    "%d %b %Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y, %H:%M",
    "%b %d, %Y, %I:%M %p",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %H:%M",
    "%d %B %Y %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M",
    "%d/%m/%Y %H:%M",
)


class Scrobbles(Listens):
    """A history of Last.fm: CSV or JSON, of one account."""

    _begun = False

    @staticmethod
    def holds_listens(name: str) -> bool:
        """Tables and JSON."""
        return name.lower().endswith((".csv", ".tsv", ".txt", ".json", ".jsonl"))

    def username(self) -> str:
        """Whose history it is, as some exporters write it into the head."""
        match = _USERNAME.search(self.head)
        return next(filter(None, match.groups()), "") if match else ""

    def records(self) -> Iterator[tuple[int, Any]]:
        """Objects of JSON, or the lines of a table by the name of the column."""
        if self.head.lstrip()[:1] in ("[", "{"):
            yield from super().records()
            return
        delimiter = max(",;\t", key=lambda sign: self.head.partition("\n")[0].count(sign))
        columns: Sequence[str] | None = None
        begun: list[str] = []
        for number, line in self.lines():
            # A title may go over several lines.
            begun.append(line)
            try:
                values = next(csv.reader(["\n".join(begun)], delimiter=delimiter, strict=True), [])
            except csv.Error as error:
                if len(begun) < _MOST_LINES and "".join(begun).count('"') % 2:
                    continue
                begun = []
                self.pass_over(number, f"not a line of a table: {error}")
                continue
            begun = []
            if columns is None:
                columns = _header(values)
                if columns is not None:
                    continue
                columns = _LAST_EXPORT if values[0].strip().isdecimal() else _FOUR
            yield number, dict(zip(columns, (value.strip() for value in values), strict=False))
        if begun:
            self.pass_over(number, "not a line of a table: its quotes do not end")

    def read(self, record: Any, username: str) -> Iterator[Listen]:
        """One event, or those of a page of Last.fm's own answers."""
        if not isinstance(record, dict):
            raise BadValue("not a JSON object")
        for one in record["track"] if isinstance(record.get("track"), list) else [record]:
            if not isinstance(one, dict):
                raise BadValue("not a JSON object")
            if isinstance(attributes := one.get("@attr"), dict) and attributes.get("nowplaying") == "true":
                continue
            values = {str(key).lower(): value for key, value in one.items()}
            # What was playing while a table was written stands first in it, without a moment.
            is_first, self._begun = not self._begun, True
            if is_first and _first(values, _COLUMNS["at"]) is None and _first(values, _COLUMNS["title"]) is not None:
                continue
            yield self._listen(values, username)

    def _listen(self, record: Mapping[str, Any], username: str) -> Listen:
        title, artist = (_text_of(_first(record, _COLUMNS[what])) for what in ("title", "artist"))
        identifier = mbid(_text_of(_first(record, _COLUMNS["mbid"])))
        return Listen(
            user=listener(username),
            at=self._moment(_first(record, _COLUMNS["at"])),
            song=Description(
                name(title, "track"), name(artist, "artist"), album_name(_text_of(_first(record, _COLUMNS["album"])))
            ),
            identifiers=(identifier,) if identifier else (),
        )

    def _moment(self, value: Any) -> datetime:
        if isinstance(value, dict):
            value = value.get("uts") or value.get("#text")
        if isinstance(value, int | float) or (isinstance(value, str) and value.strip().isdecimal()):
            return moment(value, "date", self._latest)
        if not isinstance(value, str) or not value.strip():
            raise BadValue("no date")
        at = _written(value.strip())
        if at > self._latest:
            raise BadValue("the date is in the future")
        return at


def _header(values: Sequence[str]) -> list[str] | None:
    """The columns that a header line names; None where the line is none."""
    # "Date#name": the column, and whose table it is.
    names = [value.partition("#")[0].strip().lower() for value in values]
    known = {name for names_ in _COLUMNS.values() for name in names_}
    return names if len(known.intersection(names)) >= 3 else None


def _first(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((record[one] for one in names if record.get(one) not in (None, "", {})), None)


def _text_of(value: Any) -> str:
    """A text, or that of one of Last.fm's objects."""
    if isinstance(value, dict):
        value = value.get("#text") or value.get("name")
    return value if isinstance(value, str) else ""


def _written(value: str) -> datetime:
    """A moment in words; without a zone it is in that of Greenwich, as Last.fm writes it."""
    for form in _MOMENTS:
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        at = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise BadValue(f"the date is no moment: {value[:50]}") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
