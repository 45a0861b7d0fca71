"""A real worker on a real Redis builds a snapshot: whoever is killed, however full the disk, the old one serves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.home import PROJECT_ROOT
from tests.processes import wait_until

from .server import ON_POSTGRES, ONCE, Server, new_server
from .test_demo import token

PASSWORD = "correct horse battery"
SECONDS = 240.0
VERSION = "SELECT version FROM recommender_snapshot WHERE current"
BLOCKS = "SELECT count(*) FROM recommender_snapshotbuildpart WHERE name = 'cooccurrence' AND block > 0 AND "


@pytest.fixture(scope="module")
def with_plays(prepared: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to copy, with the plays of sixty listeners; anna, who is one of them, can log in."""
    with new_server(tmp_path_factory.mktemp("plays"), prepared) as server:
        server.environment["DJANGO_SETTINGS_MODULE"] = "tests.services.settings_small_builds"
        make_anna = "from django.contrib.auth.models import User; User.objects.create_user('anna', password='{}')"
        server.run(f"import django; django.setup(); {make_anna.format(PASSWORD)}")
        rng = np.random.default_rng(6)
        table = server.home / "plays.tsv"
        with table.open("w") as file:
            for user in ("anna", *(f"listener{number}" for number in range(60))):
                for song in np.unique((300 * rng.random(15) ** 2).astype(int)):
                    file.write(f"{user}\tSO{song}\t{rng.integers(1, 9)}\n")
        server.manage("import_plays", str(table), "--format", "triplets")
        yield server


@pytest.fixture
def listened(with_plays: Server, tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet, with the plays of sixty listeners."""
    with new_server(tmp_path, with_plays) as server:
        yield server


def send_recompute(server: Server) -> None:
    """Put the nightly snapshot into the queue."""
    command = [sys.executable, "-m", "celery", "-q", "-A", "dcmrs_site", "call", "recommender.tasks.recompute"]
    subprocess.run(command, cwd=PROJECT_ROOT, env=server.environment, check=True, capture_output=True)


def version(server: Server) -> int:
    """The snapshot that serves; 0 for none."""
    rows = server.rows(VERSION)
    return int(max(rows)[0]) if rows else 0


def blocks(server: Server, which: str) -> int:
    return int(server.rows(BLOCKS + which)[0][0])


def recommended(server: Server, annas_token: str) -> list[str]:
    """What the site recommends to anna by what others play."""
    address = f"{server.address}/api/recommendations/?method=cooccurrence"
    request = urllib.request.Request(address, headers={"Authorization": f"Token {annas_token}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return [one["title"] for one in json.load(answer)]


def the_whole_worker(pids: list[int]) -> list[int]:
    return pids


def its_processes_but_not_their_parent(pids: list[int]) -> list[int]:
    return pids[1:]


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param(the_whole_worker, marks=ON_POSTGRES),
        pytest.param(its_processes_but_not_their_parent, marks=ONCE),
    ],
)
def test_a_worker_killed_amid_a_snapshot_leaves_the_old_one_serving_and_the_next_one_finishes(
    listened: Server, victims: Callable[[list[int]], list[int]]
) -> None:
    server = listened
    server.start()
    send_recompute(server)
    wait_until(lambda: version(server), server.printed, SECONDS)
    wait_until(lambda: not blocks(server, "TRUE"), server.printed, SECONDS)
    old, annas_token = version(server), token(server, "anna", PASSWORD)
    told = recommended(server, annas_token)
    assert len(told) == 20

    send_recompute(server)
    at_work = "NOT done AND taken_until IS NOT NULL"
    wait_until(lambda: blocks(server, "done") > 1 and blocks(server, at_work), server.printed, SECONDS)
    for pid in victims(list(server.left("celery -q -A dcmrs_site worker"))):
        os.kill(pid, signal.SIGKILL)
    assert blocks(server, "NOT done") > 0
    assert recommended(server, annas_token) == told
    assert version(server) == old

    wait_until(lambda: version(server) > old, lambda: (server.rows(VERSION), server.printed()), SECONDS)
    assert recommended(server, annas_token) == told
    ((folder,),) = server.rows("SELECT folder FROM recommender_snapshot WHERE current")
    names = {path.name.split(".")[0] for path in (server.home / "snapshots" / folder).iterdir()}
    assert {"content", "cooccurrence", "latent"} <= names
    assert not names & {"blocks", "evidence"}


IN_LITTLE_ROOM = """
set -e
mount -t tmpfs -o size={room}k tmpfs {room_at}
cp -a {snapshots}/. {room_at}
mount --bind {room_at} {snapshots}
status=0
{python} manage.py recompute || status=$?
{python} manage.py recommend anna --method cooccurrence --format json -n 5
exit $status
"""
"""A disk of a few kilobytes under the snapshots, seen by this shell and its children alone, and gone with them."""


def in_own_mounts(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("unshare") or "/usr/bin/unshare", "--mount", "--map-root-user", "/bin/sh", "-c", script],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@ONCE  # a server of PostgreSQL would be out of reach from mounts of one's own
def test_a_full_disk_leaves_the_old_snapshot_serving(listened: Server, tmp_path: Path) -> None:
    server = listened
    if shutil.which("unshare") is None or in_own_mounts("mount -t tmpfs tmpfs /mnt", server.environment).returncode:
        pytest.skip("no mounts of one's own here: a full disk cannot be made")
    # A snapshot of everything takes longer than a command is waited for elsewhere.
    recompute = [sys.executable, "manage.py", "recompute"]
    subprocess.run(recompute, cwd=PROJECT_ROOT, env=server.environment, check=True, capture_output=True)
    old, snapshots, room_at = version(server), server.home / "snapshots", tmp_path / "room"
    before = sorted(path.relative_to(snapshots) for path in snapshots.rglob("*"))
    told = server.manage("recommend", "anna", "--method", "cooccurrence", "--format", "json", "-n", "5").stdout
    room_at.mkdir()
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in snapshots.rglob("*.npy"))
    script = IN_LITTLE_ROOM.format(room=used + used // 3, room_at=room_at, snapshots=snapshots, python=sys.executable)

    refused = in_own_mounts(script, server.environment)

    assert refused.returncode == 1
    assert "the snapshot could not be written, the one before it goes on serving" in refused.stderr
    assert "No space left on device" in refused.stderr
    assert json.loads(refused.stdout) == json.loads(told)
    assert version(server) == old
    assert sorted(path.relative_to(snapshots) for path in snapshots.rglob("*")) == before

    subprocess.run(recompute, cwd=PROJECT_ROOT, env=server.environment, check=True, capture_output=True)
    assert version(server) > old
