"""The arrays keep up with the library, without waiting for the night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from catalog.models import Label, Song
from catalog.services.labels import store_cnn_labels
from catalog.services.listening import record_play
from catalog.signals import labels_changed
from recommender.models import Changes, Snapshot
from recommender.snapshots import build, changes, current, storage
from recommender.tasks import recompute, refresh_content
from tests.factories import make_song

pytestmark = pytest.mark.django_db


def age(row: Snapshot, by: timedelta) -> None:
    Snapshot.objects.filter(pk=row.pk).update(created_at=timezone.now() - by)


def is_known(song: Song) -> bool:
    bundle = current.bundle()
    return bundle is not None and len(bundle.index.songs([song.pk])) == 1


def test_a_new_song_counts_once_it_is_labelled_and_refreshed(
    library: dict[str, Song], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    age(build.build(), timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        song = make_song()
        store_cnn_labels(song, "tagger", {"jazz": 0.9}, {"jazz": "genre"})
    refresh_content()
    assert is_known(song)


def test_nothing_is_built_where_nothing_changed(library: dict[str, Song]) -> None:
    age(build.build(), timedelta(hours=2))
    refresh_content()
    assert Snapshot.objects.count() == 1


def test_the_first_look_builds(library: dict[str, Song]) -> None:
    refresh_content()
    assert Snapshot.objects.get().kind == Snapshot.Kind.CONTENT


def test_the_night_builds_in_any_case(library: dict[str, Song]) -> None:
    build.build()
    recompute()
    assert Snapshot.objects.filter(kind=Snapshot.Kind.FULL).count() == 2


def test_a_bulk_import_is_counted_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    build.build()
    labels_changed.send(sender=Song, song_ids=[1])
    # One for the snapshot that is behind, one for the index that the library is found by.
    with django_assert_num_queries(40):
        for number in range(20):
            labels_changed.send(sender=Song, song_ids=[number])
    assert Changes.objects.get().labels == 1


def test_a_change_during_a_build_counts_after_it(library: dict[str, Song], monkeypatch: pytest.MonkeyPatch) -> None:
    store = storage.store_arrays

    def change_and_store(folder: str, arrays: dict[str, Any]) -> storage.Manifest:
        changes.labels_changed()
        return store(folder, arrays)

    monkeypatch.setattr(storage, "store_arrays", change_and_store)
    assert changes.behind(build.build())


def test_a_build_that_was_killed_loses_no_change(library: dict[str, Song]) -> None:
    row = build.build()
    changes.labels_changed()
    changes.begin()
    assert changes.behind(row)
    age(row, timedelta(hours=1))
    refresh_content()
    assert Snapshot.objects.count() == 1
    Changes.objects.update(building_until=timezone.now() - timedelta(seconds=1))
    refresh_content()
    assert Snapshot.objects.count() == 2


def test_a_build_that_fails_frees_the_way(library: dict[str, Song], fill_disk: Callable[[str], None]) -> None:
    fill_disk("")
    with pytest.raises(OSError, match="No space"):
        build.build()
    assert not changes.build_running()


def test_a_library_that_takes_long_to_build_is_built_less_often(library: dict[str, Song]) -> None:
    row = build.build()
    Snapshot.objects.update(seconds=30, methods={"content": {"seconds": 1}})
    changes.labels_changed()
    age(row, timedelta(seconds=30 * changes.PACE - 5))
    refresh_content()
    assert Snapshot.objects.count() == 1
    age(row, timedelta(seconds=30 * changes.PACE + 5))
    refresh_content()
    assert Snapshot.objects.count() == 2


def test_a_library_that_is_built_quickly_is_built_again_within_half_a_minute(library: dict[str, Song]) -> None:
    row = build.build()
    Snapshot.objects.update(seconds=4, methods={})
    changes.labels_changed()
    age(row, changes.QUICK_WAIT + timedelta(seconds=1))
    refresh_content()
    assert Snapshot.objects.count() == 2


def test_plays_alone_wait_an_hour(
    library: dict[str, Song], ada: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    row = build.build()
    with django_capture_on_commit_callbacks(execute=True):
        record_play(ada, library["Thunder"])
    age(row, timedelta(minutes=50))
    refresh_content()
    assert Snapshot.objects.count() == 1
    age(row, timedelta(minutes=61))
    refresh_content()
    bundle = current.bundle()
    assert bundle is not None
    assert bundle.popular.plays.sum() == 1


@pytest.mark.parametrize("change", ["delete song", "rename label", "delete label"])
def test_songs_and_labels_that_go_or_change_count(
    change: str, library: dict[str, Song], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    row = build.build()
    label = Label.objects.get(name="rock")
    with django_capture_on_commit_callbacks(execute=True):
        if change == "delete song":
            library["Thunder"].delete()
        elif change == "rename label":
            label.name = "hard rock"
            label.save()
        else:
            label.delete()
    assert changes.behind(row)


def test_with_no_broker_the_change_stands_in_the_database(library: dict[str, Song]) -> None:
    row = build.build()
    labels_changed.send(sender=Song, song_ids=None)
    assert changes.behind(row)
