"""Calling the worker: at once where it is there, for nothing where it is not, and never in heaps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from catalog import broker
from catalog.models import Song
from catalog.signals import tagging_needed
from tagging import tasks
from tagging.receivers import tag_soon
from tagging.services import first_pass, loading
from tagging.taggers import registry
from tests.audio import write_tone
from tests.factories import make_root, make_song
from tests.silence import silence


@contextmanager
def celery(**settings: Any) -> Iterator[None]:
    """Celery with other settings for a while."""
    before = {name: current_app.conf[name] for name in settings}
    current_app.conf.update(settings)
    try:
        yield
    finally:
        current_app.conf.update(before)


@pytest.fixture
def memory_broker() -> Iterator[None]:
    """A broker in this process."""
    with celery(broker_url="memory://", broker_write_url="memory://", broker_transport_options={}):
        empty_queue()
        yield
        empty_queue()


def empty_queue() -> list[Any]:
    """Take the bodies of all waiting tasks out of the queue."""
    with current_app.connection_for_write() as connection, connection.SimpleQueue(tasks.QUEUE) as queue:
        bodies = []
        while queue.qsize():
            message = queue.get_nowait()
            bodies.append(message.payload)
            message.ack()
        return bodies


@pytest.fixture
def song(tmp_path: Path) -> Song:
    root = make_root(tmp_path)
    return make_song("A tone", root=root, path=write_tone(tmp_path / "tone.ogg", seconds=1.0).name)


def test_a_worker_is_called_once_however_often(memory_broker: None) -> None:
    assert all(tasks.call_worker() for _ in range(5))
    assert len(empty_queue()) == 1
    assert tasks.call_worker(["first"])
    ((arguments, *_),) = empty_queue()
    assert arguments == [["first"]]


def test_new_songs_call_the_worker_where_there_is_a_tagger(memory_broker: None, tagger: str) -> None:
    tag_soon(song_ids=[1, 2])
    assert len(empty_queue()) == 1


def test_new_songs_call_nobody_where_there_is_no_tagger(memory_broker: None) -> None:
    tag_soon(song_ids=[1, 2])
    assert empty_queue() == []


@pytest.mark.parametrize("address", ["redis+socket:///nowhere/redis.sock", "redis://127.0.0.1:1/0"])
def test_a_broker_that_is_not_there_costs_a_moment_and_no_error(address: str, tagger: str) -> None:
    with celery(broker_url=address, broker_write_url=address):
        for ask in (tasks.call_worker, tag_soon, tasks.workers):
            assert not ask()


def test_a_broker_that_hangs_costs_a_moment_and_no_error(tagger: str) -> None:
    with silence() as silent:
        address = f"redis://127.0.0.1:{silent.port}/0"
        with celery(broker_url=address, broker_write_url=address):
            assert not tasks.call_worker()
        assert 0 < silent.tries() * broker.PATIENCE_S < 0.5


@pytest.mark.django_db
def test_a_task_tags_what_is_pending_and_has_the_next_one_wait(memory_broker: None, tagger: str, song: Song) -> None:
    tasks.tag_songs()
    song.refresh_from_db()
    assert song.tagging_state == Song.Tagging.DONE
    assert len(empty_queue()) == 1
    tasks.tag_songs()
    assert empty_queue() == []


@pytest.mark.django_db
def test_a_task_that_can_tag_nothing_calls_nobody(memory_broker: None, tagger: str, song: Song) -> None:
    weights = registry.describe(tagger).weights
    assert weights is not None
    weights.write_bytes(b"damaged")
    tasks.tag_songs()
    weights.unlink()
    tasks.tag_songs()
    song.refresh_from_db()
    assert song.tagging_state == Song.Tagging.PENDING
    assert empty_queue() == []


@pytest.mark.django_db
def test_the_sweep_calls_the_worker_for_what_is_pending(memory_broker: None, tagger: str, song: Song) -> None:
    tasks.sweep()
    assert len(empty_queue()) == 1
    first_pass.tag_pending()
    tasks.sweep()
    assert empty_queue() == []


@pytest.mark.django_db
def test_the_sweep_calls_nobody_where_there_is_no_tagger(memory_broker: None, song: Song) -> None:
    tasks.sweep()
    assert empty_queue() == []


@pytest.mark.django_db
def test_an_eager_worker_tags_everything_at_once(tagger: str, song: Song) -> None:
    with celery(task_always_eager=True):
        tagging_needed.send(sender=Song, song_ids=[song.pk])
    song.refresh_from_db()
    assert song.tagging_state == Song.Tagging.DONE


def test_a_process_of_the_worker_starts_with_its_taggers_loaded(tagger: str) -> None:
    tasks._warm_up()
    assert loading._loaded.cache_info().currsize == 1


def test_a_damaged_tagger_does_not_keep_the_worker_from_starting(tagger: str, caplog: pytest.LogCaptureFixture) -> None:
    weights = registry.describe(tagger).weights
    assert weights is not None
    weights.write_bytes(b"damaged")
    tasks._warm_up()
    assert "damaged" in caplog.text
