"""How long a file is that says it wrongly: what is heard counts."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile as sf
from mutagen import id3
from mutagen.apev2 import APEv2
from mutagen.ogg import OggPage

from catalog import mpeg_audio
from catalog.audio import decode
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from catalog.mpeg_audio import parse_frame, read_length_header
from tests.audio import with_flac_blocks, write_tone


@pytest.fixture(scope="module")
def vbr_mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ten seconds of an MP3 with a header that says so."""
    content = write_tone(tmp_path_factory.mktemp("mp3") / "a.mp3", seconds=10.0, rate=44100).read_bytes()
    assert b"Xing" in content[:1000] or b"Info" in content[:1000]
    return content


def with_frames(content: bytes, frames: int, bytes_: int | None = None) -> bytes:
    """An MP3 whose header promises so many frames and bytes."""
    at = max(content.find(b"Xing"), content.find(b"Info"))
    changed = bytearray(content)
    assert content[at + 7] & 3 == 3
    struct.pack_into(">I", changed, at + 8, frames)
    if bytes_ is not None:
        struct.pack_into(">I", changed, at + 12, bytes_)
    return bytes(changed)


def length_of(tmp_path: Path, content: bytes, name: str = "a.mp3") -> float:
    path = tmp_path / name
    path.write_bytes(content)
    return probe(path).duration_s


@pytest.mark.parametrize("frames", [15, 100, 5000])
def test_an_mp3_whose_header_is_wrong_is_as_long_as_it_is_heard(tmp_path: Path, vbr_mp3: bytes, frames: int) -> None:
    assert length_of(tmp_path, with_frames(vbr_mp3, frames)) == pytest.approx(10.0, abs=0.1)
    assert decode(tmp_path / "a.mp3", 8.0, 1.0, 16000).size == 16000


@pytest.fixture(scope="module")
def long_mp3s(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A minute of an MP3 of one bit rate, and of one whose bit rate follows the sound."""
    folder = tmp_path_factory.mktemp("long")
    moments = np.arange(60 * 44100) / 44100
    noise = np.random.default_rng(8).standard_normal(moments.size)
    sound = 0.2 * np.sin(2 * np.pi * 330 * moments) + 0.1 * noise * (np.sin(moments) > 0)
    for mode in ("CONSTANT", "VARIABLE"):
        sf.write(folder / f"{mode}.mp3", sound, 44100, bitrate_mode=mode, compression_level=0.6)
    return {path.stem: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("times", [0.75, 0.85, 0.98, 1.02, 1.15, 1.3])
def test_a_header_that_is_a_little_wrong_is_seen_too(
    tmp_path: Path, long_mp3s: dict[str, bytes], mode: str, times: float
) -> None:
    content = long_mp3s[mode]
    frames = int.from_bytes(content[(at := max(content.find(b"Xing"), content.find(b"Info")) + 8) : at + 4])
    assert length_of(tmp_path, content) == pytest.approx(60.0, abs=0.1)
    header = read_length_header(tmp_path / "a.mp3")
    assert header is not None
    assert header.plausible
    assert length_of(tmp_path, with_frames(content, round(times * frames))) == pytest.approx(60.0, abs=0.1)


def test_a_large_file_of_changing_bit_rate_is_looked_at_in_places(
    tmp_path: Path, long_mp3s: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpeg_audio, "_COUNTED_BYTES", 1 << 16)
    content = long_mp3s["VARIABLE"]
    frames = int.from_bytes(content[(at := content.find(b"Xing") + 8) : at + 4])
    assert length_of(tmp_path, with_frames(content, 2 * frames)) == pytest.approx(60.0, abs=0.1)
    assert length_of(tmp_path, content) == pytest.approx(60.0, abs=0.1)


def test_a_header_without_a_count_of_bytes_is_not_believed(tmp_path: Path, vbr_mp3: bytes) -> None:
    at = max(vbr_mp3.find(b"Xing"), vbr_mp3.find(b"Info"))
    frames = int.from_bytes(vbr_mp3[at + 8 : at + 12])
    content = bytearray(with_frames(vbr_mp3, round(frames * 1.04)))
    content[at + 7] &= ~2
    assert length_of(tmp_path, bytes(content)) == pytest.approx(10.0, abs=0.2)


def test_a_second_that_the_header_does_not_count_is_heard(tmp_path: Path, long_mp3s: dict[str, bytes]) -> None:
    for content in long_mp3s.values():
        at, places = content.find(b"\xff\xfb"), list[int]()
        while (frame := parse_frame(content[at : at + 4])) is not None:
            places.append(at)
            at += frame.length
        assert length_of(tmp_path, content) == pytest.approx(60.0, abs=0.1)
        longer = content + content[places[-40] :]
        assert length_of(tmp_path, longer) == pytest.approx(60.0 + 40 * 1152 / 44100, abs=0.15)


def test_an_mp3_whose_header_is_right_is_not_read_through(tmp_path: Path, vbr_mp3: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(vbr_mp3)
    header = read_length_header(tmp_path / "a.mp3")
    assert header is not None
    assert (header.plausible, header.is_cut_off) == (True, False)
    assert probe(tmp_path / "a.mp3").duration_s == pytest.approx(10.0, abs=0.1)


def test_large_tags_behind_an_mp3_are_no_part_of_its_length(tmp_path: Path, long_mp3s: dict[str, bytes]) -> None:
    ape = APEv2()
    ape["Cover Art (Front)"] = b"cover.jpg\0" + bytes(500_000)
    ape.save(tmp_path / "tag")
    for content in long_mp3s.values():
        assert length_of(tmp_path, content + (tmp_path / "tag").read_bytes()) == pytest.approx(60.0, abs=0.1)


def test_mp3s_one_behind_the_other_are_as_long_as_both(tmp_path: Path, vbr_mp3: bytes) -> None:
    assert length_of(tmp_path, vbr_mp3 + vbr_mp3) == pytest.approx(20.0, abs=0.2)
    assert decode(tmp_path / "a.mp3", 15.0, 1.0, 16000).size == 16000


@pytest.mark.parametrize("header", [b"Xing", b"none"])
def test_pictures_between_mp3s_one_behind_the_other_are_no_sound(tmp_path: Path, vbr_mp3: bytes, header: bytes) -> None:
    # Of so many random bytes some look like frames.
    front = id3.ID3()
    front.add(id3.APIC(mime="image/jpeg", type=3, data=np.random.default_rng(5).bytes(1_500_000)))
    front.save(tmp_path / "front")
    one = (tmp_path / "front").read_bytes() + vbr_mp3[vbr_mp3.find(b"\xff\xfb") :].replace(b"Info", header)
    assert length_of(tmp_path, one + one) == pytest.approx(20.0, abs=0.2)
    assert length_of(tmp_path, one + one[:-5000] + bytes(3_000_000)) == pytest.approx(20.0, abs=1.0)


def test_a_piece_of_an_mp3_that_still_has_the_header_of_the_whole_is_as_long_as_it_is(
    tmp_path: Path, vbr_mp3: bytes
) -> None:
    at, frames = vbr_mp3.find(b"\xff\xfb"), 0
    while at < len(vbr_mp3) // 2 and (frame := parse_frame(vbr_mp3[at : at + 4])) is not None:
        at, frames = at + frame.length, frames + 1
    assert length_of(tmp_path, vbr_mp3[:at]) == pytest.approx((frames - 1) * 1152 / 44100, abs=0.1)


def test_an_mp3_that_ends_within_a_frame_is_as_long_as_it_is_heard(tmp_path: Path, vbr_mp3: bytes) -> None:
    assert length_of(tmp_path, vbr_mp3[: len(vbr_mp3) // 2 + 7]) == pytest.approx(5.0, abs=0.5)
    assert decode(tmp_path / "a.mp3", 0.0, 20.0, 16000).size / 16000 == pytest.approx(
        probe(tmp_path / "a.mp3").duration_s, abs=0.1
    )
    with pytest.raises(UnreadableAudio, match="cut off before its end"):
        length_of(tmp_path, vbr_mp3[: len(vbr_mp3) // 25])


def with_samples(content: bytes, samples: int) -> bytes:
    """A FLAC file whose header promises so many samples."""
    changed = bytearray(content)
    word = int.from_bytes(changed[18:26])
    changed[18:26] = (word >> 36 << 36 | samples).to_bytes(8)
    return bytes(changed)


@pytest.mark.parametrize("samples", [0, 30 * 22050, 2**35])
def test_a_flac_file_whose_header_is_wrong_is_as_long_as_it_is_heard(tmp_path: Path, samples: int) -> None:
    content = write_tone(tmp_path / "a.flac", seconds=10.0).read_bytes()
    assert with_samples(content, 220500) == content
    assert length_of(tmp_path, with_samples(content, samples), "b.flac") == pytest.approx(10.0, abs=0.01)
    assert decode(tmp_path / "b.flac", 8.0, 1.0, 16000).size == 16000
    for cut, seconds in ((10, 10.0), (len(content) // 2, 5.0)):
        length = length_of(tmp_path, with_samples(content, 30 * 22050)[:-cut], "b.flac")
        assert length == pytest.approx(seconds, abs=0.5)


@pytest.mark.parametrize("told", [0, 100, 200_000, 0xFFFFFF])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_flac_file_with_a_block_of_another_length_than_it_says_is_heard(
    tmp_path: Path, told: int, is_last: bool
) -> None:
    content = write_tone(tmp_path / "a.flac", seconds=4.0).read_bytes()
    sound = content.find(b"\xff\xf8")
    block = bytes([0x86 if is_last else 6]) + told.to_bytes(3) + np.random.default_rng(9).bytes(50_000)
    head = content[:4] + bytes([content[4] & 0x7F]) + content[5:42]
    path = tmp_path / "b.flac"
    path.write_bytes(head + block + (b"" if is_last else b"\x81\0\0\x04none") + content[sound:])
    assert probe(path).duration_s == pytest.approx(4.0, abs=0.01)
    assert decode(path, 2.0, 1.0, 8000) == pytest.approx(decode(tmp_path / "a.flac", 2.0, 1.0, 8000))


@pytest.mark.parametrize("kind", [0, 3, 5, 6])
def test_a_flac_file_with_a_block_that_ffmpeg_refuses_is_heard(tmp_path: Path, kind: int) -> None:
    content = write_tone(tmp_path / "a.flac", seconds=4.0).read_bytes()
    broken = with_flac_blocks(content, (kind, content[8:42] if kind == 0 else b"\xff" * 30))
    assert length_of(tmp_path, broken, "b.flac") == pytest.approx(4.0)
    for start in (0.0, 3.0):
        sound = decode(tmp_path / "b.flac", start, 1.0, 16000)
        assert sound.tolist() == decode(tmp_path / "a.flac", start, 1.0, 16000).tolist()
    with pytest.raises(UnreadableAudio):
        length_of(tmp_path, b"fLaC" + bytes(100), "c.flac")


@pytest.mark.parametrize("seconds", [1.0, 20.0])
@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_uncompressed_sound_is_as_long_as_it_goes(tmp_path: Path, suffix: str, seconds: float) -> None:
    content = write_tone(tmp_path / f"whole{suffix}", seconds=seconds, rate=8000).read_bytes()
    chunk, order = (b"data", "<I") if suffix == ".wav" else (b"SSND", ">I")
    for cut, chunk_times, form_times in ((0, 3, 3), (0, 3, 1), (len(content) // 4 + 1, 1, 1)):
        changed = bytearray(content)
        for at, times in ((4, form_times), (content.index(chunk) + 4, chunk_times)):
            struct.pack_into(order, changed, at, times * struct.unpack_from(order, content, at)[0])
        heard_s = seconds * (1 - cut / len(content))
        assert length_of(tmp_path, bytes(changed[: len(content) - cut]), f"a{suffix}") == pytest.approx(
            heard_s, abs=0.1
        )
        assert decode(tmp_path / f"a{suffix}", 0.7 * heard_s, 0.1, 16000).size == 1600
    assert probe(tmp_path / f"a{suffix}").is_short
    assert not probe(tmp_path / f"whole{suffix}").is_short


def test_an_aiff_file_that_counts_more_samples_than_it_has_is_as_long_as_it_goes(tmp_path: Path) -> None:
    content = bytearray(write_tone(tmp_path / "whole.aiff", seconds=1.0, rate=8000).read_bytes())
    struct.pack_into(">I", content, content.index(b"COMM") + 10, 24000)
    assert length_of(tmp_path, bytes(content), "a.aiff") == pytest.approx(1.0)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_all_links_of_an_ogg_chain_count_and_are_decoded(tmp_path: Path, suffix: str) -> None:
    one = write_tone(tmp_path / f"one{suffix}", seconds=2.0, hz=300).read_bytes()
    two = write_tone(tmp_path / f"two{suffix}", seconds=3.0, hz=500).read_bytes()
    assert length_of(tmp_path, one + two, f"chain{suffix}") == pytest.approx(5.0, abs=0.1)
    assert decode(tmp_path / f"chain{suffix}", 4.0, 0.5, 16000).size == 8000
    assert length_of(tmp_path, one, f"chain{suffix}") == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_a_chain_that_ends_within_a_page_is_as_long_as_it_is_heard(tmp_path: Path, suffix: str) -> None:
    first = write_tone(tmp_path / f"a{suffix}", seconds=6.0, hz=300).read_bytes()
    second = write_tone(tmp_path / f"b{suffix}", seconds=4.0, hz=600).read_bytes()
    assert length_of(tmp_path, first + second, f"chain{suffix}") == pytest.approx(10.0, abs=0.05)
    length_of(tmp_path, first + second[: len(second) * 2 // 3], f"cut{suffix}")
    found = probe(tmp_path / f"cut{suffix}")
    heard_s = decode(tmp_path / f"cut{suffix}", 0.0, 20.0, 8000).size / 8000
    assert found.duration_s == pytest.approx(heard_s, abs=0.1)
    assert found.is_cut_off


def test_an_aac_file_is_as_long_as_its_frames(tmp_path: Path) -> None:
    content = write_tone(tmp_path / "a.aac", seconds=6.0).read_bytes()
    assert length_of(tmp_path, content, "b.aac") == pytest.approx(6.0, abs=0.1)
    assert length_of(tmp_path, content[:-100], "b.aac") == pytest.approx(6.0, abs=0.1)
    assert length_of(tmp_path, content * 2, "b.aac") == pytest.approx(12.1, abs=0.15)


def test_a_chain_whose_links_have_one_serial_number_is_told_by_its_size(tmp_path: Path) -> None:
    one = write_tone(tmp_path / "one.ogg", seconds=2.0, rate=44100).read_bytes()
    assert length_of(tmp_path, one * 20, "chain.ogg") == pytest.approx(40.0, abs=0.5)


def test_links_with_one_serial_number_are_told_by_positions_that_begin_anew(tmp_path: Path) -> None:
    long = write_tone(tmp_path / "long.opus", seconds=40.0, hz=300).read_bytes()
    short = write_tone(tmp_path / "short.opus", seconds=6.0, hz=500).read_bytes()
    serial = long[14:18]
    assert len(long) > 1 << 18
    assert length_of(tmp_path, with_serial(short, serial) * 2, "chain.opus") == pytest.approx(12.0, abs=0.1)
    assert length_of(tmp_path, long + with_serial(short, serial), "chain.opus") == pytest.approx(46.0, abs=0.1)
    assert length_of(tmp_path, with_serial(short, serial) + long, "chain.opus") == pytest.approx(46.0, abs=0.1)
    assert length_of(tmp_path, long, "chain.opus") == pytest.approx(40.0, abs=0.1)


def with_serial(content: bytes, serial: bytes) -> bytes:
    """An Ogg file whose pages have another serial number."""
    file, made = BytesIO(content), b""
    while file.tell() < len(content):
        page = OggPage(file)
        page.serial = int.from_bytes(serial, "little")
        made += page.write()
    return made


def test_large_pictures_in_a_file_make_no_chain_of_it(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.ogg", seconds=2.0)
    file = mutagen.File(path)
    file["comment"] = "x" * 500_000
    file.save()
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("header", "length", "samples", "rate"),
    [
        ("fffb9064", 417, 1152, 44100),
        ("fff38064", 208, 576, 22050),
        ("ffe38064", 417, 576, 11025),
        ("fffd9064", 522, 1152, 44100),
    ],
)
def test_headers_of_frames(header: str, length: int, samples: int, rate: int) -> None:
    assert parse_frame(bytes.fromhex(header)) == (length, samples, rate)


@pytest.mark.parametrize("header", ["fffbf064", "fffb9c64", "ffeb9064", "fff99064", "00000000", "fffb"])
def test_what_is_no_header_of_a_frame(header: str) -> None:
    assert parse_frame(bytes.fromhex(header)) is None
