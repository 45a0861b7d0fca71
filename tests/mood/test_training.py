import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from mood.network import load_network
from mood.training import Plan, train
from mood.training.augmentation import augment, mix
from mood.training.dataset import read_split
from mood.training.loop import Cycle, Epoch, Training, curves, prepare, targets
from tests.conftest import PROJECT
from tests.mood.faces import write_faces

pytestmark = pytest.mark.long

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As few as will do where it does not matter what is learned."""
    return write_faces(tmp_path_factory.mktemp("faces") / "faces.npz", train=105, validation=14)


def weights(folder: Path) -> bytes:
    return (folder / "expression.safetensors").read_bytes()


def test_a_network_learns_the_expressions_of_drawn_faces(tmp_path: Path) -> None:
    faces = write_faces(tmp_path / "faces.npz", train=420, validation=70)

    scores = train(faces, tmp_path / "run", Plan((Cycle(6, 6),), batch_size=32, averaging=0.9), CPU)

    assert scores.accuracy > 0.6
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["validation"]["accuracy"] == scores.accuracy
    assert len(report["epochs"]) == 6
    assert load_network(tmp_path / "run" / "expression.safetensors").temperature == report["temperature"]


def test_an_interrupted_training_ends_in_the_very_same_weights(faces: Path, tmp_path: Path) -> None:
    plan = Plan((Cycle(3, 3),), batch_size=64)
    data = prepare(read_split(faces, "train"), plan.seed)
    Training(data, plan, tmp_path / "whole", CPU).run()

    interrupted = Training(data, plan, tmp_path / "parts", CPU)
    interrupted.train_epoch = _stop_after(1, interrupted.train_epoch)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    Training(data, plan, tmp_path / "parts", CPU).run()

    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_a_longer_plan_goes_on_with_a_training_whose_rate_has_not_begun_to_fall(faces: Path, tmp_path: Path) -> None:
    shorter, longer = (Plan((Cycle(epochs, 1),), batch_size=64) for epochs in (2, 3))
    data = prepare(read_split(faces, "train"), shorter.seed)
    Training(data, longer, tmp_path / "whole", CPU).run()

    begun = Training(data, shorter, tmp_path / "parts", CPU)
    begun.train_epoch = _stop_after(1, begun.train_epoch)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    Training(data, longer, tmp_path / "parts", CPU).run()

    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_a_training_whose_rate_has_begun_to_fall_is_not_made_longer(faces: Path, tmp_path: Path) -> None:
    data = prepare(read_split(faces, "train"), Plan.seed)
    Training(data, Plan((Cycle(2, 1),)), tmp_path, CPU).run()

    with pytest.raises(ValueError, match="after 2 of them it cannot become one of 3"):
        Training(data, Plan((Cycle(3, 1),)), tmp_path, CPU)


def test_a_finished_training_goes_on_with_a_restart_of_its_rate(faces: Path, tmp_path: Path) -> None:
    data = prepare(read_split(faces, "train"), Plan.seed)
    once = Plan((Cycle(2, 1),))
    again = Plan((Cycle(2, 1), Cycle(1, 1)))
    Training(data, once, tmp_path / "once", CPU).run()

    Training(data, again, tmp_path / "again", CPU).run()
    Training(data, again, tmp_path / "once", CPU).run()

    assert weights(tmp_path / "once") == weights(tmp_path / "again")


def test_the_learning_rate_rises_again_to_half_its_peak_and_falls() -> None:
    plan = Plan((Cycle(10, 4), Cycle(4, 4)), learning_rate=1.0)

    assert plan.learning_rate_at(8) == pytest.approx(0.5)
    assert plan.learning_rate_at(10) < 0.01
    assert 0.4 < plan.learning_rate_at(11) < 0.5
    assert plan.learning_rate_at(12) == pytest.approx(0.25)
    assert plan.learning_rate_at(13.99) < 0.01
    assert [plan.scale(epoch) for epoch in (5, 6, 7, 8, 9, 10, 13)] == [0.8, 0.9, 0.9, 1, 1, 1, 1]


def test_a_plan_is_made_shorter_from_its_end_and_longer_in_its_last_cycle() -> None:
    plan = Plan((Cycle(10, 4), Cycle(6, 6), Cycle(20, 8)))

    assert plan.epochs == 36
    assert plan.of_length(50).cycles == (Cycle(10, 4), Cycle(6, 6), Cycle(34, 8))
    assert plan.of_length(20).cycles == (Cycle(10, 4), Cycle(6, 6), Cycle(4, 4))
    assert plan.of_length(10).cycles == (Cycle(10, 4),)
    assert plan.of_length(3).cycles == (Cycle(3, 3),)
    assert plan.agrees_with(plan.of_length(50), 16 + 12)
    assert not plan.agrees_with(plan.of_length(50), 16 + 13)


@pytest.mark.parametrize(("epochs", "decay_epochs"), [(0, 0), (3, 4), (3, -1)])
def test_a_cycle_that_cannot_be_is_refused(epochs: int, decay_epochs: int) -> None:
    with pytest.raises(ValueError, match=f"{epochs} epochs cannot decay over {decay_epochs}"):
        Cycle(epochs, decay_epochs)


def test_the_learning_rate_rises_stays_and_falls() -> None:
    plan = Plan((Cycle(10, 4),), learning_rate=1.0)

    assert plan.learning_rate_at(0.5) == 0.5
    assert {plan.learning_rate_at(epoch) for epoch in (1, 3.3, 6)} == {1.0}
    assert plan.learning_rate_at(8) == pytest.approx(0.5)
    assert 0 < plan.learning_rate_at(9.99) < 0.01


def test_pictures_without_a_face_are_not_trained_on(faces: Path) -> None:
    pictures = read_split(faces, "train")
    votes = np.zeros((len(pictures), 10), np.uint8)
    votes[:, 1] = 10
    votes[::2] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]

    whole, part = (prepare(replace(pictures, votes=some), 1) for some in (None, votes))

    assert 0.4 < len(part.labels) / len(whole.labels) < 0.6
    assert len(part.kept_out_labels) == len(whole.kept_out_labels)
    assert whole.shares.sum() == 0


def test_votes_take_part_in_the_training(faces: Path, tmp_path: Path) -> None:
    voted = write_faces(tmp_path / "voted.npz", train=105, validation=14, voted=True)

    for name, file in (("with", voted), ("without", faces)):
        train(file, tmp_path / name, Plan((Cycle(1, 1),)), CPU)

    assert weights(tmp_path / "with") != weights(tmp_path / "without")


def test_targets_are_smoothed_towards_what_others_saw() -> None:
    shares = torch.zeros(2, 7)
    shares[0, 4] = 1

    labels, votes = torch.split(targets(torch.tensor([2, 3]), shares, 0.1), 7, 1)

    torch.testing.assert_close(labels[0], torch.tensor([0, 0, 0.9, 0, 0.1, 0, 0]))
    torch.testing.assert_close(labels[1], torch.full((7,), 0.1 / 7) + 0.9 * torch.eye(7)[3])
    torch.testing.assert_close(votes, shares)


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

    plan = Plan().of_length(30)
    resumed = Training(prepare(read_split(faces, "train"), plan.seed), plan, tmp_path, CPU)

    assert 1 <= len(resumed.history) < 30


def test_a_folder_of_another_training_is_refused(faces: Path, tmp_path: Path) -> None:
    train(faces, tmp_path, Plan((Cycle(1, 1),)), CPU)

    with pytest.raises(ValueError, match="choose another folder"):
        train(faces, tmp_path, Plan((Cycle(1, 1),), seed=21), CPU)


def test_too_few_pictures_to_keep_a_tenth_out_are_refused(tmp_path: Path) -> None:
    few = write_faces(tmp_path / "few.npz", train=21)

    with pytest.raises(ValueError, match="too few pictures"):
        train(few, tmp_path / "run", Plan((Cycle(1, 1),)), CPU)


def test_augmented_faces_are_windows_of_the_wanted_size_and_depend_on_the_seed_alone() -> None:
    faces = torch.rand(8, 1, 48, 48)

    first, again, other = (augment(faces, 40, 32, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))

    assert first.shape == (8, 1, 32, 32)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.isfinite(first).all()


def test_faces_are_mixed_with_as_much_of_each_others_targets_as_of_each_other() -> None:
    faces = torch.stack([torch.zeros(1, 16, 16), torch.ones(1, 16, 16)])
    kinds = set()

    for seed in range(40):
        mixed, wanted = mix(faces, torch.eye(2), 0.2, np.random.default_rng(seed))
        torch.testing.assert_close(wanted[:, 1], mixed.mean((1, 2, 3)))
        whole, of_both = torch.equal(mixed, faces), bool(((mixed > 0) & (mixed < 1)).any())
        kinds.add("whole" if whole else "laid over" if of_both else "set in")

    assert kinds == {"whole", "set in", "laid over"}


def test_curves_are_a_drawing_with_a_point_an_epoch() -> None:
    figures = np.linspace(2, 1, 9)
    epochs = [Epoch(v, v + 0.1, 1 - v / 3) for v in figures]

    drawing = ElementTree.fromstring(curves(epochs))  # noqa: S314

    lines = drawing.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [9, 9, 9]
