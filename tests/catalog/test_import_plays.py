"""`import_plays`: counts of plays from triplets and Last.fm."""

from __future__ import annotations

import re
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Model, Sum
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.importing import tables
from catalog.models import Listener, PlayCount, Song, SongIdentifier
from catalog.services import plays
from catalog.signals import played
from tests.factories import make_plays, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

EVERYTHING: tuple[type[Model], ...] = (User, Listener, Song, SongIdentifier, PlayCount)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Where a test writes its table."""
    return tmp_path / "plays.tsv"


def import_plays(
    path: Path, text: str | bytes | None = None, format_: str = "triplets", in_part: str = "", **options: object
) -> str:
    """The command's report on a file of this text; it fails, saying so, where it was read only in part."""
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out, said = StringIO(), f"was read only in part: {in_part}. What was read is stored."
    with pytest.raises(CommandError, match=f"{re.escape(said)}$") if in_part else nullcontext():
        call_command("import_plays", str(path), format=format_, stdout=out, **options)
    return out.getvalue()


def counts(origin: str = "triplets") -> dict[tuple[str, str], int]:
    """Plays by listener and title."""
    rows = PlayCount.objects.filter(origin=origin).values_list("user__username", "song__title", "count")
    return {(user, title): count for user, title, count in rows}


def rows_of(*models: type[Model]) -> list[list[dict[str, object]]]:
    """All that is stored."""
    return [list(model._default_manager.order_by("pk").values()) for model in models]


# --- Triplets -------------------------------------------------------------------------------------


def test_rows_of_the_same_listener_and_song_are_summed(table: Path) -> None:
    report = import_plays(table, "anna\tSOA\t2\nbob\tSOA\t1\nanna\tSOB\t4\nanna\tSOA\t3\n")
    assert counts() == {("anna", "SOA"): 5, ("bob", "SOA"): 1, ("anna", "SOB"): 4}
    assert "4 lines, 3 songs of listeners, 2 new songs, 2 new listeners, 0 lines left out" in report
    assert "0 of 2 songs (0.0 %) and 0 of 10 plays (0.0 %) are of files in the library" in report


def test_a_later_import_replaces_what_an_earlier_one_said_of_the_same_listener_and_song(table: Path) -> None:
    import_plays(table, "anna\tSOA\t2\nanna\tSOB\t1\n")
    import_plays(table, "anna\tSOA\t1\n")
    assert counts() == {("anna", "SOA"): 1, ("anna", "SOB"): 1}


def test_what_was_played_here_stays(table: Path) -> None:
    anna, song = make_user("anna"), make_song("Title", external_id="SOA")
    make_plays(anna, song, 7)
    import_plays(table, "anna\tSOA\t2\n")
    assert set(anna.play_counts.values_list("origin", "count")) == {("player", 7), ("triplets", 2)}
    assert not Listener.objects.filter(user=anna).exists()


def test_imported_listeners_cannot_log_in(table: Path) -> None:
    import_plays(table, "4bd88b\tSOA\t2\n")
    user = User.objects.get(username="4bd88b")
    assert (user.is_active, user.has_usable_password()) == (False, False)
    assert user.listener.origin == Listener.Origin.IMPORTED


def test_importing_plays_twice_changes_nothing_and_announces_nothing(
    table: Path, tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    names = tmp_path / "songs.csv"
    names.write_text("song_id,title,release,artist,year\nSOA,Ada,First,Anna,1999\nSOB,Ada,First,Anna,1999\n")
    announced: list[object] = []

    def listen(**sent: object) -> None:
        announced.append((sent["user"], sent["song"]))

    played.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            import_plays(table, "anna\tSOA\t2\nbob\tSOB\t1\nbob\tSOC\t3\n", songs=str(names))
        before = rows_of(*EVERYTHING)
        assert announced == [(None, None)]
        with django_capture_on_commit_callbacks(execute=True):
            import_plays(table, songs=str(names))
    finally:
        played.disconnect(listen)
    assert rows_of(*EVERYTHING) == before
    assert len(announced) == 1


def test_lines_keep_their_numbers_whatever_piece_of_the_file_they_are_read_in(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", 50)
    monkeypatch.setattr(tables, "LONGEST_LINE", 40)
    lines = [f"user {n}\tSO{n}\t{n}" if n % 7 else f"user{n}\tSO{n}\t{n}" for n in range(1, 40)]
    lines[11] = "anna\tSOA"
    lines[20] = f"anna\t{'A' * 200}\t1"
    lines[30] = ""
    report = import_plays(table, "\r\n".join(lines), in_part="36 lines were read and 2 left out (12, 21)")
    assert "36 lines" in report
    assert "Line 12 is left out: 2 columns in place of 3" in report
    assert "Line 21 is left out: the line is too long" in report
    assert sum(counts().values()) == sum(range(1, 40)) - 12 - 21 - 31


def test_bad_lines_are_named_with_what_is_wrong_and_the_rest_goes_on(table: Path) -> None:
    report = import_plays(
        table,
        b"anna\tSOA\t2\nanna\tSOA\nanna\tSOA\t0\nanna\tSOA\t1.5\nanna\tSOA\tmany\nanna\t\t1\n\tSOA\t1\n"
        b"anna\tSOA\t-1\nanna\tSOA\t99999999999\nb\xf6b\tSOA\t1\nanna\tSOA\t1\n",
        in_part="2 lines were read and 9 left out (2, 3, 4, 5, 6, 7, 8, 9, 10)",
    )
    assert counts() == {("anna", "SOA"): 3}
    for line, why in {
        2: "2 columns in place of 3: listener, song, plays",
        3: "plays are a whole number from 1 to 2147483647, not 0",
        4: "plays are a whole number from 1 to 2147483647, not 1.5",
        5: "plays are a whole number from 1 to 2147483647, not many",
        6: "no song",
        7: "no listener",
        8: "plays are a whole number from 1 to 2147483647, not -1",
        9: "plays are a whole number from 1 to 2147483647, not 99999999999",
        10: "not UTF-8",
    }.items():
        assert f"Line {line} is left out: {why}\n" in report
    assert "9 lines left out" in report


def test_a_sum_that_no_database_holds_is_the_largest_that_it_does(table: Path) -> None:
    import_plays(table, "anna\tSOA\t2147483647\nanna\tSOA\t2147483647\n")
    assert counts() == {("anna", "SOA"): 2147483647}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"format_": "lastfm", "user": "anna"},
            "--user goes with listenbrainz, lastfm-scrobbles, spotify: lastfm names every listener",
        ),
        ({"format_": "listenbrainz", "songs": "songs.csv"}, "--songs names the songs of triplets and lastfm"),
        ({"songs": "nowhere.csv"}, "nowhere.csv: no such file"),
    ],
)
def test_options_that_do_not_go_together_fail_in_one_line(table: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        import_plays(table, "anna\tSOA\t2\n", **options)


@pytest.mark.parametrize(("text", "message"), [("", "the file is empty"), ("a\nb\n", "not one line could be used")])
def test_a_file_without_plays_fails_in_one_line(table: Path, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        import_plays(table, text)


def test_plays_are_read_and_stored_piece_by_piece(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plays, "READ_AT_ONCE", 7)
    monkeypatch.setattr(plays, "STORED_AT_ONCE", 5)
    import_plays(table, "\n".join(f"user {i % 5}\tsong {i % 4}\t1" for i in range(60)))
    assert counts() == {(f"user {i % 5}", f"song {i % 4}"): 3 for i in range(60)}


# --- What songs are called ------------------------------------------------------------------------


def test_a_file_of_songs_names_those_that_are_new_and_those_without_a_name(table: Path, tmp_path: Path) -> None:
    import_plays(table, "anna\tSOA\t2\nanna\tSOC\t2\n")
    names = tmp_path / "songs.csv"
    names.write_text(
        'song_id,title,release,artist,year\nSOA,"Ada, again",First,Anna,1999\nSOB,Bea,,Bob,0\nSOD,D,,D,1\n'
    )
    import_plays(table, "anna\tSOA\t2\nanna\tSOB\t2\nanna\tSOC\t1\n", songs=str(names))
    songs = Song.objects.order_by("pk").values_list("title", "album", "artist", "year", "title_key")
    assert list(songs) == [
        ("Ada, again", "First", "Anna", 1999, "ada again"),
        ("SOC", "", "", None, "soc"),
        ("Bea", "", "Bob", None, "bea"),
    ]


def test_plays_go_to_the_owners_file_of_that_name(table: Path, tmp_path: Path) -> None:
    root = make_root()
    mine = make_song("Ada", "Anna", root=root, path="ada.flac")
    live = make_song("Ada (Live)", "Anna", root=root, path="live.flac")
    names = tmp_path / "songs.csv"
    names.write_text(
        "song_id,title,artist\nSOA,ADA (2011 Remaster),Anna feat. Bob\nSOB,Ada - Live,The Anna\nSOC,Ada (Remix),Anna\n"
        "SOD,Ada,Anna\n"
    )
    report = import_plays(table, "x\tSOA\t2\nx\tSOB\t1\nx\tSOC\t1\nx\tSOD\t4\n", songs=str(names))
    assert counts() == {("x", "Ada"): 6, ("x", "Ada (Live)"): 1, ("x", "Ada (Remix)"): 1}
    assert set(mine.identifiers.values_list("value", flat=True)) == {"SOA", "SOD"}
    assert set(live.identifiers.values_list("value", flat=True)) == {"SOB"}
    assert "2 of 3 songs (66.7 %) and 7 of 8 plays (87.5 %) are of files in the library" in report


def test_a_song_that_gets_a_name_becomes_part_of_the_owners_file_of_that_name(table: Path, tmp_path: Path) -> None:
    import_plays(table, "x\tSOA\t2\nx\tSOB\t1\n")
    mine = make_song("Ada", "Anna", root=make_root(), path="ada.flac")
    names = tmp_path / "songs.csv"
    names.write_text("song_id,title,artist\nSOA,Ada,Anna\nSOB,Ada (Live),Anna\n")
    for _ in range(2):
        import_plays(table, songs=str(names))
        assert counts() == {("x", "Ada"): 2, ("x", "Ada (Live)"): 1}
        assert (mine.external_id, mine.merged.get().title) == ("SOA", "SOA")


def test_what_a_catalogue_tells_apart_stays_apart_without_a_file(table: Path, tmp_path: Path) -> None:
    names = tmp_path / "songs.csv"
    names.write_text("song_id,title,artist\nSOA,Human,The Killers\nSOB,Human,The Killers\n")
    import_plays(table, "x\tSOA\t2\ny\tSOB\t1\n", songs=str(names))
    assert Song.objects.count() == 2


# --- Last.fm --------------------------------------------------------------------------------------


def test_an_artist_of_lastfm_is_a_song_called_as_they_are(table: Path) -> None:
    table.with_name("artists.dat").write_text("id\tname\turl\n51\tDuran Duran\tx\n52\tMorcheeba\tx\n", "utf-8")
    make_song("Morcheeba", "Morcheeba", root=make_root(), path="morcheeba.flac")
    import_plays(table, "userID\tartistID\tweight\n2\t51\t100\n2\t52\t7\n3\t53\t1\n", "lastfm")
    assert counts("lastfm") == {
        ("lastfm-2", "Duran Duran"): 100,
        ("lastfm-2", "Morcheeba"): 7,
        ("lastfm-3", "lastfm:artist:53"): 1,
    }
    made = Song.objects.get(identifiers__value="lastfm:artist:52")
    assert (made.title, made.artist, made.path) == ("Morcheeba", "Morcheeba", "")


def test_a_header_that_is_not_lastfms_fails_in_one_line(table: Path) -> None:
    with pytest.raises(CommandError, match="lacks a column: wanted userid, artistid, weight, found a"):
        import_plays(table, "a\tb\n", "lastfm")


# --- Real files -----------------------------------------------------------------------------------


@pytest.mark.long
def test_the_taste_profile_comes_in_whole_and_twice_is_the_same(shared: Path) -> None:
    files = shared / "taste"
    for _ in range(2):
        import_plays(files / "triplets.tsv", songs=str(files / "songs.csv"))
        assert PlayCount.objects.count() == 42_739
        assert (User.objects.count(), Song.objects.count()) == (1630, 9071)
        assert PlayCount.objects.aggregate(Sum("count")) == {"count__sum": 129_149}
    assert Song.objects.exclude(artist="").count() == 4942


@pytest.mark.long
def test_lastfms_listeners_come_in_whole_and_twice_is_the_same(shared: Path) -> None:
    for _ in range(2):
        import_plays(shared / "lastfm" / "user_artists.dat", format_="lastfm")
        assert PlayCount.objects.filter(origin="lastfm").count() == 92_834
        assert (User.objects.count(), Song.objects.count()) == (1892, 17_632)
    assert PlayCount.objects.get(user__username="lastfm-2", song__identifiers__value="lastfm:artist:51").count == 13_883
    assert not Song.objects.filter(title__startswith="lastfm:").exists()
