"""What an import makes of bad files, of hostile ones and of very large ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError

from catalog.home import PROJECT_ROOT
from catalog.importing import limited_reading
from catalog.models import LibraryRoot, RefusedFile, Song
from catalog.services import library
from catalog.tasks import rescan
from tests.audio import add_picture, add_unpacking, tag, write_long_silence, write_tone
from tests.imports import figures, import_music, only_song

pytestmark = pytest.mark.django_db


# --- What is bad ----------------------------------------------------------------------------------


def test_bad_files_are_each_named_with_the_reason_and_the_good_ones_come_in(music: Path) -> None:
    good = write_tone(music / "good.ogg", hz=300)
    flac = write_tone(music / "whole.flac", seconds=20).read_bytes()
    (music / "whole.flac").unlink()
    (music / "cut.flac").write_bytes(flac[: len(flac) // 50])
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


def test_a_file_that_is_cut_off_is_heard_as_far_as_it_goes_and_named(music: Path) -> None:
    whole = write_tone(music / "cut.flac", seconds=20).read_bytes()
    (music / "cut.flac").write_bytes(whole[: len(whole) // 2])
    report = import_music(music)
    assert only_song().duration_s == pytest.approx(10, abs=0.5)
    assert re.search(rf"Shorter than it says: {music}/cut.flac: only (9|10)\.\d s are there", report)
    assert figures(report)["new"] == 1


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
    made = only_song()
    assert made.title == "A [31m B"
    assert len(made.artist) == 300
    assert (made.track_number, made.year) == (None, None)
    assert not made.song_labels.exists()


# --- Files that would eat the machine -------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
def test_a_file_that_would_eat_the_machine_is_named_once_and_the_rest_goes_on(
    music: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    bomb, good = write_tone(music / f"bomb{suffix}", hz=300), write_tone(music / "good.ogg", hz=400)
    if suffix == ".mp3":
        add_unpacking(bomb, to_bytes=100_000_000)
        assert bomb.stat().st_size < 1_000_000
        why = "its tags would unpack to"
    else:
        add_picture(bomb, bytes(16_000_000))
        monkeypatch.setattr(limited_reading, "MEMORY_BYTES", 10_000_000)
        why = "needs more memory than there is to be read"
    report = import_music(music)
    assert f"Not usable: {bomb}: {why}" in report
    assert figures(report)["new"] == 1
    assert only_song().path == good.name
    assert RefusedFile.objects.get().path == bomb.name

    monkeypatch.setattr(library, "read_audio_file", lambda *_: pytest.fail("it was read again"))
    rescan()
    assert "1 not usable" in LibraryRoot.objects.get().scan_result
    bomb.unlink()
    rescan()
    assert not RefusedFile.objects.exists()


# --- Size -----------------------------------------------------------------------------------------


IMPORT = """
import resource, sys
from django.core.management import execute_from_command_line as run
run(["manage.py", "import_music", sys.argv[1]])
from catalog import limited
limited.end_idle()
print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def run_in(home: Path, *command: str) -> str:
    """What Python prints with a home of its own."""
    environment = {**os.environ, "DCMRS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "dcmrs_site.settings"}
    environment.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


def peak_memory_mb(folder: Path, home: Path) -> float:
    """Memory of an import in a process of its own, or of the one that reads files for it."""
    printed = run_in(home, "-c", IMPORT, str(folder))
    assert "1 new" in printed
    return int(printed.split()[-1]) / 1024


@pytest.mark.one_database
def test_a_ten_hour_file_is_imported_in_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    write_long_silence(tmp_path / "short" / "a.mp3", hours=0.05)
    long = write_long_silence(tmp_path / "long" / "a.mp3", hours=10)
    size_mb = long.stat().st_size / 1e6
    run_in(tmp_path / "home-short", "manage.py", "migrate", "-v0")
    shutil.copytree(tmp_path / "home-short", tmp_path / "home-long")

    short_mb = peak_memory_mb(tmp_path / "short", tmp_path / "home-short")
    long_mb = peak_memory_mb(tmp_path / "long", tmp_path / "home-long")

    assert long_mb - short_mb < min(10, size_mb / 3)
