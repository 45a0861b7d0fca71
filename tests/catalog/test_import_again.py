"""Importing again, after changes and not, and files with the same recording."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from catalog.importing import limited_reading, reading
from catalog.importing.pictures import Covers
from catalog.importing.walking import FoundFile
from catalog.models import DuplicateFile, LibraryRoot, Rating, Song, SongIdentifier, SongLabel
from catalog.services import library, song_files
from tests.audio import tag, write_tone
from tests.factories import make_rating, make_user
from tests.imports import figures, import_music, only_song

pytestmark = pytest.mark.django_db


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
    before = only_song()

    (music / "new").mkdir()
    path.rename(music / "new" / "Artist - Title.ogg")

    report = figures(import_music(music))
    assert (report.pop("moved"), set(report.values())) == (1, {0})
    after = only_song()
    assert after.pk == before.pk
    assert after.path == "new/Artist - Title.ogg"
    assert (after.title, after.artist) == ("Title", "Artist")


def test_a_file_that_is_moved_and_retagged_at_once_keeps_its_song_and_its_labels(music: Path) -> None:
    path = tag(write_tone(music / "a.mp3"), title="Old")
    import_music(music)
    before = only_song()
    Song.objects.update(tagging_state="done")

    tag(path.rename(music / "b.mp3"), title="New", artist="Somebody")
    import_music(music)

    after = only_song()
    assert (after.pk, after.title, after.artist, after.path) == (before.pk, "New", "Somebody", "b.mp3")
    assert after.tagging_state == "done"


def test_a_song_that_moves_to_another_root_keeps_its_song(tmp_path: Path) -> None:
    write_tone(tmp_path / "one" / "a.ogg")
    import_music(tmp_path / "one")
    before = only_song()
    (tmp_path / "one").rename(tmp_path / "two")

    assert figures(import_music(tmp_path / "two"))["moved"] == 1

    assert (only_song().pk, only_song().root) == (before.pk, LibraryRoot.objects.get(name="two"))


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

    assert (only_song().title, only_song().artist, only_song().tagging_state) == ("New", "Band", "done")


def test_new_audio_at_the_same_path_is_the_same_song_to_be_listened_to_again(music: Path) -> None:
    write_tone(music / "a.ogg", hz=300)
    import_music(music)
    before = only_song()
    Song.objects.update(tagging_state="done")

    write_tone(music / "a.ogg", hz=500, seconds=4)
    assert figures(import_music(music))["changed"] == 1

    assert (only_song().pk, only_song().tagging_state) == (before.pk, "pending")
    assert only_song().duration_s == pytest.approx(4)


def test_a_known_file_that_is_broken_later_is_named_and_its_song_is_missing_until_it_is_repaired(music: Path) -> None:
    path = write_tone(music / "a.flac", hz=300, seconds=20)
    write_tone(music / "b.flac", hz=400)
    import_music(music)
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 50])
    report = import_music(music)
    assert f"{path}: cut off before its end" in report
    assert Song.objects.get(title="a").missing_since is not None

    path.write_bytes(whole)
    import_music(music)
    assert Song.objects.get(title="a").missing_since is None


def test_a_file_that_another_scan_brings_in_meanwhile_is_known(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tone(music / "a.ogg")
    store = song_files.store

    def store_late(root: LibraryRoot, audios: list[reading.AudioFile], *, again: bool) -> list[song_files.Stored]:
        store(root, audios)
        return store(root, audios, again=again)

    monkeypatch.setattr(library, "store", store_late)
    report = figures(import_music(music))
    assert (report["known"], report["new"], report["changed"]) == (1, 0, 0)
    assert Song.objects.count() == 1


def test_an_interrupted_import_keeps_what_is_done_and_goes_on_next_time(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_tone(music / f"{number}.ogg", hz=300 + 50 * number, seconds=1)
    monkeypatch.setattr(library, "STORED_AT_ONCE", 2)
    read = limited_reading.read_audio_file

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


# --- Duplicates -----------------------------------------------------------------------------------


def test_a_copy_is_no_second_song_and_is_named(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    copy = shutil.copy(path, music / "b.ogg")

    report = import_music(music)

    assert only_song().path == "a.ogg"
    assert f"Duplicate: {copy} is {path}" in report


def test_a_copy_takes_over_when_the_first_file_is_deleted(music: Path) -> None:
    path = write_tone(music / "a.ogg")
    shutil.copy(path, music / "b.ogg")
    import_music(music)
    before = only_song()

    path.unlink()
    report = figures(import_music(music))

    assert (report["moved"], report["missing"]) == (1, 0)
    assert (only_song().pk, only_song().path, only_song().missing_since) == (before.pk, "b.ogg", None)
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
