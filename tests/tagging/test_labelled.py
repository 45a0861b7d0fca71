"""What people said of recordings is read from tables beside them, and labels are judged by it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy.special import expit

from tagging.evaluation.fitting_merging import READING, calibrated, cross_validated, fit_merging, said_of_labels
from tagging.evaluation.judging import judge_labels, table
from tagging.evaluation.labelled import Labelled, Question, read_labelled
from tagging.labels.vocabulary import Vocabulary, vocabulary
from tagging.taggers.registry import LocalTagger
from tagging.training.augmentation import altered_copies
from tagging.training.label_layer import LabelLayer, operating_points
from tests.audio import write_tone

WORDS = vocabulary()
PLACE = {name: place for place, name in enumerate(WORDS.names)}


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def folder_with(tmp_path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """A folder with a table, and an empty file for each of its lines."""
    folder = tmp_path / "truth"
    write_table(
        folder / "labels.csv",
        ["file", "artist", *columns],
        [(f"{n}.ogg", f"by {n}", *row) for n, row in enumerate(rows)],
    )
    for number in range(len(rows)):
        (folder / f"{number}.ogg").touch()
    return folder


def read(folder: Path) -> dict[tuple[str, str], Question]:
    complaints: list[str] = []
    labelled = read_labelled([folder], complaints.append)
    assert complaints == []
    return {(question.group, question.name): question for question in labelled.questions}


def test_genres_are_asked_of_recordings_that_have_any(tmp_path: Path) -> None:
    rows = [["Rap;R&B"]] * 4 + [["Rap"]] * 4 + [["Latin"]] * 4 + [["Jazz"]] * 4 + [[""]] * 3
    questions = read(folder_with(tmp_path, ["genres"], rows))
    rap = questions["genres", "Rap"]
    assert rap.labels == (PLACE["hip-hop"],)
    assert np.flatnonzero(rap.asked).tolist() == list(range(16))
    assert np.flatnonzero(rap.true).tolist() == list(range(8))
    alone = questions["one genre", "Rap"]
    assert np.flatnonzero(alone.asked).tolist() == list(range(4, 16))
    # No label of the vocabulary means it, so nothing is asked.
    assert ("genres", "Latin") not in questions
    # True of three recordings at most when one genre is meant: too few to ask.
    assert ("one genre", "R&B") not in questions


def test_a_quadrant_is_answered_by_several_labels(tmp_path: Path) -> None:
    questions = read(folder_with(tmp_path, ["quadrant"], [["Q1"], ["Q2"], ["Q3"], ["Q4"]] * 4))
    calm = questions["quadrants", "Q4"]
    assert {PLACE["calm"], PLACE["relaxing"]} <= set(calm.labels)
    by_label = np.full((16, len(WORDS)), np.nan)
    assert calm.answers(by_label) is None
    by_label[:, PLACE["calm"]], by_label[:, PLACE["soft"]] = 1.0, 3.0
    answers = calm.answers(by_label)
    assert answers is not None
    assert answers.tolist() == [2.0] * 16


def test_emotions_count_that_a_third_of_those_asked_felt(tmp_path: Path) -> None:
    rows = [[9, felt, 0] for felt in (0, 1, 2, 2, 3, 4, 5, 9)]
    question = read(folder_with(tmp_path, ["n_annotators", "calmness", "amazement"], rows))["emotions", "calmness"]
    assert question.true.tolist() == [False] * 4 + [True] * 4


def test_artists_tags_count_that_two_listeners_gave(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, [], [[]] * 12)
    tags = [(f"{n}.ogg", n, "Hip Hop", 1 + (n < 4), 9) for n in range(10)]
    write_table(
        folder / "lastfm_artist_tags.csv", ["file", "lastfm_artist_id", "tag", "n_taggers", "n_taggers_of_artist"], tags
    )
    question = read(folder)["artists' tags", "hip-hop"]
    assert np.flatnonzero(question.true).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(question.asked).tolist() == list(range(10))


def test_folders_without_a_table_or_recordings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels\.csv"):
        read_labelled([tmp_path], print)
    write_table(tmp_path / "labels.csv", ["song"], [["a"]])
    with pytest.raises(ValueError, match="no column called file"):
        read_labelled([tmp_path], print)
    write_table(tmp_path / "labels.csv", ["file"], [["gone.ogg"]])
    with pytest.raises(ValueError, match="no recording that is there"):
        read_labelled([tmp_path], print)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CommandError, match=r"there is no labels\.csv"):
        call_command("evaluate_tagger", "--truth", str(empty))


# --- Judging and fitting ------------------------------------------------------------------------


def made_up(n: int = 240, seed: int = 0) -> tuple[Labelled, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Recordings whose genre and mood networks know with different certainty; what they answer, and embeddings.

    `musicnn-msd` tells blues well and `fcn-msd` badly; no network has a good answer for dark, but the embedding of
    `musicnn-mtt` knows of it.
    """
    rng = np.random.default_rng(seed)
    blues, dark = rng.random((2, n)) < 0.3
    everywhere = np.ones(n, np.bool_)
    questions = [
        Question("genres", "Blues", (PLACE["blues"],), everywhere, blues),
        Question("moods", "Gloomy", (PLACE["dark"],), everywhere, dark),
    ]
    labelled = Labelled([Path(f"{number}.ogg") for number in range(n)], np.arange(n) // 2, questions)
    from tagging.networks.descriptions import published

    outputs = {name: rng.normal(size=(n, len(published()[name].labels))) for name in WORDS.networks}
    for name, certainty in (("musicnn-msd", 3.0), ("fcn-msd", 0.2)):
        column = [label.name for label in published()[name].labels].index("blues")
        outputs[name][:, column] += certainty * blues
    answers = {name: WORDS.by_label(published()[name], of_network) for name, of_network in outputs.items()}
    embeddings = {name: rng.normal(size=(n, 12)) for name in READING}
    embeddings["musicnn-mtt"][:, 3] += 2.5 * dark
    return labelled, answers, embeddings


def test_labels_are_judged_by_each_question_and_group() -> None:
    labelled, answers, _ = made_up()
    verdict = judge_labels(labelled, answers["musicnn-msd"], 100)
    roc, pr = verdict.by_question["genres", "Blues"]
    assert 0.95 < roc.low <= roc.value <= roc.high <= 1.0
    assert pr.value > 0.9
    assert verdict.by_group["genres"][0].value == roc.value
    # That network cannot predict the mood: it is not asked.
    assert ("moods", "Gloomy") not in verdict.by_question
    text = table({"musicnn-msd": verdict, "jamendo-cnn": judge_labels(labelled, answers["jamendo-cnn"], 20)}, labelled)
    assert "| moods: Gloomy | " in text
    assert "240 recordings by 120 artists" in text


def test_the_better_network_is_believed_and_embeddings_are_read() -> None:
    labelled, answers, embeddings = made_up()
    said = said_of_labels(labelled, WORDS)
    numbers = fit_merging(answers, embeddings, said, WORDS)
    of_blues = dict(zip(numbers.networks, numbers.weight[:, PLACE["blues"]], strict=True))
    assert of_blues["musicnn-msd"] > 0.8 > 0.2 > of_blues["fcn-msd"]
    scores, probabilities = cross_validated(answers, embeddings, said, labelled, WORDS)
    merged = judge_labels(labelled, scores, 0)
    assert merged.by_question["genres", "Blues"][0].value > 0.95
    assert merged.by_question["moods", "Gloomy"][0].value > 0.8
    without = cross_validated(answers, embeddings, said, labelled, WORDS, set(WORDS.networks) - set(READING))
    assert judge_labels(labelled, without[0], 0).by_question["moods", "Gloomy"][0].value < 0.65
    # A person agrees as often as it is said, on recordings that were not fitted to.
    blues = labelled.questions[0].true
    sure = probabilities[:, PLACE["blues"]] > 0.5
    assert blues[sure].mean() > 0.8
    assert abs(probabilities[:, PLACE["blues"]].mean() - blues.mean()) < 0.05


def test_a_mood_of_which_too_little_was_said_is_read_as_its_quadrant() -> None:
    labelled, _, _ = made_up()
    n = len(labelled.recordings)
    everywhere, excited = np.ones(n, np.bool_), np.arange(n) % 4 == 0
    quadrant = Question("quadrants", "Q1", (PLACE["groovy"], PLACE["dark"], PLACE["dance"]), everywhere, excited)
    said = said_of_labels(replace(labelled, questions=[*labelled.questions, quadrant]), WORDS)
    assert np.array_equal(said.read_true[:, PLACE["groovy"]], excited)
    assert not said.asked[:, PLACE["groovy"]].any()
    # Enough was said of dark itself, and dance is no mood.
    assert np.array_equal(said.read_true[:, PLACE["dark"]], said.true[:, PLACE["dark"]])
    assert not said.read[:, PLACE["dance"]].any()


def test_folders_are_judged_on_the_command_line(bundled: LocalTagger, tmp_path: Path) -> None:
    rows = [["Jazz"] if number % 2 else ["Blues"] for number in range(8)]
    folder = folder_with(tmp_path, ["genres"], rows)
    for number in range(8):
        (folder / f"{number}.ogg").unlink()
        write_tone(folder / f"{number}.ogg", seconds=1.0, hz=200 + 100 * number)
    out = StringIO()
    call_command("evaluate_tagger", "--truth", str(tmp_path), stdout=out, stderr=StringIO())
    assert "8 recordings by 8 artists" in out.getvalue()
    assert "| genres: Jazz | 4 of 8 |" in out.getvalue()
    assert "merged" not in out.getvalue()
    for option, complaint in (("--cross-validate", "musicnn-mtt"), ("--reliability=drawing.svg", "no network")):
        with pytest.raises(CommandError, match=complaint):
            call_command("evaluate_tagger", "--truth", str(tmp_path), option, stdout=out, stderr=StringIO())
    with pytest.raises(CommandError, match="go with folders"):
        call_command("evaluate_tagger", "--files", str(tmp_path), "--cross-validate", stdout=out, stderr=StringIO())


def test_what_libraries_rarely_have_must_be_the_clearer() -> None:
    labelled, _, _ = made_up()
    blues = labelled.questions[0].true
    scores = np.random.default_rng(1).normal(0.0, 1.0, (len(blues), len(WORDS)))
    scores[:, PLACE["blues"]] += 2.0 * blues
    asked, true = np.zeros((2, len(blues), len(WORDS)), np.bool_)
    for counted in ("blues", "harp"):
        asked[:, PLACE[counted]], true[:, PLACE[counted]] = True, blues
    slope, intercept = calibrated(scores, asked, true, WORDS)
    rarer = {entry.name: entry.rarer for entry in WORDS.entries}
    assert rarer["sitar"] > 1 == rarer["flute"]
    sitar, flute, harp = (PLACE[name] for name in ("sitar", "flute", "harp"))
    assert slope[sitar] == slope[flute]
    assert intercept[flute] - intercept[sitar] == pytest.approx(np.log(rarer["sitar"]))
    # People's answers count, where there are any: it is they who know how rare a label is.
    ordinary = Vocabulary(tuple(replace(entry, rarer=1.0) for entry in WORDS.entries), WORDS.sets)
    assert calibrated(scores, asked, true, ordinary)[1][harp] == intercept[harp]


def test_a_label_layer_learns_scores_and_is_calibrated() -> None:
    labelled, _, _ = made_up()
    rng = np.random.default_rng(1)
    blues = labelled.questions[0].true
    embeddings = rng.random((len(blues), 256)) + np.outer(blues, rng.random(256) < 0.1)
    scores = np.zeros((len(blues), len(WORDS)))
    scores[:, PLACE["blues"]] = 2.0 * blues + rng.normal(0.0, 0.3, len(blues))
    others = np.arange(len(blues)) % 4 == 0
    layer = LabelLayer.fit(embeddings[np.newaxis, ~others], scores[~others], WORDS)
    assert layer.weight.shape == (len(WORDS), 256)
    predicted = layer.log_odds(embeddings[others])[:, PLACE["blues"]]
    assert predicted[blues[others]].min() > predicted[~blues[others]].max()
    slope, intercept = np.full(len(WORDS), 3.0), np.full(len(WORDS), -2.0)
    calibrated = layer.calibrated(slope, intercept)
    assert np.allclose(calibrated.log_odds(embeddings), 3 * layer.log_odds(embeddings) - 2)
    probabilities = expit(calibrated.log_odds(embeddings))
    kept = probabilities >= operating_points(probabilities)
    assert 0.05 < kept[:, PLACE["blues"]].mean() < 0.4


def test_a_label_layer_passes_over_what_differs_between_copies_of_a_recording() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random((200, 1))
    # Two groups of dimensions tell the same; one of them changes with where a recording begins.
    recordings = np.concatenate(
        [truth + rng.normal(0.0, 0.3, (200, 8)), truth + rng.normal(0.0, 0.1, (200, 8))], axis=1
    )
    later = recordings + np.concatenate([np.zeros((200, 8)), rng.normal(0.0, 0.5, (200, 8))], axis=1)
    scores = np.repeat(4 * truth, len(WORDS), axis=1)
    alone = LabelLayer.fit(recordings[np.newaxis], scores, WORDS)
    with_copies = LabelLayer.fit(np.stack([recordings, later]), scores, WORDS)

    def change(layer: LabelLayer) -> float:
        return float(np.abs(layer.log_odds(later) - layer.log_odds(recordings)).mean())

    assert change(with_copies) < 0.5 * change(alone)
    assert np.corrcoef(with_copies.log_odds(recordings)[:, 0], scores[:, 0])[0, 1] > 0.9


def test_altered_copies_are_of_every_length_that_can_be_embedded() -> None:
    for frames in (64, 70, 300):
        mel = np.random.default_rng(frames).normal(-30.0, 10.0, (frames, 96)).astype(np.float16)
        copies = altered_copies(mel, np.random.default_rng(1))
        assert [len(copy) for copy in copies] == [max(frames - shift, 64) for shift in (1, 5, 12, 23, 0, 0)]
        assert all(np.isfinite(copy).all() and copy.dtype == np.float16 for copy in copies)
        again = altered_copies(mel, np.random.default_rng(1))
        assert all(np.array_equal(one, other) for one, other in zip(copies, again, strict=True))
        assert not np.array_equal(copies[4], copies[5])
