"""Curating across the apps: recommendations follow, taggers learn only from what stands, songs alike are offered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import CurationAction, Label, Song, SongLabel
from catalog.services.curation import queue
from catalog.services.curation.decisions import Asked, correct, decide
from catalog.services.curation.queue import waiting
from catalog.services.curation.undo import undo
from catalog.services.doubts import doubt
from catalog.services.labels import labels_by_name
from recommender.models import Snapshot
from recommender.snapshots import current
from recommender.tasks import refresh_content
from tagging.learning import corrections
from tagging.taggers import registry
from tests.factories import make_root, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client, snapshots: Path) -> User:
    user = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def library() -> list[Song]:
    """Four songs of jazz and piano that are alike, and one that is not."""
    root = make_root()
    songs = [
        make_song(f"Song {n}", f"Artist {n}", labels={"jazz": 0.9, "piano": 0.5 + n / 10}, root=root, path=f"{n}.mp3")
        for n in range(4)
    ]
    return [*songs, make_song("Loud", labels={"rock": 0.9}, root=root, path="loud.mp3")]


def asked(song: Song, name: str) -> Asked:
    """What a curator is asked once a listener has doubted a label."""
    doubt(make_user(), song, Label.objects.get(key=name))
    queue.fill()
    item = queue.open_items().get(song=song)
    return Asked(item.pk, item.song_id, item.label_id)


def tags_of(song: Song) -> set[str]:
    """The labels that recommendations know of a song."""
    refresh_content()
    bundle = current.bundle()
    assert bundle
    place = int(bundle.index.songs([song.pk])[0])
    columns = bundle.content.weights[[place]].indices
    pks = [int(bundle.index.label_ids[column]) for column in columns]
    return set(Label.objects.filter(pk__in=pks).values_list("name", flat=True))


def age() -> None:
    """Let the last snapshot be old enough for the next one to be built."""
    Snapshot.objects.update(created_at=timezone.now() - timedelta(hours=1))


def test_recommendations_follow_a_correction_and_its_undoing(
    boss: User, library: list[Song], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    song = library[0]
    call_command("recompute")
    assert tags_of(song) == {"jazz", "piano"}
    age()
    with django_capture_on_commit_callbacks(execute=True):
        action = correct(asked(song, "jazz"), "metal", "genre", boss)
    assert tags_of(song) == {"metal", "piano"}
    age()
    assert action
    with django_capture_on_commit_callbacks(execute=True):
        undo(action, boss)
    assert tags_of(song) == {"jazz", "piano"}


def test_taggers_learn_from_what_stands_and_not_from_what_was_undone(boss: User, library: list[Song]) -> None:
    labels_by_name({"jazz": "genre"})
    action = decide(asked(library[0], "jazz"), False, boss)
    decide(asked(library[1], "jazz"), True, boss)

    def learned() -> tuple[int, int]:
        (taught,) = corrections.count_by_label(corrections.corrections_with_audio(), {})
        return taught.yes, taught.no

    assert learned() == (1, 1)
    assert action
    undo(action, boss)
    assert learned() == (1, 0)


def test_songs_that_sound_alike_are_offered_heard_and_get_the_same(
    client: Client, boss: User, library: list[Song]
) -> None:
    call_command("recompute")
    action = correct(asked(library[0], "jazz"), "metal", "genre", boss)
    assert action
    page = client.get(f"/curation/{action.pk}/alike/", headers={"HX-Request": "true"}).content.decode()
    assert "The same for songs that sound like Song 0?" in page
    assert "<html" not in page
    for song in library[1:4]:
        assert f'name="song" value="{song.pk}"' in page
        assert f'data-listen="/songs/{song.pk}/audio' in page
    assert "Loud" not in page
    client.post(f"/admin/catalog/curationitem/same/{action.pk}/", {"song": [str(song.pk) for song in library[1:3]]})
    metal = SongLabel.objects.filter(label__name="metal", source="curator", weight=1)
    assert set(metal.values_list("song", flat=True)) == {song.pk for song in library[:3]}
    # What has been said of a song is not offered again.
    page = client.get(f"/curation/{action.pk}/alike/", headers={"HX-Request": "true"}).content.decode()
    assert f'value="{library[3].pk}"' in page
    assert f'value="{library[1].pk}"' not in page


def test_without_scripts_songs_alike_are_a_page(client: Client, boss: User, library: list[Song]) -> None:
    call_command("recompute")
    action = decide(asked(library[0], "jazz"), False, boss)
    assert action
    page = client.get(f"/curation/{action.pk}/alike/").content.decode()
    assert "<html" in page
    assert "not jazz" in page


def test_before_a_snapshot_nothing_is_offered_and_nothing_breaks(
    client: Client, boss: User, library: list[Song]
) -> None:
    action = correct(asked(library[0], "jazz"), "metal", "genre", boss)
    assert action
    page = client.get(f"/curation/{action.pk}/alike/", headers={"HX-Request": "true"}).content.decode()
    assert "No other song that can be played sounds like it" in page


def test_the_lines_of_the_taggers_that_are_here_fill_the_queue(boss: User) -> None:
    tagger = registry.describe("dcmrs")
    line = max(tagger.labels, key=lambda label: label.operating_point)
    song = make_song(labels={line.name: line.operating_point * 1.02}, origin="dcmrs", root=make_root(), path="a.mp3")
    assert waiting() == 1
    item = queue.next_item(boss)
    assert item
    assert (item.song, item.label.key, item.reason) == (song, line.name, "unsure")
    assert not CurationAction.objects.exists()
