"""Songs merged by hand, and unmerged again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import (
    Label,
    LabelAssignment,
    MergedSong,
    NotThis,
    Play,
    PlayCount,
    Rating,
    Song,
    SongIdentifier,
    SongLabel,
)
from catalog.services.labels import curate, labels_by_name
from catalog.services.song_merging import merge_songs, unmerge_song
from catalog.signals import labels_changed, played
from tests.factories import add_labels, make_plays, make_rating, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

SONGS = "/admin/catalog/song/"
MERGED = "/admin/catalog/mergedsong/"
NOON = datetime(2026, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All that is said of songs, without the keys of the rows."""
    said: dict[str, list[dict[str, Any]]] = {}
    models: tuple[type[Model], ...] = (
        Song,
        SongIdentifier,
        SongLabel,
        LabelAssignment,
        Rating,
        PlayCount,
        Play,
        NotThis,
    )
    for model in models:
        rows = [row if model is Song else row | {"id": 0} for row in model._default_manager.values()]
        said[model.__name__] = sorted(rows, key=str)
    return said


@pytest.fixture
def two_songs() -> tuple[Song, Song]:
    """A file and a song known from plays: three listeners, some of whom said something of both."""
    mine = make_song("Ada", "Anna", external_id="mbid:1", root=make_root(), path="ada.flac", labels={"jazz": 0.8})
    other = make_song("Ada", "Annna", external_id="SOA", album="First", year=1999, duration_s=201.5)
    SongIdentifier.objects.create(song=other, value="lastfm:artist:7")
    for song, weight in ((mine, 2.0), (other, 5.0)):
        add_labels(song, {"cool": weight}, source="import", origin="lastfm")
    add_labels(other, {"calm": 0.1 + 0.2}, source="import", origin="csv")
    curator = make_user("curator", is_staff=True)
    labels = labels_by_name({"jazz": "genre", "sad": "mood"})
    curate(mine, labels["jazz"], True, curator)
    curate(other, labels["jazz"], False, make_user("another"))
    curate(other, labels["sad"], True, curator)
    for number, name in enumerate(("anna", "bob", "eve")):
        user = make_user(name)
        if number < 2:
            make_rating(user, mine, 5 - number)
        if number > 0:
            make_rating(user, other, 2)
            NotThis.objects.create(user=user, song=other)
        make_plays(user, other, 3 + number)
        PlayCount.objects.create(user=user, song=other, origin="listenbrainz", count=1, last_played=NOON)
        Play.objects.create(user=user, song=other, played_at=NOON, origin="listenbrainz")
        for song in (mine, other)[number:2]:
            LabelAssignment.objects.create(user=user, song=song, label=Label.objects.get(name="cool"))
    bob = User.objects.get(username="bob")
    make_plays(bob, mine, 10)
    NotThis.objects.create(user=bob, song=mine)
    Play.objects.create(user=bob, song=mine, played_at=NOON, origin="listenbrainz", skipped=True)
    return mine, other


def test_what_was_said_of_a_song_goes_over(two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    merge_songs([mine, other], mine)
    assert Song.objects.get() == mine
    assert set(mine.identifiers.values_list("value", flat=True)) == {"mbid:1", "SOA", "lastfm:artist:7"}
    assert set(mine.ratings.values_list("user__username", "stars")) == {("anna", 5), ("bob", 4), ("eve", 2)}
    counts = mine.play_counts.filter(origin="player").values_list("user__username", "count")
    assert set(counts) == {("anna", 3), ("bob", 14), ("eve", 5)}
    assert set(mine.plays.values_list("user__username", "skipped")) == {("anna", False), ("bob", True), ("eve", False)}
    assert set(mine.refusals.values_list("user__username", flat=True)) == {"bob", "eve"}
    assert set(mine.label_assignments.values_list("user__username", flat=True)) == {"anna", "bob"}
    annotations = mine.song_labels.values_list("label__name", "source", "weight")
    assert set(annotations) == {
        ("jazz", "cnn", 0.8),
        ("cool", "import", 7.0),
        ("calm", "import", 0.1 + 0.2),
        ("jazz", "curator", 1.0),
        ("sad", "curator", 1.0),
    }


def test_parting_gives_back_all_that_went_over(two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    before = everything()
    merge_songs([other], mine)
    assert unmerge_song(MergedSong.objects.get()) == other
    assert everything() == before
    assert not MergedSong.objects.exists()


def test_what_happens_in_the_meantime_stays_with_the_song_it_happened_to(two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    merge_songs([other], mine)
    eve, anna = User.objects.get(username="eve"), User.objects.get(username="anna")
    Rating.objects.filter(user=eve).update(stars=5)
    NotThis.objects.filter(user=eve).delete()
    PlayCount.objects.filter(user=anna, origin="player").update(count=10)
    User.objects.get(username="bob").delete()
    SongLabel.objects.filter(label__name="calm").delete()
    unmerge_song(MergedSong.objects.get())
    assert set(Rating.objects.filter(user=eve).values_list("song", "stars")) == {(mine.pk, 5), (other.pk, 2)}
    assert not NotThis.objects.filter(user=eve).exists()
    counts = PlayCount.objects.filter(user=anna, origin="player").values_list("song", "count")
    assert set(counts) == {(mine.pk, 7), (other.pk, 3)}
    assert not other.song_labels.filter(label__name="calm").exists()


def test_merged_songs_are_unmerged_in_the_reverse_order() -> None:
    one, two, three = (make_song(f"Song {i}", "Anna", external_id=f"SO{i}") for i in range(3))
    for song in (one, two, three):
        make_plays(make_user(), song, 2)
    before = everything()
    merge_songs([one], two)
    merge_songs([two], three)
    assert set(three.identifiers.values_list("value", flat=True)) == {"SO0", "SO1", "SO2"}
    for pk in MergedSong.objects.order_by("-pk").values_list("pk", flat=True):
        unmerge_song(MergedSong.objects.get(pk=pk))
    assert everything() == before


def test_a_song_with_a_file_is_not_made_part_of_another(two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    with pytest.raises(ValueError, match="has a file of its own"):
        merge_songs([mine], other)


def test_imports_find_a_merged_song_by_its_identifiers_and_names(tmp_path: Path) -> None:
    mine = make_song("Ada", "Anna", root=make_root(), path="ada.flac")
    plays, listens = tmp_path / "plays.tsv", tmp_path / "listens.jsonl"
    plays.write_text("rob\tSOA\t4\n")
    line = {"track_name": "Ada Lovelace", "artist_name": "Anne"}
    listens.write_text(json.dumps({"listened_at": 5, "user_name": "rob", "track_metadata": line}))

    def import_both() -> None:
        call_command("import_plays", str(plays), format="triplets", stdout=StringIO())
        call_command("import_plays", str(listens), format="listenbrainz", stdout=StringIO())

    import_both()
    merge_songs(Song.objects.filter(path=""), mine)
    before = everything()
    import_both()
    assert everything() == before
    assert set(mine.play_counts.values_list("origin", "count")) == {("triplets", 4), ("listenbrainz", 1)}


def test_merging_and_unmerging_are_announced(
    two_songs: tuple[Song, Song], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    received: list[object] = []

    def listen(**sent: Any) -> None:
        received.append(sorted(sent["song_ids"]) if "song_ids" in sent else "played")

    labels_changed.connect(listen)
    played.connect(listen)
    mine, other = two_songs
    pks = sorted([mine.pk, other.pk])
    try:
        with django_capture_on_commit_callbacks(execute=True):
            merge_songs([other], mine)
        assert received == [pks, "played"]
        with django_capture_on_commit_callbacks(execute=True):
            unmerge_song(MergedSong.objects.get())
    finally:
        labels_changed.disconnect(listen)
        played.disconnect(listen)
    assert received == [pks, "played"] * 2


# --- The page -------------------------------------------------------------------------------------


@pytest.fixture
def admin_client(client: Client) -> Client:
    """An admin on the dashboard."""
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    return client


def choose(*songs: Song, **more: str) -> dict[str, Any]:
    """The form of the action on these songs."""
    return {"action": "join", "_selected_action": [str(song.pk) for song in songs], **more}


def test_merging_shows_first_what_there_is_of_each_song(admin_client: Client, two_songs: tuple[Song, Song]) -> None:
    page = " ".join(admin_client.post(SONGS, choose(*two_songs)).content.decode().split())
    assert "Which one stays?" in page
    assert "15 plays of 3 listeners, 2 ratings, 4 labels." in page
    assert "Known as SOA, lastfm:artist:7." in page
    assert Song.objects.count() == 2


def test_songs_are_merged_and_unmerged_on_the_dashboard(admin_client: Client, two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    before = everything()
    page = admin_client.post(SONGS, choose(mine, other, into=str(mine.pk)), follow=True).content.decode()
    assert "Ada - Annna: now part of Ada - Anna." in page
    merged = MergedSong.objects.get()
    assert merged.merged_by is not None
    assert merged.merged_by.username == "admin"
    assert "Annna" in admin_client.get(MERGED).content.decode()
    assert admin_client.get(f"{MERGED}{merged.pk}/change/").status_code == 200
    page = admin_client.post(
        MERGED, {"action": "part", "_selected_action": [str(merged.pk)]}, follow=True
    ).content.decode()
    assert "a song of its own again" in page
    assert everything() == before


def test_songs_that_cannot_be_merged_are_refused(admin_client: Client, two_songs: tuple[Song, Song]) -> None:
    mine, other = two_songs
    assert "Choose 2 to 20 songs" in admin_client.post(SONGS, choose(mine), follow=True).content.decode()
    assert "Which one stays?" in admin_client.post(SONGS, choose(mine, other, into=str(other.pk))).content.decode()
    second = make_song("Bea", root=mine.root, path="bea.flac")
    page = admin_client.post(SONGS, choose(mine, second, into=str(mine.pk)), follow=True).content.decode()
    assert "have files of their own" in page
    assert Song.objects.count() == 3
