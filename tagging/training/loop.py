"""Training of the whole-song network, resumable from its last checkpoint."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from catalog.parallel import cores
from catalog.training import (
    draw_curves,
    load_checkpoint,
    save_checkpoint,
)
from tagging.frontend.mel_bands import N_FRAMES
from tagging.networks.wholesong import WholeSongCnn

from .augmentation import another_copy, labelled_window
from .dataset import Dataset
from .optimization import Optimization, OptimizationPlan, normalize_input
from .scores import Comparison

_AHEAD = 2
_INITIALIZED_ON = 12
_FEWEST_OF_A_ROUND = 10


@dataclass(frozen=True, kw_only=True)
class Plan(OptimizationPlan):
    """Hyperparameters of a training; of the averaged weights those of the best round are kept.

    Attributes
    ----------
    epochs : float
        Passes over the labelled recordings or over the teachers' clips, whichever is larger.
    fewest_steps : int
        Fewest steps, whatever the number of epochs: random initialization needs them.
    batch_size : int
        Windows per step of labelled recordings, and of clips.
    gain_db : float
        Standard deviation of a window's random gain, decibels.
    round : int
        Steps between two evaluations; fewer where the training has less than 30 rounds of that length.
    patience : int
        Rounds without a better macro ROC-AUC after which a training on labelled recordings stops early.
    """

    epochs: float = 40.0
    fewest_steps: int = 3000
    batch_size: int = 24
    learning_rate: float = 0.002
    windows: tuple[tuple[int, float], ...] = ((512, 0.25), (683, 0.35), (1024, 0.2), (1366, 0.2))
    gain_db: float = 2.0
    round: int = 300
    patience: int = 12


class TeacherClips(Protocol):
    """Clips and the teachers' log-odds of them: see `teaching.Clips`."""

    log_odds: NDArray[np.float32]

    def __len__(self) -> int: ...

    def mel(self, clip: int, first: int, frames: int) -> NDArray[np.float32]:
        """Cut `frames` frames of a clip: decibels, shape (frames, 96)."""

    def ends_in_silence(self, clip: int) -> bool:
        """Whether a clip ends in silence."""


@dataclass(frozen=True)
class Material:
    """Data of a training: for training and for evaluation.

    Attributes
    ----------
    dataset : Dataset
    comparison : Comparison
        Evaluation on the held-out recordings.
    clips : TeacherClips, optional
    importance : float32, shape (n_taught,), optional
        Weights of the teachers' labels in the loss.
    """

    dataset: Dataset
    comparison: Comparison
    clips: TeacherClips | None = None
    importance: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Batch:
    """The windows of one step: first those of clips, then those of labelled recordings.

    Attributes
    ----------
    mel : float32, shape (n, 96, n_frames)
        Decibels.
    teacher_log_odds : float32, shape (n_taught_windows, n_taught)
        The teachers' log-odds.
    targets : float32, shape (n_labelled_windows, n_labels)
        As `Dataset.targets`.
    """

    mel: Tensor
    teacher_log_odds: Tensor
    targets: Tensor


class Batches:
    """The batch of every step, a deterministic function of the step, so that a resumed training draws the same ones."""

    def __init__(self, material: Material, plan: Plan) -> None:
        self._dataset, self._clips, self._plan = material.dataset, material.clips, plan
        self._labelled = self._dataset.labelled(self._dataset.training)
        longest = max(self._labelled.size, 0 if self._clips is None else len(self._clips))
        self.steps = max(1, plan.fewest_steps, round(plan.epochs * longest / plan.batch_size))
        self.n_taught = 0 if self._clips is None else self._clips.log_odds.shape[1]

    def __getitem__(self, step: int) -> Batch:
        plan = self._plan
        rng = np.random.default_rng([plan.seed, 5, step])
        lengths, shares = zip(*plan.windows, strict=True)
        frames = int(rng.choice(lengths, p=shares))
        windows, teacher_log_odds, targets = [], [], []
        if self._clips is not None:
            drawn = rows_of_step(len(self._clips), plan.batch_size, step, plan.seed)
            predicted = [clip for clip in drawn if frames == N_FRAMES or not self._clips.ends_in_silence(clip)]
            for clip in predicted or drawn:
                part = self._clips.mel(clip, int(rng.integers(0, N_FRAMES - frames + 1)), frames)
                windows.append(another_copy(part, rng))
                teacher_log_odds.append(self._clips.log_odds[clip])
        if self._labelled.size:
            for place in rows_of_step(self._labelled.size, plan.batch_size, step, plan.seed):
                row = int(self._labelled[place])
                mel, of_row = labelled_window(self._dataset, row, self._labelled, frames, rng)
                windows.append(mel)
                targets.append(of_row)
        mels = np.stack(windows).transpose(0, 2, 1) + rng.normal(0.0, plan.gain_db, (len(windows), 1, 1))
        return Batch(
            torch.from_numpy(np.ascontiguousarray(mels, np.float32)),
            _tensor(teacher_log_odds, self.n_taught),
            _tensor(targets, len(self._dataset.labels)),
        )

    def priors(self) -> NDArray[np.float32]:
        """Compute each label's log-odds of its frequency in the training data, float32, shape (n_labels,)."""
        targets = self._dataset.targets
        yes, known = np.ones(targets.shape[1]), np.full(targets.shape[1], 2.0)
        for row in self._labelled:
            yes += targets[row] > 0
            known += ~np.isnan(targets[row])
        prior: NDArray[np.float32] = np.log(yes / np.maximum(known - yes, 1.0)).astype(np.float32)
        if self._clips is not None:
            prior[: self.n_taught] = self._clips.log_odds.mean(axis=0)
        return prior

    def ahead(self, first: int) -> Iterator[Batch]:
        """Yield all batches from a step on, prefetched by threads."""
        with ThreadPoolExecutor(cores()) as threads:
            waiting: deque[Future[Batch]] = deque()
            steps = iter(range(first, self.steps))
            try:
                for step in steps:
                    waiting.append(threads.submit(self.__getitem__, step))
                    if len(waiting) > _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                threads.shutdown(cancel_futures=True)


def rows_of_step(n: int, size: int, step: int, seed: int) -> list[int]:
    """Choose the rows of a step's batch: every row once an epoch, shuffled in each.

    Parameters
    ----------
    n : int
        Number of rows.
    size : int
        Rows per batch.
    step, seed : int
    """
    places = range(step * size, (step + 1) * size)
    return [int(_order(n, seed, place // n)[place % n]) for place in places]


@lru_cache(maxsize=4)
def _order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 6, epoch]).permutation(n)


class Training:
    """A training that writes `checkpoint.pt` and `curves.svg` to a folder after every round.

    Parameters
    ----------
    material : Material
    plan : Plan
    folder : Path
        Made if it does not exist. A checkpoint of the same plan and data in it is resumed, and ends in the same
        weights to the last bit.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint belongs to another plan or other data.
    """

    def __init__(self, material: Material, plan: Plan, folder: Path, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.material, self.plan, self.folder, self.device = material, plan, folder, device
        self.batches = Batches(material, plan)
        self._optimization = Optimization(WholeSongCnn(len(material.dataset.labels)), plan, device)
        importance = np.ones(self.batches.n_taught, np.float32) if material.importance is None else material.importance
        self._importance = torch.from_numpy(importance).to(device)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self._identity = {
            "plan": repr(asdict(plan)),
            "data": material.dataset.digest,
            "clips": len(material.clips or ()),
        }
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is None:
            self._initialize()
        else:
            self._optimization.restore(state)
            self.best, self.history = state["best"], state["history"]

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def round_steps(self) -> int:
        """Steps between two evaluations."""
        return min(self.plan.round, max(self.batches.steps // 30, _FEWEST_OF_A_ROUND))

    @property
    def step(self) -> int:
        """Steps that are done at the last checkpoint."""
        return min(len(self.history) * self.round_steps, self.batches.steps)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or the training has stopped early."""
        scores = self._scores()
        impatient = bool(scores) and len(scores) - 1 - scores.index(max(scores)) > self.plan.patience
        return self.step >= self.batches.steps or (impatient and self.material.comparison.ranks)

    def run(self) -> WholeSongCnn:
        """Train the remaining steps; returns the network of the best round on the held-out recordings."""
        if not self.finished:
            self._train()
        network = WholeSongCnn(len(self.material.dataset.labels))
        network.load_state_dict({name: tensor.cpu() for name, tensor in self.best.items()})
        return network.eval().requires_grad_(False)

    def _initialize(self) -> None:
        """Initialize input normalization and output biases from data; everything else stays random."""
        mels = [self.batches[step].mel for step in range(min(_INITIALIZED_ON, self.batches.steps))]
        network = self._optimization.network
        normalize_input(network, mels)
        with torch.no_grad():
            network.labels.bias.copy_(torch.from_numpy(self.batches.priors()))
            network.labels.weight.mul_(0.5)
        self._optimization.averaged.load_state_dict(network.state_dict())

    def _train(self) -> None:
        losses: list[float] = []
        bar = tqdm(total=self.batches.steps, initial=self.step, desc="training", unit=" steps")
        with bar:
            for step, batch in enumerate(self.batches.ahead(self.step), start=self.step):
                losses.append(self._step(batch, step))
                bar.update()
                done = step + 1
                if done % self.round_steps == 0 or done == self.batches.steps:
                    self._evaluate(float(np.mean(losses)))
                    losses.clear()
                    bar.set_postfix(_shown(self.history[-1]))
                    if self.finished:
                        return

    def _step(self, batch: Batch, step: int) -> float:
        loss = self._loss(self._optimization.log_odds(batch.mel), batch)
        return self._optimization.descend(loss, step, self.batches.steps)

    def _loss(self, log_odds: Tensor, batch: Batch) -> Tensor:
        n, n_taught = batch.teacher_log_odds.shape
        loss = log_odds.new_zeros(())
        if n:
            squared = (log_odds[:n, :n_taught] - batch.teacher_log_odds.to(self.device)) ** 2
            loss = loss + (squared * self._importance).mean()
        if len(batch.targets):
            loss = loss + binary_cross_entropy(log_odds[n:], batch.targets.to(self.device))
        return loss

    def _evaluate(self, loss: float) -> None:
        """Evaluate the averaged network, keep it if it is the best, and write the checkpoint."""
        averaged = self._optimization.averaged
        scores = self.material.comparison.scores(averaged, self.device)
        self.history.append({"step": self.step_after_round(), "loss": loss, **scores.figures()})
        # Of equally good rounds the last is kept, which was trained longest.
        if self._scores()[-1] == max(self._scores()):
            self.best = copy.deepcopy(averaged.state_dict())
        save_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity,
                **self._optimization.state(),
                "best": self.best,
                "history": self.history,
            },
        )
        (self.folder / "curves.svg").write_text(curves(self.history))

    def step_after_round(self) -> int:
        """Count the steps that are done at the end of the current round."""
        return min((len(self.history) + 1) * self.round_steps, self.batches.steps)

    def _scores(self) -> list[float]:
        """Return the score that selects the best round, one per round."""
        name = "roc_auc" if self.material.comparison.ranks else "agreement"
        return [figures[name] for figures in self.history]


def binary_cross_entropy(log_odds: Tensor, targets: Tensor) -> Tensor:
    """Compute the mean binary cross-entropy over known targets; a positive one is weighted by its certainty.

    Parameters
    ----------
    log_odds : float32, shape (n, n_labels)
    targets : float32, shape (n, n_labels)
        As `Dataset.targets`; NaN is ignored.

    Returns
    -------
    float32, shape ()
    """
    known = ~torch.isnan(targets)
    true = targets > 0
    weights = torch.where(true, targets, known.float())
    losses = functional.binary_cross_entropy_with_logits(log_odds, true.float(), weights, reduction="sum")
    return losses / weights.sum().clamp(min=1.0)


def curves(history: list[dict[str, float]]) -> str:
    """Draw the training loss and the scores of the held-out recordings by round, as SVG."""
    names = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "agreement": "agreement"}
    plots: dict[str, Mapping[str, list[float]]] = {"Loss": {"training": [figures["loss"] for figures in history]}}
    scores = {
        f"{title}, best {max(values):.3f}": values
        for name, title in names.items()
        if (values := [figures[name] for figures in history if name in figures])
    }
    return draw_curves({**plots, "Kept-out recordings": scores}, "round")


def _shown(figures: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.3f}" for name, value in figures.items() if name != "step"}


def _tensor(rows: list[NDArray[np.float32]], columns: int) -> Tensor:
    return torch.from_numpy(np.stack(rows).astype(np.float32) if rows else np.zeros((0, columns), np.float32))
