import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from catalog.audio_frames import UnreadableAudio
from tagging.frontend.mel_bands import HOP, N_MELS, power_mel
from tagging.training.spectrograms import Spectrograms, decibels, key_of, key_of_generated, spectrogram
from tests.audio import tag, write_tone
from tests.conftest import PROJECT


def mel(value: float, frames: int) -> np.ndarray:
    return np.full((frames, N_MELS), value, np.float16)


def test_a_long_recording_is_read_in_pieces_as_if_it_were_read_whole(tmp_path: Path) -> None:
    samples = (0.1 * np.random.default_rng(1).standard_normal(12_000 * 130)).astype(np.float32)
    sf.write(tmp_path / "noise.wav", samples, 12_000, subtype="FLOAT")

    found = spectrogram(tmp_path / "noise.wav")

    whole = decibels(power_mel(samples))[: -(-samples.size // HOP)]
    assert found.shape == whole.shape
    assert np.abs(found.astype(np.float32) - whole.astype(np.float32)).max() < 0.1


def test_recordings_are_read_once_and_those_that_cannot_be_are_remembered_with_the_reason(tmp_path: Path) -> None:
    good = tag(write_tone(tmp_path / "good.flac", seconds=3), artist="Somebody")
    bad = tmp_path / "bad.flac"
    bad.write_bytes(b"no music")
    keys = [key_of(good), key_of(bad)]
    cache = Spectrograms(tmp_path / "cache")

    assert sorted(cache.compute(keys, 1)) == sorted(keys)
    assert list(Spectrograms(tmp_path / "cache").compute(keys, 1)) == []

    place, other = cache.place(keys[0]), cache.place(keys[1])
    assert place is not None
    assert other is not None
    assert (place.frames, place.artist, place.error) == (-(-36_000 // HOP), "Somebody", "")
    assert (other.frames, other.error) == (0, "no sound in it")
    predicted = cache.frames()[place.start : place.start + place.frames]
    assert np.array_equal(predicted, spectrogram(good))


def test_a_generated_piece_is_composed_rendered_and_kept(tmp_path: Path) -> None:
    cache = Spectrograms(tmp_path)

    list(cache.compute([key_of_generated(3)], 1))

    place = cache.place(key_of_generated(3))
    assert place is not None
    assert place.frames == -(-30 * 12_000 // HOP)
    assert cache.frames().max() > 0


def test_what_a_killed_run_left_half_written_is_written_over(tmp_path: Path) -> None:
    cache = Spectrograms(tmp_path)
    cache.append("one", mel(1.0, 5))
    with (tmp_path / "mels.f16").open("ab") as file:
        file.write(b"x" * 777)

    again = Spectrograms(tmp_path)
    again.append("two", mel(2.0, 3))

    assert again.frames()[:, 0].tolist() == [1.0] * 5 + [2.0] * 3


def test_several_may_write_at_once(tmp_path: Path) -> None:
    one, other = Spectrograms(tmp_path), Spectrograms(tmp_path)
    for number in range(4):
        one.append(f"one {number}", mel(1.0, 2))
        other.append(f"other {number}", mel(2.0, 1))

    for name, value, frames in (("one 3", 1.0, 2), ("other 0", 2.0, 1)):
        place = one.place(name)
        assert place is not None
        assert one.frames()[place.start : place.start + place.frames, 0].tolist() == [value] * frames


def test_a_file_that_is_not_there_has_no_key(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="no such file"):
        key_of(tmp_path / "gone.mp3")


def test_opening_takes_no_more_memory_for_many_recordings_than_for_few(tmp_path: Path) -> None:
    few, many = (peak_of_opening(tmp_path / str(n), n) for n in (10, 200_000))

    assert many < few + 10_000


def peak_of_opening(folder: Path, n: int) -> int:
    """Kilobytes of a process that opens an index of `n` recordings and looks one up."""
    Spectrograms(folder).append("first", mel(0.0, 1))
    with sqlite3.connect(folder / "index.sqlite") as index:
        rows = ((f"/music/a folder of some length/{number}.mp3:4000000:17", number, 1, "", "") for number in range(n))
        index.executemany("INSERT INTO recordings VALUES (?, ?, ?, ?, ?)", rows)
    program = (
        "import resource, sys; from pathlib import Path; from tagging.training.spectrograms import Spectrograms; "
        "assert Spectrograms(Path(sys.argv[1])).place('first'); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return int(answer.stdout)
