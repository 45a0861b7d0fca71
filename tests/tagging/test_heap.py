"""What the allocator keeps of freed memory."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from catalog.home import PROJECT_ROOT
from tagging.networks import heap

RESIDENT = """
import re
from tagging.networks import heap

def resident_mb():
    return int(re.findall(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[0]) / 1024

blocks = [bytes(50_000) for _ in range(4000)]
last = bytes(50_000)
del blocks
before = resident_mb()
heap.trim()
print(before - resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator keeps it")
def test_freed_memory_goes_back_to_the_system() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", RESIDENT], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert float(printed) > 100


def test_with_another_allocator_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    heap._glibc.cache_clear()
    try:
        heap.share_arena()
        heap.trim()
    finally:
        heap._glibc.cache_clear()
