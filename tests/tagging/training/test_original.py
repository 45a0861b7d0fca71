import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tagging.training import original
from tagging.training.original import CHUNK, binary_cross_entropy, categorical_cross_entropy, chunks
from tagging.training.recipes import best_f1
from tests.tagging.training.music import write_music
from tests.tagging.training.runs import PLAN, train_on


def test_categorical_cross_entropy_is_keras_s() -> None:
    probabilities = torch.tensor([[0.8, 0.4, 0.4], [0.1, 0.1, 0.2]])
    truth = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])

    loss = categorical_cross_entropy(probabilities, truth)

    assert float(loss) == pytest.approx((-np.log(0.5) - np.log(0.25) - np.log(0.5)) / 2)


def test_categorical_cross_entropy_does_not_mind_how_probable_anything_is_said_to_be() -> None:
    probabilities, truth = torch.tensor([[0.9, 0.6, 0.3]]), torch.tensor([[1.0, 1.0, 0.0]])

    assert categorical_cross_entropy(probabilities / 30, truth) == pytest.approx(
        float(categorical_cross_entropy(probabilities, truth))
    )
    assert binary_cross_entropy(probabilities / 30, truth) > 2 * binary_cross_entropy(probabilities, truth)


def test_songs_come_in_chunks_of_1500_split_four_to_one() -> None:
    parts = chunks(np.arange(3700), seed=1)

    assert [(part.trained_on.size, part.watched.size) for part in parts] == [(1200, 300), (1200, 300), (560, 140)]
    assert CHUNK == 1500
    seen = np.concatenate([np.concatenate([part.trained_on, part.watched]) for part in parts])
    assert np.array_equal(np.sort(seen), np.arange(3700))


def test_the_original_recipe_s_scores_stand_beside_on_the_same_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original, "EPOCHS", 1)
    table = write_music(tmp_path / "music", n=10)

    trained = train_on(table, tmp_path, plan=replace(PLAN, epochs=1), original=True)

    assert [row.recipe for row in trained.rows] == ["default", "original", "original, binary cross-entropy"]
    labels = [row.scores.roc_auc.keys() for row in trained.rows]
    assert labels[0] == labels[1] == labels[2]
    metrics = json.loads((tmp_path / "training" / "metrics.json").read_text())
    assert [recipe["labels_a_song"] for recipe in metrics["recipes"]] == [row.labels_a_song for row in trained.rows]


def test_a_label_is_kept_from_the_probability_on_that_finds_most_and_errs_least() -> None:
    probabilities = np.array([0.9, 0.3, 0.8, 0.6, 0.1])

    assert best_f1(probabilities, np.array([True, False, True, False, False])) == 0.8
    assert best_f1(probabilities, np.array([False, True, True, True, False])) == 0.3
