"""Evaluating taggers: what they are compared with, what recordings are put through, and what is made of the answers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from django.core.management import CommandError, call_command
from numpy.typing import NDArray

from catalog.audio import decode
from catalog.audio_frames import UnreadableAudio
from catalog.audio_lengths import probe
from catalog.home import PROJECT_ROOT
from catalog.importing.tables import UnreadableTable
from tagging.evaluation import predictions
from tagging.evaluation.alterations import ALTERATIONS, Alteration
from tagging.evaluation.predictions import PredictionCache, Predictor, predict_recordings, whole_song_means
from tagging.evaluation.truth import read_truth
from tagging.frontend.mel_bands import DURATION_S, N_SAMPLES, SAMPLE_RATE, mel_spectrogram
from tagging.networks import inference
from tagging.networks.inference import CropTagger
from tagging.taggers import local, registry
from tests.audio import write_tone
from tests.tagging.conftest import describe, untrained, write_local

BY_NAME = {alteration.name: alteration for alteration in ALTERATIONS}


def write_music(path: Path, seed: int, seconds: float = 5.0, rate: int = 12_000, channels: int = 1) -> Path:
    """Noise whose colour and rhythm depend on the seed."""
    random = np.random.default_rng(seed)
    n = round(seconds * rate)
    noise = random.normal(size=(n, channels))
    coloured = np.cumsum(noise, axis=0) * 0.02 * random.random() + noise * 0.2 * random.random()
    rhythm = 0.5 + 0.5 * np.sin(np.arange(n) / rate * random.uniform(2, 30))
    samples = 0.4 * coloured * rhythm[:, np.newaxis] / np.abs(coloured).max()
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six recordings."""
    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        write_music(folder / f"{seed}.flac", seed)
    return folder


@pytest.fixture
def taggers(home: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The own tagger `dcmrs`, which knows what it was not trained on, and the published `first` and `second`."""
    write_local(registry.BUNDLED, figures={"held_out": ["1.flac", "3.flac", "gone.flac"]})
    published = {name: describe(name, weights, 0.5) for name in ("first", "second")}
    monkeypatch.setattr(registry, "published", lambda: published)
    for name in published:
        registry.install(name, weights)


def run(*arguments: str | Path) -> tuple[str, str]:
    """The command's standard output and standard error."""
    out, err = StringIO(), StringIO()
    call_command("evaluate_tagger", *map(str, arguments), stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def run_json(*arguments: str | Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--format", "json")[0])
    return document


def watch(steps: Iterator[str | None], total: int) -> Iterable[str | None]:
    return steps


def cached_predictions(home: Path) -> int:
    with sqlite3.connect(home / "cache" / "answers.sqlite") as rows:
        (count,) = rows.execute("SELECT count(*) FROM answers").fetchone()
    return int(count)


# --- A published tagger's whole-song means ------------------------------------------------------


def test_whole_song_means_are_the_mean_over_crops_from_beginning_to_end(taggers: None, tmp_path: Path) -> None:
    tagger = registry.load("first")
    assert isinstance(tagger, CropTagger)
    song = write_music(tmp_path / "long.wav", 1, seconds=60.0)
    beyond = 60 * SAMPLE_RATE - N_SAMPLES
    starts = [0, beyond / 3, beyond * 2 / 3, beyond]
    crops = [
        tagger.predict_spectrogram(mel_spectrogram(decode(song, round(start) / SAMPLE_RATE, DURATION_S, SAMPLE_RATE)))
        for start in starts
    ]
    assert np.ptp(crops, axis=0).max() > 1e-3
    assert whole_song_means(tagger, song) == pytest.approx(np.mean(crops, axis=0), abs=1e-6)


def test_a_song_shorter_than_a_crop_is_one_crop(taggers: None, music: Path) -> None:
    tagger = registry.load("first")
    alone = tagger.predict_spectrogram(mel_spectrogram(decode(music / "0.flac", 0.0, DURATION_S, SAMPLE_RATE)))
    assert whole_song_means(tagger, music / "0.flac") == pytest.approx(alone, abs=1e-6)


# --- Altered recordings -------------------------------------------------------------------------


@pytest.mark.parametrize("shift_ms", [20, 100, 250, 500])
def test_a_shifted_recording_begins_so_much_later(shift_ms: int, tmp_path: Path) -> None:
    song = write_music(tmp_path / "song.wav", 3)
    shifted = BY_NAME[f"shift {shift_ms} ms"].write(song, tmp_path)
    whole = decode(song, 0.0, 5.0, 12_000)
    assert np.array_equal(decode(shifted, 0.0, 5.0, 12_000), whole[shift_ms * 12 :])


@pytest.mark.parametrize("gain_db", [-6, 6])
def test_a_louder_recording_is_not_clipped(gain_db: int, tmp_path: Path) -> None:
    song = write_music(tmp_path / "song.wav", 3)
    altered = decode(BY_NAME[f"gain {gain_db:+d} dB"].write(song, tmp_path), 0.0, 5.0, 12_000)
    assert altered == pytest.approx(decode(song, 0.0, 5.0, 12_000) * 10 ** (gain_db / 20), rel=1e-5)
    loud = write_music(tmp_path / "loud.wav", 3)
    samples, rate = soundfile.read(loud)
    soundfile.write(loud, samples / np.abs(samples).max(), rate, subtype="FLOAT")
    assert np.abs(decode(BY_NAME["gain +6 dB"].write(loud, tmp_path), 0.0, 5.0, 12_000)).max() > 1.9


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (24_000, 1), (37_800, 2), (96_000, 1), (8_000, 1)])
@pytest.mark.parametrize(("name", "codec"), [("mp3 48 kbit/s", "mp3"), ("vorbis q0", "vorbis")])
def test_a_transcoded_recording_is_small_and_whole(
    name: str, codec: str, rate: int, channels: int, tmp_path: Path
) -> None:
    song = write_music(tmp_path / "song.wav", 4, 3.0, rate, channels)
    altered = BY_NAME[name].write(song, tmp_path)
    found = probe(altered)
    assert (found.codec, found.channels) == (codec, channels)
    assert found.duration_s == pytest.approx(3.0, abs=0.2)
    bits_a_second = altered.stat().st_size * 8 / 3.0
    assert bits_a_second < (80_000 if codec == "vorbis" else 53_000)
    if codec == "mp3" and rate >= 16_000:
        assert bits_a_second > 47_000


def test_a_file_of_another_format_is_altered_too(tmp_path: Path) -> None:
    song = write_tone(tmp_path / "song.m4a", seconds=2.0)
    before = decode(song, 0.5, 1.0, 12_000)
    assert np.abs(before).max() > 0.3
    after = decode(BY_NAME["gain -6 dB"].write(song, tmp_path), 0.5, 1.0, 12_000)
    assert after == pytest.approx(before * 10**-0.3, abs=1e-3)
    for name in ("mp3 48 kbit/s", "vorbis q0"):
        coded = decode(BY_NAME[name].write(song, tmp_path), 0.5, 1.0, 12_000)
        assert np.std(coded) == pytest.approx(np.std(before), rel=0.1)


def test_nothing_is_left_of_a_recording_shorter_than_the_shift(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAudio, match="nothing is left"):
        Alteration("shift", shift_s=9.0).write(write_music(tmp_path / "song.wav", 1), tmp_path)


# --- Published truth ----------------------------------------------------------------------------


def magnatagatune(path: Path) -> Path:
    """A file in the format of `annotations_final.csv`."""
    labels = ["jazz", "no vocals", "Jazz", "happy"]
    rows = [
        (2, [0, 1, 1, 0], "d/one.flac"),
        (6, [1, 0, 0, 0], "f/two.flac"),
        (7, [0, 0, 0, 1], "e/three.flac"),
        (8, [1, 1, 1, 1], "c/four.flac"),
        (9, [1, 1, 1, 1], "0/five.flac"),
    ]
    lines = ["\t".join(f'"{name}"' for name in ("clip_id", *labels, "mp3_path"))]
    lines += ["\t".join(f'"{field}"' for field in (number, *marks, file)) for number, marks, file in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, _, file in rows:
        write_music(path.parent / "clips" / file, number)
    return path


def test_magnatagatune_is_read_as_published(tmp_path: Path) -> None:
    file, clips = magnatagatune(tmp_path / "annotations_final.csv"), tmp_path / "clips"
    truth = read_truth(file, clips, "test", pytest.fail)
    assert truth.recordings == [clips / "d/one.flac", clips / "f/two.flac", clips / "e/three.flac"]
    # Two columns are one label, and true where either is.
    assert truth.labels == ["jazz", "no vocals", "happy"]
    assert truth.true.tolist() == [[True, True, False], [True, False, False], [False, False, True]]
    assert read_truth(file, clips, "validation", pytest.fail).recordings == [clips / "c/four.flac"]
    assert read_truth(file, clips, "train", pytest.fail).recordings == [clips / "0/five.flac"]


def test_magnatagatunes_bad_lines_and_missing_clips_are_named(tmp_path: Path) -> None:
    file = magnatagatune(tmp_path / "annotations_final.csv")
    with file.open("a") as lines:
        lines.write('"10"\t"1"\t"0"\t"d/short.mp3"\n"11"\t"1"\t"0"\t"0"\t"2"\t"d/two.mp3"\n')
    (tmp_path / "clips" / "f" / "two.flac").unlink()
    said: list[str] = []
    assert len(read_truth(file, tmp_path / "clips", "test", said.append).recordings) == 2
    assert ["line 7" in said[0], "line 8" in said[1], "two.flac" in said[2]] == [True] * 3
    assert "1 of 3 recordings are not there" in said[2]


JAMENDO = (
    "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    "track_0000948\tartist_000087\talbum_000149\t48/948.mp3\t212.7\tmood/theme---background\n"
    "track_0003346\tartist_000517\talbum_000521\t46/3346.mp3\t195.0\tgenre---jazz\tmood/theme---happy\n"
)


def test_mtg_jamendos_splits_are_read_as_published(tmp_path: Path) -> None:
    file = tmp_path / "autotagging_moodtheme-test.tsv"
    file.write_text(JAMENDO)
    whole = write_music(tmp_path / "audio" / "48" / "948.mp3", 1)
    low = write_music(tmp_path / "audio" / "46" / "3346.low.mp3", 2)
    truth = read_truth(file, tmp_path / "audio", "test", pytest.fail)
    assert truth.recordings == [whole, low]
    assert truth.labels == ["background", "happy", "jazz"]
    assert truth.true.tolist() == [[True, False, False], [False, True, True]]


@pytest.mark.shared
def test_the_published_list_of_mtg_jamendo_is_read(shared: Path, tmp_path: Path) -> None:
    file = shared / "jamendo" / "autotagging_moodtheme.tsv"
    track = write_music(tmp_path / "48" / "948.mp3", 1)
    said: list[str] = []
    truth = read_truth(file, tmp_path, "test", said.append)
    assert (truth.recordings, truth.labels) == ([track], ["background"])
    assert said == [f"{file}: 18485 of 18486 recordings are not there, {tmp_path}/50/950.mp3 first"]


def test_a_table_of_files_and_labels_is_read_as_training_reads_it(tmp_path: Path) -> None:
    one, other = write_music(tmp_path / "a" / "1.flac", 1), write_music(tmp_path / "a" / "2.flac", 2)
    file = tmp_path / "mine.csv"
    file.write_text("file,label,weight\na/1.flac,Jazz,1\na/2.flac,jazz,0\na/2.flac,happy,2\na/3.flac,happy,1\n")
    said: list[str] = []
    truth = read_truth(file, None, "test", said.append)
    assert (truth.recordings, truth.labels) == ([one, other], ["jazz", "happy"])
    assert truth.true.tolist() == [[True, False], [False, True]]
    assert any("3.flac" in line for line in said)


def test_truth_that_is_none_is_refused(tmp_path: Path) -> None:
    file = magnatagatune(tmp_path / "annotations_final.csv")
    with pytest.raises(ValueError, match="--audio"):
        read_truth(file, None, "test", pytest.fail)
    with pytest.raises(ValueError, match="3 of 3 recordings are not there"):
        read_truth(file, tmp_path / "elsewhere", "test", pytest.fail)
    with pytest.raises(ValueError, match="no such file"):
        read_truth(tmp_path / "gone.csv", None, "test", pytest.fail)
    (tmp_path / "empty.tsv").write_text("TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n")
    with pytest.raises(ValueError, match="names no recording"):
        read_truth(tmp_path / "empty.tsv", tmp_path, "test", pytest.fail)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableTable, match="lacks a column"):
        read_truth(tmp_path / "other.csv", None, "test", pytest.fail)


# --- Predictions are cached ---------------------------------------------------------------------


def ask(
    music: Path, home: Path, watching: Any = watch, recordings: list[Path] | None = None
) -> predictions.Predictions:
    answers = PredictionCache(home / "cache" / "answers.sqlite")
    try:
        return predict_recordings(
            recordings or sorted(music.iterdir()),
            [Predictor.load("dcmrs"), Predictor.load("second")],
            [Predictor.load("first")],
            ALTERATIONS[:2],
            3,
            answers,
            watching,
        )
    finally:
        answers.close()


def test_what_was_tagged_before_an_interruption_is_not_tagged_again(
    taggers: None, music: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(steps: Iterator[str | None], total: int) -> Iterator[str | None]:
        assert total == 6 * 2 + 3 * 2
        for number, step in enumerate(steps):
            yield step
            if number == 9:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(music, home, interrupted)
    before = cached_predictions(home)
    assert before >= 10

    predicted_again = []
    original = inference.predict_file, predictions.whole_song_means

    def predict_file(path: Any, taggers: Any) -> Any:
        predicted_again.extend(taggers)
        return original[0](path, taggers)

    def means(tagger: Any, path: Any) -> Any:
        predicted_again.append(tagger)
        return original[1](tagger, path)

    monkeypatch.setattr(predictions, "predict_file", predict_file)
    monkeypatch.setattr(predictions, "whole_song_means", means)
    resumed = ask(music, home)
    whole = 6 * 3 + 3 * 2 * 2
    assert cached_predictions(home) == whole
    assert len(predicted_again) == whole - before
    predicted_again.clear()
    again = ask(music, home)
    assert not predicted_again
    monkeypatch.undo()
    assert resumed.recordings == again.recordings == sorted(music.iterdir())
    for name, answers in resumed.plain.items():
        assert np.array_equal(answers, again.plain[name])
        assert answers.shape == (6, 4)
    assert {answers.shape for answers in resumed.altered.values()} == {(3, 4)}


def test_other_weights_and_another_file_of_the_same_name_are_tagged_anew(
    taggers: None, tmp_path: Path, home: Path
) -> None:
    folder = tmp_path / "songs"
    for seed in range(2):
        write_music(folder / f"{seed}.flac", seed)
    first = ask(folder, home)
    write_music(folder / "1.flac", 9, seconds=4.0)
    second = ask(folder, home)
    assert np.array_equal(first.plain["dcmrs"][0], second.plain["dcmrs"][0])
    assert not np.array_equal(first.plain["dcmrs"][1], second.plain["dcmrs"][1])
    assert not np.array_equal(first.means["first"][1], second.means["first"][1])
    network = deepcopy(untrained())
    torch.nn.init.normal_(network.labels.bias)
    local.write_weights(registry.BUNDLED, network, local.read_description(registry.BUNDLED))
    third = ask(folder, home)
    assert (third.plain["dcmrs"] != second.plain["dcmrs"]).all()
    assert np.array_equal(third.plain["second"], second.plain["second"])


def test_a_bad_recording_is_named_once_and_the_rest_goes_on(taggers: None, music: Path, home: Path) -> None:
    bad = home / "bad.flac"
    bad.parent.mkdir(exist_ok=True)
    bad.write_bytes(b"fLaC but not really")
    steps: list[str | None] = []

    def watching(given: Iterator[str | None], total: int) -> Iterator[str | None]:
        for step in given:
            steps.append(step)
            yield step
        assert len(steps) == total

    recordings = [*sorted(music.iterdir())[:3], bad, home / "gone.flac"]
    predicted = ask(music, home, watching, recordings)
    assert predicted.recordings == recordings[:3]
    assert set(predicted.unreadable) == {bad, home / "gone.flac"}
    assert sorted(step for step in steps if step) == sorted(
        f"{path}: {why}" for path, why in predicted.unreadable.items()
    )


# --- The command --------------------------------------------------------------------------------


def test_taggers_are_shown_side_by_side(taggers: None, music: Path) -> None:
    arguments = ("dcmrs", "first", "--files", music, "--altered", "2")
    document = run_json(*arguments, "--teacher", "first", "--teacher", "second")
    assert (document["recordings"], document["altered"], document["unreadable"]) == (6, 2, [])
    assert set(document["taggers"]) == {"dcmrs", "first"}
    for one in document["taggers"].values():
        assert set(one["teachers"]) == {"first", "second"}
        assert one["truth"] is None
        assert list(one["stability"]) == ["as it is", *(alteration.name for alteration in ALTERATIONS)]
        assert one["stability"]["as it is"]["best_kept"]["value"] == 1.0
        assert set(one["stability"]["as it is"]["agreement"]) == {"first", "second"}
    # These recordings are shorter than a crop, so that the teacher's middle is its whole.
    assert document["taggers"]["first"]["teachers"]["first"]["agreement"]["value"] == pytest.approx(1.0)
    table, _ = run(*arguments)
    agreement = document["taggers"]["dcmrs"]["teachers"]["second"]["agreement"]
    assert f"{agreement['value']:.3f} ({agreement['low']:.3f} to {agreement['high']:.3f})" in table
    assert "shift 20 ms" in table


def test_only_recordings_kept_out_of_training_are_picked(taggers: None, music: Path) -> None:
    out, err = run("--held-out", music, "--altered", "0")
    assert out.startswith("2 recordings\n")
    assert "Stability" not in out
    assert "kept out of training, and not there: gone.flac" in err
    with pytest.raises(CommandError, match="first does not say which recordings were kept out"):
        run("first", "--held-out", music)
    with pytest.raises(CommandError, match="None of the 3 recordings"):
        run("--held-out", music / "0.flac")


def test_truth_is_compared_label_by_label(taggers: None, tmp_path: Path, music: Path) -> None:
    file = magnatagatune(tmp_path / "annotations_final.csv")
    document = run_json("--truth", file, "--audio", tmp_path / "clips", "--altered", "2")
    found = document["taggers"]["dcmrs"]
    assert found["teachers"] == {}
    assert found["truth"]["unknown"] == ["no vocals"]
    said = found["truth"]["said"]
    assert said["positive"] == {"jazz": 2, "happy": 1}
    assert said["left_out"] == []
    assert said["macro_roc_auc"]["value"] == np.mean([figure["value"] for figure in said["roc_auc"].values()])
    assert sum(said["calibration"]["n"]) == 3 * 2
    assert found["stability"]["mp3 48 kbit/s"]["macro_roc_auc"]["value"] in (0.0, 0.5, 1.0)
    table, _ = run("--truth", file, "--audio", tmp_path / "clips", "--altered", "2")
    assert "dcmrs has no word for: no vocals" in table
    assert "macro ROC-AUC" in table


def test_labels_that_are_true_of_all_are_left_out_and_named(taggers: None, music: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = [f"{music}/{seed}.flac,jazz;{'happy' if seed < 3 else 'piano'}" for seed in range(6)]
    file.write_text("\n".join(["file,labels", *rows]))
    said = run_json("--truth", file, "--altered", "0")["taggers"]["dcmrs"]["truth"]["said"]
    assert set(said["roc_auc"]) == {"happy", "piano"}
    assert said["left_out"] == ["jazz"]
    assert "dcmrs: left out, being true of all recordings or of none: jazz" in run("--truth", file, "--altered", "0")[0]


def test_a_tagger_that_always_says_the_same_is_stable_and_agrees_at_nought(taggers: None, music: Path) -> None:
    network = deepcopy(untrained())
    torch.nn.init.zeros_(network.labels.weight)
    torch.nn.init.normal_(network.labels.bias)
    local.write_weights(registry.BUNDLED, network, local.read_description(registry.BUNDLED))
    found = run_json("--files", music, "--altered", "2")["taggers"]["dcmrs"]
    for teacher in found["teachers"].values():
        assert teacher["agreement"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    for change in found["stability"].values():
        assert (change["best_kept"]["value"], change["log_odds_change"]["value"]) == (1.0, 0.0)
        assert {figure["value"] for figure in change["agreement"].values()} == {0.0}


def test_bad_files_are_named_and_too_few_recordings_refused(taggers: None, music: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.flac"
    bad.write_bytes(b"nothing")
    out, err = run("--files", music, bad, "--format", "json", "--altered", "0")
    assert f"{bad}: no sound in it" in err
    assert json.loads(out)["unreadable"] == [{"file": str(bad), "error": "no sound in it"}]
    with pytest.raises(CommandError, match="it takes two"):
        run("--files", bad, music / "0.flac", "--altered", "0")


def test_what_cannot_be_compared_is_one_clear_message(
    taggers: None, music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"file,label\n{music}/0.flac,polka\n{music}/1.flac,waltz\n")
    with pytest.raises(CommandError, match="dcmrs has no label in common with the truth"):
        run("--truth", file, "--altered", "0")
    with pytest.raises(CommandError, match="no tagger is called nobody"):
        run("nobody", "--files", music)
    with pytest.raises(CommandError, match="no such folder or file"):
        run("--files", tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="No audio file is in"):
        run("--files", tmp_path / "empty")
    with pytest.raises(CommandError, match="--audio says where"):
        run("--files", music, "--audio", music)
    monkeypatch.setattr(registry, "published", dict)
    with pytest.raises(CommandError, match="nothing to compare with"):
        run("--files", music)


def test_an_interruption_is_one_line(taggers: None, music: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> NDArray[np.float32]:
        raise KeyboardInterrupt

    monkeypatch.setattr(predictions, "whole_song_means", interrupted)
    with pytest.raises(CommandError, match="the next run goes on") as stopped:
        run("--files", music)
    assert stopped.value.returncode == 130


def test_the_science_needs_no_django() -> None:
    imported = "import sys, tagging.evaluation.report; print('django' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", imported], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


@pytest.mark.long
@pytest.mark.shared
def test_an_evaluation_goes_on_after_a_kill(shared: Path, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    environment = {**os.environ, "DCMRS_HOME": str(home)}
    command = [sys.executable, "manage.py"]
    subprocess.run(
        [*command, "taggers", "install", "msd-crnn", "--from", str(shared / "weights")],
        cwd=PROJECT_ROOT, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    files = [str(shared / "audio" / f"pixel-dungeon_{name}.ogg") for name in ("caves_1", "city_1", "halls_1")]
    evaluate = [*command, "evaluate_tagger", "msd-crnn", "--altered", "1", "--format", "json", "--files", *files]
    killed = subprocess.Popen(
        evaluate, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    answers = home / "cache" / "answers.sqlite"
    while killed.poll() is None and not (answers.exists() and _some(home)):
        time.sleep(0.02)
    assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = cached_predictions(home)
    assert 0 < before < 3 * 2 + 8
    whole = subprocess.run(evaluate, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True)
    again = subprocess.run(evaluate, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True)
    assert whole.stdout == again.stdout
    found = json.loads(whole.stdout)["taggers"]["msd-crnn"]
    assert found["teachers"]["msd-crnn"]["labels"] == 50
    assert cached_predictions(home) == 3 * 2 + 8


def _some(home: Path) -> bool:
    try:
        return cached_predictions(home) > 0
    except sqlite3.OperationalError:
        return False
