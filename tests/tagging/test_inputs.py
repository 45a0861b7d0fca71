"""What networks are given of a file is made under limits, in a process that can be ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalog.audio_frames import UnavailableAudio, UnreadableAudio, UnreasonableAudio
from catalog.file_parts import part_path
from tagging.frontend import inputs
from tagging.frontend.inputs import Wanted, inputs_of, read_inputs
from tagging.frontend.patches import Patches
from tests.audio import write_endless, write_tone

PATCHES = Patches("slaney", 187, 3)
EVERYTHING = Wanted(windows=True, patches=(PATCHES,), middle=True)


def test_a_helper_makes_what_this_process_would_make(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.ogg", seconds=8.0)
    there, here = inputs_of(path, EVERYTHING), read_inputs(path, EVERYTHING)
    np.testing.assert_array_equal(there.windows, here.windows)
    np.testing.assert_array_equal(there.middle, here.middle)
    np.testing.assert_array_equal(there.patches[PATCHES], here.patches[PATCHES])


def test_nothing_is_made_that_is_not_wanted(tmp_path: Path) -> None:
    made = inputs_of(write_tone(tmp_path / "a.ogg", seconds=8.0), Wanted(windows=True))
    assert made.windows.ndim == 3
    assert not made.middle.size
    assert not made.patches


def test_a_part_of_a_file_is_a_song_too(tmp_path: Path) -> None:
    whole = write_tone(tmp_path / "whole.flac", seconds=8.0)
    part = Path(part_path(str(whole), 2.0, 5.0))
    assert inputs_of(part, Wanted(windows=True)).windows.shape[2] < read_inputs(whole, EVERYTHING).windows.shape[2]


def test_a_file_that_decodes_for_ever_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "CPU_S", 1.0)
    with pytest.raises(UnreasonableAudio, match="takes too long to be read"):
        inputs_of(write_endless(tmp_path / "endless.opus", 4.0), EVERYTHING)


def test_what_cannot_be_read_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnavailableAudio):
        inputs_of(tmp_path / "gone.mp3", EVERYTHING)
    (tmp_path / "note.mp3").write_text("no music")
    with pytest.raises(UnreadableAudio, match="not an audio file"):
        inputs_of(tmp_path / "note.mp3", EVERYTHING)
