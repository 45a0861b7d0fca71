"""Tagging the library: each song is tagged once, by any worker and whatever happens meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog.audio_frames import UnavailableAudio
from catalog.models import Label, LibraryRoot, Song, SongLabel
from catalog.services import absences
from catalog.services.import_report import ImportReport
from catalog.services.labels import curate
from catalog.services.library import import_path
from tagging.frontend import inputs
from tagging.models import TaggingRun
from tagging.networks import inference
from tagging.networks.inference import predict_file
from tagging.services import first_pass, queue_state
from tagging.services.first_pass import MOST_ATTEMPTS, STALE_AFTER
from tagging.taggers import registry
from tests.audio import write_endless, write_tone
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import KINDS, Know, describe

pytestmark = pytest.mark.django_db

PENDING, RUNNING, DONE, FAILED = Song.Tagging.values


@pytest.fixture
def root(tmp_path: Path) -> LibraryRoot:
    return make_root(tmp_path / "music")


def song_with_audio(root: LibraryRoot, hz: int = 440, **fields: Any) -> Song:
    path = write_tone(root.folder / f"{hz}.ogg", seconds=1.0, hz=hz)
    return make_song(f"{hz} Hz", root=root, path=path.name, **fields)


def song_with_text(root: LibraryRoot) -> Song:
    root.folder.mkdir(exist_ok=True)
    (root.folder / "note.mp3").write_text("no music")
    return make_song("A note", root=root, path="note.mp3")


def states() -> dict[str, str]:
    return dict(Song.objects.values_list("title", "tagging_state"))


def cnn_labels(song: Song, tagger: str) -> dict[str, float]:
    corrections = SongLabel.objects.filter(song=song, source=SongLabel.Source.CNN, origin=tagger)
    return dict(corrections.values_list("label__name", "weight"))


def long_ago() -> object:
    return timezone.now() - STALE_AFTER - timedelta(seconds=1)


# --- What is kept -------------------------------------------------------------------------------


def test_a_pending_song_gets_the_labels_of_every_installed_tagger(know: Know, weights: Path, root: LibraryRoot) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    song = song_with_audio(root)
    first_pass.tag_pending()
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_error, song.tagging_attempts) == (DONE, "", 0)
    assert cnn_labels(song, "first") == cnn_labels(song, "second")
    assert dict(Label.objects.values_list("name", "kind")) == KINDS
    assert set(TaggingRun.objects.values_list("song", "tagger")) == {(song.pk, "first"), (song.pk, "second")}


def test_only_labels_that_reach_their_operating_points_are_kept(know: Know, weights: Path, root: LibraryRoot) -> None:
    know("all", describe("some", weights, operating_point=0.5))
    for name in ("all", "some"):
        registry.install(name, weights)
    song = song_with_audio(root)
    first_pass.tag_pending()
    every, some = cnn_labels(song, "all"), cnn_labels(song, "some")
    assert set(every) == set(KINDS)
    assert some == {name: weight for name, weight in every.items() if weight >= 0.5}
    assert 0 < len(some) < len(every)


def test_a_second_tagging_replaces_the_first_and_leaves_the_curators_annotation(tagger: str, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    first_pass.tag_pending()
    before = cnn_labels(song, tagger)
    happy = Label.objects.get(name="happy")
    curate(song, happy, False, make_user())
    write_tone(root.folder / song.path, seconds=2.0, hz=3000)
    Song.objects.requeue_tagging()
    first_pass.tag_pending()
    after = cnn_labels(song, tagger)
    assert set(after) == set(before)
    assert after != before
    assert SongLabel.objects.get(song=song, source=SongLabel.Source.CURATOR).weight == -1


def test_several_songs_get_each_their_own(tagger: str, root: LibraryRoot) -> None:
    songs = [song_with_audio(root, hz) for hz in range(200, 2000, 200)]
    outcomes: list[first_pass.Outcome] = []
    first_pass.tag_pending(report=outcomes.append)
    assert {outcome.song.pk for outcome in outcomes} == {song.pk for song in songs}
    assert not any(outcome.error for outcome in outcomes)
    assert len({tuple(cnn_labels(song, tagger).values()) for song in songs}) == len(songs)


def test_a_song_without_audio_is_not_tagged(tagger: str) -> None:
    make_song("Known by name only")
    first_pass.tag_pending()
    assert states() == {"Known by name only": PENDING}
    assert queue_state.progress().left == 0
    assert Song.objects.requeue_tagging() == 0


def test_with_no_tagger_everything_stays_pending(root: LibraryRoot) -> None:
    song_with_audio(root)
    assert first_pass.sweep() == 0
    first_pass.tag_pending()
    assert states() == {"440 Hz": PENDING}


# --- What fails ---------------------------------------------------------------------------------


def test_a_file_that_decodes_for_ever_is_named_and_not_tried_again(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "CPU_S", 2.0)
    good = song_with_audio(root)
    write_endless(root.folder / "endless.opus", 4.0)
    import_path(root.folder, ImportReport())
    endless = Song.objects.exclude(pk=good.pk).get()
    first_pass.tag_pending()
    assert set(states().values()) == {DONE, FAILED}
    endless.refresh_from_db()
    assert (endless.tagging_state, endless.tagging_error) == (FAILED, "takes too long to be read")
    import_path(root.folder, ImportReport())
    assert first_pass.sweep() == 0
    write_tone(root.folder / "endless.opus")
    import_path(root.folder, ImportReport())
    first_pass.tag_pending()
    endless.refresh_from_db()
    assert (endless.tagging_state, endless.tagging_error) == (DONE, "")


def test_a_bad_file_fails_with_its_reason_and_the_rest_goes_on(tagger: str, root: LibraryRoot) -> None:
    bad, good = song_with_text(root), song_with_audio(root)
    outcomes: list[first_pass.Outcome] = []
    first_pass.tag_pending(report=outcomes.append)
    assert states() == {"A note": FAILED, "440 Hz": DONE}
    errors = dict(Song.objects.values_list("pk", "tagging_error"))
    assert errors == {bad.pk: "not an audio file, or a damaged one", good.pk: ""}
    assert {outcome.song.pk: outcome.error for outcome in outcomes} == errors


def test_a_file_that_is_not_there_is_no_property_of_its_song(
    tagger: str, root: LibraryRoot, caplog: pytest.LogCaptureFixture
) -> None:
    song = song_with_audio(root)
    away = root.folder.rename(root.folder.with_name("away"))
    first_pass.tag_pending()
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_attempts) == (PENDING, 0)
    assert not first_pass.work_here()
    assert absences.here.roots() == [root.name]
    assert f"root {root.name} cannot be seen here" in caplog.text

    away.rename(root.folder)
    absences.here.forget()
    assert first_pass.work_here()
    first_pass.tag_pending()
    assert states() == {"440 Hz": DONE}


def test_a_file_that_goes_while_it_is_read_waits_and_one_that_cannot_be_read_fails_at_last(
    tagger: str, root: LibraryRoot
) -> None:
    song = song_with_audio(root)
    for attempt in range(1, first_pass.MOST_ATTEMPTS + 1):
        claimed = first_pass.claim(deque([song.pk]))
        assert claimed is not None
        lost: Future[list[Any]] = Future()
        lost.set_exception(UnavailableAudio("input/output error"))
        first_pass.finish(claimed, lost, [])
        song.refresh_from_db()
        assert song.tagging_attempts == attempt
    assert (song.tagging_state, song.tagging_error) == (FAILED, "input/output error")
    Song.objects.requeue_tagging()
    claimed = first_pass.claim(deque([song.pk]))
    assert claimed is not None
    song.audio_file.unlink()
    first_pass.finish(claimed, lost, [])
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_attempts) == (PENDING, 0)


def test_a_failed_song_is_not_tagged_again_until_it_is_retried(tagger: str, root: LibraryRoot) -> None:
    song_with_text(root)
    first_pass.tag_pending()
    assert first_pass.sweep() == 0
    write_tone(root.folder / "note.wav").rename(root.folder / "note.mp3")
    first_pass.tag_pending()
    assert states() == {"A note": FAILED}
    assert Song.objects.filter(title="A note").requeue_tagging() == 1
    first_pass.tag_pending()
    assert states() == {"A note": DONE}


# --- Claims -------------------------------------------------------------------------------------


def test_a_song_is_claimed_once(tagger: str, root: LibraryRoot) -> None:
    """Two workers that saw the same song pending."""
    song = song_with_audio(root)
    one, other = deque([song.pk]), deque([song.pk])
    assert first_pass.claim(one) == song
    assert first_pass.claim(other) is None
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_attempts) == (RUNNING, 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_tag_each_song_once(tagger: str, root: LibraryRoot) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("threads share one connection to SQLite's test database; TEST_DATABASE_URL names another")
    for hz in range(200, 2200, 100):
        song_with_audio(root, hz)
    predicted: list[str] = []

    def worker() -> None:
        try:
            first_pass.tag_pending(report=lambda outcome: predicted.append(outcome.song.title))
        finally:
            connection.close()

    workers = [Thread(target=worker) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert sorted(predicted) == sorted(states())
    assert set(states().values()) == {DONE}


def test_a_song_that_another_worker_claimed_meanwhile_is_left_to_it(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = song_with_audio(root)

    def requeued_meanwhile(*_: object) -> None:
        Song.objects.filter(pk=song.pk).update(tagging_state=FAILED, tagging_error="theirs")

    during(monkeypatch, requeued_meanwhile)
    first_pass.tag_pending()
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_error) == (FAILED, "theirs")
    assert cnn_labels(song, tagger) == {}


def test_a_song_that_is_deleted_meanwhile_is_skipped(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = song_with_audio(root)
    during(monkeypatch, lambda: Song.objects.filter(pk=song.pk).delete())
    first_pass.tag_pending()
    assert not Song.objects.exists()


def during(monkeypatch: pytest.MonkeyPatch, happening: Callable[[], object]) -> None:
    """Have something happen between the claim of a song and the end of its tagging."""
    claim = first_pass.claim

    def claim_and_then(*arguments: object) -> Song | None:
        song = claim(*arguments)  # type: ignore[arg-type]
        if song is not None:
            happening()
        return song

    monkeypatch.setattr(first_pass, "claim", claim_and_then)


def test_an_interruption_requeues_claimed_songs(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hz in range(200, 1200, 100):
        song_with_audio(root, hz)

    def interrupt(_: first_pass.Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first_pass.tag_pending(report=interrupt)
    assert set(states().values()) == {DONE, PENDING}
    assert set(Song.objects.values_list("tagging_attempts", flat=True)) == {0}


def test_no_song_is_begun_after_the_time_is_over(tagger: str, root: LibraryRoot) -> None:
    song_with_audio(root)
    first_pass.tag_pending(seconds=0.0)
    assert states() == {"440 Hz": PENDING}


def test_a_slow_song_is_held_by_heartbeats(tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    song_with_audio(root)
    monkeypatch.setattr(first_pass, "HEARTBEAT_S", 0.0)
    beats: list[str] = []
    held = Event()

    def note(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if sql.startswith('UPDATE "catalog_song" SET "tagging_changed_at" ='):
            beats.append(sql)
            if len(beats) > 1:
                held.set()
        return execute(sql, *more)

    def slowly(*arguments: Any) -> Any:
        assert held.wait(60)
        return predict_file(*arguments)

    monkeypatch.setattr(inference, "predict_file", slowly)
    with connection.execute_wrapper(note):
        first_pass.tag_pending()
    assert len(beats) > 1
    assert states() == {"440 Hz": DONE}


# --- Killed workers -----------------------------------------------------------------------------


def killed(root: LibraryRoot, attempts: int = 1) -> Song:
    """A song whose hearer was killed some time ago."""
    return song_with_audio(root, tagging_state=RUNNING, tagging_attempts=attempts, tagging_changed_at=long_ago())


def test_songs_with_a_stale_heartbeat_are_requeued_and_tagged(tagger: str, root: LibraryRoot) -> None:
    killed(root)
    assert first_pass.sweep() == 1
    assert states() == {"440 Hz": PENDING}
    first_pass.tag_pending()
    assert states() == {"440 Hz": DONE}


def test_songs_with_a_live_heartbeat_stay_claimed(tagger: str, root: LibraryRoot) -> None:
    song_with_audio(root, tagging_state=RUNNING, tagging_attempts=1, tagging_changed_at=timezone.now())
    assert first_pass.sweep() == 0
    first_pass.tag_pending()
    assert states() == {"440 Hz": RUNNING}


def test_a_song_that_kills_its_worker_fails_after_most_attempts(tagger: str, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    for _ in range(MOST_ATTEMPTS):
        assert first_pass.claim(deque()) == song
        Song.objects.update(tagging_changed_at=long_ago())
        first_pass.sweep()
    song.refresh_from_db()
    assert song.tagging_state == FAILED
    assert "3 times" in song.tagging_error
    assert first_pass.claim(deque()) is None


def test_an_error_in_the_program_does_not_tag_a_song_for_ever(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song_with_audio(root)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tagging.networks.inference.predict_file", broken)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(ZeroDivisionError):
            first_pass.tag_pending()
        assert states() == {"440 Hz": RUNNING}
        Song.objects.update(tagging_changed_at=long_ago())
        first_pass.sweep()
    assert states() == {"440 Hz": FAILED}


# --- New taggers --------------------------------------------------------------------------------


def test_a_tagger_that_is_installed_later_tags_what_was_tagged_before(
    know: Know, weights: Path, root: LibraryRoot
) -> None:
    know("first", "second")
    registry.install("first", weights)
    song = song_with_audio(root)
    first_pass.tag_pending()
    assert first_pass.sweep() == 0
    registry.install("second", weights)
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert set(cnn_labels(song, "second")) == set(KINDS)
    assert first_pass.sweep() == 0


def test_one_tagger_alone_can_be_asked(know: Know, weights: Path, root: LibraryRoot) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    song = song_with_audio(root)
    first_pass.tag_pending(["second"])
    assert cnn_labels(song, "first") == {}
    assert set(cnn_labels(song, "second")) == set(KINDS)
    assert first_pass.sweep(["second"]) == 0
    assert first_pass.sweep() == 1


def test_a_song_of_which_nothing_is_kept_counts_as_tagged(know: Know, weights: Path, root: LibraryRoot) -> None:
    know(describe("strict", weights, operating_point=1.0))
    registry.install("strict", weights)
    song = song_with_audio(root)
    first_pass.tag_pending()
    assert cnn_labels(song, "strict") == {}
    assert states() == {"440 Hz": DONE}
    assert first_pass.sweep() == 0


# --- Progress -----------------------------------------------------------------------------------


def test_progress_counts_songs_with_audio_by_state(root: LibraryRoot) -> None:
    for number, state in enumerate((PENDING, PENDING, RUNNING, DONE, FAILED)):
        make_song(root=root, path=f"{number}.mp3", tagging_state=state)
    make_song("Without a file")
    progress = queue_state.progress()
    assert (progress.pending, progress.running, progress.done, progress.failed) == (2, 1, 1, 1)
    assert progress.left == 3
    assert progress.songs_per_second == 0
    assert progress.seconds_left is None


def test_progress_knows_how_long_it_still_takes(root: LibraryRoot) -> None:
    now = timezone.now()
    for number in range(20):
        ago = timedelta(seconds=number / 2)
        make_song(root=root, path=f"{number}.mp3", tagging_state=DONE, tagging_changed_at=now - ago)
    for number in range(20, 60):
        make_song(root=root, path=f"{number}.mp3")
    progress = queue_state.progress()
    assert progress.songs_per_second == pytest.approx(2, rel=0.2)
    assert progress.seconds_left == pytest.approx(20, rel=0.2)
