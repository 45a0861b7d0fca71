import numpy as np
import pytest

from tagging.frontend.mel_bands import HOP, N_FRAMES, N_MELS, SAMPLE_RATE
from tagging.training.augmentation import another_copy, union
from tagging.training.mixing import SILENCE_DB, Mixing, drawing_rows, make_clip

NAN = float("nan")


def recording(rng: np.random.Generator, frames: int = 2000) -> np.ndarray:
    return rng.normal(-40.0, 10.0, (frames, N_MELS)).astype(np.float16)


@pytest.mark.parametrize("frames", [70, 1366, 4000])
def test_a_clip_has_the_taggers_length_whatever_the_recordings(frames: int) -> None:
    music = recording(np.random.default_rng(1), frames)

    for seed in range(30):
        clip = make_clip(lambda _: music, np.random.default_rng(seed), Mixing())
        assert clip.shape == (N_FRAMES, N_MELS)
        assert clip.dtype == np.float32
        assert np.isfinite(clip).all()
        assert clip.min() >= SILENCE_DB


def test_a_clip_follows_from_its_seed_alone() -> None:
    music = recording(np.random.default_rng(1))

    first, again, other = (make_clip(lambda _: music, np.random.default_rng(seed), Mixing()) for seed in (5, 5, 6))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_short_clip_is_followed_by_silence() -> None:
    music = recording(np.random.default_rng(1))

    clip = make_clip(lambda _: music, np.random.default_rng(3), Mixing(short=1.0))

    sounding = np.flatnonzero((clip > SILENCE_DB).any(axis=1))
    assert 3 * SAMPLE_RATE / HOP - 1 <= sounding[-1] <= 27 * SAMPLE_RATE / HOP


def test_another_copy_is_the_same_music_with_other_details() -> None:
    rng = np.random.default_rng(4)
    music = recording(rng, 600).astype(np.float32) + np.linspace(30.0, 0.0, N_MELS, dtype=np.float32)
    before = music.copy()

    copies = [another_copy(music, rng) for _ in range(40)]

    assert np.array_equal(music, before)
    for copy in copies:
        assert copy.shape == music.shape
        assert copy.dtype == np.float32
        assert np.isfinite(copy).all()
        assert np.corrcoef(copy.ravel(), music.ravel())[0, 1] > 0.6
        # What is loudest is what is heard first: codecs leave it.
        assert np.abs(copy.max(axis=1) - music.max(axis=1)).mean() < 10.0
    assert len({float(copy.sum()) for copy in copies}) == 40


def test_two_recordings_at_once_are_as_loud_as_both() -> None:
    quiet, loud = (np.full((1366, N_MELS), level, np.float16) for level in (-50.0, -20.0))
    order = iter([quiet, loud])
    together = Mixing(as_recorded=1.0, mixed=1.0, dulled=0.0, short=0.0)

    clip = make_clip(lambda _: next(order), np.random.default_rng(2), together)

    assert clip.mean() > -36.0


def test_kinds_are_drawn_by_their_shares_and_long_recordings_more_often() -> None:
    rows = [np.array([7, 8]), np.array([3])]
    draw = drawing_rows(rows, [np.array([100, 10_000]), np.array([50])], [0.7, 0.3])
    rng = np.random.default_rng(1)

    drawn = np.bincount([draw(rng) for _ in range(4000)], minlength=9) / 4000

    assert drawn[3] == pytest.approx(0.3, abs=0.03)
    assert drawn[8] / drawn[7] == pytest.approx(10, rel=0.3)


def test_recordings_at_once_have_the_labels_of_both_and_nothing_is_denied_that_one_may_have() -> None:
    targets = np.array([[1.0, 0.0, NAN, NAN, 0.0], [0.0, 0.5, 1.0, 0.0, 0.0]], np.float32)

    together = union(targets)

    assert together[:3].tolist() == [1.0, 0.5, 1.0]
    assert np.isnan(together[3])
    assert together[4] == 0.0
