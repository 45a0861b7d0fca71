"""A library that has every state a player can meet, and people who listen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Label, LibraryRoot, Song, SoundDetails
from catalog.services.favourites import set_favourite_song
from catalog.services.listening import rate, record_play
from tests.audio import tag, write_tone
from tests.factories import add_labels, make_root, make_song, make_user

from .player import Player


@pytest.fixture
def mira(db: None) -> User:
    return make_user("mira")


@pytest.fixture
def otto(db: None) -> User:
    return make_user("otto")


@pytest.fixture
def player(client: Client, mira: User) -> Player:
    return Player(client, "mira")


@pytest.fixture
def stranger(client: Client, otto: User) -> Player:
    """The player of somebody else."""
    return Player(client, "otto")


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with short songs in it, made once."""
    folder = tmp_path_factory.mktemp("Music")
    tag(write_tone(folder / "Nina" / "Blue" / "01 One.flac", 3.0), title="One", artist="Nina", album="Blue")
    write_tone(folder / "Nina" / "Blue" / "02 Two.ogg", 1.0)
    write_tone(folder / "Otis" / "Solo.mp3", 1.0)
    (folder / "Nina" / "Blue" / "01 One.lrc").write_text("[00:00.50]First line\n[00:01.50]Second <b> & line\n")
    return folder


@pytest.fixture
def root(db: None, tone: Path) -> LibraryRoot:
    return make_root(tone, "Music")


@pytest.fixture
def one(root: LibraryRoot) -> Song:
    """A song that lacks nothing."""
    song = make_song(
        "One",
        "Nina",
        album="Blue",
        album_artist="Nina",
        track_number=1,
        disc_number=1,
        year=1971,
        duration_s=3.0,
        root=root,
        path="Nina/Blue/01 One.flac",
        size=(root.folder / "Nina/Blue/01 One.flac").stat().st_size,
        codec="flac",
        external_id="mbid:5b11f4ce-a62d-471e-81fc-a69a8278c7da",
    )
    SoundDetails.objects.create(
        song=song, sample_rate=22050, channels=2, bit_depth=16, bit_rate=400_000, track_gain=-6.5, track_peak=0.9
    )
    add_labels(song, {"jazz": 1.0}, source="import", origin="file")
    Label.objects.update(kind=Label.Kind.GENRE)
    return song


@pytest.fixture
def two(root: LibraryRoot) -> Song:
    """A song of the same album, of two people."""
    return make_song(
        "Two",
        "Nina feat. Otis",
        album="Blue",
        album_artist="Nina",
        track_number=2,
        year=1971,
        duration_s=1.0,
        root=root,
        path="Nina/Blue/02 Two.ogg",
        size=9000,
        codec="vorbis",
    )


@pytest.fixture
def bare(root: LibraryRoot) -> Song:
    """A song of which hardly anything is known, in odd letters."""
    return make_song('Øþ "夜" <&> \u200f\x01', root=root, path="Otis/Solo.mp3", codec="mp3")


@pytest.fixture
def songs(one: Song, two: Song, bare: Song) -> list[Song]:
    """The library: an album, a song on none, a song without a file."""
    make_song("Silent", "Nina", album="Blue")
    return [one, two, bare]


@pytest.fixture
def heard(mira: User, songs: list[Song]) -> list[Song]:
    """The library, of which Mira has said something."""
    rate(mira, songs[0], 5)
    record_play(mira, songs[0])
    set_favourite_song(mira, songs[1])
    return songs
