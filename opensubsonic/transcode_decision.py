"""Whether a player can play a file as it is, and what to make of it where it cannot. No Django.

The player says what it plays (`ClientInfo` of the protocol); profiles and limits are looked at in its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MOST_PROFILES = 100
"""Of each kind that a player lists; more are not looked at."""

_DEFAULT_BITS = 192_000
_LOWEST_BITS, _HIGHEST_BITS = 32_000, 320_000

_CONTAINERS = {
    "mp3": {"mp3"},
    "ogg": {"ogg", "oga", "opus"},
    "opus": {"ogg", "oga", "opus"},
    "oga": {"ogg", "oga", "opus"},
    "flac": {"flac"},
    "m4a": {"mp4", "m4a", "m4b", "mov"},
    "mp4": {"mp4", "m4a", "m4b", "mov"},
    "m4b": {"mp4", "m4a", "m4b", "mov"},
    "wav": {"wav", "wave"},
    "aac": {"aac", "adts"},
    "aif": {"aiff", "aif"},
    "aiff": {"aiff", "aif"},
    "wma": {"asf", "wma"},
}
_CODECS = {"pcm": {"pcm", "wav", "lpcm"}, "wmav2": {"wma", "wmav2"}, "wmav1": {"wma", "wmav1"}}
_TARGETS = {"mp3": ("mp3", {"mp3"}), "opus": ("opus", {"ogg", "oga", "opus"})}


class BadClientInfo(ValueError):
    """What a player says of itself cannot be read; the message says what."""


@dataclass(frozen=True, slots=True)
class Stream:
    """How a file is encoded, as the protocol has it: bits per second, hertz; None for what is not known."""

    container: str
    codec: str
    channels: int | None = None
    bit_rate: int | None = None
    sample_rate: int | None = None
    bit_depth: int | None = None

    def described(self) -> dict[str, Any]:
        """As `StreamDetails`."""
        values = {
            "audioChannels": self.channels,
            "audioBitrate": self.bit_rate,
            "audioSamplerate": self.sample_rate,
            "audioBitdepth": self.bit_depth,
        }
        known = {name: value for name, value in values.items() if value}
        return {"protocol": "http", "container": self.container, "codec": self.codec, **known}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done: play it as it is, or send `target`, or neither."""

    direct: bool
    target: Stream | None
    reasons: tuple[str, ...]
    error: str = ""


def decide(info: Any, source: Stream) -> Decision:
    """What a player that says this of itself should get of a file.

    Parameters
    ----------
    info : mapping
        `ClientInfo`, as it came.
    source : Stream

    Raises
    ------
    BadClientInfo
        If it is not what the protocol describes.
    """
    told = _mapping(info, "the body")
    most = _number(told, "maxAudioBitrate")
    limits = [_codec_profile(one) for one in _several(told, "codecProfiles")]
    profiles = _several(told, "directPlayProfiles")
    reasons = [_why_not_direct(_mapping(one, "a profile"), source, most, limits) for one in profiles]
    targets = [_mapping(one, "a profile") for one in _several(told, "transcodingProfiles")]
    most_encoded = min((n for n in (most, _number(told, "maxTranscodingAudioBitrate")) if n), default=0)
    target = next((made for one in targets if (made := _target(one, source, most_encoded, limits))), None)
    if "" in reasons:
        return Decision(True, target, ())
    said = tuple(reasons) or ("NoDirectPlayProfile",)
    return Decision(False, target, said, "" if target else "no format that the player names can be made here")


def _why_not_direct(
    profile: Mapping[str, Any], source: Stream, most: int, limits: Sequence[tuple[str, list[Mapping[str, Any]]]]
) -> str:
    """Why a profile does not let the file be played as it is; empty where it does."""
    if not _names(profile, "containers", _CONTAINERS.get(source.container, {source.container})):
        return "ContainerNotSupported"
    if not _names(profile, "audioCodecs", _codec_names(source.codec)):
        return "AudioCodecNotSupported"
    if not _names(profile, "protocols", {"http"}):
        return "ProtocolNotSupported"
    channels = _number(profile, "maxAudioChannels")
    if channels and source.channels and source.channels > channels:
        return "AudioChannelsNotSupported"
    if most and source.bit_rate and source.bit_rate > most:
        return "AudioBitrateNotSupported"
    for name, limitations in limits:
        if name in _codec_names(source.codec) and (broken := _broken(limitations, source)):
            return f"{broken[0].upper()}{broken[1:]}NotSupported"
    return ""


def _target(
    profile: Mapping[str, Any], source: Stream, most: int, limits: Sequence[tuple[str, list[Mapping[str, Any]]]]
) -> Stream | None:
    """What is made for a profile; None where this server cannot."""
    codec, containers = _TARGETS.get(str(profile.get("audioCodec", "")).lower(), ("", set()))
    if not codec or str(profile.get("container", "")).lower() not in containers:
        return None
    if profile.get("protocol", "http") != "http":
        return None
    channels = min(n for n in (_number(profile, "maxAudioChannels"), source.channels, 2) if n)
    bits = min(max(min(n for n in (most, _HIGHEST_BITS) if n) if most else _DEFAULT_BITS, _LOWEST_BITS), _HIGHEST_BITS)
    if source.bit_rate and source.bit_rate >= _LOWEST_BITS:
        bits = min(bits, source.bit_rate)
    rate = 48_000 if codec == "opus" else min(source.sample_rate or 44_100, 48_000)
    made = Stream("ogg" if codec == "opus" else "mp3", codec, channels, bits, rate)
    for name, limitations in limits:
        if name in _codec_names(codec):
            for one in limitations:
                made = _fitted(made, one)
            if _broken(limitations, made):
                return None
    return made


def _fitted(made: Stream, limitation: Mapping[str, Any]) -> Stream:
    """What would be made, brought within a limit if that can be."""
    values = [int(value) for value in _values(limitation) if value.isascii() and value.isdigit() and len(value) < 10]
    if not values or limitation.get("comparison") not in ("LessThanEqual", "Equals"):
        return made
    match limitation.get("name"):
        case "audioBitrate":
            return replace(made, bit_rate=max(min(made.bit_rate or 0, max(values)), _LOWEST_BITS))
        case "audioChannels":
            return replace(made, channels=min(made.channels or 2, max(max(values), 1)))
        case "audioSamplerate" if made.codec == "mp3":
            return replace(made, sample_rate=min(made.sample_rate or 0, max(max(values), 32_000)))
    return made


def _broken(limitations: Sequence[Mapping[str, Any]], stream: Stream) -> str:
    """The name of the first limit that has to be kept and is not; empty for none."""
    actual = {
        "audioChannels": stream.channels,
        "audioBitrate": stream.bit_rate,
        "audioSamplerate": stream.sample_rate,
        "audioBitdepth": stream.bit_depth,
    }
    for one in limitations:
        name = str(one.get("name", ""))
        value = actual.get(name)
        if one.get("required") and value and not _kept(str(one.get("comparison", "")), value, _values(one)):
            return name
    return ""


def _kept(comparison: str, value: int, values: Sequence[str]) -> bool:
    numbers = [int(one) for one in values if one.isascii() and one.isdigit() and len(one) < 10]
    if not numbers:
        return True
    match comparison:
        case "Equals":
            return value in numbers
        case "NotEquals":
            return value not in numbers
        case "LessThanEqual":
            return value <= numbers[0]
        case "GreaterThanEqual":
            return value >= numbers[0]
    return True


def _codec_profile(one: Any) -> tuple[str, list[Mapping[str, Any]]]:
    profile = _mapping(one, "a codec profile")
    limitations = [_mapping(limit, "a limitation") for limit in _several(profile, "limitations")]
    return str(profile.get("name", "")).lower(), limitations


def _codec_names(codec: str) -> set[str]:
    family = "pcm" if codec.startswith("pcm") else codec
    return _CODECS.get(family, {codec})


def _names(profile: Mapping[str, Any], key: str, wanted: set[str]) -> bool:
    """Whether a list of names has one of those that are wanted; an empty list says that all are well."""
    named = {str(one).lower() for one in _several(profile, key)}
    return not named or bool(named & wanted)


def _values(limitation: Mapping[str, Any]) -> list[str]:
    values = limitation.get("values", [])
    return [str(value) for value in (values if isinstance(values, list) else [values])[:MOST_PROFILES]]


def _several(told: Mapping[str, Any], key: str) -> list[Any]:
    values = told.get(key) or []
    if not isinstance(values, list):
        raise BadClientInfo(f"{key} is a list")
    return values[:MOST_PROFILES]


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadClientInfo(f"{what} is an object")
    return value


def _number(told: Mapping[str, Any], key: str) -> int:
    value = told.get(key) or 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**10:
        raise BadClientInfo(f"{key} is a whole number")
    return value
