"""Reading lyrics from tags and from files beside songs, and gains from tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mutagen
import pytest
from mutagen.id3 import RVA2, SYLT, TXXX, USLT
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4

from catalog.importing.loudness import read_encoding
from catalog.importing.lyrics import Line, Word, parse_lyrics, read_lyrics
from tests.audio import write_tone


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[00:12.00]A\n[00:17.2]B", [(12_000, "A"), (17_200, "B")]),
        ("[01:02:345]A\r\n[00:01]B", [(1000, "B"), (62_345, "A")]),
        ("[00:01.00][00:03.00]Again\n[00:02.00]Once", [(1000, "Again"), (2000, "Once"), (3000, "Again")]),
        ("[offset:+500]\n[00:01.00]A", [(500, "A")]),
        ("[ti:Song]\n[ar:Somebody]\nA\n\nB\n", [(None, "A"), (None, ""), (None, "B")]),
        ("\ufeff[00:01.00]  A  b ", [(1000, "A b")]),
        ("[99:99.999]x", [(6_039_999, "x")]),
    ],
)
def test_texts_are_read_with_their_times(text: str, lines: list[tuple[int | None, str]]) -> None:
    found = parse_lyrics(text)
    assert found is not None
    assert [(line.start_ms, line.text) for line in found.lines] == lines


@pytest.mark.parametrize("text", ["", "\n \n", "[ti:Song]"])
def test_a_text_of_nothing_is_no_lyrics(text: str) -> None:
    assert parse_lyrics(text) is None


def test_words_have_times_of_their_own() -> None:
    found = parse_lyrics("[00:01.00]<00:01.00>One <00:01.50>two<00:02.00>\n[00:03.00]plain", "eng")
    assert found is not None
    assert found.lines[0] == Line("One two", 1000, (Word(1000, "One ", 1500), Word(1500, "two", 2000)))
    assert found.lines[1].words == ()
    assert found.language == "eng"


def test_tags_of_an_mp3_are_read(tmp_path: Path) -> None:
    file: Any = MP3(write_tone(tmp_path / "a.mp3", 0.5))
    file.add_tags()
    file.tags.add(USLT(encoding=3, lang="deu", desc="", text="Eins\nZwei"))
    file.tags.add(
        SYLT(encoding=3, lang="eng", format=2, type=1, desc="", text=[("One\n", 100), ("Tw", 200), ("o", 300)])
    )
    file.tags.add(TXXX(encoding=3, desc="REPLAYGAIN_TRACK_GAIN", text=["-6.50 dB"]))
    file.tags.add(RVA2(desc="album", channel=1, gain=-3.0, peak=0.5))
    file.save()
    english, german = read_lyrics(tmp_path / "a.mp3")
    assert (english.language, english.synced, german.language, german.synced) == ("eng", True, "deu", False)
    assert english.lines == (Line("One", 100), Line("Two", 200, (Word(200, "Tw"), Word(300, "o"))))
    assert german.text == "Eins\nZwei"
    encoding = read_encoding(tmp_path / "a.mp3")
    assert (encoding.track_gain, encoding.album_gain) == (-6.5, -3.0)
    assert encoding.channels == 2


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.opus"])
def test_comments_are_read(tmp_path: Path, name: str) -> None:
    file = mutagen.File(write_tone(tmp_path / name, 0.5))
    file["syncedlyrics"] = "[00:01.00]One"
    file["LYRICS"] = "one"
    file["REPLAYGAIN_TRACK_GAIN"] = "+1,25 dB"
    file["replaygain_track_peak"] = "0.988553"
    file["R128_ALBUM_GAIN"] = "-512"
    file.save()
    [found] = read_lyrics(tmp_path / name)
    assert found.synced
    encoding = read_encoding(tmp_path / name)
    assert (encoding.track_gain, encoding.track_peak, encoding.album_gain) == (1.25, 0.988553, 3.0)


def test_atoms_are_read(tmp_path: Path) -> None:
    file = MP4(write_tone(tmp_path / "a.m4a", 0.5))
    file["\xa9lyr"] = ["Line"]
    file["----:com.apple.iTunes:replaygain_track_gain"] = [b"-4.00 dB"]
    file.save()
    [found] = read_lyrics(tmp_path / "a.m4a")
    assert found.text == "Line"
    assert read_encoding(tmp_path / "a.m4a").track_gain == -4.0


@pytest.mark.parametrize("gain", ["loud", "nan", "1e9 dB", "-99999", "", "1 2"])
def test_a_gain_that_is_none_is_passed_over(tmp_path: Path, gain: str) -> None:
    file = mutagen.File(write_tone(tmp_path / "a.flac", 0.2))
    file["replaygain_track_gain"] = gain
    file.save()
    assert read_encoding(tmp_path / "a.flac").track_gain is None


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe" + "[00:01.00]Wörter".encode("utf-16-le"), "[00:01.00]Wörter".encode("cp1252")]
)
def test_files_beside_are_read_in_any_usual_encoding(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.lrc").write_bytes(raw)
    [found] = read_lyrics(write_tone(tmp_path / "a.flac", 0.2))
    assert found.text == "Wörter"


def test_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + b"\x00" * 40)
    assert read_lyrics(tmp_path / "a.mp3") == []
    assert read_encoding(tmp_path / "a.mp3").track_gain is None
