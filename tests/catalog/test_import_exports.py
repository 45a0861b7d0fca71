"""Other people's exports, as they come: zips and folders, whole arrays, tables; and what of them is a play."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog import archives
from catalog.models import Play, Song, SongIdentifier
from tests.factories import make_root, make_song

pytestmark = pytest.mark.django_db

MBID = "28b50c59-77e4-4254-a0bd-16797ddaa3ca"
NOON = 1_700_000_000


def listen(at: Any = NOON, title: str = "Ada", artist: str = "Anna", **track: Any) -> dict[str, Any]:
    return {"listened_at": at, "track_metadata": {"track_name": title, "artist_name": artist, **track}}


def import_plays(path: Path, form: str, user: str = "rob") -> str:
    out = StringIO()
    call_command("import_plays", str(path), format=form, user=user, stdout=out)
    return out.getvalue()


def import_part(path: Path, form: str) -> str:
    """The same of an export of which a record is left out, which fails."""
    out = StringIO()
    with pytest.raises(CommandError, match=r"read only in part: \d+ lines were read and 1 left out \(\d+\)\. What"):
        call_command("import_plays", str(path), format=form, user="rob", stdout=out)
    return out.getvalue()


def plays() -> list[tuple[str, str, int]]:
    """Listener, title and moment of all plays."""
    rows = Play.objects.order_by("played_at", "pk").values_list("user__username", "song__title", "played_at")
    return [(user, title, round(at.timestamp())) for user, title, at in rows]


def zipped(path: Path, **files: object) -> Path:
    """A zip of files, by name with `/` for `__`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content if isinstance(content, str) else json.dumps(content))
    return path


# --- ListenBrainz ---------------------------------------------------------------------------------


def test_a_play_is_the_song_that_listenbrainz_maps_it_to_and_so_is_its_name(tmp_path: Path) -> None:
    song = make_song("2 Wheel Nation", "Acid King", root=make_root(), path="a.flac")
    SongIdentifier.objects.create(song=song, value=f"mbid:{MBID}")
    odd = {"title": "Acid King - 2 Wheel Nation (HQ)", "artist": "AcidKingVEVO"}
    file = tmp_path / "listens.jsonl"
    lines = [
        listen(NOON, **odd, mbid_mapping=None, additional_info=None),
        listen(NOON + 60, **odd, mbid_mapping={"recording_mbid": MBID, "artist_mbids": []}),
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    import_plays(file, "listenbrainz")
    assert plays() == [("rob", "2 Wheel Nation", NOON), ("rob", "2 Wheel Nation", NOON + 60)]


def test_a_play_is_the_song_that_listenbrainz_calls_it(tmp_path: Path) -> None:
    song = make_song("Duet", "Alpha, Beta", artists=["Alpha", "Beta"], root=make_root(), path="a.flac")
    mapping = {
        "recording_name": "Duet",
        "artists": [
            {"artist_credit_name": "Alpha", "join_phrase": " & "},
            {"artist_credit_name": "Beta", "join_phrase": ""},
        ],
    }
    file = tmp_path / "listens.jsonl"
    file.write_text(json.dumps(listen(title="duet official video", artist="AlphaVEVO", mbid_mapping=mapping)))
    import_plays(file, "listenbrainz")
    assert Play.objects.get().song == song


@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_array_is_read(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "export.json"
    file.write_text("\ufeff" + json.dumps([listen(NOON), listen(NOON + 60)], indent=indent), "utf-8")
    assert "2 lines, 2 new plays" in import_plays(file, "listenbrainz")


def test_a_long_array_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.importing.exports.BLOCK_BYTES", 37)
    file = tmp_path / "export.json"
    file.write_text(json.dumps([listen(NOON + at, 'Größe [,{"') for at in range(20)], ensure_ascii=False), "utf-8")
    assert "20 lines, 20 new plays" in import_plays(file, "listenbrainz")


def test_a_zip_is_read_as_it_was_downloaded_and_so_is_its_folder(tmp_path: Path) -> None:
    files = {
        "user.json": {"user_id": 1, "username": "eve"},
        "feedback.jsonl": '{"score": 1}\n',
        "pinned_recording.jsonl": "{}\n",
        "listens__2022__1.jsonl": json.dumps(listen(NOON)),
        "listens__2023__2.jsonl": f"{json.dumps(listen(NOON + 60))}\n{json.dumps(listen(NOON + 120))}\n",
    }
    report = import_plays(zipped(tmp_path / "export.zip", **files), "listenbrainz", user="")
    assert "3 lines, 3 new plays, 1 new songs, 1 new listeners, 0 lines left out" in report
    assert plays() == [("eve", "Ada", NOON + late) for late in (0, 60, 120)]

    zipfile.ZipFile(tmp_path / "export.zip").extractall(tmp_path / "export")
    assert "3 lines, 0 new plays" in import_plays(tmp_path / "export", "listenbrainz", user="")


def test_milliseconds_are_told_from_seconds(tmp_path: Path) -> None:
    song = make_song("Ada", "Anna", duration_s=200.0)
    make_song("Ada", "Anna", duration_s=300.0)
    file = tmp_path / "listens.jsonl"
    file.write_text(json.dumps(listen(NOON * 1000, additional_info={"duration": 300_000})))
    import_plays(file, "listenbrainz")
    play = Play.objects.get()
    assert (round(play.played_at.timestamp()), play.song.duration_s) == (NOON, 300.0)
    assert play.song != song


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_what_is_read_only_in_part_says_so_and_fails(tmp_path: Path, part: float) -> None:
    array = json.dumps([listen(NOON + at) for at in range(40)], indent=1)
    (tmp_path / "export.json").write_text(array[: int(len(array) * part)])
    with pytest.raises(CommandError, match=r"read only in part: after \d+ records: cut off or damaged"):
        import_plays(tmp_path / "export.json", "listenbrainz")
    assert 5 < Play.objects.count() < 40

    whole = zipped(tmp_path / "export.zip", listens__1=array).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(CommandError, match="whose end is missing"):
        import_plays(tmp_path / "cut.zip", "listenbrainz")


@pytest.mark.parametrize("form", ["listenbrainz", "lastfm-scrobbles"])
def test_a_last_line_that_is_cut_off_is_told_of_and_fails(tmp_path: Path, form: str) -> None:
    file, row = tmp_path / "export", "Anna,Album,Ada,14 Nov 2023 22:13"
    lines = [json.dumps(listen(NOON + at)) for at in (0, 60)] if form == "listenbrainz" else [row, row]
    file.write_text("\n".join(lines)[:-8])
    with pytest.raises(CommandError, match=r"read only in part: line 2: .*: cut off or damaged"):
        import_plays(file, form)
    assert Play.objects.count() == 1
    file.write_text("\n".join(lines)[:-8] + "\n")
    assert "1 lines left out" in import_part(file, form)


def test_a_damaged_file_of_a_zip_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "export.zip", **{"a.jsonl": json.dumps(listen()), "b.jsonl": json.dumps(listen(NOON + 60))}
    )
    content = bytearray(path.read_bytes())
    at = content.index(b"a.jsonl") + len("a.jsonl") + 10
    content[at : at + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"read only in part: a\.jsonl: "):
        import_plays(path, "listenbrainz")
    assert plays() == [("rob", "Ada", NOON + 60)]


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="none of the files"):
        import_plays(zipped(tmp_path / "photos.zip", **{"a.jpg": "x"}), "listenbrainz")


# --- Spotify --------------------------------------------------------------------------------------


def stream(played_s: float, title: str | None = "Ada", at: str = "2023-11-14T22:13:20Z", **more: Any) -> dict[str, Any]:
    return {
        "ts": at,
        "ms_played": int(played_s * 1000),
        "master_metadata_track_name": title,
        "master_metadata_album_artist_name": title and "Anna",
        "master_metadata_album_album_name": "Album",
        **more,
    }


def test_half_a_minute_or_half_the_song_count_as_a_play(tmp_path: Path) -> None:
    make_song("Short", "Anna", root=make_root(), path="short.mp3", duration_s=40.0)
    streams = [
        stream(30),
        stream(29.9, "Too short"),
        stream(21, "Short"),
        stream(19, "Short", "2023-11-15T00:00:00Z"),
        stream(3000, None, episode_name="A podcast"),
    ]
    folder = "Spotify Extended Streaming History"
    path = zipped(
        tmp_path / "my_spotify_data.zip",
        **{
            f"{folder}/Streaming_History_Audio_2023_0.json": streams,
            f"{folder}/Streaming_History_Video_2023.json": [stream(60, "Video")],
            f"{folder}/ReadMe.pdf": "no JSON",
        },
    )
    report = import_plays(path, "spotify")
    assert plays() == [("rob", "Ada", NOON - 30), ("rob", "Short", NOON - 21)]
    assert "; 2 were too short to count" in report
    assert not Song.objects.filter(title="Too short").exists()


def test_the_history_of_a_year_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "StreamingHistory_music_0.json"
    file.write_text(
        json.dumps([{"endTime": "2023-11-14 22:13", "artistName": "Anna", "trackName": "Ada", "msPlayed": 60000}])
    )
    import_plays(file, "spotify")
    assert plays() == [("rob", "Ada", NOON - 80)]


# --- Last.fm --------------------------------------------------------------------------------------

MOMENT = "14 Nov 2023 22:13"
MINUTE = NOON - 20


@pytest.mark.parametrize(
    ("name", "content", "at"),
    [
        ("a.csv", f'Anna,Album,Ada,{MOMENT}\n"Anna","Al,bum","Bea",{MOMENT}\n', MINUTE),
        (
            "b.csv",
            '"uts","utc_time","artist","artist_mbid","album","album_mbid","track","track_mbid"\n'
            f'"{NOON}","{MOMENT}","Anna","","Album","","Ada","{MBID}"\n"{NOON}","x","Anna","","","","Bea",""\n',
            NOON,
        ),
        ("c.csv", f"Artist;Album;AlbumId;Track;Date#rob\nAnna;Album;1;Ada;{NOON}000\nAnna;;;Bea;{NOON}000\n", NOON),
        ("d.tsv", f"{NOON}\tAda\tAnna\tAlbum\t{MBID}\t\t\n{NOON}\tBea\tAnna\t\t\t\t\n", NOON),
        (
            "e.csv",
            "artist,track,album,timestamp\nAnna,Ada,,2023-11-14 22:13:20\nAnna,Bea,,2023-11-14T22:13:20Z\n",
            NOON,
        ),
    ],
)
def test_tables_of_scrobbles_are_read(tmp_path: Path, name: str, content: str, at: int) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    assert "2 lines, 2 new plays" in import_plays(tmp_path / name, "lastfm-scrobbles")
    assert sorted(plays()) == [("rob", "Ada", at), ("rob", "Bea", at)]
    assert set(Play.objects.values_list("origin", flat=True)) == {"lastfm-scrobbles"}
    assert "0 new plays" in import_plays(tmp_path / name, "lastfm-scrobbles")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", ["exporter", "pages", "answer"])
def test_json_of_scrobbles_is_read(tmp_path: Path, form: str, indent: int | None) -> None:
    of_api = {
        "artist": {"mbid": "", "#text": "Anna"},
        "name": "Ada",
        "mbid": MBID,
        "album": {"mbid": "", "#text": "Album"},
        "date": {"uts": str(NOON), "#text": MOMENT},
    }
    now = {**of_api, "name": "Now", "@attr": {"nowplaying": "true"}}
    content: Any = {
        "exporter": {
            "username": "rob",
            "scrobbles": [{"track": "Ada", "artist": "Anna", "album": "x", "date": NOON * 1000}],
        },
        "pages": [{"track": [now, of_api], "@attr": {"user": "rob"}}],
        "answer": {"recenttracks": {"track": [now, of_api], "@attr": {"user": "rob"}}},
    }[form]
    (tmp_path / "a.json").write_text(json.dumps(content, indent=indent))
    import_plays(tmp_path / "a.json", "lastfm-scrobbles", user="" if form == "exporter" else "rob")
    assert plays() == [("rob", "Ada", NOON)]


def test_a_table_of_scrobbles_without_a_listener_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"Anna,Album,Ada,{MOMENT}\n")
    with pytest.raises(CommandError, match="not one line could be used"):
        import_plays(tmp_path / "a.csv", "lastfm-scrobbles", user="")


def test_a_title_over_two_lines_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        'artist,album,track,unixtime\nAnna,Album,"A\nda",1700000000\nAnna,,Eva,1700000100\n"Anna\n'
    )
    report = import_part(tmp_path / "export.csv", "lastfm-scrobbles")
    assert "Line 5 is left out: not a line of a table: its quotes do not end" in report
    assert [play.song.title for play in Play.objects.order_by("played_at")] == ["A da", "Eva"]


def test_what_is_playing_while_a_table_is_written_is_no_play(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"Anna,A,Ada,\nAnna,A,Bea,{MOMENT}\n")
    assert "0 lines left out" in import_plays(tmp_path / "a.csv", "lastfm-scrobbles")
    assert [title for _, title, _ in plays()] == ["Bea"]


def test_a_bad_line_among_good_ones_is_named_and_fails(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"Anna,A,Ada,{MOMENT}\nAnna,A,Bea,yesterday\nAnna,A,Cleo,{MOMENT}\n")
    report = import_part(tmp_path / "a.csv", "lastfm-scrobbles")
    assert "Line 2 is left out: the date is no moment: yesterday" in report
    assert Play.objects.count() == 2
    assert datetime.fromtimestamp(MINUTE, UTC) == Play.objects.order_by("pk").values_list("played_at", flat=True)[0]


# --- Zips that were made to fill the disk ----------------------------------------------------------


def bomb(path: Path, *, entries: int = 1, size: int = 300_000_000, name: str = "listens.jsonl") -> Path:
    """A zip of a few hundred kilobytes that says to unpack to far more."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(entries):
            entry = f"{number}/{name}" if entries > 1 else name
            with archive.open(entry, "w") as file:
                for _ in range(size // 1_000_000):
                    file.write(bytes(1_000_000))
    return path


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("entries", "size", "why"),
    [(1, 60_000_000, "made to fill the disk"), (archives.MOST_ENTRIES + 1, 0, "entries")],
)
def test_a_zip_that_was_made_to_fill_the_disk_is_refused_unread(
    tmp_path: Path, entries: int, size: int, why: str
) -> None:
    path = bomb(tmp_path / "bomb.zip", entries=entries, size=size)
    with pytest.raises(CommandError, match=why):
        import_plays(path, "listenbrainz")
    assert plays() == []


def test_what_is_packed_beside_the_listens_is_read_no_further_than_it_has_to_be(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.zip", size=9_000_000, name="user.json")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("listens.jsonl", json.dumps(listen()))
        archive.writestr("nested.zip", b"PK\x03\x04 not opened")
    assert "1 " in import_plays(path, "listenbrainz")
    assert len(plays()) == 1


def test_a_table_of_contents_that_fills_the_memory_is_not_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", **{"listens.jsonl": listen()})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x05\x06")
    content[at + 12 : at + 16] = (500_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(CommandError, match="table of contents"):
        import_plays(path, "listenbrainz")


@pytest.mark.parametrize(("offset", "value"), [(6, b"\x59\x00"), (9, b"\x08"), (46, b"\xcb")])
def test_a_table_of_contents_that_is_damaged_on_purpose_is_refused_in_words(
    tmp_path: Path, offset: int, value: bytes
) -> None:
    """A version that is none, and a name that is no text where the archive says that it is UTF-8."""
    path = zipped(tmp_path / "export.zip", **{"listens.jsonl": listen()})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 9] = 0x08
    content[at + 46] = 0xCB
    content[at + offset : at + offset + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(CommandError, match="missing or damaged"):
        import_plays(path, "listenbrainz")
