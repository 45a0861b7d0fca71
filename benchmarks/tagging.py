"""How fast songs are tagged, and how much memory it takes.

    python benchmarks/tagging.py [--audio FOLDER] [--weights FOLDER] [--rounds N] [--format table|json]

Songs a second from file to labels on all cores, the processor's time that a song takes, and how that is shared between
decoding, spectrogram and network. The own tagger hears whole songs: its files are of three minutes, recordings of the
folder again and again, as MP3, Ogg Vorbis and FLAC. Then the ratio to the plain way of doing it: librosa decodes whole
files and computes the spectrogram, and the networks, layer by layer as published or trained, hear one song at a time.
Both ways take turns on the same files, so that whatever else the machine does slows both; the fastest round of each
counts. The processor's time is also that of the helpers that decode.

Memory: the peak of a fresh process that tags the folder, and of one that tags a recording of 11 hours too, which is
made on the spot. There it is also measured how long the first song takes once the taggers are loaded.

What is being measured is told on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import librosa
import numpy as np
import psutil  # type: ignore[import-untyped]
import soundfile as sf
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import folder, require  # noqa: E402
from catalog.audio import decode  # noqa: E402
from catalog.audio_frames import UnreadableAudio  # noqa: E402
from catalog.audio_lengths import probe  # noqa: E402
from tagging.frontend import mel_bands  # noqa: E402
from tagging.frontend.inputs import read_inputs  # noqa: E402
from tagging.frontend.mel_bands import HOP, N_FFT, N_MELS, N_SAMPLES, SAMPLE_RATE, windows_of  # noqa: E402
from tagging.networks import inference, published_networks, wholesong  # noqa: E402
from tagging.networks.inference import Tagger, WholeSongTagger, inference_threads, n_cores, predict_file  # noqa: E402
from tagging.taggers import registry  # noqa: E402

SHARED = PROJECT.parent / "shared" / "data"
LOCAL = "dcmrs"
SETS = ([LOCAL], ["jamendo-cnn"], ["jamendo-cnn", "msd-crnn"])
HOURS = 11
FILES_FOR_RATIO = 12
SONGS = 12
THREE_MINUTES_S = 180.0
SUFFIXES = (".mp3", ".ogg", ".flac", ".mp3")


@dataclass(frozen=True)
class Figures:
    """What was measured of one set of taggers.

    Attributes
    ----------
    taggers : str
    songs_per_second : float
        From file to labels, all cores.
    ratio : float
        To the plain way, on the same files in the same run.
    plain_songs_per_second : float
    song_ms : float
        Milliseconds of one core for a song, this process and its helpers together.
    decode, mel, network : float
        Shares of those.
    peak_mb, peak_with_long_file_mb : float
        Of a process that tags the folder; and of one that tags a recording of 11 hours too.
    first_song_s : float
        Seconds of the first song in a fresh process, its taggers loaded.
    """

    taggers: str
    songs_per_second: float
    ratio: float
    plain_songs_per_second: float
    song_ms: float
    decode: float
    mel: float
    network: float
    peak_mb: float
    peak_with_long_file_mb: float
    first_song_s: float


def tag(files: Sequence[Path], taggers: Sequence[Tagger]) -> None:
    """Tag files as the worker does."""
    with inference_threads() as threads:
        list(threads.map(lambda file: predict_file(file, taggers), files))


def tag_plainly(files: Sequence[Path], taggers: Sequence[Tagger]) -> None:
    """Tag files the plain way."""
    for file in files:
        samples, _ = librosa.load(file, sr=SAMPLE_RATE)
        start = max(len(samples) - N_SAMPLES, 0) // 2
        middle = librosa.util.fix_length(samples[start : start + N_SAMPLES], size=N_SAMPLES)
        for tagger in taggers:
            if isinstance(tagger, WholeSongTagger):
                power = plain_mel(samples)
                starts, length = windows_of(power.shape[1])
                for first in starts:
                    tagger.predict_spectrogram(power[:, first : first + length])
            else:
                tagger.predict_spectrogram(plain_mel(middle))


def plain_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The power mel spectrogram by librosa."""
    power: NDArray[np.float32] = librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS, fmax=SAMPLE_RATE / 2
    )
    return power


def plain_stage(
    weight: Tensor,
    bias: Tensor,
    normalization: tuple[Tensor, Tensor],
    pool: tuple[int, int],
    activation: Callable[[Tensor], Tensor] = functional.elu,
    _precision: torch.dtype = torch.float32,
) -> Callable[[Tensor], Tensor]:
    """Convolution, batch normalization, activation and pooling, one after the other, in single precision."""
    scale, shift = (numbers.view(-1, 1, 1) for numbers in normalization)

    def stage(maps: Tensor) -> Tensor:
        convolved = functional.conv2d(maps, weight, bias, padding=1)
        return functional.max_pool2d(activation(convolved * scale + shift), pool)

    return stage


def core_seconds(action: Callable[[], object]) -> float:
    """Seconds of one core that something takes, of this process and its helpers together."""

    def so_far() -> float:
        process = psutil.Process()
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        seconds: float = sum(one.user + one.system for one in times)
        return seconds

    before = so_far()
    action()
    return so_far() - before


def fastest(action: Callable[[], None], best_so_far: float) -> float:
    """Seconds that something took, or an earlier round where that was faster."""
    began = time.perf_counter()
    action()
    return min(time.perf_counter() - began, best_so_far)


def shares_of_time(files: Sequence[Path], taggers: Sequence[Tagger]) -> tuple[float, float, float]:
    """The shares of decoding, spectrogram and network in the processor's time, over all the files."""
    spent = np.zeros(3)

    def timed(place: int, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*arguments)
            finally:
                spent[place] += time.thread_time() - began

        return call

    with (
        inference_threads() as threads,
        # A helper's time cannot be told apart.
        patch.object(inference, "inputs_of", read_inputs),
        patch.object(mel_bands, "power_mel", timed(1, mel_bands.power_mel)),
    ):
        for tagger in taggers:
            name = "predict_song" if isinstance(tagger, WholeSongTagger) else "predict_spectrogram"
            setattr(tagger, name, timed(2, getattr(tagger, name)))

        def predict_spectrogram(file: Path) -> None:
            began = time.thread_time()
            predict_file(file, taggers)
            spent[0] += time.thread_time() - began

        for file in files:
            threads.submit(predict_spectrogram, file).result()
    spent[0] -= spent[1:].sum()
    decoding, mel, network = (spent / spent.sum()).tolist()
    return decoding, mel, network


def fresh_process(files: Sequence[Path], names: Sequence[str]) -> tuple[float, float]:
    """Of a fresh process that tags files: its peak memory with its helpers', MB, and the seconds of its first song.

    Libraries that the helpers map too are counted once.
    """
    with get_context("spawn").Pool(1) as process:
        return process.apply(_tag_and_weigh, (files, names))


def _tag_and_weigh(files: Sequence[Path], names: Sequence[str]) -> tuple[float, float]:
    taggers = [registry.load(name) for name in names]
    with inference_threads() as threads:
        for tagger in taggers:
            threads.submit(tagger.warm_up).result()
        began = time.perf_counter()
        threads.submit(predict_file, files[0], taggers).result()
        first_song_s = time.perf_counter() - began
    tag(files, taggers)
    if Path("/proc/self/status").exists():
        # What getrusage says begins, on Linux, with the size of the parent.
        own = psutil.Process()
        return _peak_mb(own.pid) + sum(_peak_mb(one.pid, beside=True) for one in own.children()), first_song_s
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, first_song_s


def _peak_mb(pid: int, beside: bool = False) -> float:
    """The most memory that a process has had; of one beside another without the libraries that both map, MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kb, shared_kb = (int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) for name in ("VmHWM", "RssFile"))
    return (peak_kb - beside * shared_kb) * 1024 / 1e6


def make_songs_of_three_minutes(sources: Sequence[Path], folder: Path) -> list[Path]:
    """Recordings again and again until they are three minutes long, in stereo where they are, in several formats."""
    folder.mkdir()
    songs = []
    for number, source in enumerate(sources):
        samples, rate = sf.read(source, dtype="float32", always_2d=True)
        wanted = round(THREE_MINUTES_S * rate)
        whole = np.tile(samples, (-(-wanted // len(samples)), 1))[:wanted]
        song = folder / f"{number}{SUFFIXES[number % len(SUFFIXES)]}"
        with sf.SoundFile(song, "w", rate, whole.shape[1]) as file:
            # libsndfile's encoder of Vorbis does not survive minutes at once.
            for first in range(0, wanted, rate):
                file.write(whole[first : first + rate])
        songs.append(song)
    return songs


def make_long_recording(source: Path, path: Path) -> None:
    """An MP3 of `HOURS` hours: a minute of a recording, again and again."""
    rate = 22050
    samples = decode(source, 0.0, 60.0, rate)
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        if not isinstance(stream, av.AudioStream):
            raise TypeError(f"libmp3lame makes {stream.type}")
        stream.layout = "mono"
        stream.codec_context.open()
        whole = av.AudioFrame.from_ndarray(samples[np.newaxis], "fltp", "mono")
        whole.sample_rate = rate
        resampler = av.AudioResampler("fltp", "mono", rate, stream.codec_context.frame_size)
        for frame in [*resampler.resample(whole), *resampler.resample(None), None]:
            container.mux(stream.encode(frame))
    minute = path.read_bytes()
    times = round(HOURS * 3600 * rate / samples.size)
    with path.open("wb") as file:
        for _ in range(times):
            file.write(minute)


def measure(names: Sequence[str], files: Sequence[Path], long_file: Path, rounds: int) -> Figures:
    """Everything about one set of taggers."""
    taggers = [registry.load(name) for name in names]
    with (
        patch.object(published_networks, "_stage", plain_stage),
        patch.object(wholesong, "fused", lambda network, *_: network),
    ):
        plain_taggers = [registry.load(name) for name in names]
    together = " + ".join(names)
    few = files[:: max(len(files) // FILES_FOR_RATIO, 1)]
    tag(few, taggers)
    whole = ours = plain = song_s = float("inf")
    for number in range(rounds):
        tell(f"{together}: round {number + 1} of {rounds}, {len(files)} files")

        def all_of_them() -> None:
            nonlocal song_s
            song_s = min(song_s, core_seconds(lambda: tag(files, taggers)) / len(files))

        whole = fastest(all_of_them, whole)
        ours = fastest(lambda: tag(few, taggers), ours)
        tell(f"{together}: round {number + 1} of {rounds}, {len(few)} files the plain way")
        plain = fastest(lambda: tag_plainly(few, plain_taggers), plain)
    tell(f"{together}: how a song's time is shared")
    decoding, mel, network = shares_of_time(files, taggers)
    tell(f"{together}: memory of a fresh process")
    peak, first_song_s = fresh_process(files, names)
    tell(f"{together}: memory of a fresh process that tags a recording of {HOURS} hours too")
    return Figures(
        taggers=together,
        songs_per_second=len(files) / whole,
        ratio=plain / ours,
        plain_songs_per_second=len(few) / plain,
        song_ms=1000 * song_s,
        decode=decoding,
        mel=mel,
        network=network,
        peak_mb=peak,
        peak_with_long_file_mb=fresh_process([*files, long_file], names)[0],
        first_song_s=first_song_s,
    )


def tell(what: str) -> None:
    """Say on standard error what is being done."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def readable(folder: Path) -> list[Path]:
    """The audio files of a folder."""
    files = []
    for path in sorted(folder.iterdir()):
        try:
            probe(path)
        except UnreadableAudio as error:
            print(f"left out: {path}: {error}", file=sys.stderr)
        else:
            files.append(path)
    return files


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python benchmarks/tagging.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--audio", type=Path, default=SHARED / "audio", help="folder of recordings (%(default)s)")
    parser.add_argument("--weights", type=Path, default=SHARED / "weights", help="folder of weights (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (%(default)s)")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    arguments = parser.parse_args()
    require(folder(arguments.audio, "--audio"), folder(arguments.weights, "--weights"))
    files = readable(arguments.audio)
    with tempfile.TemporaryDirectory() as home:
        os.environ["DCMRS_HOME"] = home
        registry.install_from_folder(arguments.weights)
        long_file = Path(home) / "long.mp3"
        tell(f"making a recording of {HOURS} hours, and {SONGS} of three minutes")
        make_long_recording(files[0], long_file)
        songs = make_songs_of_three_minutes(files[:: max(len(files) // SONGS, 1)][:SONGS], Path(home) / "songs")
        if arguments.format == "table":
            machine = f"{n_cores()} cores, PyTorch {torch.__version__}"
            print(f"{len(files)} recordings, {len(songs)} of three minutes, {machine}")
        figures = []
        for names in SETS:
            figures.append(measure(names, songs if names == [LOCAL] else files, long_file, arguments.rounds))
            if arguments.format == "table":
                show(figures[-1])
    if arguments.format == "json":
        print(json.dumps([asdict(one) for one in figures]))


def show(one: Figures) -> None:
    """Print what was measured of one set of taggers."""
    print(f"\n{one.taggers}")
    print(f"  {one.songs_per_second:.1f} songs a second from file to labels")
    print(f"  {one.ratio:.1f} times the plain way ({one.plain_songs_per_second:.1f} songs a second)")
    print(
        f"  {one.song_ms:.0f} ms of a core for a song: "
        f"decode {one.decode:.0%}, mel {one.mel:.0%}, network {one.network:.0%}"
    )
    print(f"  peak memory {one.peak_mb:.0f} MB; with a recording of {HOURS} hours {one.peak_with_long_file_mb:.0f} MB")
    print(f"  first song of a process after {one.first_song_s:.2f} s", flush=True)


if __name__ == "__main__":
    main()
