"""What is no music says so, and gets no label of music."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from django.core.management import call_command
from numpy.typing import NDArray

from catalog.audio_lengths import probe
from catalog.models import Song, SongLabel
from tagging.evaluation.fitting_speech import MEASURES, fit_speech, held_out_scores, report
from tagging.frontend import patches
from tagging.frontend.mel_bands import SAMPLE_RATE, power_mel, song_windows
from tagging.frontend.patches import Patches, filterbank, song_patches
from tagging.frontend.sound import NOTHING, SPOKEN, without_music
from tagging.models import TaggingRun
from tagging.services import first_pass, relabelling, second_pass
from tagging.taggers.registry import LocalTagger
from tests.factories import make_root, make_song
from tests.tagging.conftest import write_local

RNG = np.random.default_rng(4)
SECONDS = 15
Samples = NDArray[np.float64]


def noise(slope: float, rate: int) -> Samples:
    """Noise whose power falls with the frequency to this power: 0 white, 1 pink, 2 brown."""
    n = SECONDS * rate
    spectrum = np.fft.rfft(RNG.normal(size=n)) * np.maximum(np.fft.rfftfreq(n, 1 / rate), 20) ** (-slope / 2)
    samples = np.fft.irfft(spectrum, n)
    loudest: Samples = 0.5 * samples / np.abs(samples).max()
    return loudest


def times(rate: int) -> Samples:
    return np.arange(SECONDS * rate) / rate


def melody(rate: int) -> Samples:
    """Plucked notes, one after the other."""
    samples = np.zeros(SECONDS * rate)
    moments = np.arange(rate) / rate
    for number, note in enumerate(RNG.integers(-12, 12, 2 * SECONDS - 2)):
        tone = sum(np.sin(2 * np.pi * 220 * 2 ** (note / 12) * k * moments) / k for k in range(1, 6))
        samples[number * rate // 2 : number * rate // 2 + rate] += 0.1 * tone * np.exp(-3 * moments)
    return samples


NO_MUSIC: dict[str, Callable[[int], Samples]] = {
    "silence": lambda rate: np.zeros(SECONDS * rate),
    "dither": lambda rate: RNG.integers(-1, 2, SECONDS * rate) / 32768,
    "hiss": lambda rate: RNG.normal(0, 2e-4, SECONDS * rate),
    "white noise": lambda rate: noise(0, rate),
    "pink noise": lambda rate: noise(1, rate),
    "brown noise": lambda rate: noise(2, rate),
    "waves": lambda rate: noise(1, rate) * (0.55 + 0.45 * np.sin(2 * np.pi * times(rate) / 7)),
}
MUSIC: dict[str, Callable[[int], Samples]] = {
    "a melody": melody,
    "a quiet melody": lambda rate: melody(rate) / 100,
    "a melody in noise": lambda rate: melody(rate) + noise(1, rate) / 20,
    "a tone": lambda rate: 0.3 * np.sin(2 * np.pi * 440 * times(rate)),
}


@pytest.mark.parametrize("rate", [SAMPLE_RATE, patches.SAMPLE_RATE])
@pytest.mark.parametrize("name", [*NO_MUSIC, *MUSIC])
def test_silence_and_noise_are_told_from_music(name: str, rate: int) -> None:
    samples = (NO_MUSIC | MUSIC)[name](rate).astype(np.float32)
    filters = None if rate == SAMPLE_RATE else filterbank("slaney")
    heard = without_music(power_mel(samples, filters)[np.newaxis], rate)
    assert list(heard) == ([NOTHING] if name in NO_MUSIC else [])
    assert all(0.9 <= probability <= 1 for probability in heard.values())


def test_what_lies_around_a_short_noise_does_not_count() -> None:
    samples = np.concatenate([noise(1, SAMPLE_RATE)[: 4 * SAMPLE_RATE], np.zeros(20 * SAMPLE_RATE)])
    assert list(without_music(power_mel(samples.astype(np.float32))[np.newaxis], SAMPLE_RATE)) == [NOTHING]


@pytest.mark.shared
def test_speech_is_spoken_word_and_songs_are_not(shared: Path) -> None:
    folder = shared / "audio"
    expected = {
        "librispeech_3436-speech.ogg": [SPOKEN],
        "karissa-hobbs_lets-go-fishin.ogg": [],
        "essentia_long-voice.flac": [],
        "essentia_hiphop.mp3": [],
        "sorohanro_solo-trumpet.ogg": [],
        "brahms_hungarian-dance-no-5.ogg": [],
    }
    for name, labels in expected.items():
        duration_s = probe(folder / name).duration_s
        assert list(without_music(song_windows(folder / name, duration_s), SAMPLE_RATE)) == labels, name
        heard = song_patches(folder / name, duration_s, Patches("slaney", 187, 10))
        assert list(without_music(heard, patches.SAMPLE_RATE)) == labels, name


def test_speech_is_fitted_and_counted_on_voices_that_were_left_out() -> None:
    spoken = np.arange(120) % 3 == 0
    measures = RNG.normal(size=(120, len(MEASURES))) - 3.0 * spoken[:, np.newaxis]
    groups = [f"{'voice' if speaks else 'fold'} {number % 5}" for number, speaks in enumerate(spoken)]
    scores = held_out_scores(measures, spoken, groups)
    assert scores[spoken].min() > scores[~spoken].max()
    assert "speech: 40 of 40 are taken for speech" in report(measures, spoken, groups, list(map(str, range(120))))
    numbers = fit_speech(measures, spoken)
    assert json.loads(numbers.written({"voices": 5}))["voices"] == 5
    assert numbers.score(measures[0]) > 0 > numbers.score(measures[1])


@pytest.fixture
def silent(tmp_path: Path, db: None) -> Song:
    sf.write(tmp_path / "silent.wav", np.zeros(2 * 22050), 22050)
    return make_song("4'33\"", root=make_root(tmp_path), path="silent.wav")


def test_a_silent_song_has_no_label_of_music_also_when_it_is_labelled_anew(bundled: LocalTagger, silent: Song) -> None:
    first_pass.tag_pending()
    assert dict(silent.song_labels.values_list("label__name", "weight")) == {NOTHING: 1.0}
    assert silent.song_labels.get().label.background
    assert bundled.file is not None
    write_local(bundled.file, operating_point=0.001)
    TaggingRun.objects.update(tagger="an earlier one")
    SongLabel.objects.update(origin="an earlier one")
    relabelling.relabel_from_embeddings()
    assert list(silent.song_labels.values_list("label__name", "origin")) == [(NOTHING, "dcmrs")]
    assert second_pass.labels_without_music([silent.pk], ["dcmrs"]) == {silent.pk: {NOTHING: 1.0}}


def test_tag_file_says_so(bundled: LocalTagger, silent: Song) -> None:
    out = StringIO()
    call_command("tag_file", silent.audio_file, stdout=out, stderr=StringIO())
    assert "1.000  no music heard  (other)" in out.getvalue()
    assert "genre" not in out.getvalue()
    out = StringIO()
    call_command("tag_file", silent.audio_file, format="json", stdout=out, stderr=StringIO())
    assert json.loads(out.getvalue())[0]["labels"] == {NOTHING: 1.0, "jazz": 0, "happy": 0, "piano": 0, "quiet": 0}
