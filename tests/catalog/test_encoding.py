"""Files as MP3 or Opus: what would keep a listener waiting is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import encoding
from catalog.audio_frames import UnreasonableAudio
from catalog.encoding import Target, encode
from tests.audio import write_endless, write_tone


def test_a_place_that_takes_too_long_to_reach_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LONGEST_WAY_S", 0.1)
    path = write_endless(tmp_path / "endless.opus", 4.0)
    assert next(encode(path, Target("opus", 64)))
    with pytest.raises(UnreasonableAudio, match="takes too long"):
        next(encode(path, Target("opus", 64), 3.9 * 3600))


@pytest.mark.parametrize("codec", encoding.CODECS)
def test_the_first_piece_is_small_and_the_next_ones_grow(tmp_path: Path, codec: str) -> None:
    path = write_tone(tmp_path / "a.flac", seconds=20.0, rate=44_100)
    sizes = [len(piece) for piece in encode(path, Target(codec, 128))]
    assert sizes[0] < 5000
    assert sizes[1] <= max(sizes) < 20_000
