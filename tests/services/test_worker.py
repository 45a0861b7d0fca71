"""A real worker on a real Redis labels songs, whoever is killed meanwhile: none stays `running`, none is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.audio import write_tone
from tests.processes import wait_until

from .server import ON_POSTGRES, ONCE, REDIS, STARTING, Server, new_server

SONGS = 150


@pytest.fixture(scope="module")
def unheard(prepared: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to copy, with songs that nobody has heard."""
    with new_server(tmp_path_factory.mktemp("unheard"), prepared) as server:
        music = tmp_path_factory.mktemp("music")
        for number in range(SONGS):
            write_tone(music / f"{number}.wav", seconds=1.0, hz=200 + 5 * number, rate=8000)
        server.environment["DJANGO_SETTINGS_MODULE"] = "tests.services.settings"
        server.manage("import_music", str(music))
        yield server


@pytest.fixture
def library(unheard: Server, tmp_path: Path) -> Iterator[Server]:
    """A server with songs that nobody has heard."""
    with new_server(tmp_path, unheard) as server:
        assert states(server) == {"pending": SONGS}
        yield server


def states(server: Server) -> dict[str, int]:
    """How many songs are in each state."""
    return dict(server.rows("SELECT tagging_state, count(*) FROM catalog_song GROUP BY tagging_state"))


def wait_until_some_are_done(server: Server) -> None:
    wait_until(lambda: 0 < states(server).get("done", 0) < SONGS / 2, lambda: states(server), 60)


def every_song_has_its_labels(server: Server) -> None:
    wait_until(lambda: states(server) == {"done": SONGS}, lambda: (states(server), server.printed()), 120)
    assert server.rows("SELECT count(*) FROM catalog_songembedding") == [(SONGS,)]
    assert server.rows("SELECT count(*) FROM catalog_songlabel WHERE source = 'cnn'")[0][0] >= SONGS
    assert server.rows("SELECT count(*) FROM tagging_taggingrun") == [(SONGS,)]


def kill(server: Server, command: str) -> None:
    for pid in server.left(command):
        os.kill(pid, signal.SIGKILL)


def the_whole_worker(server: Server) -> None:
    kill(server, "celery -q -A dcmrs_site worker")


def one_process_of_the_worker_and_redis(server: Server) -> None:
    os.kill(list(server.left("celery -q -A dcmrs_site worker"))[-1], signal.SIGKILL)
    kill(server, REDIS)


def up_itself(server: Server) -> None:
    server.send(signal.SIGKILL)
    wait_until(lambda: not server.left(), server.left)
    server.start()


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param(the_whole_worker, marks=ON_POSTGRES),
        pytest.param(one_process_of_the_worker_and_redis, marks=ONCE),
        pytest.param(up_itself, marks=ONCE),
    ],
)
def test_whoever_is_killed_every_song_gets_its_labels(library: Server, victim: Callable[[Server], None]) -> None:
    library.start()
    wait_until_some_are_done(library)
    victim(library)
    every_song_has_its_labels(library)


@ONCE
def test_a_song_that_is_brought_in_while_the_worker_runs_is_heard_at_once(server: Server, tmp_path: Path) -> None:
    server.start()
    write_tone(tmp_path / "more" / "new.wav", seconds=1.0, hz=3000, rate=8000)
    server.manage("import_music", str(tmp_path / "more"))
    wait_until(lambda: states(server) == {"done": 1}, lambda: states(server), STARTING)


@ONCE
def test_without_broker_and_worker_eager_tasks_do_the_work(library: Server, tmp_path: Path) -> None:
    library.environment["CELERY_TASK_ALWAYS_EAGER"] = "on"
    write_tone(tmp_path / "more" / "new.wav", seconds=1.0, hz=3000, rate=8000)
    library.manage("import_music", str(tmp_path / "more"))
    assert states(library) == {"done": SONGS + 1}
