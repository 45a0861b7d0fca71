"""Training of the whole network to predict what published networks predict of recordings, and what people said of them.

The published networks hear the recordings themselves, so that none is asked about sounds that it does not hear as they
are. Everything they predict is a target: their merged labels and each network's outputs for the whole recording, and,
of networks that hear a few seconds, outputs and embeddings of every patch, for the windows that cover it [1]_. After
the training these outputs are dropped: a label layer is fitted to the embedding (`label_layer`).

References
----------
.. [1] G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015; A. Romero et al., "FitNets:
   hints for thin deep nets", ICLR 2015 (embeddings as targets).
.. [2] H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, "mixup: Beyond empirical risk minimization", ICLR 2018.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from catalog.training import load_checkpoint, save_checkpoint
from tagging.networks.wholesong import QUIETEST_DB, WholeSongCnn
from tagging.taggers.local import trunk_version

from .augmentation import another_copy, mask
from .distillation_dataset import DistillationDataset
from .mixing import SILENCE_DB, resampled, transposed
from .optimization import Optimization, OptimizationPlan, normalize_input

Floats = NDArray[np.float32]

_FIRST_LAYER_SCALE = 0.5
_NORMALIZED_ON = 8
_LEVELS_OF = 100


@dataclass(frozen=True, kw_only=True)
class DistillingPlan(OptimizationPlan):
    """Hyperparameters of a distilling.

    Attributes
    ----------
    steps : int
    mixed : float
        Share of windows to which another recording's is added, with the targets mixed alike [2]_.
    altered : float
        Share of windows that are another copy of the recording: another speed or pitch, a codec, masks.
    people : float
        Weight of what people said beside what the networks predict.
    absent : float
        Weight of a label that people did not give: its absence is not a no.
    """

    steps: int = 3000
    mixed: float = 0.6
    altered: float = 0.85
    people: float = 0.5
    absent: float = 0.3


class Distilling:
    """A training with a `checkpoint.pt` after every round, from which the same call goes on.

    Parameters
    ----------
    base : WholeSongCnn, optional
        What the training begins with, random initial values where there is none; its label layer is not used. Where it
        hears windows as loud as they are, its mean is moved by their mean level.
    dataset : DistillationDataset
    plan : DistillingPlan
    folder : Path
        Made if it does not exist.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint is of another plan, base or dataset.
    """

    def __init__(
        self,
        base: WholeSongCnn | None,
        dataset: DistillationDataset,
        plan: DistillingPlan,
        folder: Path,
        device: torch.device,
    ) -> None:
        torch.manual_seed(plan.seed)
        self.dataset, self.plan = dataset, plan
        self._optimization = Optimization(self._first_network(base), plan, device)
        self.done, self.losses = 0, list[float]()
        self._checkpoint = folder / "checkpoint.pt"
        begun_with = "random initial values" if base is None else trunk_version(base)
        self._identity = {"plan": repr(asdict(plan)), "base": begun_with, "dataset": dataset.digest}
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is not None:
            self._optimization.restore(state)
            self.done, self.losses = state["done"], state["losses"]

    def run(self, report: Callable[[Distilling], object] | None = None) -> WholeSongCnn:
        """Take the remaining steps; returns the averaged network, whose labels are all targets.

        Parameters
        ----------
        report : callable, optional
            Told after every round.
        """
        of_round: list[float] = []
        with tqdm(total=self.plan.steps, initial=self.done, desc="training", unit=" steps") as bar:
            while self.done < self.plan.steps:
                of_round.append(self.step(self.done))
                self.done += 1
                bar.update()
                if self.done % self.plan.round == 0 or self.done == self.plan.steps:
                    self.losses.append(float(np.mean(of_round)))
                    of_round.clear()
                    bar.set_postfix(loss=f"{self.losses[-1]:.3f}")
                    self._save()
                    if report is not None:
                        report(self)
        network: WholeSongCnn = copy.deepcopy(self._optimization.averaged).cpu()
        return network.eval().requires_grad_(False)

    def step(self, step: int) -> float:
        """Take one optimizer step; returns its loss. Raises ValueError if the loss is not finite."""
        mels, targets = self.batch(step)
        loss = self._loss(self._optimization.log_odds(mels), targets.to(self._optimization.device))
        return self._optimization.descend(loss, step, self.plan.steps)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The windows of a step, a deterministic function of it.

        Returns
        -------
        mels : float32, shape (batch_size, 96, n_frames)
        targets : float32, shape (batch_size, sum of `DistillationDataset.widths`)
        """
        plan = self.plan
        rng = np.random.default_rng([plan.seed, 11, step])
        lengths, shares = zip(*plan.windows, strict=True)
        frames = int(rng.choice(lengths, p=shares))
        mels, targets = [], []
        for _ in range(plan.batch_size):
            mel, of_mel = self._window(frames, rng)
            if rng.random() < plan.mixed:
                mel, of_mel = _together((mel, of_mel), self._window(frames, rng), float(rng.uniform(-10.0, 10.0)))
            mels.append(mel)
            targets.append(of_mel)
        windows = np.ascontiguousarray(np.stack(mels).transpose(0, 2, 1), np.float32)
        return torch.from_numpy(windows), torch.from_numpy(np.stack(targets))

    def _window(self, frames: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """A window of any recording; longer ones are drawn more often, as the square root of their length."""
        odds = np.sqrt(self.dataset.places[:, 1])
        row = int(rng.choice(len(odds), p=odds / odds.sum()))
        stretch = float(np.exp(np.clip(rng.normal(0.0, 0.06), -0.15, 0.15))) if rng.random() < 0.5 else 1.0
        n = frames if stretch == 1.0 else int(np.ceil(frames * stretch)) + 1
        first = int(rng.integers(0, max(int(self.dataset.places[row, 1]) - n, 0) + 1))
        mel, targets = self.dataset.window(row, first, n)
        if stretch != 1.0:
            mel = resampled(mel, np.arange(frames, dtype=np.float32) * np.float32(stretch))
            mel = transposed(mel, 12.0 * np.log2(stretch) if rng.random() < 0.5 else float(rng.normal(0.0, 0.7)))
        if rng.random() < self.plan.altered:
            mel = np.maximum(another_copy(mel, rng), np.float32(SILENCE_DB))
            if rng.random() < 0.5:
                mask(mel, rng)
        return mel, targets

    def _loss(self, out: Tensor, targets: Tensor) -> Tensor:
        n_whole, n_patches, _ = self.dataset.widths
        loss = out.new_zeros(())
        for part in (slice(0, n_whole), slice(n_whole, n_whole + n_patches)):
            known = ~torch.isnan(targets[:, part])
            if known.any():
                loss = loss + ((out[:, part] - targets[:, part])[known] ** 2).mean()
        said = targets[:, n_whole + n_patches :]
        known = ~torch.isnan(said)
        if known.any():
            weight = self.plan.absent + (1 - self.plan.absent) * said[known]
            loss = loss + self.plan.people * functional.binary_cross_entropy_with_logits(
                out[:, n_whole + n_patches :][known], said[known], weight
            )
        return loss

    def _first_network(self, base: WholeSongCnn | None) -> WholeSongCnn:
        """The base with a random label layer for all targets."""
        network = WholeSongCnn(sum(self.dataset.widths))
        if base is None:
            normalize_input(network, [self.batch(step)[0] for step in range(_NORMALIZED_ON)])
        else:
            fresh = network.labels.state_dict()
            network.load_state_dict({**base.state_dict(), **{f"labels.{name}": fresh[name] for name in fresh}})
        with torch.no_grad():
            network.labels.weight.mul_(_FIRST_LAYER_SCALE)
            network.labels.bias.copy_(torch.from_numpy(self._priors()))
            if base is not None and not base.levelled:
                network.mean.sub_(self._mean_level())
        return network

    def _priors(self) -> Floats:
        """Each target's mean: 0 where it is standardized, else the log-odds of how often people gave the label."""
        n_whole, n_patches, _ = self.dataset.widths
        said = self.dataset.said
        yes, known = np.nansum(said, axis=0) + 1.0, np.count_nonzero(~np.isnan(said), axis=0) + 2.0
        return np.concatenate([np.zeros(n_whole + n_patches), np.log(yes / (known - yes))]).astype(np.float32)

    def _mean_level(self) -> float:
        """The mean level of some recordings, decibels."""
        chosen = self.dataset.places[:: max(1, len(self.dataset) // _LEVELS_OF)]
        levels = [_power_db(self.dataset.frames[first : first + count].astype(np.float32)) for first, count in chosen]
        return float(np.mean(levels))

    def _save(self) -> None:
        save_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity,
                **self._optimization.state(),
                "done": self.done,
                "losses": self.losses,
            },
        )


def _together(one: tuple[Floats, Floats], other: tuple[Floats, Floats], louder_db: float) -> tuple[Floats, Floats]:
    """Mix two windows of equal level, the first so much louder, and their targets by their share of the power."""
    natural = np.float32(np.log(10) / 10)
    loud = [_power_db(mel) for mel, _ in (one, other)]
    first, second = (one[0] - loud[0] + np.float32(louder_db)) * natural, (other[0] - loud[1]) * natural
    share = np.float32(1.0 / (1.0 + 10.0 ** (-louder_db / 10)))
    mixed = np.where(np.isnan(other[1]), one[1], np.where(np.isnan(one[1]), other[1], 0.0)).astype(np.float32)
    both = ~np.isnan(one[1]) & ~np.isnan(other[1])
    mixed[both] = share * one[1][both] + (1 - share) * other[1][both]
    return np.logaddexp(first, second) / natural, mixed


def _power_db(mel: Floats) -> np.float32:
    """A window's level, decibels; at least that of silence."""
    return np.float32(max(10.0 * np.log10(np.mean(10.0 ** (mel / 10.0)) + 1e-12), QUIETEST_DB))
