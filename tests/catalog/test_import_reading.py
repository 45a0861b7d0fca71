"""What is read from one audio file: tags, names, fingerprint, pictures."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mutagen
import pytest
from mutagen import id3, mp4
from mutagen.flac import Picture
from PIL import Image

from catalog.audio_frames import UnreadableAudio
from catalog.importing.fingerprint import fingerprint
from catalog.importing.names import guess_tags
from catalog.importing.pictures import Covers, make_cover, pictures_beside
from catalog.importing.reading import read_audio_file
from catalog.importing.tags import Tags, read_tags, split_genres
from catalog.importing.walking import BadFile, FoundFile, walk
from tests.audio import add_picture, picture, tag, write_tone

MBID = "0a1b2c3d-0000-4000-8000-000000000001"
EVERYTHING = Tags(
    title="Title",
    artist="One, Two",
    artists=("One", "Two"),
    album="Album",
    album_artist="Various",
    track_number=3,
    disc_number=1,
    year=1998,
    genres=("Jazz", "Soul"),
    identifiers=(f"mbid:{MBID}", "isrc:USUAN1400011"),
)

# --- Tags -----------------------------------------------------------------------------------------


def id3_frames() -> list[id3.Frame]:
    return [
        id3.TIT2(text=["Title"]),
        id3.TPE1(text=["One", "Two"]),
        id3.TPE2(text=["Various"]),
        id3.TALB(text=["Album"]),
        id3.TRCK(text=["3/12"]),
        id3.TPOS(text=["1/2"]),
        id3.TDRC(text=["1998-05-01"]),
        id3.TCON(text=["(8)Soul"]),
        id3.TSRC(text=["USUAN1400011"]),
        id3.UFID(owner="http://musicbrainz.org", data=MBID.encode()),
        id3.APIC(type=4, mime="image/png", data=b"back"),
        id3.APIC(type=3, mime="image/png", data=b"front", desc="x"),
    ]


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.aiff"])
def test_id3(tmp_path: Path, name: str) -> None:
    file = mutagen.File(write_tone(tmp_path / name))
    if file.tags is None:
        file.add_tags()
    for frame in id3_frames():
        file.tags.add(frame)
    file.save()
    tags = read_tags(tmp_path / name)
    assert tags == replace(EVERYTHING, pictures=(b"front", b"back"))


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.flac"])
def test_vorbis_comments(tmp_path: Path, name: str) -> None:
    file = mutagen.File(write_tone(tmp_path / name))
    file["TITLE"], file["ARTIST"], file["ALBUM"], file["ALBUMARTIST"] = "Title", ["One", "Two"], "Album", "Various"
    file["TRACKNUMBER"], file["DISCNUMBER"], file["DATE"], file["GENRE"] = "3", "1/2", "1998", ["Jazz", "Soul"]
    file["ISRC"], file["MUSICBRAINZ_TRACKID"] = "US-UAN-14-00011", MBID.upper()
    file.save()
    assert read_tags(tmp_path / name) == EVERYTHING


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_mp4_atoms(tmp_path: Path, codec: str) -> None:
    file = mp4.MP4(write_tone(tmp_path / "a.m4a", codec=codec))
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"], file["aART"] = ["Title"], ["One", "Two"], ["Album"], ["Various"]
    file["trkn"], file["disk"], file["\xa9day"], file["\xa9gen"] = [(3, 12)], [(1, 2)], ["1998"], ["Jazz, Soul"]
    file["----:com.apple.iTunes:ISRC"] = [b"USUAN1400011"]
    file["----:com.apple.iTunes:MusicBrainz Track Id"] = [MBID.encode()]
    file["covr"] = [mp4.MP4Cover(b"front", imageformat=mp4.MP4Cover.FORMAT_PNG)]
    file.save()
    tags = read_tags(tmp_path / "a.m4a")
    assert tags == replace(EVERYTHING, pictures=(b"front",))


def test_asf_attributes(tmp_path: Path) -> None:
    file = mutagen.File(write_tone(tmp_path / "a.wma"))
    file["Title"], file["Author"], file["WM/TrackNumber"], file["WM/Year"] = "Title", "Artist", "3", "1998"
    file.save()
    tags = read_tags(tmp_path / "a.wma")
    assert (tags.title, tags.artist, tags.track_number, tags.year) == ("Title", "Artist", 3, 1998)


def test_texts_of_a_wav_file_without_id3(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav")
    info = b"INFO" + b"".join(
        struct.pack("<4sI", name, len(text)) + text + b"\0" * (len(text) % 2)
        for name, text in ((b"INAM", b"Title\0"), (b"IART", "Bj\u00f6rk".encode("latin-1")), (b"ICRD", b"1998"))
    )
    whole = path.read_bytes() + struct.pack("<4sI", b"LIST", len(info)) + info
    path.write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.year) == ("Title", "Bj\u00f6rk", 1998)


def test_texts_of_an_aiff_file_without_id3(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.aiff")
    whole = path.read_bytes() + struct.pack(">4sI", b"NAME", 6) + b"Title " + struct.pack(">4sI", b"AUTH", 2) + b"Me"
    path.write_bytes(whole[:4] + struct.pack(">I", len(whole) - 8) + whole[8:])
    assert (read_tags(path).title, read_tags(path).artist) == ("Title", "Me")


def test_a_picture_in_an_ogg_file(tmp_path: Path) -> None:
    file = mutagen.File(write_tone(tmp_path / "a.ogg"))
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", b"front"
    file["metadata_block_picture"] = ["no picture", base64.b64encode(cover.write()).decode()]
    file.save()
    assert read_tags(tmp_path / "a.ogg").pictures == (b"front",)


def test_a_picture_that_is_too_large_is_left(tmp_path: Path) -> None:
    assert read_tags(add_picture(write_tone(tmp_path / "a.flac"), b"x" * 16_000_000)).pictures
    file = mutagen.File(write_tone(tmp_path / "a.mp3"))
    file.add_tags()
    file.tags.add(id3.APIC(type=3, mime="image/png", data=b"x" * 20_000_001))
    file.save()
    assert read_tags(tmp_path / "a.mp3") == Tags()


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("03", 3), ("3/12", 3), ("0", None), ("A1", None), ("", None), ("-3", None)]
)
def test_track_numbers(tmp_path: Path, text: str, number: int | None) -> None:
    assert read_tags(tag(write_tone(tmp_path / "a.flac"), tracknumber=text)).track_number == number


@pytest.mark.parametrize(("text", "year"), [("1998", 1998), ("2011-07-19", 2011), ("jan08", None), ("May 1998", 1998)])
def test_years(tmp_path: Path, text: str, year: int | None) -> None:
    assert read_tags(tag(write_tone(tmp_path / "a.flac"), date=text)).year == year


@pytest.mark.parametrize(
    ("texts", "genres"),
    [
        (["Rock/Pop"], ["Rock", "Pop"]),
        (["Folk, World, & Country"], ["Folk", "World", "Country"]),
        (["Drum & Bass; R&B"], ["Drum & Bass", "R&B"]),
        (["Rock", "rock", "ROCK\\Jazz"], ["Rock", "Jazz"]),
        (["Singer/Songwriter"], ["Singer/Songwriter"]),
        (["Rock and Roll"], ["Rock and Roll"]),
        (["80s|Hip-Hop"], ["80s", "Hip-Hop"]),
        (["Other", "unknown", "17", "", "-", "x" * 101], []),
    ],
)
def test_genres(texts: list[str], genres: list[str]) -> None:
    assert list(split_genres(texts)) == genres


def test_identifiers_of_the_wrong_form_are_left(tmp_path: Path) -> None:
    tags = read_tags(tag(write_tone(tmp_path / "a.flac"), isrc="12345", musicbrainz_trackid="../../etc/passwd"))
    assert tags.identifiers == ()


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "title", "artist", "album", "track", "disc"),
    [
        ("Artist/Album/03 - Title.mp3", "Title", "Artist", "Album", 3, None),
        ("Artist/Album/03. Title.mp3", "Title", "Artist", "Album", 3, None),
        ("Artist/Album/2-03 Title.mp3", "Title", "Artist", "Album", 3, 2),
        ("Artist/Album/CD 2/03 Title.mp3", "Title", "Artist", "Album", 3, 2),
        ("Various/Album/03 - Somebody - Title.mp3", "Title", "Somebody", "Album", 3, None),
        ("genre/Artist/Album/Title.mp3", "Title", "Artist", "Album", None, None),
        ("Artist - Title.mp3", "Title", "Artist", "", None, None),
        ("Artist - Title - Live.mp3", "Title - Live", "Artist", "", None, None),
        ("Artist - Album - 03 - Title.mp3", "Title", "Artist", "Album", 3, None),
        ("Artist - 03. Title - Live.mp3", "Title - Live", "Artist", "", 3, None),
        ("Artist/Album/Artist - Album - 03 - Title.mp3", "Title", "Artist", "Album", 3, None),
        ("Artist - Album/03 Title.mp3", "Title", "Artist", "Album", 3, None),
        ("Album/03 Title.mp3", "Title", "", "Album", 3, None),
        ("downloads/Title.mp3", "Title", "", "", None, None),
        ("some_song_name.mp3", "some song name", "", "", None, None),
        ("kevin-macleod_vibe-ace.ogg", "Vibe Ace", "Kevin Macleod", "", None, None),
        ("99 Luftballons.mp3", "99 Luftballons", "", "", None, None),
        ("1979.mp3", "1979", "", "", None, None),
        ("03.mp3", "03", "", "", None, None),
        (" - .mp3", "-", "", "", None, None),
    ],
)
def test_names(path: str, title: str, artist: str, album: str, track: int | None, disc: int | None) -> None:
    guessed = guess_tags(path)
    assert (guessed.title, guessed.artist, guessed.album) == (title, artist, album)
    assert (guessed.track_number, guessed.disc_number) == (track, disc)


# --- Fingerprints ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus", "a.flac", "a.m4a", "a.wav", "a.aiff"])
def test_tags_do_not_change_the_fingerprint_and_sound_does(tmp_path: Path, name: str) -> None:
    path = write_tone(tmp_path / name)
    before = fingerprint(path)
    if name in ("a.wav", "a.aiff"):
        file = mutagen.File(path)
        file.add_tags()
        file.tags.add(id3.TIT2(text=["x" * 70_000]))
        file.save()
    else:
        tag(path, title="x" * 70_000)
    assert fingerprint(path) == before
    assert fingerprint(write_tone(tmp_path / f"other{path.suffix}", hz=441)) != before


def test_old_tags_at_the_end_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.mp3")
    before = fingerprint(path)
    ape = mutagen.apev2.APEv2()
    ape["Title"] = "Title"
    ape.save(path)
    path.write_bytes(path.read_bytes() + b"TAG" + b"x" * 125)
    assert fingerprint(path) == before


def test_a_file_without_sound_to_be_told_from_tags_is_taken_whole(tmp_path: Path) -> None:
    one, two = tmp_path / "one.m4a", tmp_path / "two.m4a"
    one.write_bytes(b"\0\0\0\x0cftypM4A 1")
    two.write_bytes(b"\0\0\0\x0cftypM4A 2")
    assert fingerprint(one) != fingerprint(two)


# --- Pictures -------------------------------------------------------------------------------------


def test_a_picture_becomes_a_jpeg_of_sane_size() -> None:
    cover = make_cover(picture((1200, 300)))
    assert cover is not None
    with Image.open(BytesIO(cover.jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", (600, 150))


def test_transparent_pictures_are_laid_on_white() -> None:
    png = BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(png, "PNG")
    cover = make_cover(png.getvalue())
    assert cover is not None
    with Image.open(BytesIO(cover.jpeg)) as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)


def test_pictures_that_would_fill_the_memory_are_not_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = bytearray(picture((1, 1)))
    bomb[16:29] = header
    assert make_cover(bytes(bomb)) is None
    large = BytesIO()
    Image.new("1", (8000, 8000)).save(large, "PNG")
    assert make_cover(large.getvalue()) is None


def test_damaged_pictures_are_no_cover() -> None:
    whole = picture((300, 300))
    assert make_cover(whole[:100]) is None
    assert make_cover(b"") is None
    assert make_cover(b"<svg/>") is None
    dice = random.Random(1)
    jpeg = BytesIO()
    Image.effect_noise((64, 64), 50).save(jpeg, "JPEG")
    for _ in range(300):
        for source in (whole, jpeg.getvalue()):
            broken = bytearray(source)
            for _ in range(5):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
            make_cover(bytes(broken))


def test_the_pictures_whose_names_say_cover_come_before_others(tmp_path: Path) -> None:
    (tmp_path / "back cover.jpg").write_bytes(b"back")
    (tmp_path / "holiday.jpg").write_bytes(b"holiday")
    assert list(pictures_beside(tmp_path)) == []
    (tmp_path / "Front Cover.tif").write_bytes(b"front cover")
    (tmp_path / "folder.png").write_bytes(b"folder")
    (tmp_path / "COVER.JPEG").write_bytes(b"cover")
    assert list(pictures_beside(tmp_path)) == [b"cover", b"folder", b"front cover"]


def test_one_picture_is_encoded_once(tmp_path: Path) -> None:
    covers = Covers()
    first = covers.of(tmp_path / "a.mp3", [picture((10, 10))])
    assert first is not None
    assert covers.of(tmp_path / "b.mp3", [picture((10, 10))]) is first


# --- Damage on purpose ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus", "a.flac", "a.m4a", "a.wav", "a.aiff"])
def test_whatever_is_broken_in_a_file_it_is_read_or_refused_with_a_reason(tmp_path: Path, name: str) -> None:
    path = write_tone(tmp_path / name, seconds=0.5)
    if name not in ("a.wav", "a.aiff"):
        tag(path, title="Title", genre="Jazz")
    whole, dice, reasons = path.read_bytes(), random.Random(name), []
    for round_ in range(40):
        broken = bytearray(whole)
        for _ in range(dice.choice([1, 10, 100])):
            broken[dice.randrange(len(broken) if round_ % 2 else min(len(broken), 400))] = dice.randrange(256)
        path.write_bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken))])])
        (found,) = walk(tmp_path)
        assert isinstance(found, FoundFile)
        try:
            read_audio_file(tmp_path, found, Covers())
        except UnreadableAudio as error:
            reasons.append(str(error))
    assert reasons
    assert all(reasons)


def test_files_come_in_the_order_of_their_names_and_a_folder_may_be_left_out(tmp_path: Path) -> None:
    for path in ("b/1.mp3", "a.mp3", "b.mp3", "c/2.mp3", "d/3.mp3"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = [entry.path for entry in walk(tmp_path, leave_out={tmp_path / "c"})]
    assert found == ["a.mp3", "b.mp3", "b/1.mp3", "d/3.mp3"]


def test_a_path_too_long_to_be_remembered_is_named(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(5):
        folder /= "x" * 240
        folder.mkdir()
    (folder / "a.mp3").touch()
    (bad,) = walk(tmp_path)
    assert isinstance(bad, BadFile)
    assert "longer than 1000 characters" in bad.reason
