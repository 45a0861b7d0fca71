import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from safetensors.torch import load_file

from tagging.taggers import local
from tagging.training.loop import binary_cross_entropy, curves, rows_of_step
from tests.conftest import PROJECT
from tests.tagging.training.music import write_music
from tests.tagging.training.runs import PLAN, train_on


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_music(tmp_path_factory.mktemp("music"))


def weights(folder: Path) -> dict[str, bytes]:
    tensors = load_file(folder / "small.safetensors")
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


def test_a_tagger_is_trained_from_files_and_labels_and_is_one_of_the_local_family(table: Path, tmp_path: Path) -> None:
    trained = train_on(table, tmp_path)

    assert [label.name for label in trained.tagger.labels] == ["high", "low", "noisy"]
    assert local.read_description(tmp_path / "small.safetensors") == trained.tagger
    assert local.read_network(tmp_path / "small.safetensors", 3)
    metrics = json.loads((tmp_path / "training" / "metrics.json").read_text())
    assert metrics["recipes"][0]["roc_auc"] == trained.rows[0].scores.figures()["roc_auc"]
    assert [round["step"] for round in metrics["rounds"]] == [10, 20, 21]
    assert (tmp_path / "training" / "curves.svg").exists()


def test_a_training_that_is_killed_ends_in_the_very_same_weights(table: Path, tmp_path: Path) -> None:
    train_on(table, tmp_path / "whole")

    command = [sys.executable, "-m", "tests.tagging.training.runs", str(table), str(tmp_path / "killed")]
    checkpoint = tmp_path / "killed" / "training" / "checkpoint.pt"
    with subprocess.Popen(command, cwd=PROJECT, env=os.environ.copy(), stderr=subprocess.DEVNULL) as process:
        patience = time.monotonic() + 120
        while not checkpoint.exists() and time.monotonic() < patience:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "killed" / "small.safetensors").exists()
    done = len(torch.load(checkpoint, weights_only=True)["history"])
    assert 1 <= done < 3
    train_on(table, tmp_path / "killed")

    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def test_another_seed_is_another_tagger(table: Path, tmp_path: Path) -> None:
    short = replace(PLAN, epochs=1)
    train_on(table, tmp_path / "one", plan=short)
    train_on(table, tmp_path / "other", plan=replace(short, seed=2))

    assert weights(tmp_path / "one") != weights(tmp_path / "other")


def test_an_unfinished_training_of_something_else_is_not_written_over(table: Path, tmp_path: Path) -> None:
    train_on(table, tmp_path, plan=replace(PLAN, epochs=1))
    (tmp_path / "training" / "metrics.json").unlink()

    with pytest.raises(ValueError, match="remove it, or choose another folder"):
        train_on(table, tmp_path, plan=replace(PLAN, epochs=2))


def test_a_finished_training_makes_room_for_another_and_is_not_done_twice(table: Path, tmp_path: Path) -> None:
    train_on(table, tmp_path, plan=replace(PLAN, epochs=1))
    first = (tmp_path / "training" / "checkpoint.pt").read_bytes()
    train_on(table, tmp_path, plan=replace(PLAN, epochs=1))
    again = (tmp_path / "training" / "checkpoint.pt").read_bytes()
    train_on(table, tmp_path, plan=replace(PLAN, epochs=4))

    assert again == first
    rounds = json.loads((tmp_path / "training" / "metrics.json").read_text())["rounds"]
    assert [round["step"] for round in rounds] == [10, 14]


def test_a_training_ends_when_it_has_not_got_better_for_long(table: Path, tmp_path: Path) -> None:
    train_on(table, tmp_path, plan=replace(PLAN, epochs=100, round=1, patience=2))

    rounds = json.loads((tmp_path / "training" / "metrics.json").read_text())["rounds"]
    scores = [round["roc_auc"] for round in rounds]
    assert len(scores) < 350
    assert scores.index(max(scores)) == len(scores) - 1 - 3


def test_every_row_is_seen_once_an_epoch() -> None:
    rows = [row for step in range(6) for row in rows_of_step(9, 3, step, seed=1)]

    assert sorted(rows[:9]) == sorted(rows[9:]) == list(range(9))
    assert rows[:9] != rows[9:]


def test_what_nobody_knows_does_not_count_in_the_loss() -> None:
    log_odds = torch.tensor([[0.0, 5.0, -3.0]])
    targets = torch.tensor([[1.0, float("nan"), 0.0]])

    loss = binary_cross_entropy(log_odds, targets)

    expected = (torch.log(torch.tensor(2.0)) + torch.log1p(torch.exp(torch.tensor(-3.0)))) / 2
    assert loss == pytest.approx(float(expected))


def test_curves_show_the_loss_and_every_score() -> None:
    history = [{"step": n, "loss": 1 / n, "roc_auc": 0.6, "pr_auc": 0.3 + n / 10} for n in range(1, 5)]

    drawing = ElementTree.fromstring(curves(history))  # noqa: S314

    lines = drawing.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [4, 4, 4]
