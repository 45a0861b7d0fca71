"""How long an audio file is: as long as it is heard, wherever it ends and whatever its header promises.

All of it is read only where something does not fit.
"""

from __future__ import annotations

import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from .audio_frames import UnreadableAudio, all_frames, chain_s, first_sample, open_audio, seek, tick_s
from .bare_sound import after_id3
from .file_parts import part_of
from .flac_frames import ends_on_a_frame
from .mpeg_audio import counted_s, read_length_header

# A file that lacks no more than this of what its header promises is whole: encoders round.
_MISSING_S = 3.0
_MISSING_PART = 0.02
_MOST_PADDING_S = 0.2
# A file of which no more is there is one that was never written.
_BEGINNING_S = 1.0
# So little is read as a whole sooner than sought in.
_LOOKED_THROUGH_S = 2 * _MISSING_S / (1 - _MISSING_PART)
_UNKNOWN_LENGTH = 0x7FFFF000
_ASF_HEAD_BYTES = 1 << 16
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255


@dataclass(frozen=True, slots=True)
class AudioProbe:
    """What an audio file is.

    Attributes
    ----------
    duration_s : float
        Seconds.
    codec : str
        FFmpeg's name: `mp3`, `vorbis`, `flac`, `aac`, `opus`, `pcm_s16le`.
    container : str
        FFmpeg's name or names: `mp3`, `ogg`, `flac`, `mov,mp4,m4a,3gp,3g2,mj2`.
    sample_rate : int
        Hertz.
    channels : int
    is_short : bool
        Whether its header promises more than there is.
    is_cut_off : bool
        Whether it is compressed and ends within a frame, before the end that it promises.
    """

    duration_s: float
    codec: str
    container: str
    sample_rate: int
    channels: int
    is_short: bool = False
    is_cut_off: bool = False


def probe(path: str | PathLike[str]) -> AudioProbe:
    """What an audio file is, and whether it is whole; only its first and last moments are decoded.

    A file is as long as it is heard, wherever it ends and whatever its header promises.

    Raises
    ------
    UnreadableAudio
        If there is no such file, nothing to hear in it, or no more than the very beginning.
    """
    path = Path(path)
    if (part := part_of(path)) is not None:
        whole = probe(part.file)
        if part.start_s >= whole.duration_s:
            raise UnreadableAudio("the CUE sheet names a place behind the file's end")
        return replace(whole, duration_s=min(part.stop_s, whole.duration_s) - part.start_s)
    with open_audio(path) as container:
        stream = container.streams.audio[0]
        frame = next(all_frames(container, stream), None)
        if frame is None:
            raise UnreadableAudio("no sound in it")
        found = AudioProbe(
            duration_s=_first_look_s(path, container, stream),
            codec=stream.codec_context.codec.canonical_name,
            container=container.format.name,
            sample_rate=frame.sample_rate,
            channels=frame.layout.nb_channels,
        )
        return _as_heard(path, container, stream, found)


def _first_look_s(path: Path, container: InputContainer, stream: av.AudioStream) -> float:
    """The duration as far as the header says it, of all links of a chain."""
    if container.format.name == "ogg" and (all_links_s := chain_s(path)) is not None:
        return all_links_s
    return _demuxed_s(path) if _has_no_length(container, stream) else _promised_s(container, stream)


def _has_no_length(container: InputContainer, stream: av.AudioStream) -> bool:
    """Whether a FLAC file does not say how long it is, as those do that were written into a pipe."""
    return container.format.name == "flac" and not stream.duration


def _promised_s(container: InputContainer, stream: av.AudioStream) -> float:
    """The duration by the file's header, or FFmpeg's estimate; seconds."""
    if stream.duration is not None:
        return float(stream.duration * tick_s(stream))
    if container.duration is not None:
        return container.duration / av.time_base
    raise UnreadableAudio("no telling how long it is: cut off or damaged")


def _as_heard(path: Path, container: InputContainer, stream: av.AudioStream, promised: AudioProbe) -> AudioProbe:
    """What a file is, as long as what is there: all of it is read only where something does not fit the promise."""
    match promised.container:
        case "mp3":
            return _mp3_as_heard(path, container, stream, promised)
        case "aac":
            return replace(promised, duration_s=_demuxed_s(path))
        case "flac":
            if _reaches_its_end(container, stream, promised):
                return promised
            # A header that promises too much of a file that is whole, or a file that ends within a frame.
            return _shorter(promised, _demuxed_s(path), is_cut_off=not ends_on_a_frame(path))
        case "ogg" if chain_s(path) is not None:
            is_cut_off = _cut_off(path, promised.container)
            return replace(promised, is_short=is_cut_off, is_cut_off=is_cut_off)
        case "wav" | "w64" | "aiff":
            cut_off = _cut_off(path, promised.container)
            is_small = promised.duration_s <= _LOOKED_THROUGH_S
            if not (cut_off or is_small) and _reaches_its_end(container, stream, promised):
                return promised
            there_s = _demuxed_s(path)
            is_short = cut_off or there_s < promised.duration_s * (1 - _MISSING_PART)
            return replace(promised, duration_s=there_s, is_short=is_short)
    if _cut_off(path, promised.container) or not _reaches_its_end(container, stream, promised):
        return _shorter(promised, _demuxed_s(path), is_cut_off=True)
    return promised


def _shorter(promised: AudioProbe, there_s: float, *, is_cut_off: bool) -> AudioProbe:
    """A file of which less is there than it promises.

    Raises
    ------
    UnreadableAudio
        If no more of it is there than the very beginning.
    """
    if is_cut_off and there_s < min(_BEGINNING_S, promised.duration_s / 2):
        raise UnreadableAudio("cut off before its end")
    return replace(promised, duration_s=there_s, is_short=True, is_cut_off=is_cut_off)


def _mp3_as_heard(path: Path, container: InputContainer, stream: av.AudioStream, promised: AudioProbe) -> AudioProbe:
    header = read_length_header(path)
    if header is None:
        return replace(promised, duration_s=counted_s(path) or _counted_s(container, stream))
    promised = replace(promised, duration_s=header.promised_s)
    if header.is_cut_off:
        return _shorter(promised, counted_s(path), is_cut_off=True)
    if header.plausible:
        # FFmpeg takes off what encoders put in front and behind, but guesses where large tags follow the sound.
        without_padding_s = _promised_s(container, stream)
        near = abs(without_padding_s - header.promised_s) <= _MOST_PADDING_S
        return replace(promised, duration_s=without_padding_s) if near else promised
    there_s = counted_s(path)
    return replace(promised, duration_s=there_s, is_short=header.promised_s > there_s + _MISSING_S)


def _demuxed_s(path: Path) -> float:
    """The duration of all frames of a file, read but not decoded, as far as they go."""
    ticks = 0
    with open_audio(path) as container:
        stream = container.streams.audio[0]
        with suppress(av.error.InvalidDataError):
            for packet in container.demux(stream):
                ticks += packet.duration or 0
        return float(ticks * tick_s(stream))


def _counted_s(container: InputContainer, stream: av.AudioStream) -> float:
    """The duration of a file whose header does not say it: FFmpeg goes from frame to frame, decoding only the last."""
    container.seek(2**62, stream=stream)
    ends = [
        float((frame.pts or 0) * tick_s(stream)) + frame.samples / frame.sample_rate
        for frame in all_frames(container, stream)
    ]
    return ends[-1] if ends else _promised_s(container, stream)


def _reaches_its_end(container: InputContainer, stream: av.AudioStream, found: AudioProbe) -> bool:
    """Whether there is sound where the header says that the last of it is."""
    if found.container == "flac" or "mp4" in found.container:
        return _reaches_its_last_sample(container, stream, found.duration_s)
    near_end_s = found.duration_s - _MISSING_S - _MISSING_PART * found.duration_s
    if near_end_s < _MISSING_S:
        return True
    seek(container, stream, near_end_s)
    frame = next(all_frames(container, stream), None)
    # Where the end is missing, some readers go back to the beginning instead.
    return frame is not None and ((frame.pts or 0) - (stream.start_time or 0)) * tick_s(stream) > near_end_s / 2


def _reaches_its_last_sample(container: InputContainer, stream: av.AudioStream, duration_s: float) -> bool:
    """The same for FLAC and MP4, whose headers count the samples."""
    for before_end_s in (1.0, 60.0):
        try:
            seek(container, stream, max(duration_s - before_end_s, 0.0))
        except av.error.FFmpegError:
            # In the very last part of some files FFmpeg finds no frame.
            continue
        last = deque(all_frames(container, stream), maxlen=1)
        return bool(last) and first_sample(stream, last[0]) / last[0].sample_rate > duration_s - 1.0
    return True


def _cut_off(path: Path, container: str) -> bool:
    """Whether a file of a format that tells its length in bytes is shorter than that."""
    size = path.stat().st_size
    match container:
        case "wav" | "aiff":
            with path.open("rb") as file:
                file.seek(after_id3(file))
                form, length = struct.unpack("<4sI" if container == "wav" else ">4sI", file.read(8).ljust(8))
            # Writers that do not know the length yet put the largest number there.
            promised = length if form in (b"RIFF", b"FORM") and length < _UNKNOWN_LENGTH else 0
        case "ogg":
            return _ogg_page_cut_off(path, size)
        case "asf":
            promised = _asf_size(path)
        case _:
            promised = 0
    return size < promised * (1 - _MISSING_PART)


def _ogg_page_cut_off(path: Path, size: int) -> bool:
    """Whether the last page of an Ogg file ends before its own header says."""
    with path.open("rb") as file:
        file.seek(max(size - _LARGEST_OGG_PAGE, 0))
        tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return False
    segments = tail[page + 27 : page + 27 + tail[page + 26]] if len(tail) > page + 26 else b""
    return len(tail) < page + 27 + len(segments) + sum(segments) or not segments


def _asf_size(path: Path) -> int:
    """How large an ASF file says that it is; 0 where it does not."""
    with path.open("rb") as file:
        head = file.read(_ASF_HEAD_BYTES)
    at = head.find(_ASF_FILE_PROPERTIES)
    return int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0
