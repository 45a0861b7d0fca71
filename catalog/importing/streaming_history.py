"""Spotify's streaming history: every stream of an account, with how long it was played."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .descriptions import Description
from .listens import Listen, Listens, album_name, listener
from .tables import BadValue, name


class StreamingHistory(Listens):
    """What Spotify sends on request: `Streaming_History_Audio_*.json`, and the shorter history of a year."""

    @staticmethod
    def holds_listens(name: str) -> bool:
        """Music alone: no video, no podcasts, no search queries."""
        file = name.rpartition("/")[2].lower()
        long = file.startswith(("streaming_history_audio", "endsong", "streaminghistory"))
        return long and file.endswith(".json") and "podcast" not in file

    def read(self, record: Any, username: str) -> Iterator[Listen]:
        """One stream; an episode of a podcast, or a stream of nothing, is no event."""
        if not isinstance(record, dict):
            raise BadValue("not a JSON object")
        if "master_metadata_track_name" in record:
            title, artist = record["master_metadata_track_name"], record.get("master_metadata_album_artist_name")
            album, ended, played_ms = record.get("master_metadata_album_album_name"), record.get("ts"), "ms_played"
        elif "trackName" in record:
            title, artist, album = record["trackName"], record.get("artistName"), None
            ended, played_ms = record.get("endTime"), "msPlayed"
        else:
            raise BadValue("no stream of Spotify's")
        if title is None or artist is None:
            return
        if not isinstance(title, str) or not isinstance(artist, str):
            raise BadValue("title and artist are texts")
        played_s = record.get(played_ms)
        if isinstance(played_s, bool) or not isinstance(played_s, int | float) or not 0 <= played_s < 1e9:
            raise BadValue(f"{played_ms} is no number of milliseconds")
        yield Listen(
            user=listener(self._username or record.get("username") or username),
            at=_ended(ended, self._latest) - timedelta(seconds=int(played_s / 1000)),
            song=Description(name(title, "title"), name(artist, "artist"), album_name(album)),
            played_s=played_s / 1000,
        )


def _ended(value: object, latest: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"no moment: {str(value)[:50]}") from None
    if at > latest:
        raise BadValue("the moment is in the future")
    if at.year < 1971:
        raise BadValue("the moment is before there was any such service")
    return at
