"""Alterations of recordings that must not change their labels: shifts, gains, lossy codecs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from catalog.audio_frames import UnreadableAudio, frames_from, open_audio
from catalog.audio_lengths import probe

# Sampling rates of LAME in Hz, all of which Vorbis supports.
_LOSSY_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MP3_KBIT_S = 48
# libsndfile maps its compression level in [0, 1] to bit rates of MPEG-1 from 320 down to 32 kbit/s, of MPEG-2 from 160
# down to 8 kbit/s, and to Vorbis's quality from 1 down to 0.
_MPEG_1_FROM_HZ = 32000
_LOWEST_VORBIS_QUALITY = 1.0


@dataclass(frozen=True, slots=True)
class Alteration:
    """One alteration of a recording.

    Attributes
    ----------
    name : str
    shift_s : float
        Seconds cut from the beginning.
    gain_db : float
    codec : str, optional
        `mp3` (48 kbit/s) or `vorbis` (quality 0); uncompressed float32 where it is None.
    """

    name: str
    shift_s: float = 0.0
    gain_db: float = 0.0
    codec: str | None = None

    def write(self, recording: Path, folder: Path) -> Path:
        """Write the altered recording, block by block.

        Parameters
        ----------
        recording : Path
        folder : Path
            The altered file's folder.

        Returns
        -------
        Path
            The altered file.

        Raises
        ------
        UnreadableAudio
            If the recording cannot be read, or nothing is left of it.
        """
        found = probe(recording)
        rate, channels = found.sample_rate, min(found.channels, 2)
        match self.codec:
            case "mp3":
                rate = _lossy_rate(rate)
                highest, lowest = (320, 32) if rate >= _MPEG_1_FROM_HZ else (160, 8)
                settings = {
                    "format": "MP3",
                    "subtype": "MPEG_LAYER_III",
                    "bitrate_mode": "CONSTANT",
                    "compression_level": (highest - _MP3_KBIT_S) / (highest - lowest),
                }
            case "vorbis":
                rate = _lossy_rate(rate)
                settings = {"format": "OGG", "subtype": "VORBIS", "compression_level": _LOWEST_VORBIS_QUALITY}
            case _:
                channels = 1
                settings = {"format": "W64", "subtype": "FLOAT"}
        altered = folder / f"altered.{str(settings['format']).lower()}"
        factor, cut = np.float32(10 ** (self.gain_db / 20)), round(self.shift_s * rate)
        written = 0
        try:
            with soundfile.SoundFile(altered, "w", rate, channels, **settings) as file:
                for samples in _samples(recording, rate, channels):
                    skipped = min(cut, len(samples))
                    cut -= skipped
                    written += len(samples) - skipped
                    file.write(samples[skipped:] * factor)
        except soundfile.LibsndfileError as error:
            raise UnreadableAudio(f"cannot be written anew, {self.name}: {error}") from error
        if not written:
            raise UnreadableAudio(f"nothing is left of it without its first {self.shift_s:g} s")
        return altered


ALTERATIONS = (
    *(Alteration(f"shift {1000 * shift_s:.0f} ms", shift_s=shift_s) for shift_s in (0.02, 0.1, 0.25, 0.5)),
    *(Alteration(f"gain {gain_db:+.0f} dB", gain_db=gain_db) for gain_db in (-6.0, 6.0)),
    Alteration(f"mp3 {_MP3_KBIT_S} kbit/s", codec="mp3"),
    Alteration("vorbis q0", codec="vorbis"),
)


def _lossy_rate(rate: int) -> int:
    """Choose the lowest supported sampling rate that is not below a rate, at most 48 kHz."""
    return next((known for known in _LOSSY_RATES if known >= rate), _LOSSY_RATES[-1])


def _samples(recording: Path, rate: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Decode a recording in blocks, shape (n, channels); a single channel is the mean of all."""
    with open_audio(recording) as container:
        resampler, shape = None, None
        for frame in frames_from(container, 0.0):
            if shape != (now := (frame.format.name, frame.layout.name, frame.sample_rate)):
                shape = now
                # FFmpeg's downmix to mono is louder than the mean by 3 dB.
                resampler = av.AudioResampler("flt", frame.layout.name if channels == 1 else "stereo", rate)
            if resampler is not None:
                yield from (_block(piece, channels) for piece in resampler.resample(frame))
        if resampler is not None:
            yield from (_block(piece, channels) for piece in resampler.resample(None))


def _block(piece: av.AudioFrame, channels: int) -> NDArray[np.float32]:
    block = piece.to_ndarray().reshape(-1, piece.layout.nb_channels).astype(np.float32, copy=False)
    if channels == 1:
        block = block.mean(axis=1, keepdims=True)
    # Floating-point files may hold NaN and infinity, which encoders reject.
    return block if np.isfinite(block).all() else np.nan_to_num(block, posinf=0.0, neginf=0.0)
