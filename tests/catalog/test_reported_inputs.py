"""Files, names and exports after public bug reports of other music software, kind by kind."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from mutagen.flac import Picture

from catalog.audio import decode
from catalog.audio_lengths import probe
from catalog.importing.descriptions import Description
from catalog.importing.fingerprint import fingerprint
from catalog.importing.m3u import read_m3u
from catalog.importing.matching import Known, NameIndex
from catalog.importing.names import guess_tags
from catalog.importing.old_encodings import decode_all
from catalog.importing.scrobbles import Scrobbles
from catalog.importing.tables import TableReport
from catalog.importing.tags import read_tags
from catalog.importing.walking import FoundFile, walk
from catalog.names import split_artists, split_guests
from tests.audio import picture, tag, write_tone


@pytest.fixture
def ogg(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "song.ogg", 1)


# --- Tags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken_into_lines", [False, True])
def test_an_embedded_cover_is_read_whose_text_lacks_its_last_signs(ogg: Path, broken_into_lines: bool) -> None:
    front = Picture()
    front.type, front.mime, front.data = 3, "image/png", picture((64, 64))
    while len(front.write()) % 3 == 0:
        front.desc += "x"
    encoded = base64.b64encode(front.write()).decode().rstrip("=")
    if broken_into_lines:
        encoded = "\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76))
    tag(ogg, metadata_block_picture=encoded)
    assert read_tags(ogg).pictures == (front.data,)


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("\uff12\uff10\uff10\uff11", 2001),
        ("2023\u5e741\u6708", 2023),
        ("\u00a9 1999 EMI", 1999),
        ("1999-00-00", 1999),
        ("99", None),
        ("0000", None),
    ],
)
def test_years_are_read_as_they_are_written(ogg: Path, written: str, year: int | None) -> None:
    assert read_tags(tag(ogg, date=written)).year == year


@pytest.mark.parametrize(
    ("written", "number"), [("3", 3), ("03/12", 3), ("3 of 12", 3), ("3 / 12", 3), ("A3", None), ("3rd", None)]
)
def test_numbers_of_tracks_are_read_as_they_are_written(ogg: Path, written: str, number: int | None) -> None:
    assert read_tags(tag(ogg, tracknumber=written)).track_number == number


def test_the_flag_of_compilations_has_another_name_in_some_programs(ogg: Path) -> None:
    assert read_tags(tag(ogg, itunescompilation="1")).compilation
    assert not read_tags(tag(ogg, itunescompilation="0")).compilation


def test_a_bracket_that_belongs_to_a_name_stays(ogg: Path) -> None:
    assert split_artists("Sunn O))) & Boris") == ["Sunn O)))", "Boris"]
    assert split_guests("Sunn O))) (feat. Attila)") == ["Sunn O)))", "Attila"]
    assert split_guests("Anna (feat. Bob & Cleo)") == ["Anna", "Bob", "Cleo"]
    assert read_tags(tag(ogg, artist="Sunn O))) feat. Attila")).artists == ("Sunn O)))", "Attila")


@pytest.mark.parametrize("padding", [b"\0", b""])
def test_a_wav_is_heard_whose_chunk_of_odd_length_lacks_its_padding(tmp_path: Path, padding: bytes) -> None:
    whole = write_tone(tmp_path / "whole.wav", 2)
    content = whole.read_bytes()
    odd = b"junk" + (5).to_bytes(4, "little") + b"abcde" + padding
    info = b"LIST" + (18).to_bytes(4, "little") + b"INFOINAM" + (6).to_bytes(4, "little") + b"Title\0"
    path = tmp_path / "odd.wav"
    path.write_bytes(content[:12] + odd + info + content[12:])
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.01)
    assert read_tags(path).title == "Title"
    assert fingerprint(path) == fingerprint(whole)
    assert np.array_equal(decode(path, 0.5, 1.0, 8000), decode(whole, 0.5, 1.0, 8000))


@pytest.mark.parametrize("text", ["\u0141zy", "Agnieszka ju\u017c dawno"])
def test_polish_letters_at_the_ends_of_words_tell_its_encoding(text: str) -> None:
    assert decode_all([text.encode("cp1250")]) == [text]


@pytest.mark.parametrize("text", ["\u00bfQu\u00e9 tal?", "Only \u00a3 20", "E = mc\u00b2", "A\u00f1o"])
def test_signs_of_latin_stay_what_they_are(text: str) -> None:
    assert decode_all([text.encode("latin-1")]) == [text]


@pytest.mark.parametrize(
    ("artist", "title"),
    [("Anna & Bob", "Song"), ("Bob, Anna", "Song"), ("Anna", "Song"), ("Bob", "Song"), ("Anna feat. Bob", "Song")],
)
def test_a_guest_whom_the_title_names_is_an_artist_of_the_song(artist: str, title: str) -> None:
    index = NameIndex()
    index.add(Known(1), Description("Song (feat. Bob)", "Anna"), has_file=True)
    index.add(Known(2), Description("Song", "Cleo"), has_file=True)
    assert index.find(Description(title, artist)) == Known(1)


# --- Names of files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "track", "title"),
    [
        ("Anna/Ada/[03] One.mp3", 3, "One"),
        ("Anna/Ada/(03) One.mp3", 3, "One"),
        ("Anna/Ada/(500) Days.mp3", None, "(500) Days"),
        ("Anna/Ada/(What's the Story) Morning.mp3", None, "(What's the Story) Morning"),
        ("Anna/Ada/Anna - Ada - 03 One.mp3", 3, "One"),
        ("Anna/1999 - Ada/Anna - Ada - 12 7 Rings.mp3", 12, "7 Rings"),
        ("Anna/Ada/Anna - 99 Luftballons.mp3", None, "99 Luftballons"),
        ("Anna/Ada/01 - 50 Cent - In Da Club.mp3", 1, "In Da Club"),
    ],
)
def test_a_number_in_brackets_or_behind_the_album_is_that_of_a_track(path: str, track: int | None, title: str) -> None:
    guessed = guess_tags(path)
    assert (guessed.track_number, guessed.title) == (track, title)


@pytest.mark.parametrize(
    "name",
    ["@Transcode/a.mp3", "x/@__thumb/a.mp3", "~snapshot/a.mp3", "x/FOUND.000/a.mp3", "x/._a.mp3", "__MACOSX/x/a.mp3"],
)
def test_what_systems_keep_beside_music_is_none(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / name, tmp_path / "x" / "song.mp3"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [found.path for found in walk(tmp_path) if isinstance(found, FoundFile)] == ["x/song.mp3"]


def test_the_file_that_says_that_there_is_no_music_is_written_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in (".NOMEDIA", "song.mp3"):
        (tmp_path / "x" / name).touch()
    assert list(walk(tmp_path)) == []


# --- Exports and playlists ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "01 Jan 2020 12:34",
        "01 Jan 2020 12:34:00",
        "Jan 1, 2020, 12:34 PM",
        "Jan 1, 2020 12:34 PM",
        "2020/01/01 12:34",
        "2020/01/01 12:34:00",
        "01-01-2020 12:34",
        "2020-01-01T12:34:00.000Z",
        "1577882040",
    ],
)
def test_moments_of_lastfms_exporters(tmp_path: Path, written: str) -> None:
    path = tmp_path / "scrobbles.csv"
    path.write_text(f'Artist,Album,Track,Date\nAnna,Ada,One,"{written}"\n')
    report = TableReport()
    with Scrobbles(path, report, "rob") as scrobbles:
        assert [listen.at for listen in scrobbles] == [datetime(2020, 1, 1, 12, 34, tzinfo=UTC)]
    assert report.bad == 0


def test_a_comma_within_quotes_does_not_end_what_a_playlist_tells_of_a_song() -> None:
    [entry] = read_m3u(b'#EXTM3U\n#EXTINF:12 tvg-id="a,b" group="c",Anna - One, Two\nx.mp3\n').entries
    assert (entry.seconds, entry.said) == (12, "Anna - One, Two")


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x1c"])
def test_only_the_end_of_a_line_ends_an_entry_of_a_playlist(sign: str) -> None:
    entries = read_m3u(f"#EXTM3U\r\nAnna/One{sign}Two.mp3\rBob/Three.mp3\n".encode()).entries
    assert [entry.parts for entry in entries] == [("anna", f"one{sign}two.mp3"), ("bob", "three.mp3")]
