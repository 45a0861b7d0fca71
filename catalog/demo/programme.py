"""Which tracks the demo library has."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from composer import covers
from composer.encoding import TrackTags

_FILE = Path(__file__).with_name("programme.toml")
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"/\\|?*'))


@dataclass(frozen=True)
class Cover:
    """What `covers.draw` needs."""

    motif: str
    colours: str
    seed: int


@dataclass(frozen=True)
class Track:
    """A track of the demo library: its tags, and the piece that it is."""

    title: str
    artist: str
    album: str
    album_artist: str
    number: int
    tracks: int
    year: int
    format: str
    style: str
    seed: int
    cover: Cover | None

    @property
    def path(self) -> str:
        """Where its file lies in the library's folder."""
        name = f"{self.number:02d} {_file_name(self.title)}.{self.format}"
        return f"{_file_name(self.album_artist)}/{_file_name(self.album)}/{name}"

    def tags(self) -> TrackTags:
        """What its file says of itself, the cover drawn."""
        cover = covers.draw(self.cover.motif, self.cover.colours, self.cover.seed) if self.cover else None
        return TrackTags(
            self.title, self.artist, self.album, self.album_artist, self.number, self.tracks, self.year, cover
        )


def _file_name(text: str) -> str:
    """A name that every file system takes."""
    return text.translate(_FORBIDDEN).strip(" .")


@cache
def programme() -> tuple[Track, ...]:
    """Every track of the demo library, album by album."""
    with _FILE.open("rb") as file:
        albums = tomllib.load(file)["album"]
    return tuple(
        Track(
            title=track["title"],
            artist=track.get("artist", album["artist"]),
            album=album["title"],
            album_artist=album["artist"],
            number=number,
            tracks=len(album["tracks"]),
            year=album["year"],
            format=album["format"],
            style=track["style"],
            seed=track["seed"],
            cover=Cover(**album["cover"]) if "cover" in album else None,
        )
        for album in albums
        for number, track in enumerate(album["tracks"], 1)
    )
