import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mood.spread import match_spread, point_spread


@pytest.fixture(scope="module")
def natural() -> NDArray[np.float64]:
    """300 random pictures with the spectrum of natural ones, in grey levels."""
    random = np.random.default_rng(1)
    frequency = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.rfftfreq(96)[None, :])
    frequency[0, 0] = 1
    spectra = random.normal(size=(300, *frequency.shape)) + 1j * random.normal(size=(300, *frequency.shape))
    fields = np.fft.irfft2(spectra / frequency**1.2, (96, 96))[:, :48, :48]
    fields -= fields.mean((1, 2), keepdims=True)
    return np.asarray(np.clip(128 + 45 * fields / fields.std((1, 2), keepdims=True), 0, 255))


def blurred(images: NDArray[np.float64], spread: float) -> NDArray[np.uint8]:
    return np.rint(gaussian_filter(images, (0, spread, spread), mode="mirror")).astype(np.uint8)


@pytest.mark.parametrize("spread", [1.5, 2.5, 3.3])
def test_a_known_blur_is_measured(natural: NDArray[np.float64], spread: float) -> None:
    assert point_spread(blurred(natural, spread)) == pytest.approx(spread, rel=0.12)


def test_sharp_pictures_are_called_sharp(natural: NDArray[np.float64]) -> None:
    assert point_spread(np.rint(natural).astype(np.uint8)) == 0


@pytest.mark.parametrize("shade", [0, 128])
def test_flat_pictures_are_called_sharp(shade: int) -> None:
    assert point_spread(np.full((4, 48, 48), shade, np.uint8)) == 0


def test_noise_is_called_sharp() -> None:
    assert point_spread(np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)) == 0


def test_without_a_blur_to_match_pictures_stay_as_they_are(natural: NDArray[np.float64]) -> None:
    images = np.rint(natural[:5]).astype(np.uint8)

    np.testing.assert_array_equal(match_spread(images, 0, 0), images)


def test_sharp_and_blurred_copies_of_pictures_become_the_same(natural: NDArray[np.float64]) -> None:
    sharp, dull = np.rint(natural).astype(np.uint8), blurred(natural, 3.3)

    from_sharp, from_dull = match_spread(sharp, 0, 3.3), match_spread(dull, 3.3, 3.3)

    assert np.abs(from_sharp - from_dull).mean() < 0.1 * np.abs(sharp.astype(float) - dull).mean()


def test_restoring_brings_pictures_nearer_to_the_sharp_ones(natural: NDArray[np.float64]) -> None:
    dull = blurred(natural, 3.3)

    restored = match_spread(dull, 3.3, 3.3)

    assert np.square(restored - natural).mean() < 0.6 * np.square(dull - natural).mean()
