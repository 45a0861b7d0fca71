"""The folders of a library: which root a file belongs to, and what a rescan of a root finds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.utils import timezone
from pytest_django import Settings

from catalog.models import LibraryRoot, Song
from catalog.services import library, vanished
from catalog.tasks import rescan
from tests.audio import write_tone
from tests.factories import make_root, make_song
from tests.imports import figures, import_music, only_song

pytestmark = pytest.mark.django_db


# --- Roots ----------------------------------------------------------------------------------------


def test_a_folder_becomes_a_root_of_its_name_and_a_folder_in_it_belongs_to_that_root(music: Path) -> None:
    write_tone(music / "sub" / "a.ogg")
    import_music(music)
    import_music(music / "sub")
    import_music(music / "sub" / "a.ogg")

    assert [(root.name, root.path) for root in LibraryRoot.objects.all()] == [("Music", str(music))]
    assert only_song().path == "sub/a.ogg"


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

    assert only_song().missing_since is None
    assert only_song().audio_file == tmp_path / "elsewhere" / "a.ogg"


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

    assert only_song().missing_since is None
    assert "its songs stay as they are" in caplog.text
    assert "its songs stay as they are" in LibraryRoot.objects.get().scan_result


def vanish(music: Path, songs: int) -> list[Path]:
    """Songs of a root of which most are gone, as after a restart without an inner mount."""
    root = make_root(music)
    for number in range(songs):
        make_song(f"Song {number}", root=root, path=f"inner/{number}.ogg", tagging_state=Song.Tagging.DONE)
    (music / "lost+found").mkdir()
    return [write_tone(music / "a.ogg")]


def test_most_songs_gone_at_once_are_asked_about_first_and_missing_at_the_second_scan(
    music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vanish(music, vanished.MANY_GONE)
    rescan()
    root = LibraryRoot.objects.get()
    assert root.vanished_songs == vanished.MANY_GONE
    assert "are gone at once" in root.scan_result
    assert "are gone at once" in caplog.text
    assert not Song.objects.exclude(missing_since=None).exists()

    rescan()
    assert LibraryRoot.objects.get().vanished_songs == 0
    assert Song.objects.exclude(missing_since=None).count() == vanished.MANY_GONE


def test_songs_that_are_back_before_the_second_scan_were_never_missing(music: Path) -> None:
    vanish(music, vanished.MANY_GONE)
    rescan()
    (music / "inner").mkdir()
    for path in Song.objects.exclude(path="a.ogg").values_list("path", flat=True):
        (music / path).touch()
    rescan()
    assert LibraryRoot.objects.get().vanished_songs == 0


def test_an_import_fails_where_most_songs_are_gone_until_somebody_says_that_they_are(music: Path) -> None:
    vanish(music, vanished.MANY_GONE)
    with pytest.raises(CommandError, match="gone at once"):
        import_music(music)
    LibraryRoot.objects.update(vanished_songs=0)
    import_music(music, "--gone")
    assert Song.objects.exclude(missing_since=None).count() == vanished.MANY_GONE


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
