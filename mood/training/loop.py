"""Training the expression network: a loop that can be killed at any moment and goes on where it was."""

import copy
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from catalog.training import (
    adamw,
    average_into,
    draw_curves,
    fast_bfloat16,
    load_checkpoint,
    save_checkpoint,
    warmup_cosine,
)
from mood.emotions import EMOTIONS
from mood.evaluation import Scores, fit_temperature, score_probabilities
from mood.network import (
    ExpressionNetwork,
    TrainedNetwork,
    emotion_probabilities,
    load_network,
    mirrored_logits,
    save_network,
    standardize,
)
from mood.spread import match_spread, point_spread
from mood.training.augmentation import augment
from mood.training.dataset import Faces, kept_out_tenth, read_split, same_pictures


@dataclass(frozen=True)
class Plan:
    """What decides the outcome of a training, besides the pictures.

    Attributes
    ----------
    epochs : int
    batch_size : int
    learning_rate : float
        Its peak: it rises over the first tenth of all steps and falls as a cosine over the others.
    weight_decay : float
    label_smoothing : float
        People agree with two thirds of the labels.
    mixup : float
        Parameter of the beta distribution that two faces and their labels are mixed by [1]_.
    balance : float
        A class of n pictures is weighted by n to the power of minus this.
    averaging : float
        How much of the averaged weights stays at each step; the average is what is kept.
    seed : int

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. Dauphin, D. Lopez-Paz, "mixup: Beyond empirical risk minimization", ICLR 2018.
    """

    epochs: int = 38
    batch_size: int = 128
    learning_rate: float = 0.002
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    mixup: float = 0.2
    balance: float = 0.25
    averaging: float = 0.997
    seed: int = 20

    def window(self, epoch: int) -> int:
        """Side of the windows seen in an epoch, pixels: whole faces only at the end, which saves a quarter."""
        return 40 if epoch < 0.7 * self.epochs else 48


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures: `loss` of the augmented pictures, the others of the kept-out tenth."""

    loss: float
    kept_out_loss: float
    kept_out_accuracy: float


@dataclass(frozen=True)
class Prepared:
    """Pictures ready for training.

    Attributes
    ----------
    faces, kept_out_faces : Tensor
        Standardized, float32, (n, 1, 48, 48).
    labels, kept_out_labels : Tensor
        int64, (n,).
    spread : float
        Point spread of the pictures, pixels.
    """

    faces: Tensor
    labels: Tensor
    kept_out_faces: Tensor
    kept_out_labels: Tensor
    spread: float


def prepare(pictures: Faces, seed: int) -> Prepared:
    """Measures the pictures' sharpness, keeps a tenth of them out, and standardizes all.

    Raises
    ------
    ValueError
        If there are so few pictures that a tenth of no class is a picture.
    """
    spread = point_spread(pictures.images)
    rows, kept_out = kept_out_tenth(pictures.labels, same_pictures(pictures.images, spread), seed)
    if not len(kept_out):
        raise ValueError("There are too few pictures to keep a tenth out: ten different ones of a class are the least.")
    faces = standardize(match_spread(pictures.images, spread, spread))
    labels = torch.from_numpy(pictures.labels)
    return Prepared(faces[rows], labels[rows], faces[kept_out], labels[kept_out], spread)


class Training:
    """A training in a folder: `checkpoint.pt` after every epoch, `curves.svg`, at the end `expression.safetensors`.

    Parameters
    ----------
    data : Prepared
    plan : Plan
    folder : Path
        Made if it is not there. A checkpoint of the same plan in it is gone on from, bit for bit as if nothing
        had interrupted.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint belongs to another plan or other pictures.
    """

    def __init__(self, data: Prepared, plan: Plan, folder: Path, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.data, self.plan, self.folder, self.device = data, plan, folder, device
        self.network = ExpressionNetwork().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = adamw(self.network, plan.learning_rate, plan.weight_decay)
        self.steps_per_epoch = max(1, len(data.labels) // plan.batch_size)
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        counts = torch.bincount(data.labels, minlength=len(EMOTIONS)).clamp(min=1)
        weights = counts.float() ** -plan.balance
        self.class_weights = (weights * len(data.labels) / (weights * counts).sum()).to(device)
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity(), device)) is not None:
            self._resume(state)

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _identity(self) -> dict[str, object]:
        checksum = float(self.data.faces.double().square().sum()), int(self.data.labels.sum())
        return {"plan": asdict(self.plan), "pictures": [len(self.data.labels), round(checksum[0]), checksum[1]]}

    def _resume(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self.history = [Epoch(**figures) for figures in state["history"]]

    def _save(self) -> None:
        save_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity(),
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                "history": [asdict(figures) for figures in self.history],
            },
        )

    def run(self) -> TrainedNetwork:
        """Trains what is left of the plan, writes the weights, and returns them.

        The kept network is the averaged one of the epoch that recognized most of the kept-out tenth; its
        temperature is fitted there too.
        """
        while len(self.history) < self.plan.epochs:
            loss = self._train_epoch(len(self.history))
            logits = self._kept_out_logits()
            labels = self.data.kept_out_labels
            figures = Epoch(
                loss,
                float(functional.cross_entropy(logits, labels)),
                float((logits.argmax(1) == labels).double().mean()),
            )
            if not self.history or figures.kept_out_accuracy >= max(e.kept_out_accuracy for e in self.history):
                self.best = copy.deepcopy(self.averaged.state_dict())
            self.history.append(figures)
            self._save()
            (self.folder / "curves.svg").write_text(curves(self.history))
            tqdm.write(
                f"epoch {len(self.history)}: loss {figures.loss:.4f}, kept out: loss {figures.kept_out_loss:.4f}, "
                f"accuracy {figures.kept_out_accuracy:.4f}",
            )
        return self._finish()

    def _train_epoch(self, epoch: int) -> float:
        """One pass over the pictures; returns the mean loss."""
        # Everything random in an epoch follows from its number: a resumed training makes the same choices.
        seed = self.plan.seed * 100_003 + epoch
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.data.labels), generator=generator)
        total = 0.0
        self.network.train()
        steps = tqdm(range(self.steps_per_epoch), f"epoch {epoch + 1} of {self.plan.epochs}", leave=False)
        for step in steps:
            rows = order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
            faces = augment(self.data.faces[rows].to(self.device), self.plan.window(epoch), generator)
            loss = self._step(faces, self.data.labels[rows].to(self.device), epoch * self.steps_per_epoch + step, seed)
            total += loss
            steps.set_postfix(loss=f"{total / (step + 1):.3f}", refresh=False)
        return total / self.steps_per_epoch

    def _step(self, faces: Tensor, labels: Tensor, step: int, seed: int) -> float:
        done = step / (self.plan.epochs * self.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * warmup_cosine(done, 0.1)
        share = float(np.random.default_rng([seed, step]).beta(self.plan.mixup, self.plan.mixup))
        mixed = (share * faces + (1 - share) * faces.flip(0)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            logits = self.network(mixed)
        logits = logits.float()
        loss = share * self._loss(logits, labels) + (1 - share) * self._loss(logits, labels.flip(0))
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        average_into(self.averaged, self.network, self.plan.averaging, step)
        return float(loss.detach())

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits, labels, weight=self.class_weights, label_smoothing=self.plan.label_smoothing
        )

    def _kept_out_logits(self) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            return mirrored_logits(self.averaged, self.data.kept_out_faces)

    def _finish(self) -> TrainedNetwork:
        network = ExpressionNetwork().eval()
        network.load_state_dict({name: tensor.cpu() for name, tensor in self.best.items()})
        logits: NDArray[np.float32] = mirrored_logits(network, self.data.kept_out_faces).numpy()
        trained = TrainedNetwork(network, fit_temperature(logits, self.data.kept_out_labels.numpy()), self.data.spread)
        path = self.folder / "expression.safetensors"
        save_network(trained, path)
        # In the precision of the file, which is what others will read.
        return load_network(path)


def curves(epochs: Sequence[Epoch]) -> str:
    """Losses and kept-out accuracy over the epochs, as SVG."""
    accuracy = [100 * epoch.kept_out_accuracy for epoch in epochs]
    losses = {"augmented": [epoch.loss for epoch in epochs], "kept out": [epoch.kept_out_loss for epoch in epochs]}
    return draw_curves({"Loss": losses, "Accuracy, %": {f"kept out, best {max(accuracy):.1f}": accuracy}})


def train(path: Path, folder: Path, plan: Plan, device: torch.device) -> Scores:
    """Trains on a file's `train` split and scores the result on its `validation` split, once.

    Everything about the training is written to `folder`: see `Training`, and `report.json`.

    Parameters
    ----------
    path : Path
        An .npz file in FER-2013's layout.
    folder : Path
    plan : Plan
    device : torch.device

    Returns
    -------
    Scores
        On the validation split.

    Raises
    ------
    ValueError
        If the file lacks a split, or the folder holds another training's checkpoint.
    """
    pictures, validation = read_split(path, "train"), read_split(path, "validation")
    data = prepare(pictures, plan.seed)
    training = Training(data, plan, folder, device)
    trained = training.run()
    kept_out = torch.softmax(mirrored_logits(trained.network, data.kept_out_faces) / trained.temperature, 1)
    found = emotion_probabilities(trained, validation.images, point_spread(validation.images))
    scores = {
        "kept_out": score_probabilities(kept_out.numpy(), data.kept_out_labels.numpy()),
        "validation": score_probabilities(found, validation.labels),
    }
    report = {
        "plan": asdict(plan),
        "trained_on": len(data.labels),
        "spread": data.spread,
        "temperature": trained.temperature,
        **{name: s.as_json() | {"calibration_error": s.calibration_error} for name, s in scores.items()},
        "epochs": [asdict(epoch) for epoch in training.history],
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    return scores["validation"]
