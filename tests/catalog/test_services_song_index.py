"""The index that a process holds: as the library is now, whoever changed it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, Song, SongChange, SongLabel
from catalog.services import song_index
from catalog.services.import_report import ImportReport
from catalog.services.labels import curate, labels_by_name, store_cnn_labels
from catalog.services.library import import_path
from tests.audio import tag, write_tone
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db


def titles(text: str) -> list[str]:
    index = song_index.current()
    found = index.matching(text, index.all(include_unplayable=True))
    return [index.songs[at].title for at in index.by_score(found)]


def labels_of(title: str) -> set[str]:
    index = song_index.current()
    counts = index.label_counts(index.matching(title, index.all(include_unplayable=True)).among)
    return set(Label.objects.filter(pk__in=counts).values_list("name", flat=True))


def test_new_renamed_and_deleted_songs_are_seen_at_once() -> None:
    assert titles("anything") == []
    song = make_song("Xtal", "Aphex Twin")
    assert titles("xtal") == ["Xtal"]
    song.title = "Tha"
    song.save()
    assert (titles("xtal"), titles("tha")) == ([], ["Tha"])
    song.delete()
    assert titles("tha") == []


def test_labels_are_seen_once_they_are_announced(django_capture_on_commit_callbacks: object) -> None:
    song = make_song("Xtal")
    assert labels_of("xtal") == set()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        store_cnn_labels(song, "test", {"calm": 0.9, "jazz": 0.4}, {"calm": "mood", "jazz": "genre"})
    assert labels_of("xtal") == {"calm", "jazz"}
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        curate(song, labels_by_name({"jazz": "genre"})["jazz"], False, make_user())
    assert labels_of("xtal") == {"calm"}


def test_two_sources_are_one_label() -> None:
    song = make_song("Xtal", labels={"calm": 0.5})
    label = Label.objects.get(name="calm")
    SongLabel.objects.create(song=song, label=label, source="import", origin="lastfm", weight=3)
    index = song_index.current()
    assert index.label_counts(index.all(include_unplayable=True)) == {label.pk: 1}


def test_an_imported_folder_is_found(tmp_path: Path) -> None:
    titles("nothing")
    tag(write_tone(tmp_path / "one.ogg", 1.0), title="Windowlicker", artist="Aphex Twin")
    import_path(tmp_path, ImportReport())
    assert titles("windowlicker") == ["Windowlicker"]


def test_a_note_of_everything_is_taken_at_its_word() -> None:
    make_song("First")
    titles("first")
    Song.objects.update(title="Second")
    assert titles("second") == []
    song_index.record_changes(None)
    assert titles("second") == ["Second"]


def test_asking_again_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_song("First")
    song_index.current()
    with django_assert_num_queries(1):
        song_index.current()


def test_very_many_songs_are_one_note() -> None:
    song_index.record_changes(range(1, 10_000))
    assert SongChange.objects.get().song is None


def test_old_notes_are_forgotten() -> None:
    make_song("First")
    SongChange.objects.update(noted_at=timezone.now() - timedelta(days=1))
    make_song("Second")
    song_index.delete_old_changes()
    assert SongChange.objects.count() == 1
    assert titles("second") == ["Second"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Kind of Blue", "", "Miles", "a/1.mp3"), ("Kind Of Blue!", "", "Miles", "b/2.mp3"), True),
        (("Greatest Hits", "", "Queen", "flat/1.mp3"), ("Greatest Hits", "", "Abba", "flat/2.mp3"), False),
        (("Now 5", "", "Queen", "x/Now 5/1.mp3"), ("Now 5", "", "Abba", "x/Now 5/2.mp3"), False),
        (("Now 5", "Various", "Queen", "1.mp3"), ("Now 5", "Various", "Abba", "2.mp3"), True),
        (("", "", "Queen", "a/1.mp3"), ("Jazz", "", "Queen", "a/2.mp3"), False),
    ],
)
def test_which_songs_are_one_album(one: tuple[str, ...], other: tuple[str, ...], same: bool) -> None:
    assert (song_index.album_key(*one) == song_index.album_key(*other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x/Now 5/1.mp3", "x/Now 5/2.mp3", True),
        ("x/Now 5/CD1/1.mp3", "x/Now 5/Disc 2/2.mp3", True),
        ("x/1", "y/2", False),
    ],
)
def test_songs_that_were_gathered_are_one_album_of_their_folder(one: str, other: str, same: bool) -> None:
    keys = [
        song_index.album_key("Now 5", "", by, path, gathered=True) for by, path in (("Queen", one), ("Abba", other))
    ]
    assert (keys[0] == keys[1]) is same


def test_a_song_without_an_album_is_on_none() -> None:
    root = make_root()
    make_song("Alone", "Queen", root=root, path="1.mp3")
    assert song_index.current().songs[0].album_key == ""
