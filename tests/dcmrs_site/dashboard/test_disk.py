"""The dashboard's disk: measured by what lies there, once in a while, by one process."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dcmrs_site import disk

from .desk import DISK, text

pytestmark = pytest.mark.django_db


def write(home: Path, **sizes: int) -> None:
    for name, size in sizes.items():
        path = home / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


def measure() -> disk.Measure:
    disk.measure()
    found, measuring = disk.measured()
    assert found is not None
    assert not measuring
    return found


def test_the_disk_is_measured_by_what_lies_there(own_home: Path) -> None:
    write(
        own_home,
        media__covers__one=1000,
        media__sound__ab__two=200,
        media__sound__cd__three=300,
        media__other=1,
        uploads__song=5000,
        snapshots__1__array=40,
        models__tagger=70,
    )
    for name, size in (("db.sqlite3", 600), ("db.sqlite3-wal", 60)):
        (own_home / name).write_bytes(b"x" * size)
    (own_home / "elsewhere").symlink_to("/usr")
    found = measure().bytes_by_part
    assert next(iter(found)) == "uploaded songs"
    assert found["uploaded songs"] == 5000
    assert found["covers"] == 1000
    assert found["waveforms and spectrograms"] == 500
    assert found["snapshots"] == 40
    assert found["taggers"] == 70
    assert found["database"] == 660
    assert found["everything else"] < 1000


def test_a_measure_is_good_for_a_while_and_then_taken_anew(own_home: Path) -> None:
    first = measure()
    write(own_home, uploads__song=5000)
    assert measure() == first
    file = own_home / "run" / "disk.json"
    old = {**json.loads(file.read_text()), "at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    file.write_text(json.dumps(old))
    assert measure().bytes_by_part["uploaded songs"] == 5000


@pytest.mark.parametrize("written", ["", "{", "[]", "{}", '{"at": "x"}'])
def test_a_measure_that_is_none_is_taken_anew(own_home: Path, written: str) -> None:
    (own_home / "run" / "disk.json").write_text(written)
    assert measure().whole


def test_what_takes_too_long_is_left_and_said(client: Client, boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LONGEST_S", -1.0)
    assert not measure().whole
    assert "more than 0 bytes</strong> written by DCMRS" in text(client, DISK)


def test_one_process_measures_at_a_time(own_home: Path) -> None:
    hold = ["sh", "-c", "echo held; exec sleep 60"]
    lock = ["flock", "--no-fork", str(own_home / "run" / "disk.lock"), *hold]
    with subprocess.Popen(lock, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout
            assert other.stdout.readline() == b"held\n"
            disk.measure()
            assert not (own_home / "run" / "disk.json").exists()
        finally:
            other.terminate()


def test_a_full_disk_is_warned_of() -> None:
    gigabyte = 1_000_000_000
    assert disk.Room(gigabyte // 2, 4 * gigabyte).short
    assert disk.Room(9 * gigabyte, 1000 * gigabyte).short
    assert not disk.Room(3 * gigabyte, 20 * gigabyte).short
    assert not disk.Room(40 * gigabyte, 1000 * gigabyte).short


def test_the_disk_is_shown(client: Client, boss: User, own_home: Path) -> None:
    write(own_home, uploads__song=5000)
    measure()
    page = text(client, DISK)
    assert "uploaded songs</th><td>5.0 kB</td>" in page
    assert "Measured just now" in page
