"""Bytes that can be made again, kept in a folder up to a size."""

from __future__ import annotations

import os
from pathlib import Path

from catalog.disk_cache import DiskCache

LONG_AGO = 1_000_000_000


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*/*"))


def test_what_was_kept_is_there_for_every_process(tmp_path: Path) -> None:
    assert DiskCache(tmp_path / "new", 1000).get("a") is None
    DiskCache(tmp_path / "new", 1000).keep("a", b"picture")
    assert DiskCache(tmp_path / "new", 1000).get("a") == b"picture"
    assert DiskCache(tmp_path / "new", 1000).get("b") is None


def test_what_was_asked_for_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for number in range(10):
        cache.keep(str(number), bytes(100))
        os.utime(cache._path(str(number)), (LONG_AGO + number, LONG_AGO + number))
    assert cache.get("0")
    cache.keep("new", bytes(100))
    assert size_of(tmp_path) <= 1000
    # Asked for a moment ago.
    assert cache.get("0")
    assert cache.get("1") is None
    assert cache.get("new")


def test_a_folder_that_another_process_left_full_is_emptied(tmp_path: Path) -> None:
    for number in range(20):
        DiskCache(tmp_path, 10_000).keep(str(number), bytes(100))
    DiskCache(tmp_path, 1000).keep("new", bytes(100))
    assert size_of(tmp_path) <= 1000


def test_nothing_is_kept_where_nothing_may_be_or_the_disk_refuses(tmp_path: Path) -> None:
    DiskCache(tmp_path, 0).keep("a", b"picture")
    DiskCache(tmp_path, 3).keep("a", b"picture")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("no folder")
    cache = DiskCache(tmp_path / "file" / "below", 1000)
    cache.keep("a", b"picture")
    assert cache.get("a") is None


def test_a_file_that_a_power_cut_left_empty_is_none(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.keep("a", b"picture")
    cache._path("a").write_bytes(b"")
    assert cache.get("a") is None
