"""From an audio file to the mel spectrogram that the taggers listen to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from os import PathLike

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from catalog.audio import decode, decode_parts
from catalog.audio_lengths import probe

SAMPLE_RATE = 12_000
N_FFT = 512
HOP = 256
N_MELS = 96
N_SAMPLES = 349_440
N_FRAMES = 1 + N_SAMPLES // HOP
DURATION_S = N_SAMPLES / SAMPLE_RATE
# What the own network hears of a song: so many windows of 14.6 s.
N_WINDOWS = 8
WINDOW_FRAMES = 683
FEWEST_FRAMES = 64

# Slaney's mel scale: linear below 1 kHz, 15 mels; logarithmic above, 27 mels to a factor of 6.4.
_BEND_HZ, _BEND_MEL = 1000.0, 15.0
_HZ_PER_MEL = _BEND_HZ / _BEND_MEL
_LOG_STEP = math.log(6.4) / 27.0
_SMALLEST_POWER = 1e-10


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a network's input is made from the power mel spectrogram.

    It is unit * log10(max(factor * mel ** exponent + offset, 1e-10)).

    Attributes
    ----------
    factor, exponent, offset : float
    unit : float
        10 for decibels.
    top_db : float, optional
        Decibels below a song's loudest value at which quieter values are raised.
    """

    factor: float = 1.0
    exponent: float = 1.0
    offset: float = 0.0
    unit: float = 10.0
    top_db: float | None = None

    def __call__(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale power mel spectrograms.

        Parameters
        ----------
        mel : float32, shape (..., n_mels, n_frames)
            Power, each song scaled by itself.

        Returns
        -------
        float32, the same shape
            Decibels.
        """
        decibels: NDArray[np.float32] = np.float32(self.factor) * mel ** np.float32(self.exponent)
        if self.offset:
            decibels += np.float32(self.offset)
        np.maximum(decibels, np.float32(_SMALLEST_POWER), out=decibels)
        np.log10(decibels, out=decibels)
        decibels *= np.float32(self.unit)
        if self.top_db is not None:
            loudest = decibels.max(axis=(-2, -1), keepdims=True)
            np.maximum(decibels, loudest - np.float32(self.top_db), out=decibels)
        return decibels


def middle_samples(path: str | PathLike[str], duration_s: float | None = None) -> NDArray[np.float32]:
    """29.12 s from the middle of an audio file, or all of a shorter one.

    Parameters
    ----------
    path : str or path
    duration_s : float, optional
        The file's, where it is known already; seconds.

    Returns
    -------
    float32, shape (n,), n at most 349,440
        Mono, 12 kHz.

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    total = math.ceil((probe(path).duration_s if duration_s is None else duration_s) * SAMPLE_RATE)
    start = max(total - N_SAMPLES, 0) // 2
    return decode(path, start / SAMPLE_RATE, DURATION_S, SAMPLE_RATE)


def windows_of(n_frames: int) -> tuple[NDArray[np.int64], int]:
    """Which windows of a song are heard: each in the middle of an equal part of it.

    Parameters
    ----------
    n_frames : int
        The song's.

    Returns
    -------
    starts : int64, shape (n,)
        Frames, ascending; at most 8.
    length : int
        Of each, in frames: 683 (14.6 s), so that they overlap in songs of less than two minutes; all of a shorter song,
        and never silence after it, which would be heard as a part of it.
    """
    if n_frames <= WINDOW_FRAMES:
        return np.zeros(1, np.int64), max(n_frames, FEWEST_FRAMES)
    n = min(N_WINDOWS, -(-n_frames // WINDOW_FRAMES))
    middles = (np.arange(n) + 0.5) * (n_frames / n)
    starts = np.clip(np.rint(middles - WINDOW_FRAMES / 2), 0, n_frames - WINDOW_FRAMES)
    return starts.astype(np.int64), WINDOW_FRAMES


def song_windows(path: str | PathLike[str], duration_s: float) -> NDArray[np.float32]:
    """The power mel spectrogram of an audio file in some places all over it: `windows_of`.

    Each is what `power_mel` of the whole would have there. It is sought and decoded by itself, so memory does not
    depend on how long the file is.

    Parameters
    ----------
    path : str or path
    duration_s : float
        The file's, seconds.

    Returns
    -------
    float32, shape (n, 96, n_frames)

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    starts, length = windows_of(math.ceil(duration_s * SAMPLE_RATE / HOP))
    return mel_at(path, starts, length, SAMPLE_RATE, _sparse_filters())


def mel_at(
    path: str | PathLike[str], starts: NDArray[np.int64], length: int, sample_rate: int, filters: csr_array
) -> NDArray[np.float32]:
    """The power mel spectrogram of an audio file in some places.

    Parameters
    ----------
    path : str or path
    starts : int64, shape (n,)
        Frames, ascending.
    length : int
        Of each place, in frames; silence beyond the file's end.
    sample_rate : int
        Hertz.
    filters : csr_array, shape (96, 257)
        The mel filterbank for this sample rate.

    Returns
    -------
    float32, shape (n, 96, length)

    Raises
    ------
    UnreadableAudio
        If the file cannot be read.
    """
    # A frame reaches one hop to either side of its middle.
    before = np.minimum(starts, 1)
    places = decode_parts(
        path, ((starts - before) * HOP / sample_rate).tolist(), (length + 2) * HOP / sample_rate, sample_rate
    )
    windows = np.empty((starts.size, N_MELS, length), np.float32)
    for window, first, samples in zip(windows, before, places, strict=True):
        padded = np.zeros((length + 2) * HOP, np.float32)
        padded[: samples.size] = samples
        window[:] = power_mel(padded, filters)[:, first : first + length]
    return windows


def mel_spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The power mel spectrogram of 29.12 s, as the published taggers were trained on it.

    Parameters
    ----------
    samples : float32, shape (n,), n at most 349,440
        Mono, 12 kHz. What is shorter is repeated until it fills them: the networks' songs all were longer, and they
        predict moods and themes of silence.

    Returns
    -------
    float32, shape (96, 1366)

    Raises
    ------
    ValueError
        If `samples` has another shape.
    """
    if samples.ndim != 1 or samples.size > N_SAMPLES:
        raise ValueError(f"samples must have shape (n,) with n at most {N_SAMPLES}, not {samples.shape}")
    return power_mel(np.resize(samples, N_SAMPLES) if samples.size else np.zeros(N_SAMPLES, np.float32))


def power_mel(samples: NDArray[np.float32], filters: csr_array | None = None) -> NDArray[np.float32]:
    """The power mel spectrogram of any length of sound.

    96 Slaney mel bands up to 6 kHz unless told otherwise, periodic Hann window of 512 samples every 256, the first
    centred on the first sample.

    Parameters
    ----------
    samples : float32, shape (n,)
        Mono, 12 kHz, or what `filters` are made for; silence before and after.
    filters : csr_array, shape (96, 257), optional
        Another mel filterbank.

    Returns
    -------
    float32, shape (96, 1 + n // 256)

    Raises
    ------
    ValueError
        If `samples` has another shape.

    Notes
    -----
    Equal to `librosa.feature.melspectrogram` to within rounding, in a quarter of the time: real FFTs in single
    precision, and a filterbank of which one entry in fifty is not 0 multiplied as a sparse matrix.
    """
    if samples.ndim != 1:
        raise ValueError(f"samples must have shape (n,), not {samples.shape}")
    padded = np.zeros(samples.size + N_FFT, np.float32)
    padded[N_FFT // 2 : N_FFT // 2 + samples.size] = samples
    frames = sliding_window_view(padded, N_FFT)[::HOP] * _window()
    # Loaded by what hears a song only: with all that it loads, it takes a sixth of a command's start.
    from scipy.fft import rfft

    parts = rfft(frames, overwrite_x=True).view(np.float32)
    parts *= parts
    power = np.ascontiguousarray((parts[:, ::2] + parts[:, 1::2]).T)
    return (_sparse_filters() if filters is None else filters) @ power


def mel_filters(sample_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Slaney's mel filterbank from 0 Hz to half the sample rate: triangles of equal area.

    Parameters
    ----------
    sample_rate : int
        Hertz.

    Returns
    -------
    float32, shape (96, 257)
        The weight of each FFT bin in each band.

    References
    ----------
    .. [1] M. Slaney, "Auditory Toolbox", version 2, Interval Research Technical Report 1998-010.
    """
    edges = _mel_edges(sample_rate)
    triangles = _triangles(edges, sample_rate)
    filters: NDArray[np.float32] = (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)
    return filters


def htk_mel_filters(sample_rate: int) -> NDArray[np.float32]:
    """HTK's mel filterbank from 0 Hz to half the sample rate: triangles of equal height.

    Parameters
    ----------
    sample_rate : int
        Hertz.

    Returns
    -------
    float32, shape (96, 257)
        The weight of each FFT bin in each band.

    References
    ----------
    .. [1] S. Young et al., "The HTK Book", version 3.4, Cambridge University 2006, section 5.4.
    """
    highest = 2595.0 * math.log10(1.0 + sample_rate / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, highest, N_MELS + 2) / 2595.0) - 1.0)
    return _triangles(edges, sample_rate).astype(np.float32)


def _triangles(edges: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Triangles of height 1 over the FFT's bins, each from one edge over the next to the next but one."""
    bins = np.fft.rfftfreq(N_FFT, 1 / sample_rate)
    widths = np.diff(edges)
    rising = (bins - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - bins) / widths[1:, None]
    triangles: NDArray[np.float64] = np.maximum(np.minimum(rising, falling), 0.0)
    return triangles


def mel_centres() -> NDArray[np.float64]:
    """The frequency in the middle of each mel band, Hz, shape (96,)."""
    return _mel_edges(SAMPLE_RATE)[1:-1]


def _mel_edges(sample_rate: int) -> NDArray[np.float64]:
    """The frequencies between which the bands' triangles stand on Slaney's scale, Hz, shape (98,)."""
    highest = _BEND_MEL + math.log(sample_rate / 2 / _BEND_HZ) / _LOG_STEP
    mels = np.linspace(0.0, highest, N_MELS + 2)
    linear, logarithmic = mels * _HZ_PER_MEL, _BEND_HZ * np.exp(_LOG_STEP * (mels - _BEND_MEL))
    edges: NDArray[np.float64] = np.where(mels < _BEND_MEL, linear, logarithmic)
    return edges


@cache
def _sparse_filters() -> csr_array:
    return csr_array(mel_filters())


@cache
def _window() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
