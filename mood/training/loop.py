"""Training the expression network: a loop that can be killed at any moment and goes on where it was."""

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
)
from mood.emotions import EMOTIONS
from mood.evaluation import Scores, fit_temperature, score_probabilities
from mood.network import (
    WINDOW,
    ExpressionNetwork,
    TrainedNetwork,
    emotion_probabilities,
    load_network,
    mean_logits,
    save_network,
    standardize,
)
from mood.training.augmentation import augment, mix
from mood.training.dataset import Faces, faceless, kept_out_tenth, read_split, same_pictures, vote_shares


@dataclass(frozen=True)
class Cycle:
    """Epochs of a training over which the learning rate rises once and falls once.

    Attributes
    ----------
    epochs : int
        All of them, the falling ones included.
    decay_epochs : int
        The last ones, over which the rate falls.
    """

    epochs: int
    decay_epochs: int

    def __post_init__(self) -> None:
        if not 0 <= self.decay_epochs <= self.epochs or self.epochs < 1:
            raise ValueError(f"A cycle of {self.epochs} epochs cannot decay over {self.decay_epochs} of them.")


@dataclass(frozen=True)
class Plan:
    """What decides the outcome of a training, besides the pictures.

    In every cycle the learning rate rises over an epoch, stays, and falls as a cosine [1]_; the cycles after the first
    rise to half its peak [2]_. Up to the epoch in which two plans begin to differ they are the same training, so that a
    checkpoint can be gone on from with other cycles. Faces are seen in full size as the rate falls.

    Attributes
    ----------
    cycles : tuple of Cycle
    batch_size : int
    learning_rate : float
        Its peak.
    weight_decay : float
    label_smoothing : float
        How much of a picture's target is not its label: what other people saw in it, where their votes are known.
    votes : float
        Weight of a second classifier on the same features, which learns the votes themselves and is dropped at the end.
    mixing : float
        Parameter of the beta distribution that two faces are mixed by.
    averaging : float
        How much of the averaged weights stays at each step; the average is what is kept.
    seed : int

    References
    ----------
    .. [1] A. Haegele et al., "Scaling laws and compute-optimal training beyond fixed training durations", NeurIPS 2024.
    .. [2] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    cycles: tuple[Cycle, ...] = (Cycle(28, 12), Cycle(10, 10), Cycle(60, 36))
    batch_size: int = 64
    learning_rate: float = 0.0015
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    votes: float = 0.5
    mixing: float = 0.2
    averaging: float = 0.998
    seed: int = 20

    @property
    def epochs(self) -> int:
        """All of them."""
        return sum(cycle.epochs for cycle in self.cycles)

    def of_length(self, epochs: int) -> "Plan":
        """The plan for so many epochs, at least 1: its last cycle longer or shorter, or without its last ones."""
        cycles, left = [], epochs
        for cycle in self.cycles:
            if left > 0:
                length = left if cycle is self.cycles[-1] else min(left, cycle.epochs)
                cycles.append(Cycle(length, min(length, cycle.decay_epochs)))
                left -= length
        return replace(self, cycles=tuple(cycles))

    def _cycle_at(self, epoch: float) -> tuple[float, Cycle, bool]:
        """The epoch counted from the begin of its cycle, the cycle, and whether it is the first."""
        *before, last = self.cycles
        for index, cycle in enumerate(before):
            if epoch < cycle.epochs:
                return epoch, cycle, index == 0
            epoch -= cycle.epochs
        return epoch, last, not before

    def scale(self, epoch: int) -> float:
        """How large faces are seen in an epoch: shrunk at first, which saves time, and as they are at the end."""
        done, cycle, _ = self._cycle_at(epoch)
        stable = cycle.epochs - cycle.decay_epochs
        if done < stable:
            return 0.8
        return 0.9 if stable and done < stable + cycle.decay_epochs / 2 else 1.0

    def learning_rate_at(self, epoch: float) -> float:
        """The learning rate when so many epochs, and parts of one, are done."""
        done, cycle, first = self._cycle_at(epoch)
        rate = min(1.0, done) if first else min(1.0, done) / 2
        decayed = done - (cycle.epochs - cycle.decay_epochs)
        if decayed > 0:
            rate *= (1 + math.cos(math.pi * decayed / cycle.decay_epochs)) / 2
        return self.learning_rate * max(rate, 1e-3)

    def agrees_with(self, other: "Plan", epochs: int) -> bool:
        """Whether two plans that are alike but for their lengths are the same training for so many epochs."""
        return all(
            self.scale(epoch) == other.scale(epoch)
            and self.learning_rate_at(epoch + 0.5) == other.learning_rate_at(epoch + 0.5)
            for epoch in range(epochs)
        )


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
    shares : Tensor
        float32, (n, 7): the emotions that other people saw (`vote_shares`), all 0 where that is not known.
    """

    faces: Tensor
    labels: Tensor
    shares: Tensor
    kept_out_faces: Tensor
    kept_out_labels: Tensor


def prepare(pictures: Faces, seed: int) -> Prepared:
    """Keeps a tenth of the pictures out, drops from the others those without a face, and standardizes all.

    Raises
    ------
    ValueError
        If there are so few pictures that a tenth of no class is a picture.
    """
    groups = same_pictures(pictures.images)
    rows, kept_out = kept_out_tenth(pictures.labels, groups, seed)
    if not len(kept_out):
        raise ValueError("There are too few pictures to keep a tenth out: ten different ones of a class are the least.")
    shares = np.zeros((len(pictures), len(EMOTIONS)), np.float32)
    if pictures.votes is not None:
        shares = vote_shares(pictures.votes, groups)
        rows = rows[~faceless(pictures.votes[rows])]
    faces = standardize(pictures.images)
    labels = torch.from_numpy(pictures.labels)
    return Prepared(faces[rows], labels[rows], torch.from_numpy(shares[rows]), faces[kept_out], labels[kept_out])


class TrainedTogether(nn.Module):
    """The expression network and a second classifier on its features, which learns what people voted."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ExpressionNetwork()
        self.votes = nn.Sequential(nn.Dropout(0.2), nn.Linear(ExpressionNetwork.N_FEATURES, len(EMOTIONS)))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Standardized faces, float (n, 1, size, size), to logits of labels and of votes, (n, 7) each."""
        features = self.network.features(faces)
        return self.network.classifier(features), self.votes(features)


class Training:
    """A training in a folder: `checkpoint.pt` after every epoch, `curves.svg`, at the end `expression.safetensors`.

    Parameters
    ----------
    data : Prepared
    plan : Plan
    folder : Path
        Made if it is not there. A checkpoint of the same plan in it is gone on from, bit for bit as if nothing
        had interrupted; one of a plan of another length too, as long as the two agree on what is done.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint belongs to another plan or other pictures.
    """

    def __init__(self, data: Prepared, plan: Plan, folder: Path, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.data, self.plan, self.folder, self.device = data, plan, folder, device
        self.model = TrainedTogether().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = adamw(self.model, plan.learning_rate, plan.weight_decay)
        self.steps_per_epoch = max(1, len(data.labels) // plan.batch_size)
        self.history: list[Epoch] = []
        self.targets = targets(data.labels, data.shares, plan.label_smoothing)
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity(), device)) is not None:
            self._resume(state)

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _identity(self) -> dict[str, object]:
        faces, shares = (float(part.double().square().sum()) for part in (self.data.faces, self.data.shares))
        # The cycles may change while a training runs, as long as what is done stays the same.
        plan = {name: value for name, value in asdict(self.plan).items() if name != "cycles"}
        pictures = [len(self.data.labels), round(faces), round(shares), int(self.data.labels.sum())]
        return {"plan": plan, "pictures": pictures}

    def _resume(self, state: dict[str, Any]) -> None:
        written_for = replace(self.plan, cycles=tuple(Cycle(*lengths) for lengths in state["cycles"]))
        done = len(state["history"])
        if not self.plan.agrees_with(written_for, done):
            raise ValueError(
                f"{self._checkpoint} belongs to a training of {written_for.epochs} epochs, and after {done} of them it "
                f"cannot become one of {self.plan.epochs}: remove it, or choose another folder."
            )
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(**figures) for figures in state["history"]]

    def _save(self) -> None:
        save_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity(),
                "cycles": [(cycle.epochs, cycle.decay_epochs) for cycle in self.plan.cycles],
                "model": self.model.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "history": [asdict(figures) for figures in self.history],
            },
        )

    def run(self) -> TrainedNetwork:
        """Trains what is left of the plan, writes the weights, and returns them.

        The kept network is the averaged one at the end; its temperature is fitted on the kept-out tenth.
        """
        while len(self.history) < self.plan.epochs:
            loss = self.train_epoch(len(self.history))
            logits = self._kept_out_logits(self.plan.scale(len(self.history)))
            labels = self.data.kept_out_labels
            figures = Epoch(
                loss,
                float(functional.cross_entropy(logits, labels)),
                float((logits.argmax(1) == labels).double().mean()),
            )
            self.history.append(figures)
            self._save()
            (self.folder / "curves.svg").write_text(curves(self.history))
            tqdm.write(
                f"epoch {len(self.history)}: loss {figures.loss:.4f}, kept out: loss {figures.kept_out_loss:.4f}, "
                f"accuracy {figures.kept_out_accuracy:.4f}",
            )
        return self._finish()

    def train_epoch(self, epoch: int) -> float:
        """One pass over the pictures; returns the mean loss."""
        # Everything random in an epoch follows from its number: a resumed training makes the same choices.
        seed = self.plan.seed * 100_003 + epoch
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.data.labels), generator=generator)
        total, size = 0.0, round(WINDOW * self.plan.scale(epoch))
        self.model.train()
        steps = tqdm(range(self.steps_per_epoch), f"epoch {epoch + 1} of {self.plan.epochs}", leave=False)
        for step in steps:
            rows = order[step * self.plan.batch_size : (step + 1) * self.plan.batch_size]
            faces = augment(self.data.faces[rows].to(self.device), WINDOW, size, generator)
            total += self._step(faces, self.targets[rows].to(self.device), epoch, step)
            steps.set_postfix(loss=f"{total / (step + 1):.3f}", refresh=False)
        return total / self.steps_per_epoch

    def _step(self, faces: Tensor, wanted: Tensor, epoch: int, step: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate_at(epoch + step / self.steps_per_epoch)
        steps_done = epoch * self.steps_per_epoch + step
        random = np.random.default_rng([self.plan.seed, steps_done])
        faces, wanted = mix(faces, wanted, self.plan.mixing, random)
        labels, shares = torch.split(wanted, len(EMOTIONS), 1)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            of_labels, of_votes = self.model(faces.contiguous(memory_format=torch.channels_last))
        loss = _cross_entropy(of_labels, labels)
        (loss + self.plan.votes * _cross_entropy(of_votes, shares)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        average_into(self.averaged, self.model, self.plan.averaging, steps_done)
        return float(loss.detach())

    def _kept_out_logits(self, scale: float) -> Tensor:
        """Of the averaged network, for faces as large as it has been shown them."""
        faces = self.data.kept_out_faces
        # Even sides only.
        size = 2 * round(scale * faces.shape[-1] / 2)
        faces = functional.interpolate(faces, size=size, mode="bilinear", antialias=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            # One window tells the course as well as three, in a third of the time.
            return mean_logits(self.averaged.network, faces, (WINDOW,))

    def _finish(self) -> TrainedNetwork:
        network = ExpressionNetwork().eval()
        network.load_state_dict({name: tensor.cpu() for name, tensor in self.averaged.network.state_dict().items()})
        logits: NDArray[np.float32] = mean_logits(network, self.data.kept_out_faces).numpy()
        trained = TrainedNetwork(network, fit_temperature(logits, self.data.kept_out_labels.numpy()))
        path = self.folder / "expression.safetensors"
        save_network(trained, path)
        # In the precision of the file, which is what others will read.
        return load_network(path)


def targets(labels: Tensor, shares: Tensor, smoothing: float) -> Tensor:
    """What the two classifiers are to say of each picture, side by side: float32 (n, 14).

    Parameters
    ----------
    labels : Tensor
        int64, (n,).
    shares : Tensor
        float32, (n, 7), as `Prepared` has them: the right half of the result.
    smoothing : float
        The part of the left half that is not the label but `shares`, or all emotions alike where they are 0.
    """
    unknown = shares.sum(1, keepdim=True) == 0
    others = torch.where(unknown, torch.full_like(shares, 1 / len(EMOTIONS)), shares)
    hard = functional.one_hot(labels, len(EMOTIONS)).float()
    return torch.cat([(1 - smoothing) * hard + smoothing * others, shares], 1)


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean over the rows; one whose targets are all 0 adds nothing."""
    return -(wanted * functional.log_softmax(logits.float(), 1)).sum(1).mean()


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
    kept_out = torch.softmax(mean_logits(trained.network, data.kept_out_faces) / trained.temperature, 1)
    found = emotion_probabilities(trained, validation.images)
    scores = {
        "kept_out": score_probabilities(kept_out.numpy(), data.kept_out_labels.numpy()),
        "validation": score_probabilities(found, validation.labels),
    }
    report = {
        "plan": asdict(plan),
        "trained_on": len(data.labels),
        "temperature": trained.temperature,
        **{name: s.as_json() | {"calibration_error": s.calibration_error} for name, s in scores.items()},
        "epochs": [asdict(epoch) for epoch in training.history],
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    return scores["validation"]
