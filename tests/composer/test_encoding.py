"""Files of composed music: the sound as it was rendered, and proper tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from catalog.importing.tags import read_tags
from composer import covers
from composer.encoding import TrackTags, write
from composer.mixing import loudness
from composer.synthesis.waves import RATE
from tests.composer.music import short

pytestmark = pytest.mark.long


@pytest.mark.parametrize("form", ["mp3", "ogg", "flac"])
def test_files_hold_the_sound_and_proper_tags(form: str, tmp_path: Path) -> None:
    sound = short("chiptune", 1, 4.0)
    tags = TrackTags(
        "Título", "A & B", "Album", "Various Artists", 3, 7, 1999, covers.draw("rings", "#000 #fff #f00", 1)
    )
    path, again = tmp_path / f"a.{form}", tmp_path / f"b.{form}"
    write(path, sound, tags)
    write(again, sound, tags)

    assert path.read_bytes() == again.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {path.name, again.name}
    heard, rate = sf.read(path, dtype="float32")
    assert rate == RATE
    assert len(heard) / RATE == pytest.approx(4.0, abs=0.06)
    assert np.abs(heard).max() <= 1.0
    assert loudness(heard.T) == pytest.approx(loudness(sound), abs=0.3)
    read = read_tags(path)
    assert (read.title, read.artist, read.album, read.album_artist) == ("Título", "A & B", "Album", "Various Artists")
    assert (read.track_number, read.year) == (3, 1999)
    assert read.pictures
    assert not read.genres


def test_flac_is_the_recording_itself(tmp_path: Path) -> None:
    sound = short("chiptune", 1, 2.0)
    write(tmp_path / "a.flac", sound, TrackTags("T", "A", "B", "A", 1, 1, 2000))
    heard, _ = sf.read(tmp_path / "a.flac", dtype="float32")
    assert np.abs(heard.T - sound).max() < 3.0 / 32_768
