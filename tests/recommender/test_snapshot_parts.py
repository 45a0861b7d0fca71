"""A snapshot build in parts: any worker takes one, a killed one loses nothing, the old snapshot serves till the end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from scipy.sparse import csr_array

from catalog import leases
from catalog.models import Label, PlayCount, Song, SongLabel
from recommender import tasks
from recommender.engine import cooccurrence
from recommender.engine.interface import TrainingData
from recommender.engine.methods import METHODS, PARTS
from recommender.models import Snapshot, SnapshotBuild, SnapshotBuildPart
from recommender.services import recommending
from recommender.services.for_you.page import for_you
from recommender.snapshots import build, current, parts, training_data
from tests.factories import add_labels, make_plays, make_song, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def listened(db: None) -> list[User]:
    """Thirty listeners of two camps over forty songs, enough to fit everything."""
    rng = np.random.default_rng(4)
    songs = [
        make_song(f"Song {i}", labels={("rock", "jazz")[i % 2]: 1 + i % 3, "loud": 1 + i % 5}, source="import")
        for i in range(40)
    ]
    listeners = [make_user() for _ in range(30)]
    PlayCount.objects.bulk_create(
        PlayCount(user=user, song=songs[at], origin="test", count=int(rng.integers(1, 9)))
        for number, user in enumerate(listeners)
        for at in rng.choice(np.arange(number % 2, 36, 2), 9, replace=False).tolist()
    )
    return listeners


LEASE = leases.LEASE
"""Outside of tests, in which it does not run out by itself."""


def expire() -> None:
    SnapshotBuildPart.objects.filter(done=False).update(taken_until=timezone.now() - timedelta(seconds=1))


def test_every_method_is_fitted_and_recommends(listened: list[User]) -> None:
    built = build.build()
    # The row is read back, and PostgreSQL keeps no order of the keys of JSON.
    assert sorted(built.methods) == sorted(PARTS)
    assert all(about["seconds"] >= 0 for about in built.methods.values())
    assert built.methods["cooccurrence"]["over"] == "listeners"
    assert recommending.methods() == list(METHODS)
    for method in METHODS:
        found = recommending.recommend(listened[0], method, n=5)
        assert len(found) == 5
        assert all(one.reasons for one in found)
    assert not SnapshotBuild.objects.exists()


def test_the_best_is_the_hybrid_and_labels_and_sound_where_there_is_none(library: dict[str, Song], ada: User) -> None:
    make_plays(ada, library["Thunder"], 3)
    built = build.build()
    bundle = current.bundle()
    assert bundle is not None
    assert bundle.best == "labels_and_sound"
    assert "20 listeners" in built.methods["weights"]["lacking"]


def test_parts_are_fitted_by_whoever_comes(listened: list[User], snapshots: Path) -> None:
    snapshot_build = parts.begin()
    taken = [parts.take_part() for _ in PARTS]
    assert {part.name for part in taken if part} == set(PARTS)
    assert parts.take_part() is None
    for part in taken:
        assert part is not None
        assert parts.finish(snapshot_build) is None
        assert current.bundle() is None
        parts.fit(part)
    built = parts.finish(snapshot_build)
    assert built is not None
    assert built.current
    assert not list((snapshots / built.folder).glob("evidence.*"))
    assert recommending.methods() == list(METHODS)


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Co-occurrence is cut, though it is small; into how many blocks."""
    monkeypatch.setattr(cooccurrence, "WORK_OF_A_BLOCK", 500.0)
    return 5


def test_what_takes_long_is_cut_into_blocks_that_any_worker_takes(
    listened: list[User], snapshots: Path, in_blocks: int
) -> None:
    snapshot_build = parts.begin()
    taken = [parts.take_part() for _ in range(parts.unfinished_parts() - 1)]
    names = [(part.name, part.block) for part in taken if part]
    assert [block for name, block in names if name == "cooccurrence"] == [1, 2, 3, 4, 5]
    assert set(dict(names)) == set(PARTS)
    assert parts.take_part() is None, "blocks are joined when all are there"
    for part in taken:
        assert part is not None
        parts.fit(part)
    join = parts.take_part()
    assert join is not None
    assert (join.name, join.block) == ("cooccurrence", 0)
    parts.fit(join)
    built = parts.finish(snapshot_build)
    assert built is not None
    assert built.methods["cooccurrence"]["blocks"] == in_blocks
    assert not [path for path in (snapshots / built.folder).iterdir() if path.name.startswith("blocks.")]


def test_cut_or_whole_what_people_are_told_is_the_same(
    listened: list[User], monkeypatch: pytest.MonkeyPatch, in_blocks: int
) -> None:
    assert build.build().methods["cooccurrence"]["blocks"] == in_blocks
    cut = recommending.recommend(listened[0], "cooccurrence", n=20)
    monkeypatch.setattr(cooccurrence, "WORK_OF_A_BLOCK", 1e9)
    assert "blocks" not in build.build().methods["cooccurrence"]
    assert recommending.recommend(listened[0], "cooccurrence", n=20) == cut


def test_a_killed_worker_loses_its_block_and_no_other(listened: list[User], in_blocks: int) -> None:
    before = build.build()
    snapshot_build = parts.begin()
    while (killed := parts.take_part()) and killed.name != "cooccurrence":
        parts.fit(killed)
    assert killed is not None
    while parts.work_available():
        parts.fit_next_part()
    left = snapshot_build.parts.filter(done=False).values_list("name", "block")
    assert sorted(left) == [("cooccurrence", 0), ("cooccurrence", killed.block)]
    assert current.current_row() == before
    expire()
    tasks.fit_parts()
    now = current.current_row()
    assert now is not None
    assert now.version > before.version


def test_a_killed_worker_loses_its_part_to_the_next(listened: list[User]) -> None:
    before = build.build()
    parts.begin()
    killed = parts.take_part()
    assert killed is not None
    while parts.work_available():
        parts.fit_next_part()
    assert current.current_row() == before
    expire()
    tasks.fit_parts()
    now = current.current_row()
    assert now is not None
    assert now.version > before.version


def test_a_killed_worker_costs_less_than_a_minute() -> None:
    retried: Any = settings.CELERY_BEAT_SCHEDULE["go on with a snapshot that a worker has left"]["schedule"]
    assert LEASE + retried < timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_a_part_that_computes_long_in_one_step_keeps_its_lease(
    listened: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.begin()
    part = parts.take_part()
    assert part is not None
    expire()
    row = SnapshotBuildPart.objects.get(pk=part.pk)
    extended = threading.Event()

    def beat() -> None:
        SnapshotBuildPart.objects.filter(pk=part.pk).update(taken_until=timezone.now() + leases.LEASE)
        extended.set()

    monkeypatch.setattr(leases, "HEARTBEAT_EVERY_S", 0.01)
    with leases.heartbeat(beat):
        assert extended.wait(60)
    assert row.taken_until is not None
    row.refresh_from_db()
    assert row.taken_until > timezone.now()


def test_a_worker_whose_lease_was_taken_over_writes_nothing(listened: list[User], snapshots: Path) -> None:
    snapshot_build = parts.begin()
    slow = parts.take_part()
    assert slow is not None
    expire()
    taken_over = parts.take_part()
    assert taken_over == slow
    before = {path.name for path in (snapshots / snapshot_build.folder).iterdir()}
    parts.fit(slow)
    slow.refresh_from_db()
    assert not slow.done
    assert {path.name for path in (snapshots / snapshot_build.folder).iterdir()} == before
    parts.fit(taken_over)
    slow.refresh_from_db()
    assert slow.done


def test_a_full_disk_leaves_the_old_snapshot_serving(
    listened: list[User], snapshots: Path, fill_disk: Callable[[str], None]
) -> None:
    before = build.build()
    fill_disk("latent")
    tasks.recompute()
    assert current.current_row() == before
    assert not SnapshotBuild.objects.exists()
    assert {path.name for path in snapshots.iterdir()} == {before.folder}
    assert len(recommending.recommend(listened[0], "latent", n=5)) == 5


def test_a_song_that_is_labelled_later_is_placed_without_a_new_fit(listened: list[User]) -> None:
    build.build()
    of_jazz = listened[1]
    new = make_song("New", labels={"jazz": 2, "loud": 1}, source="import")
    add_labels(Song.objects.get(title="Song 39"), {"slow": 1}, source="curator", origin="ada")
    refreshed = build.build(Snapshot.Kind.CONTENT)
    assert refreshed.kind == Snapshot.Kind.CONTENT
    for method in ("latent", "hybrid"):
        places = {one.song.pk: one.rank for one in recommending.recommend(of_jazz, method, n=50)}
        assert new.pk in places
    assert new.pk not in {one.song.pk for one in recommending.recommend(of_jazz, "cooccurrence", n=50)}


def test_labels_and_songs_that_went_are_gone_from_all_methods(listened: list[User]) -> None:
    build.build()
    Song.objects.get(title="Song 3").delete()
    Label.objects.get(name="rock").delete()
    build.build(Snapshot.Kind.CONTENT)
    assert not SongLabel.objects.filter(label__name="rock").exists()
    for method in METHODS:
        assert all(one.song.title != "Song 3" for one in recommending.recommend(listened[1], method, n=50))


def test_training_data_comes_back_from_its_arrays() -> None:
    everything = TrainingData(
        csr_array(np.eye(3)),
        csr_array(np.array([[1, 0, 2]], dtype=np.int32)),
        embeddings=np.ones((3, 4), dtype=np.float32),
        sessions=csr_array(np.array([[1, 1, 0], [0, 0, 1]], dtype=np.int32)),
    )
    again = training_data.training_data_from_arrays(training_data.training_data_arrays(everything))
    assert (again.term_frequencies.toarray() == everything.term_frequencies.toarray()).all()
    assert again.plays.tolist() == [1, 0, 2]
    assert again.sessions is not None
    assert again.sessions.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    assert again.embeddings is not None


def test_for_you_has_what_people_play_who_play_the_same(listened: list[User]) -> None:
    unlabelled = [make_song(f"Other {i}") for i in range(40)]
    for number, song in enumerate(unlabelled):
        for user in listened[2 : 6 + number % 9 : 2]:
            make_plays(user, song, 1)
    build.build()
    page = for_you(listened[0], include_unplayable=True)
    rows = {row.title: row.cards for row in page.rows}
    cards = rows["What people who play your songs also play"]
    assert cards
    assert all("of your songs" in card.why for card in cards)
    played = set(PlayCount.objects.values_list("song_id", flat=True))
    assert all(card.song.pk in played for card in cards)


def test_a_method_that_is_asked_for_is_built_where_nothing_was(listened: list[User]) -> None:
    out = StringIO()
    call_command("recommend", listened[0].get_username(), "--method", "cooccurrence", "--format", "json", stdout=out)
    found = json.loads(out.getvalue())
    assert found
    assert all(set(reason) == {"song", "title", "weight"} for one in found for reason in one["reasons"])


def test_recompute_says_what_methods_stand_on_and_what_is_lacking(library: dict[str, Song], ada: User) -> None:
    make_plays(ada, library["Thunder"], 3)
    out = StringIO()
    call_command("recompute", stdout=out)
    assert "Co-occurrence over 1 listeners, 0 pairs, all of them kept." in out.getvalue()
    assert "No hybrid: 20 listeners of 5 songs or more are needed" in out.getvalue()
    with pytest.raises(CommandError, match="the method hybrid is not fitted: 20 listeners"):
        call_command("recommend", "ada", "--method", "hybrid", stdout=out)


def test_staff_see_how_popular_a_new_song_should_get(listened: list[User], client: Client) -> None:
    build.build()
    new, played = Song.objects.get(title="Song 38"), Song.objects.get(title="Song 2")
    client.force_login(listened[0])
    assert "listeners are to be expected" not in client.get(f"/songs/{new.pk}/fits-you/").content.decode()
    User.objects.filter(pk=listened[0].pk).update(is_staff=True)
    assert "listeners are to be expected" in client.get(f"/songs/{new.pk}/fits-you/").content.decode()
    assert "listeners are to be expected" not in client.get(f"/songs/{played.pk}/fits-you/").content.decode()
