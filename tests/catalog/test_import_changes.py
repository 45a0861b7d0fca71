"""What a scan sees: changed files, pictures beside them, folders that are nobody's music, and albums."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import mutagen
import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError
from django.utils import timezone
from mutagen import id3
from PIL import Image

from catalog.importing.names import disc_folder, guess_tags, numbers_in_a_row
from catalog.importing.pictures import make_cover
from catalog.importing.tags import Tags
from catalog.importing.walking import FoundFile, walk
from catalog.models import DuplicateFile, Label, LibraryRoot, Play, PlayCount, Rating, Song, SongLabel
from catalog.services import song_index
from catalog.services.artists import album_of
from catalog.services.labels import curate_named
from catalog.services.overviews import albums as albums_of_library
from catalog.services.playlists import make_playlist, songs_of
from tests.audio import add_picture, picture, tag
from tests.factories import make_rating, make_user
from tests.imports import import_summary

pytestmark = pytest.mark.django_db


def albums() -> set[tuple[str, str, int]]:
    """Title, whose, and how many songs."""
    song_index.reset()
    found = (album_of(song.pk) for song in Song.objects.all())
    return {(album.title, album.artist, len(album.song_ids)) for album in found if album is not None}


# --- Covers ---------------------------------------------------------------------------------------


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def colour_of(source: bytes) -> tuple[int, ...]:
    cover = make_cover(source)
    assert cover is not None
    with Image.open(BytesIO(cover.jpeg)) as image:
        pixel = image.getpixel((4, 4))
    assert isinstance(pixel, tuple)
    return pixel


def test_pictures_of_every_kind_look_as_they_should() -> None:
    grey = Image.frombytes("I;16", (8, 8), (0x8000).to_bytes(2, "little") * 64)
    assert colour_of(encoded(grey, "PNG")) == (128, 128, 128)
    assert colour_of(encoded(grey, "TIFF")) == (128, 128, 128)
    cyan = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG")
    assert colour_of(cyan) == pytest.approx((0, 255, 255), abs=3)
    # Without Adobe's mark inks are not written the other way round: these are three, and all black.
    mark = cyan.index(b"\xff\xee")
    plain = cyan[:mark] + cyan[mark + 2 + int.from_bytes(cyan[mark + 2 : mark + 4]) :]
    assert colour_of(plain) == pytest.approx((0, 0, 0), abs=3)
    red, blue = (Image.new("RGB", (8, 8), name) for name in ("red", "blue"))
    assert colour_of(encoded(red, "MPO", save_all=True, append_images=[blue])) == pytest.approx((255, 0, 0), abs=3)
    assert colour_of(encoded(red, "AVIF")) == pytest.approx((255, 0, 0), abs=6)


def test_the_cover_is_the_first_picture_that_can_be_decoded(music: Path, tone: Callable[..., Path]) -> None:
    path = tone(music / "a" / "x.mp3", title="Second")
    tags = id3.ID3(path)
    tags.add(id3.APIC(type=3, mime="image/png", data=picture((9, 9))[:45]))
    tags.add(id3.APIC(type=4, mime="image/png", data=picture((7, 7)), desc="back"))
    tags.save(path)
    add_picture(tone(music / "b" / "x.flac", 1, title="Beside"), b"no picture")
    (music / "b" / "cover.jpg").write_bytes(b"none either")
    (music / "b" / "Folder.GIF").write_bytes(encoded(Image.new("RGB", (5, 5)), "GIF"))
    tone(music / "c" / "Disc 2" / "x.flac", 2, title="Above")
    (music / "c" / "Front.webp").write_bytes(encoded(Image.new("RGB", (3, 3)), "WEBP"))
    tone(music / "c" / "more" / "x.flac", 3, title="Not above")

    import_summary(music)

    widths = {song.title: song.cover.width if song.cover else None for song in Song.objects.all()}
    assert widths == {"Second": 7, "Beside": 5, "Above": 3, "Not above": None}


def test_a_cover_that_is_added_changed_or_removed_later_is_seen(music: Path, tone: Callable[..., Path]) -> None:
    tone(music / "CD1" / "a.flac", title="A")
    import_summary(music)
    assert not Song.objects.get().cover

    (music / "cover.png").write_bytes(picture((9, 9)))
    assert import_summary(music).startswith("0 new, 0 known, 1 changed")
    assert Song.objects.get().cover.width == 9

    (music / "cover.png").write_bytes(picture((8, 8)))
    import_summary(music)
    assert Song.objects.get().cover.width == 8
    assert import_summary(music).startswith("0 new, 1 known, 0 changed")

    (music / "cover.png").unlink()
    import_summary(music)
    assert not Song.objects.get().cover


# --- Tags that change -----------------------------------------------------------------------------


def test_removed_tags_go_and_what_an_admin_has_written_stays(music: Path, tone: Callable[..., Path]) -> None:
    path = tone(music / "a.flac", title="A", artist="B", album="C", date="1999", discnumber="2", genre="Jazz")
    import_summary(music)
    Song.objects.update(year=1998)

    file = mutagen.File(path)
    for name in ("album", "date", "discnumber", "genre"):
        del file[name]
    file.save()
    import_summary(music)

    song = Song.objects.get()
    assert (song.title, song.artist, song.album, song.disc_number, song.year) == ("A", "B", "", None, 1998)
    assert not SongLabel.objects.exists()

    tag(path, title="New", date="2001")
    import_summary(music)
    song = Song.objects.get()
    assert (song.title, song.year) == ("New", 2001)


def test_a_file_whose_size_and_time_were_put_back_is_read_again(music: Path, tone: Callable[..., Path]) -> None:
    path = tone(music / "a.mp3", title="Teh Song")
    import_summary(music)
    before = path.stat()
    tag(path, title="The Song")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    import_summary(music)

    assert Song.objects.get().title == "The Song"


def test_again_reads_what_seems_to_be_as_it_was(music: Path, tone: Callable[..., Path]) -> None:
    tone(music / "a.mp3", title="A")
    import_summary(music)
    Song.objects.update(title="", from_file={"title": ""})
    assert import_summary(music).startswith("0 new, 1 known")
    assert Song.objects.get().title == ""

    assert import_summary(music, "--again").startswith("0 new, 0 known, 1 changed")
    assert Song.objects.get().title == "A"


def test_a_library_of_an_earlier_version_is_brought_up_to_date_by_one_scan(
    music: Path, tone: Callable[..., Path]
) -> None:
    path = tone(
        music / "Jazz" / "Kind of Blue" / "01 So What.flac", title="So What", artist="Miles", album="Kind of Blue"
    )
    tone(music / "Jazz" / "b.flac", 1, title="B", artist="Bee", date="2001")
    import_summary(music)
    user, known = make_user(), Song.objects.get(title="So What")
    make_rating(user, known, 5)
    Play.objects.create(user=user, song=known, played_at=timezone.now())
    PlayCount.objects.create(user=user, song=known, count=3)
    playlist = make_playlist(user, "Evening", [known.pk])
    curate_named(known, "modal", Label.Kind.GENRE, user)
    # As the earlier version left it: nothing known of what the file said, the album artist guessed from the path.
    Song.objects.update(file_state="", from_file=None, tagging_state="done")
    Song.objects.filter(title="So What").update(album_artist="Jazz", year=1959)
    edited = Song.objects.get(title="B")
    Song.objects.filter(pk=edited.pk).update(title="By hand")
    LogEntry.objects.create(
        user=make_user(),
        content_type=ContentType.objects.get_for_model(Song),
        object_id=str(edited.pk),
        object_repr="B",
        action_flag=CHANGE,
        change_message='[{"changed": {"fields": ["Title"]}}]',
    )

    report = import_summary(music)

    assert report.startswith("0 new, 2 known, 0 changed")
    assert "1 of the known changed because files are read more truly now" in report
    song = Song.objects.get(title="So What")
    assert (song.album_artist, song.year, song.tagging_state) == ("", 1959, "done")
    assert Song.objects.get(pk=edited.pk).title == "By hand"
    assert Rating.objects.get().song == Play.objects.get().song == PlayCount.objects.get().song == song
    assert list(songs_of(playlist)) == [song]
    assert [said.label.name for said in SongLabel.objects.filter(song=song, source="curator")] == ["modal"]
    assert path.exists()
    assert "truly" not in import_summary(music)


# --- The same recording twice ---------------------------------------------------------------------


def test_the_same_recording_on_two_albums_stays_on_both(music: Path, tone: Callable[..., Path]) -> None:
    tone(music / "a.flac", title="A", artist="B", album="First")
    tone(music / "b.flac", title="A", artist="B", album="Best of")
    tone(music / "c.flac", title="A", artist="B", album="Best Of")
    import_summary(music)
    assert set(Song.objects.values_list("album", flat=True)) == {"First", "Best of"}
    assert DuplicateFile.objects.get().path == "c.flac"


# --- Folders that hold nobody's music -------------------------------------------------------------


@pytest.mark.parametrize(
    "folder",
    [
        "#recycle",
        "@Recycle",
        "$RECYCLE.BIN",
        "@eaDir",
        "#snapshot",
        "lost+found",
        "System Volume Information",
        ".Trash-1000",
    ],
)
def test_what_is_moved_into_a_recycle_bin_is_gone(music: Path, tone: Callable[..., Path], folder: str) -> None:
    kept, gone = tone(music / "a" / "a.flac"), tone(music / "a" / "b.flac", 1)
    tone(music / "deep" / folder / "deeper" / "c.flac", 2)
    assert import_summary(music).startswith("2 new")
    (music / folder).mkdir()
    gone.rename(music / folder / "b.flac")

    report = import_summary(music)

    assert "1 missing" in report
    assert "0 moved" in report
    assert [song.path for song in Song.objects.playable()] == [str(kept.relative_to(music))]
    assert import_summary(music / folder).startswith("0 new")


@pytest.mark.parametrize("mark", [".nomedia", ".ignore"])
def test_a_folder_that_says_so_holds_no_music(music: Path, tone: Callable[..., Path], mark: str) -> None:
    tone(music / "a" / "b" / "a.flac")
    tone(music / "c.flac", 1)
    assert import_summary(music).startswith("2 new")
    (music / "a" / mark).touch()
    assert "1 missing" in import_summary(music)
    assert [song.path for song in Song.objects.playable()] == ["c.flac"]


@pytest.mark.parametrize("mark", [".nomedia", ".ignore"])
def test_a_root_that_says_so_is_left_alone_and_told_of(music: Path, tone: Callable[..., Path], mark: str) -> None:
    tone(music / "a.ogg")
    import_summary(music)
    (music / mark).touch()
    with pytest.raises(CommandError, match=rf"says that it holds no music, by the {mark} in it"):
        import_summary(music)
    assert Song.objects.get().missing_since is None


def test_songs_that_an_earlier_version_took_from_a_recycle_bin_are_missing(
    music: Path, tone: Callable[..., Path]
) -> None:
    tone(music / "a.flac")
    path = tone(music / "@eaDir" / "b.flac", 1)
    import_summary(music)
    Song.objects.create(title="b", root=LibraryRoot.objects.get(), path="@eaDir/b.flac", size=path.stat().st_size)
    assert "1 missing" in import_summary(music)


# --- Names and albums -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "numbered", "artist", "title", "track"),
    [
        ("50 Cent - In Da Club.mp3", False, "50 Cent", "In Da Club", None),
        ("3 Doors Down - Kryptonite.mp3", False, "3 Doors Down", "Kryptonite", None),
        ("99 Luftballons.mp3", False, "", "99 Luftballons", None),
        ("03 Title.mp3", False, "", "Title", 3),
        ("3. Title.mp3", False, "", "Title", 3),
        ("3 - Title.mp3", False, "", "Title", 3),
        ("3_Title.mp3", False, "", "Title", 3),
        ("3 Title.mp3", True, "", "Title", 3),
    ],
)
def test_a_number_is_that_of_a_track_only_where_it_looks_so(
    name: str, numbered: bool, artist: str, title: str, track: int | None
) -> None:
    guessed = guess_tags(name, numbered=numbered)
    assert (guessed.artist, guessed.title, guessed.track_number) == (artist, title, track)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["1 One.mp3", "2 Two.mp3"], {1, 2}),
        (["7 Seven.mp3", "8 Eight.mp3", "9 Nine.mp3"], {7, 8, 9}),
        (["50 Cent - In Da Club.mp3", "50 Cent - P.I.M.P.mp3"], set()),
        (["2 Unlimited - No Limit.mp3", "3 Doors Down - Kryptonite.mp3", "50 Cent - In Da Club.mp3"], set()),
    ],
)
def test_numbers_in_a_row_are_those_of_tracks(names: list[str], numbers: set[int]) -> None:
    assert numbers_in_a_row(names) == numbers


@pytest.mark.parametrize(
    ("name", "disc"),
    [
        *(("CD1", 1), ("Disc 02", 2), ("Disk Two", 2), ("[CD 3]", 3), ("CD 1 of 2", 1), ("Disc 2 Live", 2)),
        *(("CD1984", None), ("Disco 2", None), ("CD", None), ("Discovery", None)),
    ],
)
def test_folders_of_discs(name: str, disc: int | None) -> None:
    assert disc_folder(name) == disc


def test_a_folder_above_an_album_is_its_artist_only_where_the_file_names_nobody_else(
    music: Path, tone: Callable[..., Path]
) -> None:
    tone(music / "Jazz" / "Kind of Blue" / "a.flac", 1, title="So What", artist="Miles Davis")
    tone(music / "Miles Davis" / "Milestones" / "b.flac", 2, title="Dr. Jekyll", artist="Miles Davis feat. Cannonball")
    tone(music / "Various Artists" / "Hits" / "c.flac", 3, title="C", artist="Somebody")
    tone(music / "Sonny Rollins" / "Saxophone Colossus" / "d.flac", 4, title="Moritat")
    import_summary(music)
    assert dict(Song.objects.values_list("album", "album_artist")) == {
        "Kind of Blue": "",
        "Milestones": "Miles Davis",
        "Hits": "Various Artists",
        "Saxophone Colossus": "Sonny Rollins",
    }


def test_neighbours_tell_that_a_number_is_that_of_a_track(tmp_path: Path) -> None:
    for name in ("1 One.mp3", "2 Two.mp3", "50 Cent - In Da Club.mp3"):
        (tmp_path / name).touch()
    found = [one.numbered for one in walk(tmp_path) if isinstance(one, FoundFile)]
    assert found == [True, True, False]


def test_a_folder_is_no_album_artist_where_the_tags_name_artist_and_album(tmp_path: Path) -> None:
    path = "Jazz/Kind of Blue/01 So What.flac"
    assert guess_tags(path, Tags(artist="Miles Davis", album="Kind of Blue")).album_artist == ""
    assert guess_tags(path, Tags(album="Kind of Blue")).album_artist == "Jazz"
    assert guess_tags(path).album_artist == "Jazz"


def test_albums_of_one_title_in_folders_of_a_genre_are_several(music: Path, tone: Callable[..., Path]) -> None:
    for number, artist in enumerate(("ABBA", "Queen")):
        tone(music / "Rock" / f"{artist} GH" / "01.flac", number, title="A", artist=artist, album="Greatest Hits")
    import_summary(music)
    assert albums() == {("Greatest Hits", "ABBA", 1), ("Greatest Hits", "Queen", 1)}


def test_three_artists_on_one_album_of_a_folder_make_a_compilation(music: Path, tone: Callable[..., Path]) -> None:
    for number, artist in enumerate(("Ann", "Bob", "Cleo")):
        tone(
            music / "Hits" / f"CD{number % 2 + 1}" / f"{number}.flac",
            number,
            title=artist,
            artist=artist,
            album="Summer",
        )
    for number, artist in enumerate(("Dee", "Eve")):
        tone(music / "Duo" / f"{number}.flac", 3 + number, title=artist, artist=artist, album="Summer")

    import_summary(music)

    assert albums() == {("Summer", "Various Artists", 3), ("Summer", "Dee", 1), ("Summer", "Eve", 1)}
    # What was gathered stays so when a file is read again, and ends when it is none any more.
    tag(music / "Hits" / "CD1" / "0.flac", title="Anew")
    import_summary(music)
    assert ("Summer", "Various Artists", 3) in albums()
    (music / "Hits" / "CD1" / "0.flac").unlink()
    import_summary(music)
    assert set(Song.objects.playable().values_list("album_artist", flat=True)) == {""}


def test_the_flag_makes_a_compilation_and_an_album_artist_goes_before_it(
    music: Path, tone: Callable[..., Path]
) -> None:
    for number, artist in enumerate(("Ann", "Bob")):
        path = tone(music / "Hits" / f"{number}.flac", number, title=artist, artist=artist, album="Summer")
        file = mutagen.File(path)
        file["compilation"] = "1"
        file.save()
    tone(music / "Hits" / "2.flac", 2, title="Cleo", artist="Cleo", album="Summer", albumartist="Cleo")
    import_summary(music)
    assert albums() == {("Summer", "Various Artists", 2), ("Summer", "Cleo", 1)}


def test_an_album_of_one_artist_with_a_guest_on_each_song_is_no_compilation(
    music: Path, tone: Callable[..., Path]
) -> None:
    for number in range(3):
        tone(
            music / "Duets" / f"{number}.flac",
            number,
            title=str(number),
            artist=["Main", f"Guest {number}"],
            album="Duets",
        )
        tone(music / "More" / f"{number}.flac", 10 + number, artist=[f"Guest {number}", "Main"], album="More")
        tone(music / "Feat" / f"{number}.flac", 20 + number, artist=f"Main feat. Guest {number}", album="Feat")
    import_summary(music)
    assert set(Song.objects.values_list("album_artist", flat=True)) == {""}
    song_index.reset()
    assert [(one.name, one.by, one.songs) for one in albums_of_library()] == [
        ("Duets", "Main", 3),
        ("Feat", "Main", 3),
        ("More", "Main", 3),
    ]
    album = album_of(Song.objects.filter(album="Duets")[0].pk)
    assert album is not None
    assert (album.artist, album.artist_key) == ("Main", "main")


def sizes_of_albums() -> dict[tuple[str, str], int]:
    """How many songs are on each album of the library, by its title and whom it is by."""
    song_index.reset()
    return {(one.name, one.by): one.songs for one in albums_of_library()}


def test_two_artists_albums_of_one_title_in_a_folder_called_so_are_two(music: Path, tone: Callable[..., Path]) -> None:
    for number, artist in enumerate(("ABBA", "Queen") * 2):
        tone(
            music / "Greatest Hits" / f"{number}.flac", number, title=f"{number}", artist=artist, album="Greatest Hits"
        )
        tone(
            music / "Live" / f"{number}.flac",
            10 + number,
            title=f"{number}",
            artist=artist,
            albumartist=artist,
            album="Live",
        )
    import_summary(music)
    two = {("Greatest Hits", "ABBA"): 2, ("Greatest Hits", "Queen"): 2, ("Live", "abba"): 2, ("Live", "queen"): 2}
    assert sizes_of_albums() == two


def test_songs_that_an_artist_shares_and_songs_of_nobody_stay_on_the_album(
    music: Path, tone: Callable[..., Path]
) -> None:
    for number, artist in enumerate(("Anna", "Anna & Bob", "", "Anna feat. Cleo")):
        tone(music / "Songs" / f"{number}.flac", number, title=f"{number}", artist=artist, album="Ada")
    import_summary(music)
    song_index.reset()
    assert [len(album.song_ids) for song in Song.objects.all() if (album := album_of(song.pk))] == [4] * 4
    assert set(Song.objects.values_list("album_artist", flat=True)) == {""}
    # A scan that reads one of them again leaves it there.
    tag(music / "Songs" / "0.flac", comment="Anew")
    import_summary(music)
    song_index.reset()
    assert [len(album.song_ids) for song in Song.objects.all() if (album := album_of(song.pk))] == [4] * 4


def test_two_compilations_of_one_title_are_two_albums(music: Path, tone: Callable[..., Path]) -> None:
    for number, artist in enumerate(("Ann", "Bob", "Cleo") * 2):
        folder = music / ("x" if number < 3 else "y")
        tone(folder / f"{number}.flac", number, title=artist, artist=artist, album="Summer")
    import_summary(music)
    song_index.reset()
    sizes = [len(album.song_ids) for song in Song.objects.all() if (album := album_of(song.pk))]
    assert sizes == [3] * 6
