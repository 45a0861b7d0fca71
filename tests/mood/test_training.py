import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from mood.network import load_network
from mood.training import Plan, train
from mood.training.augmentation import augment
from mood.training.dataset import read_split
from mood.training.loop import Epoch, Training, curves, prepare
from tests.conftest import PROJECT
from tests.mood.faces import write_faces

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_faces(tmp_path_factory.mktemp("faces") / "faces.npz", train=420, validation=70)


def weights(folder: Path) -> bytes:
    return (folder / "expression.safetensors").read_bytes()


def test_a_network_learns_the_expressions_of_drawn_faces(faces: Path, tmp_path: Path) -> None:
    scores = train(faces, tmp_path / "run", Plan(epochs=6, batch_size=32, averaging=0.9), CPU)

    assert scores.accuracy > 0.6
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["validation"]["accuracy"] == scores.accuracy
    assert len(report["epochs"]) == 6
    assert report["spread"] == 0
    assert load_network(tmp_path / "run" / "expression.safetensors").temperature == report["temperature"]


def test_an_interrupted_training_ends_in_the_very_same_weights(faces: Path, tmp_path: Path) -> None:
    plan = Plan(epochs=3, batch_size=64)
    data = prepare(read_split(faces, "train"), plan.seed)
    Training(data, plan, tmp_path / "whole", CPU).run()

    interrupted = Training(data, plan, tmp_path / "parts", CPU)
    interrupted._train_epoch = _stop_after(1, interrupted._train_epoch)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    Training(data, plan, tmp_path / "parts", CPU).run()

    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def _stop_after(epochs: int, train_epoch):  # type: ignore[no-untyped-def]
    def stopping(epoch: int) -> float:
        if epoch == epochs:
            raise KeyboardInterrupt
        return float(train_epoch(epoch))

    return stopping


def test_a_killed_command_goes_on_where_it_was(faces: Path, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "train_mood", str(faces), "--epochs", "30", "--output", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    checkpoint = tmp_path / "checkpoint.pt"
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL) as process:
        patience = time.monotonic() + 120
        while not checkpoint.exists() and time.monotonic() < patience:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)

    plan = Plan(epochs=30)
    resumed = Training(prepare(read_split(faces, "train"), plan.seed), plan, tmp_path, CPU)

    assert 1 <= len(resumed.history) < 30


def test_a_folder_of_another_training_is_refused(faces: Path, tmp_path: Path) -> None:
    train(faces, tmp_path, Plan(epochs=1), CPU)

    with pytest.raises(ValueError, match="choose another folder"):
        train(faces, tmp_path, Plan(epochs=2), CPU)


def test_too_few_pictures_to_keep_a_tenth_out_are_refused(tmp_path: Path) -> None:
    few = write_faces(tmp_path / "few.npz", train=21)

    with pytest.raises(ValueError, match="too few pictures"):
        train(few, tmp_path / "run", Plan(epochs=1), CPU)


def test_augmented_faces_are_windows_of_the_wanted_size_and_depend_on_the_seed_alone() -> None:
    faces = torch.rand(8, 1, 48, 48)

    first, again, other = (augment(faces, 40, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))

    assert first.shape == (8, 1, 40, 40)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.isfinite(first).all()


def test_curves_are_a_drawing_with_a_point_an_epoch() -> None:
    figures = np.linspace(2, 1, 9)
    epochs = [Epoch(v, v + 0.1, 1 - v / 3) for v in figures]

    drawing = ElementTree.fromstring(curves(epochs))  # noqa: S314

    lines = drawing.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [9, 9, 9]
