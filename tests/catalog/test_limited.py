"""Calls under limits: whatever the call does, this process goes on, and the next call is answered."""

from __future__ import annotations

import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.faults import hostile
from catalog import limited
from catalog.importing.pictures import make_cover_under_limits
from catalog.limited import LimitExceededError, Limits
from tests.audio import picture
from tests.pictures import many_scans

from .misbehaving import crash, divide, fill, noisy, sleep, spin

LIMITS = Limits(cpu_s=5.0, memory_bytes=100_000_000, wall_s=60.0)


def test_a_call_returns_and_raises_what_the_function_does() -> None:
    assert limited.call(LIMITS, divide, 7, divisor=2) == 3
    with pytest.raises(ZeroDivisionError):
        limited.call(LIMITS, divide, 7, 0)


def test_what_a_helper_takes_to_begin_does_not_count() -> None:
    from tests.catalog.imported_slowly import answer

    limited.end_idle()
    assert limited.call(replace(LIMITS, wall_s=2.0), answer) == 42


def test_one_helper_answers_many_calls_whatever_libraries_print() -> None:
    # One of an earlier test may end after its next answer.
    limited.end_idle()
    helper = limited.call(LIMITS, noisy)
    assert helper != os.getpid()
    assert limited.call(LIMITS, noisy) == helper


def test_what_computes_without_end_is_ended_and_the_next_call_is_answered() -> None:
    with pytest.raises(LimitExceededError, match="too long"):
        limited.call(replace(LIMITS, cpu_s=0.2), spin)
    assert limited.call(LIMITS, divide, 4, 2) == 2


def test_what_waits_without_end_is_ended() -> None:
    limited.call(LIMITS, divide, 4, 2)
    with pytest.raises(LimitExceededError, match="too long"):
        limited.call(replace(LIMITS, wall_s=0.2), sleep, 60)


def test_what_fills_the_memory_is_refused_and_what_does_not_is_not() -> None:
    with pytest.raises(LimitExceededError, match="more than 100 MB"):
        limited.call(LIMITS, fill, 150_000_000)
    assert limited.call(LIMITS, fill, 50_000_000) == 50_000_000


def test_a_crash_is_one_calls_own() -> None:
    with pytest.raises(LimitExceededError):
        limited.call(LIMITS, crash)
    assert limited.call(LIMITS, divide, 4, 2) == 2


def test_a_picture_costs_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "PICTURE", replace(limited.PICTURE, cpu_s=0.3))
    assert make_cover_under_limits(many_scans(2000)) is None
    monkeypatch.undo()
    assert make_cover_under_limits(picture((300, 300))) is not None


def test_a_picture_whose_pixels_fill_the_memory_makes_no_cover() -> None:
    whole = BytesIO()
    Image.new("RGBA", (8000, 6200)).save(whole, "PNG", compress_level=1)
    assert make_cover_under_limits(whole.getvalue()) is None


@pytest.mark.long
def test_hostile_files_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    # What reads faces is loaded with the first picture.
    hostile.read(tmp_path, ".png", picture((64, 64)))
    files = hostile.hostile_files(40, seed=18, folder=tmp_path)
    first = next(files)
    before = hostile.forget_peak_mb()
    doors = [door for suffix, content in [first, *files] for door in hostile.read(tmp_path, suffix, content)]
    assert not [door for door in doors if "FAULT" in door.became]
    assert {door.name for door in doors} >= {"import", "label", "draw", "cover", "face", ".zip"}
    unpacking = {door.name for door in doors if "would unpack to" in door.became or "MB of memory" in door.became}
    assert unpacking == {"import", "label", "draw"}, doors
    assert hostile.peak_mb() - before < 300
