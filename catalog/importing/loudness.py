"""How an audio file is encoded, and how loud its tags say it is: ReplayGain, in every family of tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen.id3 import ID3

from .tag_fields import DAMAGED

_NUMBER = re.compile(r"[-+]?\d{1,4}([.,]\d{1,12})?")
_MP4_PREFIX = "----:com.apple.iTunes:"
# RFC 7845: gains of Opus are 8.8 fixed point towards -23 LUFS; ReplayGain goes by -18.
_R128_UNIT, _R128_TO_REPLAYGAIN_DB = 256.0, 5.0
_MOST_DB, _MOST_PEAK = 60.0, 64.0


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is encoded, and its gains; None where the file does not say.

    Attributes
    ----------
    bit_rate : int or None
        Bits per second.
    sample_rate : int or None
        Hertz.
    channels : int or None
    bit_depth : int or None
        Bits of a sample, of lossless files.
    track_gain, album_gain : float or None
        Decibels.
    track_peak, album_peak : float or None
        1 is full scale.
    """

    bit_rate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    track_gain: float | None = None
    track_peak: float | None = None
    album_gain: float | None = None
    album_peak: float | None = None


def read_encoding(path: Path) -> Encoding:
    """What a file says of its encoding and loudness; nothing of one that cannot be read."""
    try:
        file = mutagen.File(path)
        if file is None:
            return Encoding()
        said = {name.casefold(): value for name, value in _values(file.tags)}
        info: Any = file.info
        return Encoding(
            bit_rate=_whole(getattr(info, "bitrate", None), 2**31 - 1),
            sample_rate=_whole(getattr(info, "sample_rate", None), 2**31 - 1),
            channels=_whole(getattr(info, "channels", None), 64),
            bit_depth=_whole(getattr(info, "bits_per_sample", None), 64),
            track_gain=_gain(said, "track"),
            track_peak=_decimal(said.get("replaygain_track_peak", ""), 0, _MOST_PEAK),
            album_gain=_gain(said, "album"),
            album_peak=_decimal(said.get("replaygain_album_peak", ""), 0, _MOST_PEAK),
        )
    except DAMAGED:
        return Encoding()


def _values(tags: Any) -> Iterator[tuple[str, str]]:
    """Names of tags that may hold gains, with their first value."""
    if tags is None:
        return
    if isinstance(tags, ID3):
        for frame in tags.getall("RVA2"):
            name = frame.desc.casefold()
            if name in ("track", "album"):
                yield f"replaygain_{name}_gain", str(frame.gain)
                if frame.peak:
                    yield f"replaygain_{name}_peak", str(frame.peak)
        # After RVA2: what most programs write wins.
        for frame in tags.getall("TXXX"):
            yield frame.desc, str(frame.text[0]) if frame.text else ""
        return
    for key in list(tags.keys()):
        name = str(key).removeprefix(_MP4_PREFIX)
        if name.casefold().startswith(("replaygain_", "r128_")):
            yield name, _text(tags[key])


def _text(value: object) -> str:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        value = next(iter(value), "")
    return bytes(value).decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _gain(said: dict[str, str], of: str) -> float | None:
    gain = _decimal(said.get(f"replaygain_{of}_gain", ""), -_MOST_DB, _MOST_DB)
    if gain is None and (steps := _decimal(said.get(f"r128_{of}_gain", ""), -32768, 32767)) is not None:
        gain = steps / _R128_UNIT + _R128_TO_REPLAYGAIN_DB
    return gain


def _decimal(text: str, lowest: float, highest: float) -> float | None:
    """The -6.5 of `-6.50 dB`; None for what is no number or out of range."""
    match = re.match(rf"\s*({_NUMBER.pattern})\s*(db)?\s*$", text, re.IGNORECASE) or re.match(
        r"\s*([-+]?\d{1,6})\s*$", text
    )
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    return number if lowest <= number <= highest else None


def _whole(value: object, highest: int) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 < value <= highest else None
