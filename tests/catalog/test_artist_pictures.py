"""Pictures of artists from their folders, and covers that an album's songs share."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from mutagen import id3
from PIL import Image

from catalog.importing.cover_names import artist_rank
from catalog.importing.roots import UPLOADS
from catalog.models import ArtistPicture, LibraryRoot, Song
from catalog.services.import_report import ImportReport
from catalog.services.library import import_path, rescan
from tests.audio import embed_picture, tag
from tests.factories import make_song

pytestmark = pytest.mark.django_db

Tone = Callable[..., Path]


def picture(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = BytesIO()
    Image.new("RGB", (64, 64), colour).save(made, "JPEG")
    path.write_bytes(made.getvalue())
    return path


def bring_in(music: Path) -> None:
    import_path(music, ImportReport())


def colour_of(name: str | None) -> tuple[int, ...]:
    assert name
    with default_storage.open(name) as file, Image.open(file) as image:
        found = image.convert("RGB").getpixel((5, 5))
    assert isinstance(found, tuple)
    return tuple(round(channel / 255) for channel in found)


RED, BLUE = (1, 0, 0), (0, 0, 1)


@pytest.mark.parametrize("name", ["artist.jpg", "Artist.PNG", "Nina Simone.jpg", "folder.jpg"])
def test_a_picture_in_the_folder_of_an_artist_is_theirs(music: Path, tone: Tone, name: str) -> None:
    tone(music / "Nina Simone" / "Pastel Blues" / "01 Sinnerman.ogg", artist="Nina Simone", album="Pastel Blues")
    picture(music / "Nina Simone" / name)
    bring_in(music)
    assert colour_of(ArtistPicture.objects.get(key="nina simone").picture.name) == RED
    assert Song.objects.get().cover.name == ""


def test_a_cover_beside_songs_is_no_picture_of_the_artist(music: Path, tone: Tone) -> None:
    tone(music / "Enya" / "01 Caribbean Blue.ogg", artist="Enya", album="Shepherd Moons")
    picture(music / "Enya" / "folder.jpg")
    bring_in(music)
    assert not ArtistPicture.objects.exists()
    assert colour_of(Song.objects.get().cover.name) == RED


def test_a_folder_that_is_named_after_nobody_in_it_says_nothing_of_artists(music: Path, tone: Tone) -> None:
    tone(music / "Jazz" / "Pastel Blues" / "01 Sinnerman.ogg", artist="Nina Simone", album="Pastel Blues")
    picture(music / "Jazz" / "folder.jpg")
    bring_in(music)
    assert not ArtistPicture.objects.exists()


def test_a_picture_that_changes_or_goes_is_followed(music: Path, tone: Tone) -> None:
    tone(music / "Nina Simone" / "Pastel Blues" / "01 Sinnerman.ogg", artist="Nina Simone", album="Pastel Blues")
    file = picture(music / "Nina Simone" / "artist.jpg")
    bring_in(music)
    first = ArtistPicture.objects.get().picture.name or ""
    picture(file, "blue").write_bytes(picture(file, "blue").read_bytes() + b" ")
    bring_in(music)
    assert colour_of(ArtistPicture.objects.get().picture.name) == BLUE
    assert not default_storage.exists(first)
    second = ArtistPicture.objects.get().picture.name or ""
    file.unlink()
    bring_in(music)
    assert not ArtistPicture.objects.exists()
    assert not default_storage.exists(second)


def embed(file: Path, kind: int, colour: str, other: str = "") -> Path:
    """Put a picture of a type into the tags of a file, and one of the front beside it."""
    for of_type, of_colour in [(kind, colour), *([(3, other)] if other else [])]:
        made = BytesIO()
        Image.new("RGB", (64, 64), of_colour).save(made, "JPEG")
        embed_picture(file, made.getvalue(), of_type)
    return file


@pytest.mark.parametrize("kind", [7, 8, 10], ids=["lead artist", "artist", "band"])
@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg", "opus", "wma"])
def test_a_picture_in_tags_that_shows_the_artist_is_theirs(music: Path, tone: Tone, suffix: str, kind: int) -> None:
    named = {"Author": "Nina Simone"} if suffix == "wma" else {"artist": "Nina Simone", "album": "Pastel Blues"}
    file = tone(music / "Any folder" / f"01 Sinnerman.{suffix}", **named)
    embed(file, kind, "red", other="blue")
    bring_in(music)
    assert colour_of(ArtistPicture.objects.get(key="nina simone").picture.name) == RED
    assert colour_of(Song.objects.get().cover.name) == BLUE


def test_a_picture_of_the_back_shows_no_artist(music: Path, tone: Tone) -> None:
    embed(tone(music / "01 Sinnerman.mp3", artist="Nina Simone", album="Pastel Blues"), 4, "red")
    bring_in(music)
    assert not ArtistPicture.objects.exists()


def test_a_picture_in_tags_is_of_the_first_of_several_artists(music: Path, tone: Tone) -> None:
    embed(tone(music / "01 Duet.mp3", artist="Nina Simone feat. Somebody", album="Duets"), 8, "red")
    bring_in(music)
    assert ArtistPicture.objects.get().key == "nina simone"


def test_a_picture_in_a_folder_comes_before_one_in_tags(music: Path, tone: Tone) -> None:
    folder = music / "Nina Simone" / "Pastel Blues"
    embed(tone(folder / "01 Sinnerman.mp3", artist="Nina Simone", album="Pastel Blues"), 8, "red")
    bring_in(music)
    assert colour_of(ArtistPicture.objects.get().picture.name) == RED
    picture(music / "Nina Simone" / "artist.jpg", "blue")
    embed(tone(folder / "02 Trouble.mp3", 1, artist="Nina Simone", album="Pastel Blues"), 8, "red")
    bring_in(music)
    assert colour_of(ArtistPicture.objects.get().picture.name) == BLUE


def test_a_picture_in_tags_stays_with_its_file_and_goes_with_it(music: Path, tone: Tone) -> None:
    file = embed(tone(music / "01 Sinnerman.mp3", artist="Nina Simone", album="Pastel Blues"), 8, "red")
    bring_in(music)
    kept = ArtistPicture.objects.get().picture.name or ""
    bring_in(music)
    assert ArtistPicture.objects.get().picture.name == kept
    file = file.rename(music / "01 Moved.mp3")
    bring_in(music)
    assert ArtistPicture.objects.get().path == "01 Moved.mp3"
    tag(file, artist="Somebody Else")
    bring_in(music)
    assert [one.key for one in ArtistPicture.objects.all()] == ["somebody else"]
    id3.delete(file)
    tag(file, artist="Somebody Else")
    bring_in(music)
    assert not ArtistPicture.objects.exists()
    assert not default_storage.exists(kept)


def test_an_upload_gives_no_artist_a_picture(music: Path, tone: Tone) -> None:
    file = embed(tone(music / "01 Sinnerman.mp3", artist="Nina Simone", album="Pastel Blues"), 8, "red")
    root = LibraryRoot.objects.create(name=UPLOADS, path=str(music))
    rescan(root)
    assert Song.objects.get().title
    assert file.exists()
    assert not ArtistPicture.objects.exists()


def test_a_damaged_picture_is_passed_over(music: Path, tone: Tone) -> None:
    tone(music / "Nina Simone" / "Pastel Blues" / "01 Sinnerman.ogg", artist="Nina Simone", album="Pastel Blues")
    (music / "Nina Simone" / "artist.jpg").write_bytes(b"no picture")
    bring_in(music)
    assert not ArtistPicture.objects.exists()


def test_songs_without_a_cover_have_that_of_their_album(music: Path, tone: Tone) -> None:
    folder = music / "Nina Simone" / "Pastel Blues"
    for number, title in enumerate(("Be My Husband", "Sinnerman")):
        tone(folder / f"{number + 1:02} {title}.ogg", number, artist="Nina Simone", album="Pastel Blues", title=title)
    bring_in(music)
    Song.objects.filter(title="Sinnerman").update(cover="covers/own.jpg")
    (folder / "02 Sinnerman.ogg").touch()
    tone(folder / "03 Trouble in Mind.ogg", 2, artist="Nina Simone", album="Pastel Blues", title="Trouble in Mind")
    bring_in(music)
    assert set(Song.objects.values_list("cover", flat=True)) == {"covers/own.jpg"}


def test_an_album_of_several_covers_shares_none(music: Path, tone: Tone) -> None:
    folder = music / "Nina Simone" / "Pastel Blues"
    for number in range(3):
        tone(folder / f"{number + 1:02} Song {number}.ogg", number, artist="Nina Simone", album="Pastel Blues")
    bring_in(music)
    first, second, bare = Song.objects.order_by("path")
    Song.objects.filter(pk=first.pk).update(cover="covers/one.jpg")
    Song.objects.filter(pk=second.pk).update(cover="covers/other.jpg")
    (folder / "03 Song 2.ogg").touch()
    bring_in(music)
    bare.refresh_from_db()
    assert bare.cover.name == ""


def test_the_picture_of_an_artist_is_found_else_a_cover_else_drawn(client: Client, listener: User, music: Path) -> None:
    drawn = client.get("/artist-pictures/nina simone")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert b">NS</text>" in drawn.content
    name = default_storage.save("covers/nina.jpg", picture(music / "cover.jpg").open("rb"))
    make_song("Sinnerman", "Nina Simone", cover=name)
    assert client.get("/artist-pictures/nina simone")["Content-Type"] == "image/jpeg"
    assert client.get("/artist-pictures/nina simone", headers={"if-none-match": drawn["ETag"]}).status_code == 200


def test_strangers_see_no_picture(client: Client) -> None:
    assert client.get("/artist-pictures/nina simone").status_code == 302


def test_artists_are_round_with_a_picture_of_their_own(client: Client, listener: User) -> None:
    make_song("Sinnerman", "Nina Simone")
    page = client.get("/artists/nina%20simone/").content.decode()
    assert 'class="cover person-picture" src="/artist-pictures/nina%20simone"' in page


@pytest.mark.parametrize(
    ("name", "alone", "expected"),
    [
        ("artist.jpg", False, True),
        ("Enya.webp", False, True),
        ("cover.jpg", False, False),
        ("cover.jpg", True, True),
        ("back.jpg", True, False),
        ("artist.txt", True, False),
    ],
)
def test_names_of_pictures_of_artists(name: str, alone: bool, expected: bool) -> None:
    assert (artist_rank(name, "Enya", alone=alone) is not None) == expected


def test_where_tags_are_missing_the_folder_is_named(client: Client, listener: User, music: Path, tone: Tone) -> None:
    tone(music / "Grandfather's tapes" / "side a.ogg")
    bring_in(music)
    page = client.get("/library/").content.decode()
    assert "Grandfather&#x27;s tapes" in page or "Grandfather&#39;s tapes" in page
    assert "Unknown artist" not in page
    # What somebody uploads lies in a folder that says nothing.
    Song.objects.update(uploaded_by=listener)
    assert "Unknown artist" in client.get("/library/").content.decode()
