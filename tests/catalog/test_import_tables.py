"""`import_labels` and `import_ratings`."""

from __future__ import annotations

import re
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import Label, LabelAlias, LabelAssignment, Listener, Rating, Song, SongIdentifier, SongLabel
from catalog.names import label_key
from catalog.services import tables
from catalog.signals import labels_changed
from tests.factories import add_labels, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Where a test writes its table."""
    return tmp_path / "table.csv"


def import_labels(path: Path, text: str | bytes | None = None, format_: str = "csv", in_part: str = "") -> str:
    """The command's report on a table of this text; it fails, saying so, where it was read only in part."""
    return _import("import_labels", path, text, in_part, format=format_)


def import_ratings(path: Path, text: str | bytes | None = None, in_part: str = "") -> str:
    """The command's report on a table of this text; it fails, saying so, where it was read only in part."""
    return _import("import_ratings", path, text, in_part)


def _import(command: str, path: Path, text: str | bytes | None, in_part: str, **options: str) -> str:
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out, said = StringIO(), f"was read only in part: {in_part}. What was read is stored."
    with pytest.raises(CommandError, match=f"{re.escape(said)}$") if in_part else nullcontext():
        call_command(command, str(path), stdout=out, **options)
    return out.getvalue()


def imported_labels(origin: str = "csv") -> dict[tuple[str, str], float]:
    """Weights by title and label."""
    annotations = SongLabel.objects.filter(source="import", origin=origin).select_related("song", "label")
    return {(annotation.song.title, annotation.label.name): annotation.weight for annotation in annotations}


# --- Labels ---------------------------------------------------------------------------------------


def test_rows_of_one_import_are_summed_whatever_the_spelling(table: Path) -> None:
    song = make_song("Title", external_id="mbid:1")
    LabelAlias.objects.create(label=Label.objects.create(name="electronic"), name="electronica")
    import_labels(
        table,
        "song,label,weight\nmbid:1,Hip-Hop,2\nmbid:1,hip hop,3\n"
        f"{song.pk},Hip-Hop,0.5\nmbid:1,electronica,1\nmbid:1,Electronic,1\n",
    )
    assert imported_labels() == {("Title", "Hip-Hop"): 5.5, ("Title", "electronic"): 2.0}


def test_without_a_weight_each_row_counts_one(table: Path) -> None:
    import_labels(table, "label\ttrack_id\njazz\ta\njazz\ta\ncool\ta\n")
    assert imported_labels() == {("a", "jazz"): 2.0, ("a", "cool"): 1.0}


def test_a_later_import_replaces_what_an_earlier_one_said_of_the_same_song_and_label(table: Path) -> None:
    import_labels(table, "song,label,weight\na,jazz,5\na,cool,2\na,sad,1\n")
    import_labels(table, "song,label,weight\na,jazz,1\na,sad,0\n")
    assert imported_labels() == {("a", "jazz"): 1.0, ("a", "cool"): 2.0}


def test_what_others_say_of_a_song_stays(table: Path) -> None:
    song = make_song("Title", external_id="a", labels={"jazz": 0.7})
    add_labels(song, {"jazz": 1.0}, source="import", origin="file")
    import_labels(table, "song,label\na,jazz\n")
    assert set(song.song_labels.values_list("source", "origin", "weight")) == {
        ("cnn", "test", 0.7),
        ("import", "file", 1.0),
        ("import", "csv", 1.0),
    }


def test_unknown_songs_are_made_without_audio(table: Path) -> None:
    report = import_labels(table, "song,label\nlastfm:artist:51,rock\n99999999,rock\n")
    made = Song.objects.get(identifiers__value="lastfm:artist:51")
    assert (made.title, made.artist, made.path, made.title_key) == ("lastfm:artist:51", "", "", "lastfm artist 51")
    assert Song.objects.filter(identifiers__value="99999999").exists()
    assert "2 new songs" in report


def test_a_song_is_found_by_identifier_before_primary_key(table: Path) -> None:
    by_key = make_song("by key")
    make_song("by identifier", external_id=str(by_key.pk))
    import_labels(table, f"song,label\n{by_key.pk},rock\n")
    assert imported_labels() == {("by identifier", "rock"): 1.0}


def test_importing_labels_twice_changes_nothing_and_announces_nothing(
    table: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    announced: list[object] = []

    def listen(song_ids: object, **_: object) -> None:
        announced.append(song_ids)

    labels_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            import_labels(table, "song,label,weight\na,jazz,5\na,cool,2.5\n")
        before = [list(model.objects.order_by("pk").values()) for model in (Song, SongIdentifier, Label, SongLabel)]
        assert announced == [[Song.objects.get().pk]]
        with django_capture_on_commit_callbacks(execute=True):
            report = import_labels(table)
    finally:
        labels_changed.disconnect(listen)

    assert [list(model.objects.order_by("pk").values()) for model in (Song, SongIdentifier, Label, SongLabel)] == before
    assert len(announced) == 1
    assert "2 lines, 2 labels on songs, 0 new songs" in report


def test_bad_lines_are_named_with_what_is_wrong_and_the_rest_goes_on(table: Path) -> None:
    report = import_labels(
        table,
        b"\xef\xbb\xbfSong,Label,Weight\r\n"
        b'a,"jazz, cool",1\r\n'
        b"a,jazz\r\n"
        b"a,jazz,1,2\r\n"
        b",jazz,1\r\n"
        b"a,,1\r\n"
        b"a,jazz,-1\r\n"
        b"a,jazz,many\r\n"
        b"a,jazz,nan\r\n"
        b"a,jazz,inf\r\n"
        b'"a,jazz,1\r\n'
        b"a,caf\xe9,1\r\n"
        b"a,nul\0l,1\r\n"
        b"\r\n" + b"x" * 201 + b",jazz,1\r\n"
        b"a," + b"y" * 101 + b",1\r\n"
        b"a," + b"z" * 200_000 + b",1\r\n"
        b"a,bell\x07,1\r\n"
        b"a,last,1",
        in_part="2 lines were read and 15 left out (3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 5 more)",
    )
    assert imported_labels() == {("a", "jazz, cool"): 1.0, ("a", "last"): 1.0}
    for line, why in {
        3: "2 columns, and 3 in the header",
        4: "4 columns, and 3 in the header",
        5: "no song",
        6: "no label",
        7: "a weight is a number from 0 on, not -1",
        8: "a weight is a number from 0 on, not many",
        9: "a weight is a number from 0 on, not nan",
        10: "a weight is a number from 0 on, not inf",
        11: "not a line of a table",
        12: "not UTF-8",
        13: "a null character",
        15: "the song is longer than 200 characters",
        16: "the label is longer than 100 characters",
        17: "the line is too long",
        18: "the label holds control characters",
    }.items():
        assert f"Line {line} is left out: {why}" in report
    assert "15 lines left out" in report


def test_very_many_bad_lines_are_counted(table: Path) -> None:
    report = import_labels(
        table,
        "song,label\na,jazz\n" + "a\n" * 150,
        in_part="1 lines were read and 150 left out (3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 140 more)",
    )
    assert report.count("is left out") == 100
    assert "and 50 more lines" in report


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("a,b\nc,d\n", "the header line lacks a column: wanted song or track_id or song_id, found a,b"),
        (b"s\xf6ng,label\n", "the header line is not UTF-8"),
        ("song,label\na\nb\n", "not one line could be used"),
    ],
)
def test_a_table_that_is_none_fails_in_one_line(table: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        import_labels(table, text)


def test_a_table_that_is_not_there_fails_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        import_labels(tmp_path / "nowhere.csv")
    with pytest.raises(CommandError, match="is a directory"):
        import_labels(tmp_path)


def test_a_table_is_read_and_stored_piece_by_piece(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "READ_AT_ONCE", 7)
    monkeypatch.setattr(tables, "STORED_AT_ONCE", 5)
    rows = [f"song {i % 10},label {i % 3}" for i in range(60)]
    import_labels(table, "song,label\n" + "\n".join(rows))
    assert imported_labels() == {(f"song {i % 10}", f"label {i % 3}"): 2.0 for i in range(60)}


# --- Labels of a wide table, of Last.fm, of Jamendo -----------------------------------------------


def test_a_wide_table_has_a_column_for_each_label(table: Path) -> None:
    import_labels(table, "song,jazz,Hip-Hop\na,1,0\nb,0,1.0\nb,1,1\n")
    assert imported_labels() == {("a", "jazz"): 1.0, ("b", "jazz"): 1.0, ("b", "Hip-Hop"): 2.0}
    assert set(Label.objects.values_list("name", flat=True)) == {"jazz", "Hip-Hop"}
    import_labels(table, "song,jazz\nb,0\n")
    assert imported_labels() == {("a", "jazz"): 1.0, ("b", "Hip-Hop"): 2.0}


def test_a_mark_of_a_wide_table_that_is_none_leaves_out_its_line(table: Path) -> None:
    report = import_labels(
        table,
        "song\tjazz\tcalm\na\t1\t2\nb\t\t1\nc\tyes\t1\nd\t1\t1\n",
        in_part="1 lines were read and 3 left out (2, 3, 4)",
    )
    assert imported_labels() == {("d", "jazz"): 1.0, ("d", "calm"): 1.0}
    assert "Line 2 is left out: in the column of calm stands 0 or 1, not 2\n" in report
    assert "Line 3 is left out: in the column of jazz stands 0 or 1, not nothing\n" in report
    assert "Line 4 is left out: in the column of jazz stands 0 or 1, not yes\n" in report


@pytest.mark.parametrize("header", ["song", "song,weight"])
def test_a_table_of_songs_alone_has_no_labels(table: Path, header: str) -> None:
    with pytest.raises(CommandError, match="lacks a column: wanted label, or one for each label"):
        import_labels(table, f"{header}\na\n")


def test_a_label_of_lastfm_weighs_as_many_people_as_gave_it(table: Path) -> None:
    table.with_name("artists.dat").write_text("id\tname\n51\tDuran Duran\n", "utf-8")
    table.with_name("tags.dat").write_bytes(b"tagID\ttagValue\r\n1\tnew wave\r\n2\tNew-Wave\r\n3\tfran\xe7ais\r\n")
    report = import_labels(
        table,
        "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t51\t1\t1\t4\t2009\n2\t51\t2\t1\t4\t2009\n3\t51\t2\t1\t4\t2009\n"
        "2\t52\t3\t1\t4\t2009\n2\t52\t9\t1\t4\t2009\nx\t52\t3\t1\t4\t2009\n",
        "lastfm",
        in_part="4 lines were read and 2 left out (6, 7)",
    )
    assert imported_labels("lastfm") == {("Duran Duran", "new wave"): 2.0, ("lastfm:artist:52", "français"): 1.0}
    assert set(LabelAssignment.objects.values_list("user__username", "song__title", "label__name")) == {
        ("lastfm-2", "Duran Duran", "new wave"),
        ("lastfm-3", "Duran Duran", "new wave"),
        ("lastfm-2", "lastfm:artist:52", "français"),
    }
    assert "2 new listeners" in report
    assert "Line 6 is left out: tags.dat has no tag 9 that can be used" in report
    assert "Line 7 is left out: the listener is a whole number, not x" in report


def test_who_gave_a_label_is_what_the_last_import_says(table: Path) -> None:
    table.with_name("tags.dat").write_bytes(b"tagID\ttagValue\n1\tnew wave\n2\tsad\n")
    header = "userID\tartistID\ttagID\n"
    import_labels(table, f"{header}2\t51\t1\n3\t51\t1\n2\t51\t2\n2\t52\t1\n", "lastfm")
    before = list(LabelAssignment.objects.order_by("pk").values())
    import_labels(table, format_="lastfm")
    assert list(LabelAssignment.objects.order_by("pk").values()) == before
    import_labels(table, f"{header}3\t51\t1\n4\t51\t1\n", "lastfm")
    assert set(LabelAssignment.objects.values_list("user__username", "song__title", "label__name")) == {
        ("lastfm-3", "lastfm:artist:51", "new wave"),
        ("lastfm-4", "lastfm:artist:51", "new wave"),
        ("lastfm-2", "lastfm:artist:51", "sad"),
        ("lastfm-2", "lastfm:artist:52", "new wave"),
    }
    assert imported_labels("lastfm")["lastfm:artist:51", "new wave"] == 2.0


def test_a_file_beside_lastfms_labels_that_is_read_in_part_is_said_too(table: Path) -> None:
    table.with_name("tags.dat").write_bytes(b"tagID\ttagValue\n1\tnew wave\nx\tsad\n")
    report = import_labels(
        table, "userID\tartistID\ttagID\n2\t51\t1\n", "lastfm", in_part="1 lines were read and 1 left out (3)"
    )
    assert "tags.dat: line 3 is left out: the tag is a whole number, not x\n" in report


def test_a_tag_of_lastfm_that_is_a_sentence_is_cut(table: Path) -> None:
    table.with_name("tags.dat").write_bytes(b"tagID\ttagValue\n1\t" + b"so sad " * 20 + b"\n")
    import_labels(table, "userID\tartistID\ttagID\n2\t51\t1\n", "lastfm")
    assert [name for _, name in imported_labels("lastfm")] == [("so sad " * 20)[:100].strip()]


def test_lastfms_labels_need_their_names(table: Path) -> None:
    with pytest.raises(CommandError, match=r"tags\.dat: no such file"):
        import_labels(table, "userID\tartistID\ttagID\n2\t51\t1\n", "lastfm")


def test_jamendos_categories_are_kinds_of_labels(table: Path) -> None:
    header = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    report = import_labels(
        table,
        f"{header}track_0000241\ta\tb\t41/241.mp3\t3.1\tgenre---rock\tmood/theme---calm\tinstrument---piano\n"
        "track_0000242\ta\tb\t42/242.mp3\t3.1\trock\ntrack_0000243\ta\tb\t43/243.mp3\t3.1\n",
        "jamendo",
        in_part="1 lines were read and 2 left out (3, 4)",
    )
    assert imported_labels("jamendo") == {("jamendo:track_0000241", name): 1.0 for name in ("rock", "calm", "piano")}
    assert dict(Label.objects.values_list("name", "kind")) == {"rock": "genre", "calm": "mood", "piano": "instrument"}
    assert "Line 3 is left out: a label is written category---name, not rock" in report
    assert "Line 4 is left out: 5 columns, and 6 in the header" in report


@pytest.mark.long
def test_the_files_of_lastfm_and_jamendo_come_in(shared: Path) -> None:
    lastfm = shared / "lastfm"
    new_wave = {number for number, *names in _columns(lastfm / "tags.dat")[1:] if label_key(names[0]) == "new wave"}
    rows = [columns[:3] for columns in _columns(lastfm / "user_taggedartists.dat")]
    people = {user for user, artist, tag in rows[1:] if artist == "51" and tag in new_wave}
    for _ in range(2):
        import_labels(lastfm / "user_taggedartists.dat", None, "lastfm")
        annotation = SongLabel.objects.get(origin="lastfm", song__title="Duran Duran", label__key="new wave")
        assert annotation.weight == len(people) > 1
        gave = LabelAssignment.objects.filter(song=annotation.song, label=annotation.label)
        assert set(gave.values_list("user__username", flat=True)) == {f"lastfm-{user}" for user in people}
        import_labels(shared / "jamendo" / "autotagging_moodtheme.tsv", None, "jamendo")
        assert Song.objects.filter(identifiers__value__startswith="jamendo:").count() == 18_486
        assert not SongLabel.objects.filter(origin="jamendo").exclude(label__kind="mood").exists()


def _columns(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text("latin-1").splitlines() if line]


# --- Ratings --------------------------------------------------------------------------------------


def test_ratings_of_unknown_listeners_make_inactive_users_without_a_password(table: Path) -> None:
    song = make_song(external_id="a")
    report = import_ratings(table, "username,song,stars\nlastfm-2,a,4\n")
    user = User.objects.get(username="lastfm-2")
    assert (user.is_active, user.has_usable_password()) == (False, False)
    assert user.listener.origin == Listener.Origin.IMPORTED
    assert (Rating.objects.get().user, Rating.objects.get().song, Rating.objects.get().stars) == (user, song, 4)
    assert "1 new listeners" in report


def test_a_rating_of_somebody_with_an_account_is_theirs_and_replaces_the_earlier_one(table: Path) -> None:
    user, song, other = make_user("anna"), make_song(), make_song()
    make_rating(user, song, 1)
    make_rating(user, other, 2)
    import_ratings(table, f"user\tsong_id\trating\nanna\t{song.pk}\t5\n")
    assert dict(Rating.objects.values_list("song_id", "stars")) == {song.pk: 5, other.pk: 2}
    assert User.objects.count() == 1
    assert not Listener.objects.exists()
    user.refresh_from_db()
    assert user.is_active


def test_of_several_ratings_of_one_song_the_last_counts(table: Path) -> None:
    import_ratings(table, "username,song,stars\nanna,a,1\nanna,a,5\nanna,a,2\n")
    assert Rating.objects.get().stars == 2


def test_stars_are_whole_and_from_one_to_five(table: Path) -> None:
    report = import_ratings(
        table,
        "username,song,stars\nanna,a,5.0\nanna,b,0\nanna,c,6\nanna,d,3.5\nanna,e,\nanna,f,five\n",
        in_part="1 lines were read and 5 left out (3, 4, 5, 6, 7)",
    )
    assert Rating.objects.get().stars == 5
    assert "Line 5 is left out: stars are a whole number from 1 to 5, not 3.5" in report
    assert "5 lines left out" in report


def test_importing_ratings_twice_changes_nothing(table: Path) -> None:
    import_ratings(table, "username,song,stars\nanna,a,5\nanna,b,2\nbob,a,1\n")
    before = [list(model.objects.order_by("pk").values()) for model in (User, Listener, Song, Rating)]
    import_ratings(table)

    assert [list(model.objects.order_by("pk").values()) for model in (User, Listener, Song, Rating)] == before
    assert set(Rating.objects.values_list("user__username", flat=True)) == {"anna", "bob"}


def test_usernames_that_no_account_could_have_are_named(table: Path) -> None:
    report = import_ratings(
        table,
        f"username,song,stars\n{'x' * 151},a,5\n,a,5\nok,a,5\n",
        in_part="1 lines were read and 2 left out (2, 3)",
    )
    assert "Line 2 is left out: the username is longer than 150 characters" in report
    assert "Line 3 is left out: no username" in report
