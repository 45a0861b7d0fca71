"""Tags that unpack to gigabytes are seen before FFmpeg unpacks them, wherever it would find them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.audio import decode
from catalog.audio_frames import MOST_UNPACKED_BYTES, UnreasonableAudio
from catalog.audio_lengths import probe
from catalog.id3_sizes import unpacked_bytes
from tests.audio import add_unpacking, tag, write_tone

UNPACKED = 30_000_000


def bomb(folder: Path) -> bytes:
    """An ID3 tag that unpacks to `UNPACKED`, alone."""
    (folder / "empty.mp3").touch()
    return add_unpacking(folder / "empty.mp3", UNPACKED).read_bytes()


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".wav", ".aiff"])
def test_a_file_whose_tags_unpack_to_gigabytes_is_not_opened(tmp_path: Path, suffix: str) -> None:
    path, packed = write_tone(tmp_path / f"song{suffix}", 0.5), bomb(tmp_path)
    assert unpacked_bytes(path) == 0
    if suffix in (".mp3", ".flac"):
        # Behind another tag, as where two programs wrote one each.
        path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x00" + packed + path.read_bytes())
    else:
        name, order = (b"id3 ", "little") if suffix == ".wav" else (b"ID3 ", "big")
        with path.open("ab") as file:
            if file.tell() % 2:
                file.write(b"\0")
            file.write(name + len(packed).to_bytes(4, "little" if order == "little" else "big") + packed)
    # FFmpeg takes the length for a plain number, which is larger than what was meant.
    assert unpacked_bytes(path) >= UNPACKED
    for read in (probe, lambda file: decode(file, 0.0, 0.1, 8000)):
        with pytest.raises(UnreasonableAudio, match="its tags would unpack to"):
            read(path)


def test_honest_tags_are_no_trouble(tmp_path: Path) -> None:
    path = tag(write_tone(tmp_path / "song.mp3", 0.5), title="Title", artist="Artist")
    assert unpacked_bytes(path) == 0
    add_unpacking(path, 50_000)
    assert 0 < unpacked_bytes(path) < MOST_UNPACKED_BYTES
    assert probe(path).codec == "mp3"


def test_what_is_no_tag_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    for content in (b"", b"ID3", b"ID3\x04\x00\x40\x7f\x7f\x7f\x7f", b"RIFF\xff\xff\xff\xffWAVE" + os.urandom(900)):
        path.write_bytes(content)
        assert unpacked_bytes(path) == 0
    path.write_bytes(b"DSD " + bytes(16) + b"\xff" * 8)
    assert unpacked_bytes(path) == 0


def test_a_rate_that_no_recording_has_is_refused_before_memory_is_filled(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "song.wav", 0.5)
    content = path.read_bytes()
    for rate in (2, 2_000_000_000):
        path.write_bytes(content[:24] + rate.to_bytes(4, "little") + content[28:])
        with pytest.raises(UnreasonableAudio, match="samples a second"):
            decode(path, 0.0, 0.5, 8000)
