"""bin/demo: from nothing to a server with labelled songs, and again."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.home import PROJECT_ROOT
from tests.audio import write_tone

from .server import ANSWERING, ONCE, Server, new_server

pytestmark = ONCE

DEMO = PROJECT_ROOT / "bin" / "demo"
ACCOUNT = re.compile(r"Log in as (\w+) with the password (\S+) ")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three songs."""
    folder = tmp_path_factory.mktemp("music")
    for number in (1, 2, 3):
        write_tone(folder / f"{number}.wav", seconds=1.0, hz=200 * number, rate=8000)
    return folder


def token(server: Server, name: str, password: str) -> str:
    """The API's token for somebody who can log in."""
    form = urllib.parse.urlencode({"username": name, "password": password}).encode()
    with urllib.request.urlopen(f"{server.address}/api/token/", form, timeout=ANSWERING) as answer:  # noqa: S310
        return str(json.load(answer)["token"])


def test_it_fills_labels_computes_and_starts_and_again_has_nothing_left_to_do(
    fresh_server: Server, music: Path
) -> None:
    server = fresh_server
    server.environment["https_proxy"] = "http://127.0.0.1:9"
    server.start("demo", "--music", str(music))

    assert server.rows("SELECT tagging_state, count(*) FROM catalog_song GROUP BY 1") == [("done", 3)]
    assert len(server.rows("SELECT version FROM recommender_snapshot WHERE current")) == 1
    account = ACCOUNT.search(server.printed())
    assert account
    assert token(server, *account.groups())
    assert stat.S_IMODE((server.home / "demo_account").stat().st_mode) == 0o600
    assert server.send(signal.SIGINT) == 0

    server.start("demo")

    first_lines = server.printed().splitlines()[:2]
    assert first_lines[0].startswith(account[0])
    assert first_lines[1].startswith("DCMRS is at")
    assert server.rows("SELECT count(*) FROM catalog_song") == [(3,)]


ONE_PLAY = """
import django; django.setup()
from django.contrib.auth.models import User
from catalog.models import PlayCount, Song
PlayCount.objects.create(user=User.objects.create_user("lastfm-1"), song=Song.objects.create(title="One"), count=1)
"""


@pytest.fixture(scope="module")
def without_weights(
    prepared: Server, music: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Path]]:
    """A server as on a fresh machine without a network, with one play, and the folder in which it found no weights."""
    empty = tmp_path_factory.mktemp("empty")
    with new_server(tmp_path_factory.mktemp("demo"), prepared) as server:
        server.environment |= {"https_proxy": "http://127.0.0.1:9", "LOG_LEVEL": "INFO"}
        server.run(ONE_PLAY)
        server.start("demo", "--music", str(music), "--weights", str(empty))
        yield server, empty


def test_nothing_is_downloaded_for_the_songs_to_be_labelled(without_weights: tuple[Server, Path]) -> None:
    """A folder without weights is said to be so, and nothing ends there."""
    server, empty = without_weights
    assert f"  no file in {empty} holds the weights of" in server.printed()
    with_file = "SELECT tagging_state, count(*) FROM catalog_song WHERE path <> '' GROUP BY 1"
    assert server.rows(with_file) == [("done", 3)]
    assert server.rows("SELECT tagger, count(*) FROM tagging_taggingrun GROUP BY 1") == [("dcmrs", 3)]
    assert server.rows("SELECT count(*) FROM catalog_songembedding") == [(3,)]
    assert server.health()["database"] == "ok"


def test_the_worker_measures_the_methods_once_the_site_answers(without_weights: tuple[Server, Path]) -> None:
    """With one play there is nothing to measure, which says as well that it was tried, in less time."""
    server, _ = without_weights
    for protocol in ("warm", "cold"):
        server.wait_for(f"Nothing to measure ({protocol})")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--music", "/no/such/folder"], "--music: there is no folder '/no/such/folder'."),
        (["--weights=/no/such/folder"], "--weights: there is no folder '/no/such/folder'."),
        (["--port", "eighty"], "--port: 'eighty' is no port."),
        (["--port="], "--port: '' is no port."),
        (["--music"], "--music needs a value; see bin/demo --help."),
        (["--colour"], "there is no option '--colour'; see bin/demo --help."),
    ],
)
def test_what_it_cannot_use_is_refused_before_anything_is_installed(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [DEMO, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=ANSWERING, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"bin/demo: {says}\n")


def test_its_help_names_every_option() -> None:
    done = subprocess.run(
        [DEMO, "--help"], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=ANSWERING, check=True
    )
    assert all(option in done.stdout for option in ("--music DIR", "--weights DIR", "--port N"))
