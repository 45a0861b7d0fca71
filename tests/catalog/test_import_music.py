"""Bringing music in: `import_music`, `rescan`, and what they make of good, bad and changing folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from catalog.home import PROJECT_ROOT
from catalog.importing import reading
from catalog.importing.identity import Found
from catalog.importing.pictures import Covers
from catalog.importing.walking import FoundFile
from catalog.models import DuplicateFile, LibraryRoot, Rating, Song, SongIdentifier, SongLabel
from catalog.services import library
from catalog.signals import songs_added
from catalog.tasks import rescan
from tests.audio import add_picture, picture, tag, write_long_silence, write_tone
from tests.factories import make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """An empty folder of music."""
    folder = tmp_path / "Music"
    folder.mkdir()
    return folder


def import_music(*paths: Path | str) -> str:
    """The command's report."""
    out = StringIO()
    call_command("import_music", *map(str, paths), stdout=out)
    return out.getvalue()


def figures(report: str) -> dict[str, int]:
    """The summary's figures by their words."""
    parts = [part.split(maxsplit=1) for part in report.splitlines()[-1].split(" (")[0].split(", ")]
    return {word: int(number) for number, word in parts}


def song() -> Song:
    """The only song there is."""
    return Song.objects.get()


# --- What a file becomes --------------------------------------------------------------------------


def test_a_tagged_file_becomes_a_song_with_what_its_tags_say(music: Path) -> None:
    path = write_tone(music / "x" / "y.flac", seconds=3)
    tag(
        path,
        title="Vibe Ace",
        artist="Kevin MacLeod",
        album="Jazz Sampler",
        albumartist="Various",
        tracknumber="3/12",
        discnumber="2",
        date="2011-07-19",
        genre="Jazz",
        isrc="US-UAN-14-00011",
        musicbrainz_trackid="0A1B2C3D-0000-4000-8000-000000000001",
    )

    assert figures(import_music(music))["new"] == 1

    made = song()
    assert (made.title, made.artist, made.album, made.album_artist) == (
        "Vibe Ace",
        "Kevin MacLeod",
        "Jazz Sampler",
        "Various",
    )
    assert (made.track_number, made.disc_number, made.year, made.codec) == (3, 2, 2011, "flac")
    assert made.duration_s == pytest.approx(3.0)
    assert made.audio_file == path
    assert made.tagging_state == Song.Tagging.PENDING
    assert set(made.identifiers.values_list("value", flat=True)) == {
        "isrc:USUAN1400011",
        "mbid:0a1b2c3d-0000-4000-8000-000000000001",
    }


def test_a_file_without_tags_is_named_after_its_file_and_folders(music: Path) -> None:
    write_tone(music / "Miles Davis" / "Kind of Blue" / "03 - Blue in Green.mp3")

    import_music(music)

    made = song()
    assert (made.title, made.artist, made.album, made.track_number) == (
        "Blue in Green",
        "Miles Davis",
        "Kind of Blue",
        3,
    )


def test_the_genres_in_a_file_are_imported_labels_and_follow_the_file(music: Path) -> None:
    path = tag(write_tone(music / "a.flac"), genre="Hip-Hop/Rap; Jazz")
    import_music(music)
    said = SongLabel.objects.filter(song=song(), source="import", origin="file")
    assert {(word.label.name, word.label.kind, word.weight) for word in said.select_related("label")} == {
        ("Hip-Hop", "genre", 1.0),
        ("Rap", "genre", 1.0),
        ("Jazz", "genre", 1.0),
    }

    tag(path, genre="Jazz")
    import_music(music)

    assert [word.label.name for word in said.select_related("label")] == ["Jazz"]


def test_a_cover_is_stored_once_for_an_album(music: Path) -> None:
    for number, hz in ((1, 300), (2, 400)):
        add_picture(write_tone(music / f"0{number} - Song.flac", hz=hz), picture((900, 700)))

    import_music(music)

    first, second = Song.objects.all()
    assert first.cover.name == second.cover.name
    assert default_storage.exists(first.cover.name or "")
    assert (first.cover.width, first.cover.height) == (600, 467)


def test_a_picture_beside_the_files_is_their_cover(music: Path) -> None:
    add_picture(write_tone(music / "with.flac", hz=300), picture((50, 50), "red"))
    write_tone(music / "without.ogg", hz=400)
    (music / "Folder.JPG").write_bytes(picture((40, 30), "blue"))

    import_music(music)

    assert Song.objects.get(title="with").cover.width == 50
    assert Song.objects.get(title="without").cover.width == 40


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus", "a.flac", "a.m4a", "a.wav", "a.aiff"])
def test_every_common_format_is_taken(music: Path, name: str) -> None:
    write_tone(music / name)
    report = figures(import_music(music))
    assert (report.pop("new"), set(report.values())) == (1, {0})
    assert song().duration_s == pytest.approx(2.0, abs=0.1)


def test_a_song_is_announced_once_it_is_stored(
    music: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[int] = []

    def listen(song_ids: list[int], **_: object) -> None:
        heard.extend(song_ids)

    songs_added.connect(listen)
    try:
        write_tone(music / "a.ogg")
        for _ in range(2):
            with django_capture_on_commit_callbacks(execute=True):
                import_music(music)
    finally:
        songs_added.disconnect(listen)

    assert heard == [song().pk]


# --- Roots ----------------------------------------------------------------------------------------


def test_a_folder_becomes_a_root_of_its_name_and_a_folder_in_it_belongs_to_that_root(music: Path) -> None:
    write_tone(music / "sub" / "a.ogg")
    import_music(music)
    import_music(music / "sub")
    import_music(music / "sub" / "a.ogg")

    assert [(root.name, root.path) for root in LibraryRoot.objects.all()] == [("Music", str(music))]
    assert song().path == "sub/a.ogg"


def test_two_folders_of_one_name_become_two_roots(tmp_path: Path) -> None:
    write_tone(tmp_path / "one" / "Music" / "a.ogg", hz=300)
    write_tone(tmp_path / "two" / "Music" / "b.ogg", hz=400)
    import_music(tmp_path / "one" / "Music", tmp_path / "two" / "Music")
    assert sorted(LibraryRoot.objects.values_list("name", flat=True)) == ["Music", "Music 2"]


def test_no_folder_takes_the_name_of_the_uploads(tmp_path: Path) -> None:
    write_tone(tmp_path / "uploads" / "a.ogg")
    import_music(tmp_path / "uploads")
    assert LibraryRoot.objects.get().name == "uploads 2"


def test_the_folder_around_a_root_becomes_a_root_that_leaves_the_inner_one_alone(tmp_path: Path) -> None:
    write_tone(tmp_path / "outer" / "a.ogg", hz=300)
    write_tone(tmp_path / "outer" / "inner" / "b.ogg", hz=400)
    import_music(tmp_path / "outer" / "inner")
    report = figures(import_music(tmp_path / "outer"))

    assert (report["new"], report["known"]) == (1, 1)
    assert dict(Song.objects.values_list("path", "root__name")) == {"a.ogg": "outer", "b.ogg": "inner"}


def test_a_single_file_makes_its_folder_a_root_that_is_not_rescanned_until_it_is_imported(music: Path) -> None:
    write_tone(music / "a.ogg", hz=300)
    write_tone(music / "b.ogg", hz=400)

    import_music(music / "a.ogg")
    rescan()
    assert Song.objects.count() == 1

    import_music(music)
    assert Song.objects.count() == 2
    assert LibraryRoot.objects.get().rescan


def test_a_host_that_mounts_a_root_elsewhere_finds_its_files(music: Path, tmp_path: Path, settings: Settings) -> None:
    write_tone(music / "a.ogg")
    import_music(music)
    music.rename(tmp_path / "elsewhere")
    settings.LIBRARY_ROOTS = {"Music": str(tmp_path / "elsewhere")}

    rescan()

    assert song().missing_since is None
    assert song().audio_file == tmp_path / "elsewhere" / "a.ogg"


# --- Again, and after changes ---------------------------------------------------------------------


def everything() -> list[list[tuple[object, ...]]]:
    """All that imports write."""
    return [
        list(model.objects.order_by("pk").values_list()) for model in (Song, SongIdentifier, SongLabel, DuplicateFile)
    ]


def test_importing_twice_changes_nothing(music: Path) -> None:
    tag(write_tone(music / "a.flac"), title="A", artist="B", genre="Jazz", isrc="USUAN1400011")
    shutil.copy(music / "a.flac", music / "copy.flac")
    import_music(music)
    before = everything()

    report = figures(import_music(music))

    assert everything() == before
    assert (report["known"], report["duplicates"], report["new"], report["changed"]) == (1, 1, 0, 0)


def test_known_files_are_not_opened(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tone(music / "a.ogg")
    shutil.copy(music / "a.ogg", music / "copy.ogg")
    import_music(music)
    monkeypatch.setattr(library, "read_audio_file", lambda *_: pytest.fail("a known file was read"))
    assert figures(import_music(music))["known"] == 1


def test_a_file_that_is_gone_leaves_a_missing_song_and_its_return_brings_it_back(music: Path, tmp_path: Path) -> None:
    path = write_tone(music / "a.ogg", hz=300)
    write_tone(music / "b.ogg", hz=400)
    import_music(music)
    gone = Song.objects.get(title="a")
    make_rating(make_user(), gone, 5)

    aside = shutil.move(path, tmp_path / "aside.ogg")
    assert figures(import_music(music))["missing"] == 1
    gone.refresh_from_db()
    assert gone.missing_since is not None
    assert Rating.objects.get().song == gone

    shutil.move(aside, path)
    report = import_music(music)
    gone.refresh_from_db()
    assert gone.missing_since is None
    assert "1 of the known were missing and are back" in report


def test_a_song_whose_tagging_failed_gets_another_chance_when_its_file_is_back(music: Path, tmp_path: Path) -> None:
    path = write_tone(music / "a.ogg", hz=300)
    write_tone(music / "b.ogg", hz=400)
    import_music(music)
    aside = shutil.move(path, tmp_path / "aside.ogg")
    import_music(music)
    Song.objects.filter(title="a").update(tagging_state="failed", tagging_error="no such file", tagging_attempts=3)

    shutil.move(aside, path)
    import_music(music)

    back = Song.objects.get(title="a")
    assert (back.tagging_state, back.tagging_error, back.tagging_attempts) == ("pending", "", 0)


def test_only_the_folder_that_is_imported_is_looked_through_for_missing_files(music: Path) -> None:
    one, two = write_tone(music / "one" / "a.ogg", hz=300), write_tone(music / "one more" / "b.ogg", hz=400)
    import_music(music)
    one.unlink()
    two.unlink()
    assert figures(import_music(music / "one"))["missing"] == 1
    assert Song.objects.get(title="b").missing_since is None


def test_a_moved_file_keeps_its_song(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    import_music(music)
    before = song()

    (music / "new").mkdir()
    path.rename(music / "new" / "Artist - Title.ogg")

    report = figures(import_music(music))
    assert (report.pop("moved"), set(report.values())) == (1, {0})
    after = song()
    assert after.pk == before.pk
    assert after.path == "new/Artist - Title.ogg"
    assert (after.title, after.artist) == ("Title", "Artist")


def test_a_file_that_is_moved_and_retagged_at_once_keeps_its_song_and_its_labels(music: Path) -> None:
    path = tag(write_tone(music / "a.mp3"), title="Old")
    import_music(music)
    before = song()
    Song.objects.update(tagging_state="done")

    tag(path.rename(music / "b.mp3"), title="New", artist="Somebody")
    import_music(music)

    after = song()
    assert (after.pk, after.title, after.artist, after.path) == (before.pk, "New", "Somebody", "b.mp3")
    assert after.tagging_state == "done"


def test_a_song_that_moves_to_another_root_keeps_its_song(tmp_path: Path) -> None:
    write_tone(tmp_path / "one" / "a.ogg")
    import_music(tmp_path / "one")
    before = song()
    (tmp_path / "one").rename(tmp_path / "two")

    assert figures(import_music(tmp_path / "two"))["moved"] == 1

    assert (song().pk, song().root) == (before.pk, LibraryRoot.objects.get(name="two"))


def test_files_that_trade_names_keep_their_songs(music: Path) -> None:
    for name, hz in (("a", 300), ("b", 400), ("c", 500)):
        write_tone(music / f"{name}.ogg", hz=hz, seconds=hz / 100)
    import_music(music)
    before = {song.content_hash: song.pk for song in Song.objects.all()}

    (music / "a.ogg").rename(music / "keep")
    (music / "b.ogg").rename(music / "a.ogg")
    (music / "c.ogg").rename(music / "b.ogg")
    (music / "keep").rename(music / "c.ogg")
    import_music(music)

    assert {song.content_hash: song.pk for song in Song.objects.all()} == before
    assert dict(Song.objects.values_list("path", "duration_s")) == {
        "a.ogg": pytest.approx(4),
        "b.ogg": pytest.approx(5),
        "c.ogg": pytest.approx(3),
    }
    assert not Song.objects.exclude(missing_since=None).exists()


def test_new_tags_are_read_without_listening_again(music: Path) -> None:
    path = tag(write_tone(music / "a.mp3"), title="Old", artist="Band")
    import_music(music)
    Song.objects.update(tagging_state="done")

    tag(path, title="New")
    assert figures(import_music(music))["changed"] == 1

    assert (song().title, song().artist, song().tagging_state) == ("New", "Band", "done")


def test_new_audio_at_the_same_path_is_the_same_song_to_be_listened_to_again(music: Path) -> None:
    write_tone(music / "a.ogg", hz=300)
    import_music(music)
    before = song()
    Song.objects.update(tagging_state="done")

    write_tone(music / "a.ogg", hz=500, seconds=4)
    assert figures(import_music(music))["changed"] == 1

    assert (song().pk, song().tagging_state) == (before.pk, "pending")
    assert song().duration_s == pytest.approx(4)


def test_a_known_file_that_is_broken_later_is_named_and_its_song_is_missing_until_it_is_repaired(music: Path) -> None:
    path = write_tone(music / "a.flac", hz=300, seconds=20)
    write_tone(music / "b.flac", hz=400)
    import_music(music)
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 2])
    report = import_music(music)
    assert f"{path}: cut off before its end" in report
    assert Song.objects.get(title="a").missing_since is not None

    path.write_bytes(whole)
    import_music(music)
    assert Song.objects.get(title="a").missing_since is None


def test_a_file_that_another_scan_brings_in_meanwhile_is_known(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tone(music / "a.ogg")
    store = library._store

    def store_late(root: LibraryRoot, audios: list[reading.AudioFile]) -> list[tuple[Song, Found]]:
        store(root, audios)
        return store(root, audios)

    monkeypatch.setattr(library, "_store", store_late)
    report = figures(import_music(music))
    assert (report["known"], report["new"], report["changed"]) == (1, 0, 0)
    assert Song.objects.count() == 1


# --- Duplicates -----------------------------------------------------------------------------------


def test_a_copy_is_no_second_song_and_is_named(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    copy = shutil.copy(path, music / "b.ogg")

    report = import_music(music)

    assert song().path == "a.ogg"
    assert f"Duplicate: {copy} is {path}" in report


def test_a_copy_takes_over_when_the_first_file_is_deleted(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    shutil.copy(path, music / "b.ogg")
    import_music(music)
    before = song()

    path.unlink()
    report = figures(import_music(music))

    assert (report["moved"], report["missing"]) == (1, 0)
    assert (song().pk, song().path, song().missing_since) == (before.pk, "b.ogg", None)
    assert figures(import_music(music))["known"] == 1


def test_a_copy_that_is_deleted_is_forgotten(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    copy = Path(shutil.copy(path, music / "b.ogg"))
    import_music(music)
    copy.unlink()
    assert figures(import_music(music))["duplicates"] == 0
    assert not DuplicateFile.objects.exists()


def test_a_copy_that_is_replaced_by_other_music_becomes_a_song(music: Path) -> None:
    path = write_tone(music / "a.ogg", hz=300)
    copy = Path(shutil.copy(path, music / "b.ogg"))
    import_music(music)
    write_tone(copy, hz=500)
    import_music(music)
    assert Song.objects.count() == 2
    assert not DuplicateFile.objects.exists()


def test_a_song_overwritten_with_a_copy_of_another_keeps_its_ratings_without_a_file(music: Path) -> None:
    write_tone(music / "a.ogg", hz=300)
    other = write_tone(music / "b.ogg", hz=400)
    import_music(music)
    make_rating(make_user(), Song.objects.get(title="a"), 4)

    shutil.copy(other, music / "a.ogg")
    import_music(music)

    assert Song.objects.get(title="a").path == ""
    assert Rating.objects.count() == 1
    assert DuplicateFile.objects.get().path == "a.ogg"


def test_the_same_recording_under_other_names_is_another_song(music: Path) -> None:
    tag(write_tone(music / "a.mp3"), title="One", artist="Band")
    tag(write_tone(music / "b.mp3"), title="Two", artist="Band")
    tag(write_tone(music / "c.mp3"), title="Two", artist="Band", genre="Jazz")

    import_music(music)

    assert sorted(Song.objects.values_list("path", flat=True)) == ["a.mp3", "b.mp3"]
    assert DuplicateFile.objects.get().song.title == "Two"


def test_two_recordings_of_one_name_are_two_songs(music: Path) -> None:
    for name, hz in (("a", 300), ("b", 400)):
        tag(write_tone(music / f"{name}.mp3", hz=hz), title="Title", artist="Band")
    import_music(music)
    assert Song.objects.count() == 2


# --- Songs that were known without audio ----------------------------------------------------------


def test_a_song_known_by_the_identifier_in_the_tags_gains_its_file(music: Path) -> None:
    known = make_song("isrc:USUAN1400011", external_id="isrc:USUAN1400011")
    tag(write_tone(music / "a.flac"), title="Title", artist="Band", isrc="USUAN1400011")
    import_music(music)
    assert (song().pk, song().title, song().path) == (known.pk, "Title", "a.flac")


def test_a_song_known_by_artist_and_title_gains_its_file(music: Path) -> None:
    known = make_song("Don't Stop (Remastered)", "The Band")
    tag(write_tone(music / "a.flac"), title="don\u2019t stop", artist="Band")
    import_music(music)
    assert (song().pk, song().path, song().tagging_state) == (known.pk, "a.flac", "pending")


def test_a_song_of_another_length_is_another_song(music: Path) -> None:
    make_song("Title", "Band", duration_s=200.0)
    tag(write_tone(music / "a.flac"), title="Title", artist="Band")
    import_music(music)
    assert Song.objects.count() == 2


def test_a_better_file_of_a_song_takes_the_place_of_the_deleted_one(music: Path) -> None:
    path = tag(write_tone(music / "a.mp3"), title="Title", artist="Band")
    import_music(music)
    before = song()
    path.unlink()
    tag(write_tone(music / "a.flac"), title="Title", artist="Band")
    import_music(music)
    assert (song().pk, song().path) == (before.pk, "a.flac")


def test_titles_without_an_artist_are_not_matched(music: Path) -> None:
    make_song("Intro")
    write_tone(music / "Intro.ogg")
    import_music(music)
    assert Song.objects.count() == 2


# --- What is bad ----------------------------------------------------------------------------------


def test_bad_files_are_each_named_with_the_reason_and_the_good_ones_come_in(music: Path) -> None:
    good = write_tone(music / "good.ogg", hz=300)
    flac = write_tone(music / "whole.flac", seconds=20).read_bytes()
    (music / "whole.flac").unlink()
    (music / "cut.flac").write_bytes(flac[: len(flac) // 2])
    (music / "empty.mp3").touch()
    (music / "text.mp3").write_text("This is not music. " * 1000)
    os.mkfifo(music / "pipe.mp3")
    (music / "dangling.ogg").symlink_to("nowhere.ogg")
    (music / "self.ogg").symlink_to("self.ogg")
    (music / "deeper").mkdir()
    (music / "deeper" / "loop").symlink_to(music)
    (music / "outside").symlink_to("/usr")
    outside = music.parent / "outside.ogg"
    shutil.copy(good, outside)
    (music / "linked.ogg").symlink_to(outside)
    Path(os.fsdecode(bytes(music) + b"/caf\xe9.mp3")).touch()
    Path(os.fsdecode(bytes(music) + b"/d\xe9j\xe0")).mkdir()

    report = import_music(music)

    assert [song.path for song in Song.objects.all()] == ["good.ogg"]
    for name, reason in {
        "cut.flac": "cut off before its end",
        "empty.mp3": "empty file",
        "text.mp3": "not an audio file",
        "pipe.mp3": "not a regular file",
        "dangling.ogg": "a link to nothing",
        "self.ogg": "a link in a loop",
        "deeper/loop": "a link in a loop",
        "outside": "a link out of the library: import /usr itself",
        "linked.ogg": f"a link out of the library: import {outside} itself",
        "caf\\xe9.mp3": "its name is not UTF-8",
        "d\\xe9j\\xe0": "a folder whose name is not UTF-8",
    }.items():
        assert f"Not usable: {music}/{name}: {reason}" in report
    assert (figures(report)["new"], figures(report)["not usable"]) == (1, 11)


def test_a_link_to_a_file_of_the_root_is_a_duplicate_and_a_link_to_a_folder_of_it_is_passed_over(music: Path) -> None:
    write_tone(music / "a" / "song.ogg")
    (music / "b").symlink_to(music / "a")
    (music / "c.ogg").symlink_to(music / "a" / "song.ogg")
    report = figures(import_music(music))
    assert (report["new"], report["duplicates"], report["not usable"]) == (1, 1, 0)


def test_hidden_files_and_files_of_other_kinds_are_passed_over(music: Path) -> None:
    write_tone(music / ".hidden.ogg")
    write_tone(music / ".trash" / "a.ogg")
    (music / "._a.mp3").write_bytes(b"\0\5\x16\7")
    (music / "notes.txt").write_text("notes")
    assert set(figures(import_music(music)).values()) == {0}


def test_files_and_folders_without_permission_are_named(music: Path) -> None:
    write_tone(music / "a.ogg").chmod(0)
    write_tone(music / "closed" / "b.ogg").parent.chmod(0)
    try:
        if os.access(music / "a.ogg", os.R_OK):
            pytest.skip("whoever runs the tests may read everything")
        report = import_music(music)
    finally:
        (music / "closed").chmod(0o700)
    assert f"Not usable: {music}/a.ogg: permission denied" in report
    assert f"Not usable: {music}/closed: permission denied" in report


def test_a_missing_path_fails_at_the_end_in_one_line(music: Path) -> None:
    write_tone(music / "a.ogg")
    with pytest.raises(CommandError, match=r"^/no/such/folder: no such file or folder$"):
        import_music("/no/such/folder", music)
    assert Song.objects.count() == 1


def test_a_bad_file_that_is_asked_for_by_name_fails(music: Path) -> None:
    (music / "text.mp3").write_text("no music")
    with pytest.raises(CommandError, match=r"text\.mp3: not an audio file"):
        import_music(music / "text.mp3")
    (music / "notes.txt").write_text("no music")
    with pytest.raises(CommandError, match=r"notes\.txt: not the name of an audio file"):
        import_music(music / "notes.txt")


def test_a_path_that_is_not_utf8_fails_in_one_line(music: Path) -> None:
    write_tone(music / "a.ogg")
    import_music(music)
    folder = Path(os.fsdecode(bytes(music) + b"/d\xe9j\xe0"))
    folder.mkdir()
    with pytest.raises(CommandError, match=r"/d\\xe9j\\xe0: its name is not UTF-8: rename it$"):
        import_music(folder)


def test_hostile_tags_are_cleaned(music: Path) -> None:
    path = write_tone(music / "a.flac")
    tag(path, title="A\x1b[31m\nB\u0007", artist="x" * 5000, tracknumber="999999999999", date="99999", genre="g" * 500)
    import_music(music)
    made = song()
    assert made.title == "A [31m B"
    assert len(made.artist) == 300
    assert (made.track_number, made.year) == (None, None)
    assert not made.song_labels.exists()


def test_an_interrupted_import_keeps_what_is_done_and_goes_on_next_time(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_tone(music / f"{number}.ogg", hz=300 + 50 * number, seconds=1)
    monkeypatch.setattr(library, "_STORED_AT_ONCE", 2)
    read = reading.read_audio_file

    def interrupted(root: Path, found: FoundFile, covers: Covers) -> reading.AudioFile:
        if found.path == "3.ogg":
            raise KeyboardInterrupt
        return read(root, found, covers)

    monkeypatch.setattr(library, "read_audio_file", interrupted)
    with pytest.raises(SystemExit) as stopped:
        import_music(music)
    assert stopped.value.code == 130
    assert Song.objects.count() == 2

    monkeypatch.setattr(library, "read_audio_file", read)
    report = figures(import_music(music))
    assert (report["new"], report["known"]) == (4, 2)


# --- Rescans --------------------------------------------------------------------------------------


def test_a_rescan_finds_new_changed_and_missing_files(music: Path) -> None:
    first = write_tone(music / "a.ogg", hz=300)
    import_music(music)
    first.unlink()
    write_tone(music / "b.ogg", hz=400)

    rescan()

    assert Song.objects.get(title="a").missing_since is not None
    assert Song.objects.get(title="b").missing_since is None
    root = LibraryRoot.objects.get()
    assert root.scan_result.startswith("1 new, 0 known")
    assert root.scanned_at is not None


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_root_that_is_not_mounted_leaves_its_songs_as_they_are_and_says_so(
    music: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    path = write_tone(music / "a.ogg")
    import_music(music)
    path.unlink()
    if how == "gone":
        music.rmdir()

    rescan()

    assert song().missing_since is None
    assert "its songs stay as they are" in caplog.text
    assert "its songs stay as they are" in LibraryRoot.objects.get().scan_result


def test_two_rescans_are_not_at_work_at_once(music: Path) -> None:
    write_tone(music / "a.ogg")
    import_music(music)
    root = LibraryRoot.objects.get()
    LibraryRoot.objects.update(scanning_until=timezone.now() + timedelta(minutes=5))
    assert library.rescan(root) is None

    # What a killed scan left behind runs out.
    LibraryRoot.objects.update(scanning_until=timezone.now() - timedelta(seconds=1))
    assert library.rescan(root) is not None
    assert LibraryRoot.objects.get().scanning_until is None


# --- Size -----------------------------------------------------------------------------------------


def peak_memory_mb(folder: Path, home: Path) -> float:
    """Memory of an import in a process of its own."""
    script = (
        "import resource, sys; from django.core.management import execute_from_command_line as run;"
        "run(['manage.py', 'migrate', '-v0']); run(['manage.py', 'import_music', sys.argv[1]]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    environment = {**os.environ, "DCMRS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "1 new" in done.stdout
    return int(done.stdout.split()[-1]) / 1024


def test_a_ten_hour_file_is_imported_in_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    write_long_silence(tmp_path / "short" / "a.mp3", hours=0.05)
    long = write_long_silence(tmp_path / "long" / "a.mp3", hours=10)
    size_mb = long.stat().st_size / 1e6

    short_mb = peak_memory_mb(tmp_path / "short", tmp_path / "home-short")
    long_mb = peak_memory_mb(tmp_path / "long", tmp_path / "home-long")

    assert long_mb - short_mb < min(10, size_mb / 3)


def test_a_ten_hour_file_is_a_song_like_any_other(music: Path) -> None:
    write_long_silence(music / "a.mp3", hours=10)
    import_music(music)
    assert song().duration_s == pytest.approx(36000, rel=0.01)


@pytest.mark.shared
def test_real_recordings(shared: Path) -> None:
    files = sorted(path.name for path in (shared / "audio").iterdir())

    report = figures(import_music(shared / "audio"))
    again = figures(import_music(shared / "audio"))

    assert (report["new"], report["not usable"], again["known"]) == (len(files), 0, len(files))
    assert sorted(Song.objects.values_list("path", flat=True)) == files
    vibe_ace = Song.objects.get(path="kevin-macleod_vibe-ace.ogg")
    assert (vibe_ace.title, vibe_ace.artist, vibe_ace.album, vibe_ace.year) == (
        "Vibe Ace",
        "Kevin MacLeod",
        "Jazz Sampler",
        2011,
    )
    assert [word.label.name for word in vibe_ace.song_labels.select_related("label")] == ["Jazz"]
    assert vibe_ace.cover
