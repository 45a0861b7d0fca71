"""Audio files for tests, made on the spot."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from pathlib import Path

import av
import mutagen
import numpy as np
import soundfile as sf
from mutagen.asf._attrs import ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3
from mutagen.ogg import OggPage
from PIL import Image

_AV_CODECS = {".m4a": "aac", ".opus": "libopus", ".wma": "wmav2", ".aac": "aac"}


def write_tone(
    path: Path, seconds: float = 2.0, hz: float = 440.0, rate: int = 22050, codec: str | None = None
) -> Path:
    """A sine in stereo, the right channel an octave above, in the format that the file's extension names.

    Parameters
    ----------
    path : Path
        Folders that are not there are made.
    seconds : float
    hz : float
        Of the left channel.
    rate : int
        Sample rate in hertz; Opus is always 48,000.
    codec : str, optional
        FFmpeg's name of an encoder, where the extension does not say enough: `alac` in `.m4a`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = codec or _AV_CODECS.get(path.suffix)
    rate = 48000 if codec == "libopus" else rate
    moments = np.arange(round(seconds * rate)) / rate
    samples = 0.4 * np.sin(2 * np.pi * hz * np.stack([moments, 2 * moments]))
    if codec is None:
        sf.write(path, samples.T, rate)
    else:
        _encode(path, samples.astype(np.float32), rate, codec)
    return path


def tag(path: Path, **tags: str | list[str]) -> Path:
    """Write tags under mutagen's easy names (`title`, `artist`, `album`, `tracknumber`, `genre`, ...) into a file."""
    file = mutagen.File(path, easy=True)
    if file.tags is None:
        file.add_tags()
    for name, value in tags.items():
        file[name] = value
    file.save()
    return path


def picture(size: tuple[int, int], colour: str = "teal") -> bytes:
    """A PNG picture of one colour."""
    png = BytesIO()
    Image.new("RGB", size, colour).save(png, "PNG")
    return png.getvalue()


def add_picture(path: Path, data: bytes) -> Path:
    """Write a front cover into a FLAC file."""
    file = FLAC(path)
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", data
    file.add_picture(cover)
    file.save()
    return path


def embed_picture(path: Path, data: bytes, kind: int) -> Path:
    """Add a picture of a type of ID3v2's to the tags of a file, by the way of its format."""
    if path.suffix == ".mp3":
        tags = ID3(path)
        tags.add(APIC(type=kind, mime="image/jpeg", desc=str(kind), data=data))
        tags.save(path)
        return path
    picture = Picture()
    picture.type, picture.mime, picture.data = kind, "image/jpeg", data
    file = mutagen.File(path)
    if path.suffix == ".flac":
        file.add_picture(picture)
    elif path.suffix == ".wma":
        body = struct.pack("<BI", kind, len(data)) + "image/jpeg\0\0".encode("utf-16-le") + data
        file["WM/Picture"] = [*file.get("WM/Picture", []), ASFByteArrayAttribute(data=body)]
    else:
        blocks = [*file.get("metadata_block_picture", []), base64.b64encode(picture.write()).decode()]
        file["metadata_block_picture"] = blocks
    file.save()
    return path


def add_unpacking(path: Path, to_bytes: int) -> Path:
    """Put a tag in front of an MP3 file whose title is packed to a thousandth of its size."""
    title = b"\x03" + b"a" * to_bytes
    body = _synchsafe(len(title)) + zlib.compress(title)
    frame = b"TIT2" + _synchsafe(len(body)) + b"\x00\x09" + body
    path.write_bytes(b"ID3\x04\x00\x00" + _synchsafe(len(frame)) + frame + path.read_bytes())
    return path


def with_flac_blocks(content: bytes, *blocks: tuple[int, bytes]) -> bytes:
    """A FLAC file whose blocks behind the first are these."""
    offset, last = 4, False
    while not last:
        last, length = bool(content[offset] & 0x80), int.from_bytes(content[offset + 1 : offset + 4])
        offset += 4 + length
    first = content[4:42]
    made = b"".join(
        bytes([kind | (0x80 if number == len(blocks) - 1 else 0)]) + len(body).to_bytes(3) + body
        for number, (kind, body) in enumerate(blocks)
    )
    return b"fLaC" + bytes([first[0] & 0x7F]) + first[1:] + made + content[offset:]


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _encode(path: Path, samples: np.ndarray, rate: int, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        stream.bit_rate = 96_000
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="stereo", rate=rate, frame_size=stream.codec_context.frame_size
        )
        whole = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        whole.sample_rate = rate
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_long_silence(path: Path, hours: float) -> Path:
    """An MP3 file of silence, made of one second's frames again and again."""
    second = path.with_name(f".{path.name}")
    with av.open(str(second), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=8000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        stream.bit_rate = 8000
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 576), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        for place in range(14):
            frame.pts = place * 576
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    frames = second.read_bytes()
    second.unlink()
    seconds = len(frames) * 8 / 8000
    with path.open("wb") as file:
        for _ in range(round(hours * 3600 / seconds / 100)):
            file.write(frames * 100)
    return path


def write_endless(path: Path, hours: float) -> Path:
    """An Ogg chain of two links of Opus, of which each hour is 95 kB: bytes that ask to be decoded for very long."""
    # Two frames of 60 ms in two bytes: of a decoder that has lost everything, silence.
    packets = [bytes([0b00011011, 2])] * 255
    samples, content = 255 * 120 * 48, bytearray()
    heads = (b"OpusHead" + bytes([1, 2, 0, 0, 0x80, 0xBB, 0, 0, 0, 0, 0]), b"OpusTags" + bytes(8))
    pages = max(1, round(hours / 2 * 3600 / (255 * 0.12)))
    for _ in range(2):
        for number in range(2 + pages):
            page = OggPage()
            page.serial, page.sequence = 1, number
            page.first, page.last = number == 0, number == 1 + pages
            page.position = samples * max(number - 1, 0)
            page.packets = [heads[number]] if number < 2 else packets
            content += page.write()
    path.write_bytes(content)
    return path
