"""Snapshots: complete before they count, replaced at once, cleaned up."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import Song
from recommender import build, changes, snapshot
from recommender.models import Snapshot
from tests.factories import add_labels, make_plays, make_song, make_user

pytestmark = pytest.mark.django_db


def current() -> snapshot.Recommenders:
    recommenders = snapshot.current()
    assert recommenders is not None
    return recommenders


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_before_the_first_snapshot_there_is_none() -> None:
    assert snapshot.current() is None


def test_an_empty_library_makes_an_empty_snapshot() -> None:
    build.build()
    assert len(current().catalogue.song_ids) == 0


def test_the_arrays_are_those_of_the_library(library: dict[str, Song], ada: User) -> None:
    silent = make_song("Silent", labels={"jazz": 1}, source="import")
    make_plays(ada, library["Thunder"], 3)
    make_plays(make_user(), library["Thunder"], 4)
    built = build.build()
    recommenders = current()
    assert recommenders.catalogue.song_ids.tolist() == [song.pk for song in library.values()] + [silent.pk]
    assert recommenders.catalogue.playable.tolist() == [True] * 5 + [False]
    assert recommenders.catalogue.artists.tolist()[-1] == -1
    assert recommenders.popular.plays.tolist() == [0, 0, 7, 0, 0, 0]
    assert recommenders.popular.listeners.tolist() == [0, 0, 2, 0, 0, 0]
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
    content, names = current().content, current().catalogue.label_names.tolist()
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
    first = current()
    with django_assert_num_queries(1):
        assert current() is first


def test_arrays_are_mapped_not_read(library: dict[str, Song]) -> None:
    build.build()
    base = current().content.weights.data
    while not isinstance(base, np.memmap) and base.base is not None:
        base = base.base
    assert isinstance(base, np.memmap)


def test_readers_see_the_old_until_the_new_is_complete(
    library: dict[str, Song], monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build()
    old = current()
    make_song("Later", labels={"jazz": 1}, source="import")
    seen: list[bool] = []
    switch = snapshot.switch

    def look_and_switch(*args: object) -> Snapshot:
        seen.append(current() is old)
        return switch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(snapshot, "switch", look_and_switch)
    build.build()
    assert seen == [True]
    assert current() is not old
    assert len(current().catalogue.song_ids) == len(old.catalogue.song_ids) + 1
    assert Snapshot.objects.filter(current=True).count() == 1


def test_a_full_disk_leaves_the_old_serving_and_nothing_behind(
    library: dict[str, Song], snapshots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build()
    old, folders = current(), names(snapshots)
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
    assert current() is old
    assert names(snapshots) == folders


def test_a_build_that_was_overtaken_does_not_take_back_what_is_newer(library: dict[str, Song]) -> None:
    early = changes.begin()
    changes.labels_changed()
    newer = build.build(Snapshot.Kind.CONTENT)
    folder = snapshot.store(current())
    late = snapshot.switch(Snapshot.Kind.CONTENT, folder, 1.0, {}, early)
    assert not late.current
    assert snapshot.current_row() == newer


def test_of_a_full_and_a_content_snapshot_the_one_that_saw_more_counts(library: dict[str, Song]) -> None:
    full = build.build()
    changes.labels_changed()
    content = build.build(Snapshot.Kind.CONTENT)
    assert snapshot.current_row() == content
    assert Snapshot.objects.get(pk=full.pk).current
    assert snapshot.current_row() != build.build()
    changes.labels_changed()
    newest = build.build()
    assert snapshot.current_row() == newest


def test_replaced_snapshots_are_deleted_but_for_the_last_few(library: dict[str, Song], snapshots: Path) -> None:
    for _ in range(snapshot.KEPT + 3):
        build.build()
    assert Snapshot.objects.count() == len(names(snapshots)) == snapshot.KEPT + 1
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
    storage = storages["snapshots"]
    snapshot._delete(storage, old.folder)
    new = build.build()
    snapshot._loaded.clear()
    rows = iter([old, new])
    monkeypatch.setattr(snapshot, "current_row", lambda: next(rows))
    assert len(current().catalogue.song_ids) == 5


def test_a_snapshot_without_its_files_is_said_and_built_again(
    library: dict[str, Song], snapshots: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = build.build()
    next((snapshots / row.folder).glob("content.data*")).unlink()
    snapshot._loaded.clear()
    assert snapshot.current() is None
    assert "without its files" in caplog.text
    build.keep_up()
    assert len(current().catalogue.song_ids) == 5


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
    assert len(current().catalogue.song_ids) == 5
    opened: list[str] = []
    monkeypatch.setattr(Elsewhere, "open", lambda _self, name, _mode="rb": opened.append(name))
    snapshot._loaded.clear()
    assert len(current().catalogue.song_ids) == 5
    assert not opened
    monkeypatch.undo()
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    second = build.build()
    current()
    copies = names(tmp_path / "home" / "snapshot-copies")
    assert copies == {second.folder} != {first.folder}
