"""The shape of a sound, and its spectrogram as a picture."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.audio_frames import UnreadableAudio
from catalog.sound_shape import (
    HIGHEST_HZ,
    MOST_COLUMNS,
    N_MELS,
    SAMPLE_RATE,
    SoundShape,
    drawing_limits,
    look_at,
    mel_filters,
    mel_of,
    shape_of,
)
from tests.audio import write_tone


def sine(hz: float, seconds: float, amplitude: float = 0.5) -> NDArray[np.float32]:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize("seconds", [0.001, 0.02, 1.0, 23.0, 400.0])
def test_any_length_fits_the_picture(seconds: float) -> None:
    shape, png = shape_of([sine(440, seconds)])
    assert shape.duration_s == pytest.approx(seconds, abs=1e-3)
    assert 1 <= len(shape.peaks) == len(shape.loudness) <= MOST_COLUMNS
    assert pixels(png).shape == (N_MELS, len(shape.peaks))


def test_how_the_sound_is_cut_into_pieces_does_not_matter() -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, 40 * SAMPLE_RATE).astype(np.float32)
    whole, picture = shape_of([sound])
    pieces, same = shape_of(np.array_split(sound, 777))
    assert whole.as_json() == pieces.as_json()
    assert picture == same


@pytest.mark.parametrize("hz", [100.0, 440.0, 3000.0, 9000.0])
def test_a_tone_is_bright_where_the_axis_says_it_is(hz: float) -> None:
    _, png = shape_of([sine(hz, 3)])
    brightest = int(pixels(png).astype(int).sum(axis=1).argmax())
    from_below = (N_MELS - 0.5 - brightest) / N_MELS
    assert from_below == pytest.approx(mel_of(hz) / mel_of(HIGHEST_HZ), abs=1.5 / N_MELS)


def test_loud_and_quiet_are_seen_where_they_are() -> None:
    shape, _ = shape_of([sine(440, 10, 0.9), sine(440, 10, 0.09), np.zeros(10 * SAMPLE_RATE, np.float32)])
    loud, quiet, silent = np.array_split(shape.peaks[: len(shape.peaks) // 3 * 3].astype(int), 3)
    assert loud.min() > 230
    assert 20 < np.median(quiet) < 30
    assert np.median(silent) == 0
    assert np.median(shape.loudness[:100]) == pytest.approx(255 / np.sqrt(2), abs=6)


def test_silence_is_black_and_flat() -> None:
    shape, png = shape_of([np.zeros(SAMPLE_RATE, np.float32)])
    assert not shape.peaks.any()
    assert not pixels(png).any()


def test_the_filters_are_those_of_librosa() -> None:
    from librosa.filters import mel

    reference = mel(sr=SAMPLE_RATE, n_fft=2048, n_mels=N_MELS, htk=True, norm=None)
    assert np.allclose(mel_filters(), reference, atol=1e-4)


def test_hours_of_sound_cost_no_memory() -> None:
    def two_hours() -> Iterator[NDArray[np.float32]]:
        return itertools.repeat(second, 7200)

    second = sine(440, 1)
    shape_of([second])
    tracemalloc.start()
    shape, _ = shape_of(two_hours())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shape.duration_s == pytest.approx(7200, abs=1)
    assert most < 40e6  # as samples it would be 635 MB


def test_the_shape_can_be_stored_and_read() -> None:
    shape, _ = shape_of([sine(440, 2)])
    again = SoundShape.from_json(shape.as_json())
    assert (again.peaks == shape.peaks).all()
    assert again.duration_s == pytest.approx(shape.duration_s, abs=1e-3)
    for bad in ("", "{}", "[]", '{"duration_s": null}', "null"):
        with pytest.raises(ValueError, match="not the shape of a sound"):
            SoundShape.from_json(bad)


def test_the_outline_goes_there_and_back() -> None:
    shape = SoundShape(1.0, np.array([0, 255, 10], np.uint8), np.zeros(3, np.uint8))
    assert shape.outline(shape.peaks) == "M0,255 0.5,255 1.5,0 2.5,245 3,255 2.5,265 1.5,510 0.5,255Z"
    assert shape.outline(shape.peaks, most_points=2).startswith("M0,255 0.5,0 1.5,245 2,255")


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    shape, _ = look_at(write_tone(tmp_path / "tone.flac", 5.0))
    assert shape.duration_s == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("content", [b"", b"no sound in this"])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mp3").write_bytes(content)
    with pytest.raises(UnreadableAudio):
        look_at(tmp_path / "bad.mp3")


def test_a_file_may_be_drawn_for_as_long_as_one_of_its_size_may_last() -> None:
    assert drawing_limits(400_000, 4 * 3600.0).cpu_s < 10
    assert drawing_limits(400_000_000, 4 * 3600.0).cpu_s > 100
