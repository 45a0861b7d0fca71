"""A CUE sheet beside one long file makes its tracks songs: found, played, tagged and counted each."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile as sf
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from mutagen import id3
from mutagen.apev2 import APEv2

from catalog.audio import decode, decode_parts, stream_samples
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from catalog.file_parts import file_of, part_of, part_path
from catalog.importing.cue import tracks_of_cuesheet_block, tracks_of_files
from catalog.importing.tags import Tags, read_tags, tags_of_track
from catalog.models import Play, Song
from catalog.services import library
from catalog.services.playlists import m3u, make_playlist
from tests.audio import picture, tag, with_flac_blocks, write_tone
from tests.factories import make_rating, make_user
from tests.imports import import_summary

pytestmark = pytest.mark.django_db

SHEET = """\
REM GENRE Jazz
REM DATE 1959
PERFORMER "Miles Davis"
TITLE "Kind of Blue"
FILE "{file}" WAVE
  TRACK 01 AUDIO
    TITLE "So What"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Freddie"
    PERFORMER "Miles Davis feat. Bill Evans"
    ISRC USSM15900114
    INDEX 00 00:01:37
    INDEX 01 00:02:00
  TRACK 03 AUDIO
    TITLE "Blue"
    INDEX 01 00:05:15
"""


@pytest.fixture(scope="session")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Seven seconds: two of 300 Hz, 3.2 of 600 Hz, the rest of 1200 Hz."""
    folder = tmp_path_factory.mktemp("long")
    parts = [write_tone(folder / f"{hz}.flac", seconds, hz) for hz, seconds in ((300, 2.0), (600, 3.2), (1200, 1.8))]
    sf.write(folder / "a.flac", np.concatenate([sf.read(part)[0] for part in parts]), 22050)
    return (folder / "a.flac").read_bytes()


@pytest.fixture
def music(tmp_path: Path, long_file: bytes) -> Path:
    folder = tmp_path / "Music" / "Miles"
    folder.mkdir(parents=True)
    (folder / "whole.flac").write_bytes(long_file)
    (folder / "whole.cue").write_text(SHEET.format(file="whole.wav"))
    (folder / "cover.png").write_bytes(picture((9, 9)))
    return tmp_path / "Music"


def pitch_of(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples * np.hanning(samples.size))).argmax() * rate / samples.size)


def test_each_track_is_a_song_with_what_the_sheet_says(music: Path) -> None:
    tag(music / "Miles" / "whole.flac", album="Not so", title="All of it", genre="Not so", date="2001")
    assert import_summary(music).startswith("3 new")
    songs = list(Song.objects.order_by("track_number"))
    assert [(song.title, song.artist, song.album, song.album_artist) for song in songs] == [
        ("So What", "Miles Davis", "Kind of Blue", "Miles Davis"),
        ("Freddie", "Miles Davis feat. Bill Evans", "Kind of Blue", "Miles Davis"),
        ("Blue", "Miles Davis", "Kind of Blue", "Miles Davis"),
    ]
    assert [song.duration_s for song in songs] == pytest.approx([2.0, 3.2, 1.8], abs=0.01)
    assert [(song.year, song.cover.width) for song in songs] == [(1959, 9)] * 3
    assert songs[1].artists == ["Miles Davis", "Bill Evans"]
    assert songs[1].identifiers.get().value == "isrc:USSM15900114"
    assert {song.song_labels.get().label.name for song in songs} == {"Jazz"}
    assert import_summary(music).startswith("0 new, 3 known, 0 changed, 0 moved, 0 missing")


def test_each_track_is_heard_as_a_song_of_its_own(music: Path, client: Client, listener: User) -> None:
    import_summary(music)
    for song, hz in zip(Song.objects.order_by("track_number"), (300, 600, 1200), strict=True):
        path = song.audio_file
        assert probe(path).duration_s == song.duration_s
        # The right channel is an octave above.
        assert round(pitch_of(decode(path, 0.2, 1.0, 16000), 16000)) in (hz, 2 * hz)
        whole = np.concatenate(list(stream_samples(path, 16000)))
        assert whole.size == pytest.approx((song.duration_s or 0) * 16000, abs=2)
        answer = client.get(f"/songs/{song.pk}/audio")
        assert answer["Content-Type"] == "audio/wav"
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        sound = np.frombuffer(content[44:], "<i2").reshape(-1, 2)
        assert sound.shape[0] == pytest.approx((song.duration_s or 0) * 22050, abs=2)
        middle = sound[4000 : sound.shape[0] - 4000, 0].astype(float)
        assert pitch_of(middle, 22050) == pytest.approx(hz, abs=3)


def test_parts_end_where_the_next_begins(music: Path) -> None:
    import_summary(music)
    path = Song.objects.get(title="So What").audio_file
    assert decode(path, 1.5, 2.0, 16000).size == 8000
    assert [part.size for part in decode_parts(path, [0.0, 1.0, 1.75], 1.0, 16000)] == [16000, 16000, 4000]
    with pytest.raises(UnreadableAudio, match="the track ends before"):
        decode(path, 2.5, 1.0, 16000)


def test_a_sheet_that_changes_or_goes_changes_the_songs(music: Path) -> None:
    import_summary(music)
    make_rating(make_user(), Song.objects.get(title="So What"), 5)
    sheet = music / "Miles" / "whole.cue"
    sheet.write_text(sheet.read_text().replace('"Blue"', '"Blue in Green"').replace("00:05:15", "00:05:00"))
    import_summary(music)
    assert [song.title for song in Song.objects.playable().order_by("track_number")] == [
        "So What",
        "Freddie",
        "Blue in Green",
    ]

    sheet.unlink()
    import_summary(music)
    assert [song.path for song in Song.objects.playable()] == ["Miles/whole.flac"]
    sheet.write_text(SHEET.format(file="whole.flac"))
    import_summary(music)
    assert {song.title for song in Song.objects.playable()} == {"So What", "Freddie", "Blue"}
    assert Song.objects.playable().get(title="So What").ratings.count() == 1


def test_a_moved_file_keeps_the_songs_in_it(music: Path) -> None:
    import_summary(music)
    before = set(Song.objects.values_list("pk", flat=True))
    (music / "Miles").rename(music / "Davis")
    assert "3 moved, 0 missing" in import_summary(music)
    assert set(Song.objects.playable().values_list("pk", flat=True)) == before


# --- Sheets in the file itself --------------------------------------------------------------------


def cuesheet_block(rate: int, starts_s: tuple[float, ...], isrc: bytes = b"") -> bytes:
    """The body of a CUESHEET block, the last track followed by the lead-out."""

    def track(number: int, offset: int, indices: list[tuple[int, int]]) -> bytes:
        head = struct.pack(">QB12sB13xB", offset, number, isrc, 0, len(indices))
        return head + b"".join(struct.pack(">QB3x", at, index) for at, index in indices)

    tracks = [track(place + 1, round(rate * at), [(0, 1)]) for place, at in enumerate(starts_s)]
    tracks.append(track(170, 7 * rate, []))
    return struct.pack(">128sQB258xB", b"1234567890123", 88200, 0x80, len(tracks)) + b"".join(tracks)


def with_sheet(file: Path, sheet: str) -> None:
    """Write a sheet into the file's comments."""
    tags = mutagen.File(file)
    tags["CUESHEET"] = sheet
    tags.save()


@pytest.fixture
def alone(music: Path) -> Path:
    """The long file without a sheet beside it."""
    (music / "Miles" / "whole.cue").unlink()
    return music / "Miles" / "whole.flac"


def test_a_sheet_in_the_comments_parts_the_file_and_is_remembered(
    music: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sheet(alone, SHEET.format(file="CDImage.wav"))
    assert import_summary(music).startswith("3 new")
    titles = ["So What", "Freddie", "Blue"]
    assert list(Song.objects.order_by("track_number").values_list("title", flat=True)) == titles
    assert [song.duration_s for song in Song.objects.order_by("track_number")] == pytest.approx([2.0, 3.2, 1.8])
    make_rating(make_user(), Song.objects.get(title="Blue"), 5)
    with monkeypatch.context() as patched:
        patched.setattr(library, "read_audio_file", lambda *_: pytest.fail("a known file was read"))
        assert import_summary(music).startswith("0 new, 3 known, 0 changed, 0 moved, 0 missing")

    aside = alone.rename(music.parent / "aside.flac")
    write_tone(music / "other.flac")
    assert "3 missing" in import_summary(music)
    aside.rename(alone)
    assert "3 of the known were missing and are back" in import_summary(music)

    with_sheet(alone, SHEET.format(file="x").replace("So What", "So what?"))
    assert "0 new, 3 known, 1 changed" in import_summary(music)
    tags = mutagen.File(alone)
    del tags["CUESHEET"]
    tags.save()
    assert "1 new, 1 known, 0 changed, 0 moved, 3 missing" in import_summary(music)
    assert Song.objects.get(title="Blue").ratings.count() == 1


def test_a_copy_of_a_file_with_a_sheet_in_it_is_named_each_time(music: Path, alone: Path) -> None:
    with_sheet(alone, SHEET.format(file="x"))
    shutil.copy(alone, music / "zcopy.flac")
    for new in (3, 0):
        assert import_summary(music).startswith(f"{new} new, {3 - new} known")
        assert "3 duplicates" in import_summary(music)


def test_a_cuesheet_block_parts_the_file_and_titles_in_the_comments_go_before_it(music: Path, alone: Path) -> None:
    tag(alone, album="Kind of Blue", artist="Miles Davis")
    content = alone.read_bytes()
    alone.write_bytes(with_flac_blocks(content, (5, cuesheet_block(22050, (0.0, 2.0, 5.2), b"USSM15900114"))))
    assert [track.start_s for track in read_tags(alone).tracks] == pytest.approx([0.0, 2.0, 5.2])
    assert [track.isrc for track in read_tags(alone).tracks] == ["USSM15900114"] * 3
    tag(alone, album="Kind of Blue", artist="Miles Davis")
    import_summary(music)
    assert list(Song.objects.order_by("track_number").values_list("title", "album", "artist")) == [
        (f"Track {number}", "Kind of Blue", "Miles Davis") for number in (1, 2, 3)
    ]
    with_sheet(alone, SHEET.format(file="x"))
    assert [track.title for track in read_tags(alone).tracks] == ["So What", "Freddie", "Blue"]


def test_a_sheet_in_an_ape_or_id3_tag_of_an_mp3_parts_it(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "Music" / "a.mp3", seconds=7.0)
    ape = APEv2()
    ape["Cuesheet"] = SHEET.format(file="a.mp3")
    ape.save(path)
    assert len(read_tags(path).tracks) == 3
    import_summary(tmp_path / "Music")
    assert Song.objects.count() == 3
    ape.delete(path)
    tags = id3.ID3()
    tags.add(id3.TXXX(desc="CUESHEET", text=[SHEET.format(file="a.mp3")]))
    tags.save(path)
    assert len(read_tags(path).tracks) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.replace("00:05:15", "50:05:15"),
        lambda sheet: sheet.replace("  TRACK 03", 'FILE "b.wav" WAVE\n  TRACK 03'),
        lambda sheet: sheet[: sheet.index("  TRACK 02")],
    ],
)
def test_the_sheet_of_an_album_left_in_one_of_its_songs_parts_nothing(
    music: Path, alone: Path, change: Callable[[str], str]
) -> None:
    with_sheet(alone, change(SHEET.format(file="a.wav")))
    assert import_summary(music).startswith("1 new")


@pytest.mark.parametrize("cut", [0, 100, 396, 450, -1])
def test_a_broken_cuesheet_block_parts_nothing_or_less(cut: int) -> None:
    assert tracks_of_cuesheet_block(cuesheet_block(22050, (0.0, 2.0))[:cut], 22050) == []
    assert tracks_of_cuesheet_block(cuesheet_block(22050, (2.0, 0.0)), 22050) == []


# --- Plays and playlists --------------------------------------------------------------------------


def test_plays_go_to_the_track(music: Path, tmp_path: Path) -> None:
    import_summary(music)
    track = {"artist_name": "Miles Davis", "track_name": "Freddie"}
    (tmp_path / "l.jsonl").write_text(
        json.dumps({"listened_at": 1_700_000_000, "user_name": "a", "track_metadata": track})
    )
    call_command("import_plays", str(tmp_path / "l.jsonl"), format="listenbrainz", stdout=StringIO())
    assert Play.objects.get().song.title == "Freddie"


def test_a_playlist_names_the_file(music: Path, listener: User) -> None:
    import_summary(music)
    playlist = make_playlist(listener, "A", [Song.objects.get(title="Blue").pk])
    assert list(m3u(playlist))[-1] == "./Miles/whole.flac\n"


def test_a_sheet_in_an_old_encoding_and_with_a_file_of_another_name_is_read() -> None:
    sheet = SHEET.replace("So What", "Группа крови").replace("Miles Davis", "Кино").format(file="C:\\rip\\CDImage.ape")
    tracks = tracks_of_files({"album.cue": sheet.encode("cp1251")}, ["album.mp3", "other.mp3"])
    assert next((track.title, track.artist) for track in tracks["album.mp3"]) == ("Группа крови", "Кино")


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.replace("00:05:15", "00:01:00"),
        lambda sheet: sheet.replace("INDEX 01", "INDEX 00"),
        lambda sheet: sheet.split("  TRACK 02")[0],
        lambda _: "",
    ],
    ids=["not in order", "no beginnings", "one track", "empty"],
)
def test_a_sheet_that_parts_nothing_is_passed_over(change: Callable[[str], str]) -> None:
    assert tracks_of_files({"a.cue": change(SHEET.format(file="a.flac")).encode()}, ["a.flac"]) == {}


def test_a_sheet_in_utf_16_beside_the_only_file_tells_its_disc_too() -> None:
    sheet = SHEET.format(file="CDImage.ape").replace("REM DATE", "REM DISCNUMBER 2\nREM DATE").encode("utf-16")
    tracks = tracks_of_files({"any.cue": sheet}, ["only.flac"])["only.flac"]
    assert [(track.title, track.disc) for track in tracks] == [("So What", "2"), ("Freddie", "2"), ("Blue", "2")]
    assert tags_of_track(tracks[0], Tags()).disc_number == 2
    assert tracks_of_files({"any.cue": sheet}, ["one.flac", "two.flac"]) == {}


def test_a_sheet_of_single_files_parts_none(tmp_path: Path) -> None:
    sheet = "".join(f'FILE "{n}.flac" WAVE\n TRACK {n:02} AUDIO\n INDEX 01 00:00:00\n' for n in (1, 2))
    assert tracks_of_files({"a.cue": sheet.encode()}, ["1.flac", "2.flac"]) == {}


def test_paths_of_parts() -> None:
    path = part_path("a/b.flac", 12.345, None)
    assert file_of(path) == "a/b.flac"
    assert file_of("a/b.flac") == "a/b.flac"
    part = part_of(Path("/music") / path)
    assert part is not None
    assert (part.file, part.start_s, part.stop_s) == (Path("/music/a/b.flac"), 12.345, float("inf"))
    assert part_of(Path("/music/a/b.flac")) is None
