"""The point spread of face pictures: measuring it, and giving two sets of pictures the same one.

A network trained on blurred faces must be shown equally blurred ones: a sharp picture is as strange to it as a
picture of something else. Both sets are brought to what survives of the blurrier one: frequencies that its blur
left above the noise are restored, those it destroyed are removed from the sharper one too.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

# Noise over signal, in power, of 8-bit faces: where a blur has left less than this, there is nothing to restore.
_NOISE_TO_SIGNAL = 2e-4

# Pixels, below which pictures are called sharp.
_SHARP = 1.0


def point_spread(images: NDArray[np.uint8]) -> float:
    """How blurred a set of pictures is, as the standard deviation of a Gaussian.

    The mean power spectrum of unblurred pictures falls as a power of the frequency [1]_; a Gaussian blur multiplies
    it by another Gaussian. Both are fitted together, in the logarithm, where the spectrum stands above rounding.

    Parameters
    ----------
    images : uint8, shape (n, size, size)
        At least a few hundred: one picture's spectrum follows no law.

    Returns
    -------
    float
        In pixels; 0 where it is below 1, as lenses and resizing leave it in any picture, and where the pictures
        hold too little detail to tell.

    References
    ----------
    .. [1] D. J. Field, "Relations between the statistics of natural images and the response properties of cortical
       cells", J. Opt. Soc. Am. A 4 (1987).
    """
    size = images.shape[-1]
    power = np.zeros((size, size))
    for start in range(0, len(images), 1024):
        # Type 1 extends a picture by its mirror image in the edge pixel, which is how blurs commonly treat borders.
        spectra = _cosines(size) @ images[start : start + 1024].astype(np.float64) @ _cosines(size).T
        power += np.square(spectra).sum(0)
    power /= len(images) * (size - 1) ** 2
    radius = np.hypot(*np.indices((size, size)))
    ring = np.array([power[(radius >= r - 0.5) & (radius < r + 0.5)].mean() for r in range(2, size // 2)])
    frequency = np.pi * np.arange(2, size // 2) / (size - 1)
    # Rounding to whole grey levels adds a flat 1/12 in these units, and more where pictures were compressed.
    usable = ring > 20
    if usable.sum() < 4:
        return 0.0
    terms = np.stack([np.ones(usable.sum()), -np.log(frequency[usable]), -np.square(frequency[usable])], axis=1)
    fitted = np.linalg.lstsq(terms, np.log(ring[usable]), rcond=None)[0]
    spread = float(np.sqrt(max(fitted[2], 0.0)))
    return spread if spread >= _SHARP else 0.0


def match_spread(images: NDArray[np.uint8], own: float, target: float) -> NDArray[np.float32]:
    """Pictures of one point spread, restored as pictures of another, larger one can be restored.

    Parameters
    ----------
    images : uint8, shape (n, size, size)
    own : float
        Point spread of `images`, pixels, as `point_spread` gives it; one above `target` is taken for `target`.
    target : float
        Point spread of the pictures to be matched, pixels; 0 leaves `images` as they are.

    Returns
    -------
    float32, shape (n, size, size)
        In grey levels, beyond 0 and 255 where restoring overshoots.
    """
    if target == 0:
        return images.astype(np.float32)
    size = images.shape[-1]
    omega_squared = np.square(np.pi * np.arange(size) / (size - 1))
    radius_squared = omega_squared[:, None] + omega_squared[None, :]
    blur = np.exp(-radius_squared * target**2 / 2)
    wiener = blur / (np.square(blur) + _NOISE_TO_SIGNAL)
    gain = wiener * np.exp(-radius_squared * max(target**2 - own**2, 0.0) / 2)
    forward = _cosines(size)
    backward = np.linalg.inv(forward)
    matched = np.empty(images.shape, np.float32)
    for start in range(0, len(images), 1024):
        spectra = forward @ images[start : start + 1024].astype(np.float64) @ forward.T
        matched[start : start + 1024] = backward @ (gain * spectra) @ backward.T
    return matched


@cache
def _cosines(size: int) -> NDArray[np.float64]:
    """The matrix of the discrete cosine transform of type 1."""
    matrix: NDArray[np.float64] = dct(np.eye(size), type=1, axis=0)
    return matrix
