"""Reading audio files: what they are, any part of them, and every way they can be bad."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from catalog.audio import decode, decode_parts
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from tests.audio import write_tone

FORMATS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aiff")


def chirp(seconds: float, rate: int = 44100) -> NDArray[np.float32]:
    """A rising tone under a slow swell, shape (n, 2): no moment of it sounds like another."""
    t = np.arange(round(seconds * rate)) / rate
    left = 0.5 * np.sin(2 * np.pi * (200 * t + 3000 / (2 * seconds) * t**2)) * (0.6 + 0.4 * np.sin(t))
    return np.stack([left, 0.5 * left], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same 40 s in every format, by extension; `vbr.mp3` and `bare.mp3` are MP3 of changing bit rate, the
    latter without a header that says how long it is."""
    folder = tmp_path_factory.mktemp("recordings")
    samples = chirp(40.0)
    samples[: 15 * 44100] *= 0.01
    paths = {suffix: folder / f"chirp{suffix}" for suffix in (".wav", ".flac", ".ogg", ".mp3")}
    for path in paths.values():
        with sf.SoundFile(path, "w", 44100, 2) as file:
            # libsndfile's Vorbis encoder needs more stack than there is for all at once.
            for begin in range(0, len(samples), 44100):
                file.write(samples[begin : begin + 44100])
    for suffix, codec, options in (
        (".m4a", "aac", {"movflags": "faststart"}),
        (".wma", "wmav2", {}),
        (".opus", "libopus", {}),
        ("vbr.mp3", "libmp3lame", {}),
        ("bare.mp3", "libmp3lame", {"write_xing": "0"}),
    ):
        paths[suffix] = folder / f"av-{suffix}"
        encode(paths[suffix], samples, codec, options, vbr="mp3" in suffix)
    return paths


def encode(path: Path, samples: NDArray[np.float32], codec: str, options: dict[str, str], vbr: bool) -> None:
    """Encode 44.1 kHz stereo with FFmpeg."""
    rate = 48000 if codec == "libopus" else 44100
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "stereo"
        encoder = stream.codec_context
        if codec == "wmav2":
            encoder.bit_rate = 128_000
        if vbr:
            encoder.qscale = True
            encoder.global_quality = 4 * 118
        encoder.open()
        resampler = av.AudioResampler(encoder.format, "stereo", rate, encoder.frame_size)
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), "fltp", "stereo")
        whole.sample_rate = 44100
        for frame in [*resampler.resample(whole), *resampler.resample(None), None]:
            container.mux(stream.encode(frame))


@pytest.fixture(scope="module")
def wholes(recordings: dict[str, Path]) -> dict[str, NDArray[np.float32]]:
    """Each recording decoded from beginning to end at 12 kHz."""
    return {name: decode(path, 0.0, 60.0, 12000) for name, path in recordings.items()}


# --- What a file is -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_told_by_its_content(suffix: str, tmp_path: Path) -> None:
    found = probe(write_tone(tmp_path / f"tone{suffix}", seconds=3.0, rate=22050))
    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    assert found.sample_rate == (48000 if suffix == ".opus" else 22050)
    assert found.channels == 2
    misnamed = shutil.copy(tmp_path / f"tone{suffix}", tmp_path / "tone.bin")
    assert probe(misnamed) == found


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp3", "mp3"), (".ogg", "vorbis"), (".flac", "flac"), (".m4a", "aac"), (".opus", "opus")]
)
def test_codecs_have_their_common_names(suffix: str, codec: str, tmp_path: Path) -> None:
    assert probe(write_tone(tmp_path / f"tone{suffix}")).codec == codec


def test_an_mp3_whose_header_does_not_say_how_long_it_is_is_counted(recordings: dict[str, Path]) -> None:
    assert probe(recordings["bare.mp3"]).duration_s == pytest.approx(40.0, abs=0.1)
    assert probe(recordings["vbr.mp3"]).duration_s == pytest.approx(40.0, abs=0.1)


def test_a_name_that_is_not_utf8_or_looks_like_an_instruction_is_a_name(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.mp3")
    for name in (b"na\xefve\xff.mp3", b"concat:a|b.mp3", b"http:x.mp3", b"-i.mp3", b"100%25.mp3"):
        odd = tmp_path / os.fsdecode(name)
        shutil.copy(tone, odd)
        assert probe(odd) == probe(tone)
        assert decode(odd, 0.5, 0.5, 12000).size == 6000


# --- Any part of it -----------------------------------------------------------------------------


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    samples = np.stack([np.full(8000, 0.5), np.full(8000, -0.25)], axis=1)
    sf.write(tmp_path / "two.wav", samples, 8000, subtype="FLOAT")
    assert decode(tmp_path / "two.wav", 0.0, 1.0, 8000) == pytest.approx(0.125)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_width_of_sample_comes_out_the_same(subtype: str, tmp_path: Path) -> None:
    samples = chirp(1.0, 12000)
    sf.write(tmp_path / "chirp.wav", samples, 12000, subtype=subtype)
    expected = samples.mean(axis=1)
    assert np.abs(decode(tmp_path / "chirp.wav", 0.0, 1.0, 12000) - expected).max() < 0.01


@pytest.mark.parametrize("name", [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", "vbr.mp3", "bare.mp3"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(0.0, 39.0), seconds=st.floats(0.05, 12.0))
def test_a_part_is_what_the_whole_has_there(
    name: str, start: float, seconds: float, recordings: dict[str, Path], wholes: dict[str, NDArray[np.float32]]
) -> None:
    part = decode(recordings[name], start, seconds, 12000)
    first = round(start * 12000)
    there = wholes[name][first : first + round(seconds * 12000)]
    assert part.dtype == np.float32
    assert abs(part.size - there.size) <= 12
    n = min(part.size, there.size)
    # The last samples of a part that ends with the file lack what the filter would still hear of the padding.
    assert np.abs(part[:n] - there[:n]).max() < (2e-2 if name == ".opus" else 1e-3)


@pytest.mark.parametrize("name", [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", "vbr.mp3", "bare.mp3"])
def test_several_parts_are_what_each_is_by_itself(name: str, recordings: dict[str, Path]) -> None:
    """One after another, over one another, and back at the beginning."""
    starts = [0.0, 0.2, 7.3, 8.1, 30.0, 38.9, 12.0, 0.1]
    parts = list(decode_parts(recordings[name], starts, 1.5, 12000))
    for start, part in zip(starts, parts, strict=True):
        alone = decode(recordings[name], start, 1.5, 12000)
        assert part.shape == alone.shape
        # FFmpeg's AAC fills in noise at random, far below what can be heard.
        assert np.abs(part - alone).max() < 1e-5, start
    with pytest.raises(UnreadableAudio, match="no sound at 50 s"):
        list(decode_parts(recordings[name], [1.0, 50.0], 1.5, 12000))


def test_a_part_that_reaches_over_the_end_is_shorter(recordings: dict[str, Path]) -> None:
    assert decode(recordings[".flac"], 39.5, 10.0, 12000).size == 6000


def test_nothing_is_decoded_before_the_part_that_is_asked_for(recordings: dict[str, Path]) -> None:
    read_before = bytes_read()
    decode(recordings[".wav"], 30.0, 1.0, 12000)
    assert bytes_read() - read_before < recordings[".wav"].stat().st_size / 4


def bytes_read() -> int:
    """Bytes that this process has read so far."""
    if sys.platform != "linux":
        pytest.skip("counts what is read in Linux's /proc")
    return int(Path("/proc/self/io").read_text().split()[1])


# --- Bad files ----------------------------------------------------------------------------------


def refused(path: Path) -> str:
    """Why a file is refused, by `probe` and, for whoever does not probe first, not by a crash in `decode`."""
    with suppress(UnreadableAudio):
        decode(path, 0.0, 1.0, 12000)
    with pytest.raises(UnreadableAudio) as caught:
        probe(path)
    return str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.mp3") == "no such file"
    assert refused(tmp_path) == "a folder"
    os.mkfifo(tmp_path / "pipe.mp3")
    assert refused(tmp_path / "pipe.mp3") == "no such file"
    (tmp_path / "circle.mp3").symlink_to(tmp_path / "circle.mp3")
    assert refused(tmp_path / "circle.mp3")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    write_tone(tmp_path / "secret.mp3").chmod(0)
    assert "permission" in refused(tmp_path / "secret.mp3")


@pytest.mark.parametrize("content", [b"Dear listener,\n" * 5000, b"\0" * 100000, b"ID3", b"RIFF", b"\xff\xfb" * 3])
def test_what_is_no_sound_is_refused(content: bytes, tmp_path: Path) -> None:
    for suffix in FORMATS:
        (tmp_path / f"not{suffix}").write_bytes(content)
        assert refused(tmp_path / f"not{suffix}")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    assert refused(tmp_path / "empty.mp3") == "empty file"


@pytest.mark.parametrize("name", [".flac", ".ogg", ".mp3", ".m4a", ".wma", ".opus", "vbr.mp3"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_file_that_ends_within_a_frame_is_as_long_as_it_is_heard(
    name: str, part: float, recordings: dict[str, Path], tmp_path: Path
) -> None:
    content = recordings[name].read_bytes()
    cut = tmp_path / f"cut{name}"
    cut.write_bytes(content[: int(len(content) * part) - 7])
    found = probe(cut)
    heard_s = decode(cut, 0.0, 60.0, 12000).size / 12000
    assert found.duration_s == pytest.approx(heard_s, abs=0.3)
    assert (found.is_short, found.is_cut_off) == (True, True)
    assert 0.2 * 40 < heard_s < 0.95 * 40


@pytest.mark.parametrize("name", [".flac", ".ogg", ".mp3", "bare.mp3", ".m4a", ".wma", ".opus", ".wav"])
def test_a_whole_file_is_not_short(name: str, recordings: dict[str, Path]) -> None:
    found = probe(recordings[name])
    assert found.duration_s == pytest.approx(40.0, abs=0.1)
    assert (found.is_short, found.is_cut_off) == (False, False)


@pytest.mark.parametrize("name", [".flac", ".ogg", ".mp3", ".m4a", "vbr.mp3"])
def test_the_very_beginning_of_a_file_is_refused(name: str, recordings: dict[str, Path], tmp_path: Path) -> None:
    content = recordings[name].read_bytes()
    (tmp_path / "begun").write_bytes(content[: len(content) // 100])
    assert refused(tmp_path / "begun") in {
        "cut off before its end",
        "no sound in it",
        "not an audio file, or a damaged one",
    }


def test_a_recording_without_an_end_yet_is_read(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.wav", seconds=2.0, rate=8000).read_bytes()
    for unknown in (0xFFFFFFFF, 0):
        header = struct.pack("<4sI", b"RIFF", unknown)
        (tmp_path / "endless.wav").write_bytes(header + tone[8:])
        assert decode(tmp_path / "endless.wav", 0.0, 1.0, 8000).size == 8000


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXTINF:10,\nfile://{}\n",
        "ffconcat version 1.0\nfile {}\n",
        "#EXTM3U\n#EXTINF:1,\nhttp://localhost/\n",
    ],
)
def test_a_file_that_names_other_files_is_not_followed(playlist: str, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "tone.mp3")
    (tmp_path / "list.mp3").write_text(playlist.format(tone))
    assert refused(tmp_path / "list.mp3")


def test_numbers_that_are_none_are_silence(tmp_path: Path) -> None:
    samples = chirp(1.0, 12000)
    samples[1000:1010] = np.nan
    samples[2000:2010] = np.inf
    samples[3000:3010] = 3e38
    sf.write(tmp_path / "odd.wav", samples, 12000, subtype="FLOAT")
    decoded = decode(tmp_path / "odd.wav", 0.0, 1.0, 12000)
    assert np.abs(decoded).max() <= 1.0
    assert np.abs(decoded[5000:] - samples[5000:].mean(axis=1)).max() < 1e-5


@pytest.mark.parametrize("name", [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", "bare.mp3"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_heard_over_or_refused_and_never_a_crash(
    name: str, data: st.DataObject, recordings: dict[str, Path], tmp_path: Path
) -> None:
    content = bytearray(recordings[name].read_bytes()[:60000])
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    with suppress(UnreadableAudio):
        samples = decode(damaged, data.draw(st.floats(0.0, 3.0)), 1.0, 12000)
        assert 0 < samples.size <= 12000
        assert np.isfinite(samples).all()
    with suppress(UnreadableAudio):
        assert probe(damaged).duration_s >= 0
