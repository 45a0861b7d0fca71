"""Snapshots: complete before they count, replaced at once, cleaned up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import Song
from recommender.models import Snapshot, SnapshotBuild
from recommender.services import recommending
from recommender.snapshots import build, changes, current, parts, storage
from recommender.snapshots.bundle import ModelBundle
from recommender.tasks import fit_parts
from tests.factories import add_labels, make_plays, make_song, make_user

pytestmark = pytest.mark.django_db


def loaded() -> ModelBundle:
    bundle = current.bundle()
    assert bundle is not None
    return bundle


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_before_the_first_snapshot_there_is_none() -> None:
    assert current.bundle() is None


def test_an_empty_library_makes_an_empty_snapshot() -> None:
    build.build()
    assert len(loaded().index.song_ids) == 0


def test_the_arrays_are_those_of_the_library(library: dict[str, Song], ada: User) -> None:
    silent = make_song("Silent", labels={"jazz": 1}, source="import")
    make_plays(ada, library["Thunder"], 3)
    make_plays(make_user(), library["Thunder"], 4)
    built = build.build()
    bundle = loaded()
    assert bundle.index.song_ids.tolist() == [song.pk for song in library.values()] + [silent.pk]
    assert bundle.index.playable.tolist() == [True] * 5 + [False]
    assert bundle.index.artists.tolist()[-1] == -1
    assert bundle.popular.plays.tolist() == [0, 0, 7, 0, 0, 0]
    assert bundle.popular.listeners.tolist() == [0, 0, 2, 0, 0, 0]
    assert built.figures == {
        "songs": 6,
        "playable_songs": 5,
        "labelled_songs": 5,
        "labels": 4,
        "labels_on_songs": 8,
        "played_songs": 1,
        "plays": 7,
    }


def test_what_every_source_says_is_weighed(ada: User) -> None:
    song = make_song(labels={"jazz": 4.0, "piano": 1.0}, source="import", origin="lastfm")
    add_labels(song, {"jazz": 2.0}, source="import", origin="csv")
    add_labels(song, {"calm": 0.3, "piano": 0.6}, source="cnn")
    add_labels(song, {"slow": 1}, source="curator", origin="ada")
    other = make_song(labels={"rock": 1.0}, source="import")
    add_labels(other, {"rock": -1}, source="curator", origin="ada")
    make_song(labels={"folk": 1.0}, source="import")
    build.build()
    content, names = loaded().content, loaded().index.label_names.tolist()
    # TF: jazz 6/6, piano max(1/6, 0.6/0.6), calm 0.3/0.6, slow the largest; every IDF is log10(2/1)
    weights = dict(zip(names, content.song(0).tolist(), strict=True))
    norm = float(np.sqrt(3.25))
    assert weights == pytest.approx(
        {"jazz": 1 / norm, "piano": 1 / norm, "calm": 0.5 / norm, "slow": 1 / norm, "rock": 0, "folk": 0}
    )
    assert not content.song(1).any()


def test_readers_ask_one_small_question(
    library: dict[str, Song], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    build.build()
    first = loaded()
    with django_assert_num_queries(1):
        assert loaded() is first


def test_arrays_are_mapped_not_read(library: dict[str, Song]) -> None:
    build.build()
    base = loaded().content.weights.data
    while not isinstance(base, np.memmap) and base.base is not None:
        base = base.base
    assert isinstance(base, np.memmap)


def test_readers_see_the_old_until_the_new_is_complete(
    library: dict[str, Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build()
    old = loaded()
    make_song("Later", labels={"jazz": 1}, source="import")
    seen: list[bool] = []
    switch = current.switch

    def look_and_switch(*args: object) -> Snapshot:
        seen.append(loaded() is old)
        return switch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(current, "switch", look_and_switch)
    build.build()
    assert seen == [True]
    assert loaded() is not old
    assert len(loaded().index.song_ids) == len(old.index.song_ids) + 1
    assert Snapshot.objects.filter(current=True).count() == 1


def test_a_full_disk_leaves_the_old_serving_and_nothing_behind(
    library: dict[str, Song], snapshots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build()
    old, folders = loaded(), names(snapshots)
    saved: list[str] = []
    save = FileSystemStorage.save

    def save_three(self: FileSystemStorage, name: str, content: object) -> str:
        if len(saved) == 3:
            raise OSError(28, "No space left on device")
        saved.append(name)
        return save(self, name, content)  # type: ignore[arg-type]

    monkeypatch.setattr(FileSystemStorage, "save", save_three)
    with pytest.raises(OSError, match="No space left"):
        build.build()
    assert loaded() is old
    assert names(snapshots) == folders


def test_a_build_that_was_overtaken_does_not_take_back_what_is_newer(library: dict[str, Song]) -> None:
    early = changes.begin()
    changes.labels_changed()
    newer = build.build(Snapshot.Kind.CONTENT)
    folder, _ = storage.store(loaded().arrays())
    late = current.switch(Snapshot.Kind.CONTENT, folder, 1.0, {}, early)
    assert not late.current
    assert current.current_row() == newer


def test_of_a_full_and_a_content_snapshot_the_one_that_saw_more_counts(library: dict[str, Song]) -> None:
    full = build.build()
    changes.labels_changed()
    content = build.build(Snapshot.Kind.CONTENT)
    assert current.current_row() == content
    assert Snapshot.objects.get(pk=full.pk).current
    assert current.current_row() != build.build()
    changes.labels_changed()
    newest = build.build()
    assert current.current_row() == newest


def test_replaced_snapshots_are_deleted_but_for_the_last_few(library: dict[str, Song], snapshots: Path) -> None:
    for _ in range(current.KEPT + 3):
        build.build()
    assert Snapshot.objects.count() == len(names(snapshots)) == current.KEPT + 1
    assert set(Snapshot.objects.values_list("folder", flat=True)) == names(snapshots)


def test_what_a_dead_build_left_is_deleted_after_a_day(library: dict[str, Song], snapshots: Path) -> None:
    for name, age in (("dead", 2 * 24 * 3600), ("alive", 60)):
        (snapshots / name).mkdir(parents=True)
        (snapshots / name / "content.data.npy").touch()
        os.utime(snapshots / name / "content.data.npy", (time.time() - age,) * 2)
    build.build()
    assert not (snapshots / "dead").exists()
    assert (snapshots / "alive").exists()


def test_a_snapshot_replaced_and_deleted_under_a_reader_leads_to_the_next(
    library: dict[str, Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = build.build()
    storage.delete(old.folder)
    new = build.build()
    current._loaded.clear()
    rows = iter([old, new])
    monkeypatch.setattr(current, "current_row", lambda: next(rows))
    assert len(loaded().index.song_ids) == 5


def test_a_snapshot_without_its_files_is_said_and_built_again(
    library: dict[str, Song], snapshots: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = build.build()
    storage.delete(row.folder)
    current._loaded.clear()
    assert current.bundle() is None
    assert "without its files" in caplog.text
    build.keep_up()
    assert len(loaded().index.song_ids) == 5


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def overwrite(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 0xFF
    file.write_bytes(content)


def scribble(file: Path) -> None:
    file.write_bytes(b"\0" * file.stat().st_size)


@pytest.mark.one_database
@pytest.mark.parametrize("damage", [cut, empty, scribble, Path.unlink])
def test_a_damaged_snapshot_is_left_for_the_one_before_it_and_built_anew(
    library: dict[str, Song], snapshots: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    intact, broken = build.build(), build.build()
    damage(snapshots / broken.folder / "content.data.npy")
    current._loaded.clear()
    assert len(loaded().index.song_ids) == 5
    assert current.current_row() == intact
    assert f"Snapshot {broken.version} is damaged" in caplog.text
    build.keep_up()
    row = current.current_row()
    assert row is not None
    assert row.version > broken.version
    assert SnapshotBuild.objects.count() == 1, "the full one is built anew too"
    fit_parts()
    assert not Snapshot.objects.exclude(damaged="").exists(), "what was built anew is cleared away"
    build.keep_up()
    assert not SnapshotBuild.objects.exists()


def test_bytes_that_changed_in_place_are_noticed_by_the_worker(library: dict[str, Song], snapshots: Path) -> None:
    build.build()
    broken = build.build(Snapshot.Kind.CONTENT)
    overwrite(snapshots / broken.folder / "content.data.npy")
    build.keep_up()
    row = current.current_row()
    assert row is not None
    assert row.version > broken.version
    assert not Snapshot.objects.filter(pk=broken.pk).exists()


def test_a_command_and_a_content_build_outlive_a_damaged_full_snapshot(
    library: dict[str, Song], snapshots: Path
) -> None:
    broken = build.build()
    cut(snapshots / broken.folder / "content.data.npy")
    current._loaded.clear()
    assert len(recommending.recommend(make_user(), "popular", n=5)) == 0
    build.build(Snapshot.Kind.CONTENT)
    build.build()
    assert len(loaded().index.song_ids) == 5


def test_a_storage_that_is_away_takes_no_snapshot_from_anybody(library: dict[str, Song], snapshots: Path) -> None:
    row = build.build()
    away = snapshots.rename(snapshots.with_name("away"))
    current._loaded.clear()
    assert current.bundle() is None
    away.rename(snapshots)
    assert len(loaded().index.song_ids) == 5
    assert current.current_row() == row


def test_a_snapshot_of_an_older_version_has_no_checksums_and_is_read(library: dict[str, Song]) -> None:
    build.build()
    Snapshot.objects.update(files={})
    current._loaded.clear()
    current.compare_checksums()
    assert len(loaded().index.song_ids) == 5


def test_training_data_that_is_damaged_ends_the_build_and_no_task(
    library: dict[str, Song], snapshots: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun = parts.begin()
    cut(snapshots / begun.folder / "evidence.tf_data.npy")
    fit_parts()
    assert not SnapshotBuild.objects.exists()
    assert "is no array" in caplog.text


class Elsewhere(Storage):
    """A storage whose files this host cannot open by their paths."""

    def __init__(self, location: Path) -> None:
        self.files = FileSystemStorage(location)

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        return self.files.open(name, mode)

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        return self.files.save(name, content, max_length)

    def delete(self, name: str) -> None:
        self.files.delete(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self.files.listdir(path)

    def get_modified_time(self, name: str) -> datetime:
        return self.files.get_modified_time(name)


def test_a_storage_elsewhere_is_copied_once_and_mapped(
    library: dict[str, Song], settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    settings.STORAGES = {
        **settings.STORAGES,
        "snapshots": {"BACKEND": f"{__name__}.Elsewhere", "OPTIONS": {"location": tmp_path / "elsewhere"}},
    }
    first = build.build()
    assert len(loaded().index.song_ids) == 5
    opened: list[str] = []
    monkeypatch.setattr(Elsewhere, "open", lambda _self, name, _mode="rb": opened.append(name))
    current._loaded.clear()
    assert len(loaded().index.song_ids) == 5
    assert not opened
    monkeypatch.undo()
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    second = build.build()
    loaded()
    copies = names(tmp_path / "home" / "snapshot-copies")
    assert copies == {second.folder} != {first.folder}
    cut(tmp_path / "home" / "snapshot-copies" / second.folder / "content.data.npy")
    current._loaded.clear()
    assert len(loaded().index.song_ids) == 5
    assert current.current_row() == second, "a damaged copy is copied anew"
