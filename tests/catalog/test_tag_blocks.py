"""Tags are read by what a file holds, block by block: a broken one costs nothing but itself."""

from __future__ import annotations

import base64
import struct
from io import BytesIO
from pathlib import Path

import mutagen
import pytest
from mutagen import id3
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.asf._attrs import ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.ogg import OggPage

from catalog.audio import decode
from catalog.audio_lengths import probe
from catalog.importing.fingerprint import fingerprint
from catalog.importing.old_encodings import decode_all
from catalog.importing.tags import Tags, read_tags
from tests.audio import tag, with_flac_blocks, write_tone

FORMATS = ["mp3", "flac", "ogg", "opus", "m4a", "wma", "wav", "aiff"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A short file of each format with a title and an artist."""
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for name in FORMATS:
        path = write_tone(folder / f"a.{name}", seconds=0.3)
        if name in ("wav", "aiff"):
            file = mutagen.File(path)
            file.add_tags()
            file.tags.add(id3.TIT2(text=["Told"]))
            file.tags.add(id3.TPE1(text=[name]))
            file.save()
        else:
            tag(path, title="Told", **{"Author" if name == "wma" else "artist": name})
        made[name] = path.read_bytes()
    return made


@pytest.fixture
def plain_mp3(tmp_path: Path) -> Path:
    """An MP3 without any tags."""
    path = write_tone(tmp_path / "plain.mp3", seconds=0.3)
    id3.delete(path)
    return path


def read(path: Path, content: bytes) -> Tags:
    path.write_bytes(content)
    return read_tags(path)


def appended_id3(*frames: id3.Frame) -> bytes:
    """An ID3v2.4 tag as it stands behind the sound: with a footer."""
    tags, content = id3.ID3(), BytesIO()
    for frame in frames:
        tags.add(frame)
    tags.save(content, padding=lambda _: 0)
    raw = content.getvalue()
    head = raw[3:5] + bytes([raw[5] | 0x10]) + raw[6:10]
    return b"ID3" + head + raw[10:] + b"3DI" + head


def vorbis_block(**comments: str) -> bytes:
    body = struct.pack("<I", 0) + struct.pack("<I", len(comments))
    for name, text in comments.items():
        raw = f"{name}={text}".encode()
        body += struct.pack("<I", len(raw)) + raw
    return body


# --- By content -----------------------------------------------------------------------------------


@pytest.mark.parametrize("held", FORMATS)
@pytest.mark.parametrize("suffix", ["mp3", "flac", "m4a"])
def test_a_file_is_read_by_what_it_holds(tmp_path: Path, files: dict[str, bytes], held: str, suffix: str) -> None:
    tags = read(tmp_path / f"x.{suffix}", files[held])
    assert (tags.title, tags.artist) == ("Told", held)


@pytest.mark.parametrize("held", ["flac", "ogg", "opus", "m4a", "wma", "wav", "aiff"])
def test_id3_in_front_of_another_format_fills_what_that_leaves_open(
    tmp_path: Path, files: dict[str, bytes], held: str
) -> None:
    front = tmp_path / "front.mp3"
    tags = id3.ID3()
    tags.add(id3.TIT2(text=["Not told"]))
    tags.add(id3.TALB(text=["Album"]))
    tags.save(front)
    (tmp_path / "without").write_bytes(files[held])
    path = tmp_path / "x.flac"
    read_ = read(path, front.read_bytes() + files[held])
    assert (read_.title, read_.artist, read_.album) == ("Told", held, "Album")
    assert probe(path) == probe(tmp_path / "without")
    assert fingerprint(path) == fingerprint(tmp_path / "without")
    assert (decode(path, 0.1, 0.1, 8000) == decode(tmp_path / "without", 0.1, 0.1, 8000)).all()


def test_id3_in_front_of_aac(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.aac", seconds=0.3)
    tags = id3.ID3()
    tags.add(id3.TIT2(text=["Told"]))
    tags.save(tmp_path / "front")
    assert read(path, (tmp_path / "front").read_bytes() + path.read_bytes()).title == "Told"


def test_each_field_comes_from_the_first_block_that_tells_it(plain_mp3: Path) -> None:
    tags = id3.ID3()
    tags.add(id3.TIT2(text=["Of ID3v2"]))
    tags.save(plain_mp3, v1=0)
    ape = APEv2()
    ape["Title"], ape["Artist"], ape["Year"] = "Of APE", "Of APE", "1999"
    ape.save(plain_mp3)
    old = b"TAG" + b"Of ID3v1".ljust(30, b"\0") * 2 + b"Of ID3v1".ljust(30, b"\0") + b"1980" + bytes(28) + b"\0\x07\x08"
    told = read(plain_mp3, plain_mp3.read_bytes() + old)
    assert (told.title, told.artist, told.album, told.year) == ("Of ID3v2", "Of APE", "Of ID3v1", 1999)
    assert (told.track_number, told.genres) == (7, ("Jazz",))


def test_ape_alone(plain_mp3: Path) -> None:
    ape = APEv2()
    ape["Title"], ape["Cover Art (Front)"] = "Told", b"cover.jpg\0front"
    ape.save(plain_mp3)
    assert read_tags(plain_mp3) == Tags(title="Told", pictures=(b"front",))


def test_an_id3_tag_at_the_end_of_a_file_is_read(tmp_path: Path, plain_mp3: Path, files: dict[str, bytes]) -> None:
    sound = plain_mp3.read_bytes()
    v1 = b"TAG" + b"Old".ljust(30, b"\0") + bytes(95)
    appended = appended_id3(id3.TIT2(text=["Appended"]), id3.TALB(text=["Album"]))
    for behind in (appended, appended + v1):
        told = read(tmp_path / "a.mp3", sound + behind)
        assert (told.title, told.album) == ("Appended", "Album")
        assert fingerprint(tmp_path / "a.mp3") == fingerprint(plain_mp3)
        assert probe(tmp_path / "a.mp3").duration_s == pytest.approx(0.3, abs=0.15)
    ape = APEv2()
    ape["Title"], ape["Artist"] = "Ape", "Artist"
    ape.save(tmp_path / "ape.mp3")
    told = read(tmp_path / "a.mp3", sound + (tmp_path / "ape.mp3").read_bytes() + appended + v1)
    assert (told.title, told.artist, told.album) == ("Appended", "Artist", "Album")
    assert fingerprint(tmp_path / "a.mp3") == fingerprint(plain_mp3)
    assert read(tmp_path / "a.mp3", sound + appended[:-10] + b"3DI" + bytes(7)) == Tags()


def test_a_tag_that_another_tells_the_place_of_is_read(tmp_path: Path, plain_mp3: Path) -> None:
    sound, second = plain_mp3.read_bytes(), id3.ID3()
    second.add(id3.TALB(text=["Album"]))
    second.save(tmp_path / "second.mp3", padding=lambda _: 0)
    first = id3.ID3()
    first.add(id3.TIT2(text=["Title"]))
    first.add(id3.SEEK(offset=len(sound)))
    first.save(tmp_path / "first.mp3", padding=lambda _: 0)
    told = read(
        tmp_path / "a.mp3",
        b"".join([(tmp_path / "first.mp3").read_bytes(), sound, (tmp_path / "second.mp3").read_bytes(), bytes(5000)]),
    )
    assert (told.title, told.album) == ("Title", "Album")


@pytest.mark.parametrize("text", ["20230115", "15.01.2023", "2023"])
@pytest.mark.parametrize(("frame", "year"), [(b"TYER", 2023), (b"TORY", 2023)])
def test_years_of_id3_2_3_may_be_whole_dates(plain_mp3: Path, text: str, frame: bytes, year: int) -> None:
    body = frame + (1 + len(text)).to_bytes(4) + b"\0\0\0" + text.encode()
    told = read(plain_mp3, b"ID3\3\0\0\0\0\0" + bytes([len(body)]) + body + plain_mp3.read_bytes())
    assert told.year == year


def test_a_second_id3_chunk_counts_where_the_first_is_broken(tmp_path: Path, files: dict[str, bytes]) -> None:
    at = files["wav"].lower().index(b"id3 ", 100)
    broken = b"ID3 " + struct.pack("<I", 10) + b"ID3\4\0\0\0\0\7\0"
    assert read(tmp_path / "a.wav", files["wav"][:at] + broken + files["wav"][at:]).title == "Told"


def test_tags_before_lyrics_at_the_end_are_read(tmp_path: Path, plain_mp3: Path) -> None:
    lyrics = b"LYRICSBEGIN" + b"IND00002"[:8] + b"00"
    ape = APEv2()
    ape["Album"] = "Album"
    ape.save(plain_mp3)
    behind = lyrics + f"{len(lyrics):06d}LYRICS200".encode() + b"TAG" + bytes(125)
    assert read(tmp_path / "a.mp3", plain_mp3.read_bytes() + behind).album == "Album"


@pytest.fixture(scope="module")
def tagged_m4a(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = write_tone(tmp_path_factory.mktemp("m4a") / "a.m4a", seconds=0.3)
    file = MP4(path)
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"], file["\xa9day"] = "Title", "Artist", "Album", "20230115"
    file["trkn"], file["cpil"], file["covr"] = [(3, 9)], True, [MP4Cover(b"cover")]
    file["----:com.apple.iTunes:ISRC"] = MP4FreeForm(b"USUAN1400011")
    file.save()
    return path.read_bytes()


@pytest.mark.parametrize("length", [0, 3, 0xFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("broken", [b"\xa9alb", b"\xa9nam", b"trkn"])
def test_a_broken_item_of_an_mp4_file_costs_that_item(
    tmp_path: Path, tagged_m4a: bytes, broken: bytes, length: int
) -> None:
    content = bytearray(tagged_m4a)
    struct.pack_into(">I", content, content.index(broken) - 4, length)
    told = read(tmp_path / "a.m4a", bytes(content))
    assert (told.artist, told.year, told.compilation, told.pictures) == ("Artist", 2023, True, (b"cover",))
    assert told.identifiers == ("isrc:USUAN1400011",)
    names = {told.title, told.album, told.track_number}
    assert names >= {"Title", "Album", 3} - {{b"\xa9alb": "Album", b"\xa9nam": "Title", b"trkn": 3}[broken]}


def test_attributes_of_an_asf_file_count_as_far_as_they_go(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wma", seconds=0.3)
    file = ASF(path)
    file["Title"], file["Author"], file["WM/AlbumTitle"], file["WM/TrackNumber"] = "Title", "Artist", "Album", 7
    file["WM/Year"] = "2019"
    file.save()
    content = bytearray(path.read_bytes())
    assert read(tmp_path / "b.wma", bytes(content)).album == "Album"
    at = content.index("WM/Year".encode("utf-16-le"))
    struct.pack_into("<H", content, at - 2, 0xFFF0)
    told = read(tmp_path / "b.wma", bytes(content))
    assert (told.title, told.artist, told.year) == ("Title", "Artist", None)


def test_info_and_id3_chunks_of_a_wav_file_go_together(tmp_path: Path, files: dict[str, bytes]) -> None:
    info = b"INFO" + b"INAM" + struct.pack("<I", 4) + b"Info" + b"IPRD" + struct.pack("<I", 6) + b"Album\0"
    told = read(tmp_path / "a.wav", files["wav"] + b"LIST" + struct.pack("<I", len(info)) + info)
    assert (told.title, told.album) == ("Told", "Album")


def test_tags_behind_the_sound_of_an_rf64_file(tmp_path: Path, files: dict[str, bytes]) -> None:
    wav = files["wav"]
    data = wav.find(b"data")
    length = struct.unpack_from("<I", wav, data + 4)[0]
    sizes = b"ds64" + struct.pack("<IQQQI", 28, len(wav) + 28, length, length // 4, 0)
    content = b"RF64\xff\xff\xff\xffWAVE" + sizes + wav[12 : data + 4] + b"\xff\xff\xff\xff" + wav[data + 8 :]
    assert read(tmp_path / "a.wav", content).title == "Told"


# --- Broken blocks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [(6, b""), (6, b"\0\0\0\x03" + b"\xff" * 20), (1, b""), (4, b"xxxxxxxx"), (4, b""), (5, b"\0" * 3), (2, b"ab")],
    ids=[
        "empty picture",
        "broken picture",
        "no padding",
        "broken comment",
        "empty comment",
        "cue sheet",
        "application",
    ],
)
def test_a_broken_block_of_a_flac_file_costs_that_block(
    tmp_path: Path, files: dict[str, bytes], broken: tuple[int, bytes]
) -> None:
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", b"front"
    blocks = [broken, (4, vorbis_block(TITLE="Told", ARTIST="P")), (6, cover.write())]
    for order in (blocks, blocks[1:] + blocks[:1]):
        told = read(tmp_path / "a.flac", with_flac_blocks(files["flac"], *order))
        assert (told.title, told.artist, told.pictures) == ("Told", "P", (b"front",))


@pytest.mark.parametrize("held", ["ogg", "opus"])
@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize(
    ("offset", "broken"),
    [(0, bytes(8)), (8, b"\xff\xff\xff\x7f"), (8, bytes(20)), (0, b"\xff" * 40)],
    ids=["signature", "length", "nothing", "garbage"],
)
def test_a_broken_comment_header_of_an_ogg_file_costs_the_comments(
    tmp_path: Path, files: dict[str, bytes], held: str, offset: int, broken: bytes, checked: bool
) -> None:
    content = bytearray(files[held])
    at = max(content.find(b"\x03vorbis"), content.find(b"OpusTags")) + offset - (held == "ogg" and offset > 0)
    content[at : at + len(broken)] = broken
    pages, written = BytesIO(content), b""
    while checked and pages.tell() < len(content):
        # With the checksums that go with what is broken.
        written += OggPage(pages).write()
    told = read(tmp_path / "a.ogg", written or bytes(content))
    assert (told.title, told.artist) == ("", "")
    (tmp_path / "whole.ogg").write_bytes(files[held])
    assert probe(tmp_path / "a.ogg") == probe(tmp_path / "whole.ogg")
    assert (decode(tmp_path / "a.ogg", 0.1, 0.1, 8000) == decode(tmp_path / "whole.ogg", 0.1, 0.1, 8000)).all()


def test_comments_behind_a_picture_that_is_longer_than_its_header_says_are_read(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", bytes(70_000)
    content = with_flac_blocks(files["flac"], (6, cover.write()), (4, vorbis_block(TITLE="Told behind it")))
    at = content.find(bytes([6]) + len(cover.write()).to_bytes(3))
    told = read(tmp_path / "a.flac", content[:at] + bytes([6]) + (100).to_bytes(3) + content[at + 4 :])
    assert (told.title, len(told.pictures)) == ("Told behind it", 1)


def test_comments_that_go_on_behind_their_block_count_as_far_as_they_are_there(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    body = vorbis_block(TITLE="Told", ARTIST="P")[:-1]
    assert read(tmp_path / "a.flac", with_flac_blocks(files["flac"], (4, body))).title == "Told"


def test_a_broken_frame_costs_that_frame(plain_mp3: Path) -> None:
    frames = b"TIT2" + struct.pack(">IH", 1, 0) + b"\xff" + b"APIC" + struct.pack(">IH", 2, 0) + b"\0i"
    frames += b"TPE1" + struct.pack(">IH", 5, 0) + b"\0Ann\0" + b"TALB" + struct.pack(">IH", 2, 0) + b"\x01\xff"
    header = b"ID3\x03\0\0" + bytes([0, 0, len(frames) >> 7, len(frames) & 0x7F])
    assert read(plain_mp3, header + frames + plain_mp3.read_bytes()).artist == "Ann"


# --- Pictures -------------------------------------------------------------------------------------


def test_pictures_come_front_first_and_links_are_none(plain_mp3: Path) -> None:
    tags = id3.ID3()
    for kind, mime, data in (
        (1, "image/png", b"icon"),
        (4, "image/png", b"back"),
        (3, "-->", b"http://x/y.jpg"),
        (3, "", b"front"),
    ):
        tags.add(id3.APIC(type=kind, mime=mime, data=data, desc=str(data)))
    tags.save(plain_mp3)
    assert read_tags(plain_mp3).pictures == (b"front", b"back", b"icon")


def test_a_link_in_a_flac_picture_is_none(tmp_path: Path) -> None:
    file = FLAC(write_tone(tmp_path / "a.flac", seconds=0.3))
    for mime, data in (("-->", b"http://x/y.jpg"), ("image/png", b"front")):
        cover = Picture()
        cover.type, cover.mime, cover.data = 3, mime, data
        file.add_picture(cover)
    file.save()
    assert read_tags(tmp_path / "a.flac").pictures == (b"front",)


def test_a_picture_in_wma(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wma", seconds=0.3)
    file = ASF(path)
    texts = "image/png\0Désc\0".encode("utf-16-le")
    file["WM/Picture"] = [ASFByteArrayAttribute(struct.pack("<BI", 3, 5) + texts + b"front")]
    file.save()
    assert read_tags(path).pictures == (b"front",)


def test_the_old_picture_of_vorbis_comments(tmp_path: Path) -> None:
    file = mutagen.File(write_tone(tmp_path / "a.ogg", seconds=0.3))
    file["coverart"] = base64.b64encode(b"front").decode()
    file.save()
    assert read_tags(tmp_path / "a.ogg").pictures == (b"front",)


# --- Dates, compilations, artists -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("20230115", 2023),
        ("2023-01", 2023),
        ("202301", 2023),
        ("15.01.2023", 2023),
        ("15012023", 2023),
        ("01/15/2023", 2023),
        ("2023-01-15T10:00:00Z", 2023),
        ("20230115103000", 2023),
        ("0000-00-00", None),
        ("99999999", None),
    ],
)
def test_dates_as_people_write_them(tmp_path: Path, files: dict[str, bytes], text: str, year: int | None) -> None:
    content = with_flac_blocks(files["flac"], (4, vorbis_block(DATE=text)))
    assert read(tmp_path / "a.flac", content).year == year


def test_the_original_date_goes_before_that_of_the_release(
    tmp_path: Path, files: dict[str, bytes], plain_mp3: Path
) -> None:
    content = with_flac_blocks(files["flac"], (4, vorbis_block(DATE="2011", ORIGINALDATE="1969-01-12")))
    assert read(tmp_path / "a.flac", content).year == 1969
    tags = id3.ID3()
    tags.add(id3.TDRC(text=["2011"]))
    tags.add(id3.TDOR(text=["1969"]))
    tags.save(plain_mp3)
    assert read_tags(plain_mp3).year == 1969


def test_the_flag_of_compilations(tmp_path: Path, files: dict[str, bytes], plain_mp3: Path) -> None:
    assert read(tmp_path / "a.flac", with_flac_blocks(files["flac"], (4, vorbis_block(COMPILATION="1")))).compilation
    tags = id3.ID3()
    tags.add(id3.TCMP(text=["1"]))
    tags.save(plain_mp3)
    assert read_tags(plain_mp3).compilation
    path = tmp_path / "a.m4a"
    path.write_bytes(files["m4a"])
    file = mutagen.File(path)
    file["cpil"] = True
    file.save()
    assert read_tags(path).compilation
    wma = write_tone(tmp_path / "a.wma", seconds=0.3)
    file = ASF(wma)
    file["WM/IsCompilation"] = True
    file.save()
    assert read_tags(wma).compilation
    assert not read(tmp_path / "b.flac", files["flac"]).compilation


@pytest.mark.parametrize(
    ("comments", "artist", "artists"),
    [
        ({"ARTIST": "Alpha; Beta"}, "Alpha, Beta", ("Alpha", "Beta")),
        ({"ARTIST": "Alpha feat. Beta & Gamma"}, "Alpha feat. Beta & Gamma", ("Alpha", "Beta", "Gamma")),
        ({"ARTIST": "Alpha and the Betas", "ARTISTS": "Alpha;Betas"}, "Alpha and the Betas", ("Alpha", "Betas")),
        ({"ARTIST": "Simon & Garfunkel"}, "Simon & Garfunkel", ()),
        ({"ARTIST": "Alpha & Beta", "MUSICBRAINZ_ARTISTID": "a; b"}, "Alpha & Beta", ("Alpha", "Beta")),
        ({"ARTIST": "Simon & Garfunkel", "MUSICBRAINZ_ARTISTID": "a"}, "Simon & Garfunkel", ()),
        ({"ARTIST": "10 Ft. Tall"}, "10 Ft. Tall", ()),
        ({"ARTISTS": "Alpha;Beta"}, "Alpha, Beta", ("Alpha", "Beta")),
    ],
)
def test_artists_are_a_list(
    tmp_path: Path, files: dict[str, bytes], comments: dict[str, str], artist: str, artists: tuple[str, ...]
) -> None:
    told = read(tmp_path / "a.flac", with_flac_blocks(files["flac"], (4, vorbis_block(**comments))))
    assert (told.artist, told.artists) == (artist, artists)


def test_artists_of_id3(plain_mp3: Path) -> None:
    tags = id3.ID3()
    tags.add(id3.TPE1(text=["Alpha feat. Beta"]))
    tags.add(id3.TXXX(desc="ARTISTS", text=["Alpha", "Beta"]))
    tags.save(plain_mp3)
    assert (read_tags(plain_mp3).artist, read_tags(plain_mp3).artists) == ("Alpha feat. Beta", ("Alpha", "Beta"))
    tags.delall("TXXX")
    tags.setall("TPE1", [id3.TPE1(text=["Alpha", "Beta"])])
    tags.save(plain_mp3)
    assert (read_tags(plain_mp3).artist, read_tags(plain_mp3).artists) == ("Alpha, Beta", ("Alpha", "Beta"))


# --- Old encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Группа крови", "cp1251"),
        ("Кино", "cp1251"),
        ("Земфира", "koi8_r"),
        ("宇多田ヒカル First Love", "cp932"),
        ("中島みゆき", "cp932"),
        ("ハハ", "cp932"),
        ("中島みゆき 地上の星", "euc_jp"),
        ("שלום עליכם", "cp1255"),
        ("Группа крови", "cp866"),
        ("周杰倫", "big5"),
        ("좋은 날", "euc_kr"),
        ("周杰伦 七里香", "gb2312"),
        ("周杰倫 七里香", "big5"),
        ("소녀시대 다시 만난 세계", "euc_kr"),
        ("Ελλάδα Σαββόπουλος", "cp1253"),
        ("คาราบาว เมดอินไทยแลนด์", "tis_620"),
        ("Miłość w czasach popkultury", "cp1250"),
        ("Zażółć gęślą jaźń", "cp1250"),
        ("Motörhead", "utf-8"),
        ("Björk Ænima", "latin-1"),
        ("Sigur Rós Ágætis byrjun", "latin-1"),
        ("MÖTLEY CRÜE ÆØÅ", "latin-1"),
        ("Señor ¿Qué? ¡Olé!", "latin-1"),
        ("Don\u2019t Stop \u2013 \u201cMe\u201d", "cp1252"),
    ],
)
def test_a_text_is_read_in_the_encoding_that_it_was_written_in(text: str, encoding: str) -> None:
    assert decode_all([text.encode(encoding)]) == [text]


def test_id3v1_in_an_old_encoding(plain_mp3: Path) -> None:
    title, artist = ("Группа крови".encode("cp1251").ljust(30, b"\0"), "Кино".encode("cp1251").ljust(30, b"\0"))
    told = read(plain_mp3, plain_mp3.read_bytes() + b"TAG" + title + artist + bytes(64) + b"\xff")
    assert (told.title, told.artist, told.genres) == ("Группа крови", "Кино", ())


def test_latin_1_frames_in_an_old_encoding(plain_mp3: Path) -> None:
    tags = id3.ID3()
    tags.add(id3.TIT2(encoding=0, text=["宇多田ヒカル".encode("cp932").decode("latin-1")]))
    tags.add(id3.TPE1(encoding=0, text=["First Love"]))
    tags.add(id3.TALB(encoding=1, text=["Björk"]))
    tags.save(plain_mp3, v1=0)
    assert (read_tags(plain_mp3).title, read_tags(plain_mp3).album) == ("宇多田ヒカル", "Björk")
