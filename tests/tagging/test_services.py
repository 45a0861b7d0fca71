"""Tagging the library: each song heard once, whoever hears it and whatever happens meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Label, LibraryRoot, Song, SongLabel
from catalog.services.labels import curate
from tagging import registry, services
from tagging.models import Hearing
from tagging.services import LEFT_BEHIND_AFTER, MOST_ATTEMPTS
from tests.audio import write_tone
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
    words = SongLabel.objects.filter(song=song, source=SongLabel.Source.CNN, origin=tagger)
    return dict(words.values_list("label__name", "weight"))


def long_ago() -> object:
    return timezone.now() - LEFT_BEHIND_AFTER - timedelta(seconds=1)


# --- What is kept -------------------------------------------------------------------------------


def test_a_pending_song_gets_the_labels_of_every_installed_tagger(know: Know, weights: Path, root: LibraryRoot) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    song = song_with_audio(root)
    services.tag_pending()
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_error, song.tagging_attempts) == (DONE, "", 0)
    assert cnn_labels(song, "first") == cnn_labels(song, "second")
    assert dict(Label.objects.values_list("name", "kind")) == KINDS
    assert set(Hearing.objects.values_list("song", "tagger")) == {(song.pk, "first"), (song.pk, "second")}


def test_only_labels_that_reach_their_operating_points_are_kept(know: Know, weights: Path, root: LibraryRoot) -> None:
    know("all", describe("some", weights, operating_point=0.5))
    for name in ("all", "some"):
        registry.install(name, weights)
    song = song_with_audio(root)
    services.tag_pending()
    every, some = cnn_labels(song, "all"), cnn_labels(song, "some")
    assert set(every) == set(KINDS)
    assert some == {name: weight for name, weight in every.items() if weight >= 0.5}
    assert 0 < len(some) < len(every)


def test_a_second_hearing_replaces_the_first_and_leaves_the_curators_word(tagger: str, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    services.tag_pending()
    before = cnn_labels(song, tagger)
    happy = Label.objects.get(name="happy")
    curate(song, happy, False, make_user())
    write_tone(root.folder / song.path, seconds=2.0, hz=3000)
    services.tag_again(Song.objects.all())
    services.tag_pending()
    after = cnn_labels(song, tagger)
    assert set(after) == set(before)
    assert after != before
    assert SongLabel.objects.get(song=song, source=SongLabel.Source.CURATOR).weight == -1


def test_several_songs_get_each_their_own(tagger: str, root: LibraryRoot) -> None:
    songs = [song_with_audio(root, hz) for hz in range(200, 2000, 200)]
    outcomes: list[services.Outcome] = []
    services.tag_pending(report=outcomes.append)
    assert {outcome.song.pk for outcome in outcomes} == {song.pk for song in songs}
    assert not any(outcome.error for outcome in outcomes)
    assert len({tuple(cnn_labels(song, tagger).values()) for song in songs}) == len(songs)


def test_a_song_without_audio_is_none_of_the_taggers_business(tagger: str) -> None:
    make_song("Known by name only")
    services.tag_pending()
    assert states() == {"Known by name only": PENDING}
    assert services.progress().left == 0
    assert services.tag_again(Song.objects.all()) == 0


def test_with_no_tagger_everything_stays_pending(root: LibraryRoot) -> None:
    song_with_audio(root)
    assert services.sweep() == 0
    services.tag_pending()
    assert states() == {"440 Hz": PENDING}


# --- What fails ---------------------------------------------------------------------------------


def test_a_bad_file_fails_with_its_reason_and_the_rest_goes_on(tagger: str, root: LibraryRoot) -> None:
    bad, good = song_with_text(root), song_with_audio(root)
    gone = make_song("Gone", root=root, path="gone.flac")
    outcomes: list[services.Outcome] = []
    services.tag_pending(report=outcomes.append)
    assert states() == {"A note": FAILED, "Gone": FAILED, "440 Hz": DONE}
    errors = dict(Song.objects.values_list("pk", "tagging_error"))
    assert errors == {bad.pk: "not an audio file, or a damaged one", gone.pk: "no such file", good.pk: ""}
    assert {outcome.song.pk: outcome.error for outcome in outcomes} == errors


def test_a_failed_song_is_not_tried_again_until_somebody_asks(tagger: str, root: LibraryRoot) -> None:
    song_with_text(root)
    services.tag_pending()
    assert services.sweep() == 0
    write_tone(root.folder / "note.wav").rename(root.folder / "note.mp3")
    services.tag_pending()
    assert states() == {"A note": FAILED}
    assert services.tag_again(Song.objects.filter(title="A note")) == 1
    services.tag_pending()
    assert states() == {"A note": DONE}


# --- Who hears it -------------------------------------------------------------------------------


def test_a_song_is_claimed_once(tagger: str, root: LibraryRoot) -> None:
    """Two workers that saw the same song pending."""
    song = song_with_audio(root)
    one, other = deque([song.pk]), deque([song.pk])
    assert services._claim(one) == song
    assert services._claim(other) is None
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_attempts) == (RUNNING, 1)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_hear_each_song_once(tagger: str, root: LibraryRoot) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("threads share one connection to SQLite's test database; TEST_DATABASE_URL names another")
    for hz in range(200, 2200, 100):
        song_with_audio(root, hz)
    heard: list[str] = []

    def worker() -> None:
        try:
            services.tag_pending(report=lambda outcome: heard.append(outcome.song.title))
        finally:
            connection.close()

    workers = [Thread(target=worker) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert sorted(heard) == sorted(states())
    assert set(states().values()) == {DONE}


def test_a_song_that_went_to_somebody_else_meanwhile_is_left_to_them(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = song_with_audio(root)

    def put_back_meanwhile(*_: object) -> None:
        Song.objects.filter(pk=song.pk).update(tagging_state=FAILED, tagging_error="theirs")

    during(monkeypatch, put_back_meanwhile)
    services.tag_pending()
    song.refresh_from_db()
    assert (song.tagging_state, song.tagging_error) == (FAILED, "theirs")
    assert cnn_labels(song, tagger) == {}


def test_a_song_that_is_deleted_meanwhile_is_forgotten(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = song_with_audio(root)
    during(monkeypatch, lambda: Song.objects.filter(pk=song.pk).delete())
    services.tag_pending()
    assert not Song.objects.exists()


def during(monkeypatch: pytest.MonkeyPatch, happening: Callable[[], object]) -> None:
    """Have something happen between the claim of a song and the end of its hearing."""
    claim = services._claim

    def claim_and_then(*arguments: object) -> Song | None:
        song = claim(*arguments)  # type: ignore[arg-type]
        if song is not None:
            happening()
        return song

    monkeypatch.setattr(services, "_claim", claim_and_then)


def test_an_interruption_puts_back_what_was_begun(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hz in range(200, 1200, 100):
        song_with_audio(root, hz)

    def interrupt(_: services.Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.tag_pending(report=interrupt)
    assert set(states().values()) == {DONE, PENDING}
    assert set(Song.objects.values_list("tagging_attempts", flat=True)) == {0}


def test_no_song_is_begun_after_the_time_is_over(tagger: str, root: LibraryRoot) -> None:
    song_with_audio(root)
    services.tag_pending(seconds=0.0)
    assert states() == {"440 Hz": PENDING}


def test_a_slow_song_is_held_by_signs_of_life(tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    song_with_audio(root)
    monkeypatch.setattr(services, "SIGN_OF_LIFE_S", 0.0)
    signs = 0
    running = services._running

    def count(songs: Iterable[Song]) -> QuerySet[Song]:
        nonlocal signs
        signs += 1
        return running(songs)

    monkeypatch.setattr(services, "_running", count)
    services.tag_pending()
    assert signs > 2
    assert states() == {"440 Hz": DONE}


# --- Whoever is killed --------------------------------------------------------------------------


def killed(root: LibraryRoot, attempts: int = 1) -> Song:
    """A song whose hearer was killed some time ago."""
    return song_with_audio(root, tagging_state=RUNNING, tagging_attempts=attempts, tagging_changed_at=long_ago())


def test_what_was_left_behind_is_put_back_and_heard(tagger: str, root: LibraryRoot) -> None:
    killed(root)
    assert services.sweep() == 1
    assert states() == {"440 Hz": PENDING}
    services.tag_pending()
    assert states() == {"440 Hz": DONE}


def test_what_somebody_is_hearing_is_left_to_them(tagger: str, root: LibraryRoot) -> None:
    song_with_audio(root, tagging_state=RUNNING, tagging_attempts=1, tagging_changed_at=timezone.now())
    assert services.sweep() == 0
    services.tag_pending()
    assert states() == {"440 Hz": RUNNING}


def test_a_song_that_kills_whoever_hears_it_fails_in_the_end(tagger: str, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    for _ in range(MOST_ATTEMPTS):
        assert services._claim(deque()) == song
        Song.objects.update(tagging_changed_at=long_ago())
        services.sweep()
    song.refresh_from_db()
    assert song.tagging_state == FAILED
    assert "3 times" in song.tagging_error
    assert services._claim(deque()) is None


def test_an_error_in_the_program_does_not_hear_a_song_for_ever(
    tagger: str, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    song_with_audio(root)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("tagging.inference.listen_to", broken)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(ZeroDivisionError):
            services.tag_pending()
        assert states() == {"440 Hz": RUNNING}
        Song.objects.update(tagging_changed_at=long_ago())
        services.sweep()
    assert states() == {"440 Hz": FAILED}


# --- New taggers --------------------------------------------------------------------------------


def test_a_tagger_that_is_installed_later_hears_what_was_heard_before(
    know: Know, weights: Path, root: LibraryRoot
) -> None:
    know("first", "second")
    registry.install("first", weights)
    song = song_with_audio(root)
    services.tag_pending()
    assert services.sweep() == 0
    registry.install("second", weights)
    assert services.sweep() == 1
    services.tag_pending()
    assert set(cnn_labels(song, "second")) == set(KINDS)
    assert services.sweep() == 0


def test_one_tagger_alone_can_be_asked(know: Know, weights: Path, root: LibraryRoot) -> None:
    for name in know("first", "second"):
        registry.install(name, weights)
    song = song_with_audio(root)
    services.tag_pending(["second"])
    assert cnn_labels(song, "first") == {}
    assert set(cnn_labels(song, "second")) == set(KINDS)
    assert services.sweep(["second"]) == 0
    assert services.sweep() == 1


def test_a_song_of_which_nothing_is_kept_counts_as_heard(know: Know, weights: Path, root: LibraryRoot) -> None:
    know(describe("strict", weights, operating_point=1.0))
    registry.install("strict", weights)
    song = song_with_audio(root)
    services.tag_pending()
    assert cnn_labels(song, "strict") == {}
    assert states() == {"440 Hz": DONE}
    assert services.sweep() == 0


# --- Progress -----------------------------------------------------------------------------------


def test_progress_counts_songs_with_audio_by_state(root: LibraryRoot) -> None:
    for number, state in enumerate((PENDING, PENDING, RUNNING, DONE, FAILED)):
        make_song(root=root, path=f"{number}.mp3", tagging_state=state)
    make_song("Without a file")
    progress = services.progress()
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
    progress = services.progress()
    assert progress.songs_per_second == pytest.approx(2, rel=0.2)
    assert progress.seconds_left == pytest.approx(20, rel=0.2)
