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
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from catalog.training import (
    adamw,
    average_into,
    fast_bfloat16,
    load_checkpoint,
    save_checkpoint,
    warmup_cosine,
)
from tagging.wholesong import QUIETEST_DB, WholeSongCnn

from .augmentation import another_copy, mask
from .mixing import SILENCE_DB, resampled, transposed
from .spectrograms import Mel

Floats = NDArray[np.float32]

_FIRST_LAYER_SCALE = 0.5
_LEVELS_OF = 100


@dataclass(frozen=True)
class DistillingPlan:
    """Hyperparameters of a distilling.

    Attributes
    ----------
    steps : int
    batch_size : int
        Windows per step.
    learning_rate : float
        The peak: linear warm-up over the first twentieth of all steps, then cosine decay.
    weight_decay : float
    averaging : float
        Decay of the exponential moving average of weights, which is what comes of the training.
    windows : tuple of (int, float)
        Lengths of a step's windows in frames, and their probabilities.
    mixed : float
        Share of windows to which another recording's is added, with the targets mixed alike [2]_.
    altered : float
        Share of windows that are another copy of the recording: another speed or pitch, a codec, masks.
    people : float
        Weight of what people said beside what the networks predict.
    absent : float
        Weight of a label that people did not give: its absence is not a no.
    round : int
        Steps between two checkpoints.
    seed : int
    """

    steps: int = 3000
    batch_size: int = 16
    learning_rate: float = 0.001
    weight_decay: float = 0.05
    averaging: float = 0.998
    windows: tuple[tuple[int, float], ...] = ((345, 0.25), (512, 0.4), (683, 0.35))
    mixed: float = 0.6
    altered: float = 0.85
    people: float = 0.5
    absent: float = 0.3
    round: int = 100
    seed: int = 1


@dataclass(frozen=True)
class Lessons:
    """Recordings, and what is to be predicted of them.

    Attributes
    ----------
    frames : float16, shape (n_frames, 96)
        All recordings' spectrograms, decibels; memory-mapped.
    places : int64, shape (n, 2)
        Each recording's first frame, and number of frames.
    whole : float32, shape (n, n_whole)
        Predictions for the whole recording, each in standard deviations from its mean; NaN where there is none.
    patches : float32, shape (n_patches, n_outputs)
        Predictions for every recording's patches, one recording after the other, standardized alike.
    patch_middles : int64, shape (n_patches,)
        The frame in the middle of each patch, counted from its recording's first.
    patch_bounds : int64, shape (n + 1,)
        Of each recording, the first of its patches; and the number of all.
    said : float32, shape (n, n_labels)
        1 where people gave a label, 0 where they were asked and did not, NaN where nobody was asked.
    """

    frames: Mel
    places: NDArray[np.int64]
    whole: Floats
    patches: Floats
    patch_middles: NDArray[np.int64]
    patch_bounds: NDArray[np.int64]
    said: Floats

    def __len__(self) -> int:
        return len(self.places)

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many numbers are predicted: of the whole, of patches, of what people said."""
        return self.whole.shape[1], self.patches.shape[1], self.said.shape[1]

    @property
    def digest(self) -> str:
        """A digest of everything but the spectrograms, hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.places, self.whole, self.patches, self.patch_middles, self.patch_bounds, self.said):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def window(self, row: int, first: int, frames: int) -> tuple[Floats, Floats]:
        """Cut a window of a recording.

        Returns
        -------
        mel : float32, shape (frames, 96)
            Decibels; a shorter recording is repeated.
        targets : float32, shape (n_whole + n_outputs + n_labels,)
        """
        start, count = (int(number) for number in self.places[row])
        if count < frames:
            mel = self.frames[start + np.arange(frames) % count].astype(np.float32)
        else:
            mel = self.frames[start + first : start + first + frames].astype(np.float32)
        return mel, np.concatenate([self.whole[row], self._of_patches(row, first, frames), self.said[row]])

    def _of_patches(self, row: int, first: int, frames: int) -> Floats:
        """The mean over the patches whose middle lies in a window; of the nearest where none does."""
        patches = slice(int(self.patch_bounds[row]), int(self.patch_bounds[row + 1]))
        middles = self.patch_middles[patches]
        if not middles.size:
            return np.full(self.patches.shape[1], np.nan, np.float32)
        inside = (middles >= first) & (middles < first + frames)
        if not inside.any():
            inside[np.abs(middles - first - frames // 2).argmin()] = True
        mean: Floats = self.patches[patches][inside].mean(axis=0)
        return mean


class Distilling:
    """A training with a `checkpoint.pt` after every round, from which the same call goes on.

    Parameters
    ----------
    base : WholeSongCnn
        What the training begins with; its label layer is not used. Where it hears windows as loud as they are, its mean
        is moved by their mean level.
    lessons : Lessons
    plan : DistillingPlan
    folder : Path
        Made if it does not exist.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint is of another plan, base or other lessons.
    """

    def __init__(
        self, base: WholeSongCnn, lessons: Lessons, plan: DistillingPlan, folder: Path, device: torch.device
    ) -> None:
        torch.manual_seed(plan.seed)
        self.lessons, self.plan, self.device = lessons, plan, device
        self.network = WholeSongCnn(sum(lessons.widths))
        fresh = self.network.labels.state_dict()
        self.network.load_state_dict({**base.state_dict(), **{f"labels.{name}": fresh[name] for name in fresh}})
        with torch.no_grad():
            self.network.labels.weight.mul_(_FIRST_LAYER_SCALE)
            self.network.labels.bias.copy_(torch.from_numpy(self._priors()))
            if not base.levelled:
                self.network.mean.sub_(self._mean_level())
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = adamw(self.network, plan.learning_rate, plan.weight_decay)
        self.done, self.losses = 0, list[float]()
        self._checkpoint = folder / "checkpoint.pt"
        self._identity = {"plan": repr(asdict(plan)), "lessons": lessons.digest}
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is not None:
            self.network.load_state_dict(state["network"])
            self.averaged.load_state_dict(state["averaged"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.done, self.losses = state["done"], state["losses"]

    def run(self, report: Callable[[Distilling], object] | None = None) -> WholeSongCnn:
        """Take the remaining steps; returns the averaged network, whose labels are all targets.

        Parameters
        ----------
        report : callable, optional
            Told after every round.
        """
        of_round: list[float] = []
        while self.done < self.plan.steps:
            of_round.append(self.step(self.done))
            self.done += 1
            if self.done % self.plan.round == 0 or self.done == self.plan.steps:
                self.losses.append(float(np.mean(of_round)))
                of_round.clear()
                self._save()
                if report is not None:
                    report(self)
        network: WholeSongCnn = copy.deepcopy(self.averaged).cpu()
        return network.eval().requires_grad_(False)

    def step(self, step: int) -> float:
        """Take one optimizer step; returns its loss. Raises ValueError if the loss is not finite."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate * warmup_cosine(step / self.plan.steps, 0.05)
        mels, targets = self.batch(step)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            out = self.network(mels.to(self.device))
        loss = self._loss(out.float(), targets.to(self.device))
        if not torch.isfinite(loss):
            raise ValueError("The loss is no number any more: try a smaller learning rate, or look at the recordings.")
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        average_into(self.averaged, self.network, self.plan.averaging, step)
        return float(loss.detach())

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """The windows of a step, a deterministic function of it.

        Returns
        -------
        mels : float32, shape (batch_size, 96, n_frames)
        targets : float32, shape (batch_size, sum of `Lessons.widths`)
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
        odds = np.sqrt(self.lessons.places[:, 1])
        row = int(rng.choice(len(odds), p=odds / odds.sum()))
        stretch = float(np.exp(np.clip(rng.normal(0.0, 0.06), -0.15, 0.15))) if rng.random() < 0.5 else 1.0
        n = frames if stretch == 1.0 else int(np.ceil(frames * stretch)) + 1
        first = int(rng.integers(0, max(int(self.lessons.places[row, 1]) - n, 0) + 1))
        mel, targets = self.lessons.window(row, first, n)
        if stretch != 1.0:
            mel = resampled(mel, np.arange(frames, dtype=np.float32) * np.float32(stretch))
            mel = transposed(mel, 12.0 * np.log2(stretch) if rng.random() < 0.5 else float(rng.normal(0.0, 0.7)))
        if rng.random() < self.plan.altered:
            mel = np.maximum(another_copy(mel, rng), np.float32(SILENCE_DB))
            if rng.random() < 0.5:
                mask(mel, rng)
        return mel, targets

    def _loss(self, out: Tensor, targets: Tensor) -> Tensor:
        n_whole, n_patches, _ = self.lessons.widths
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

    def _priors(self) -> Floats:
        """Each target's mean: 0 where it is standardized, else the log-odds of how often people gave the label."""
        n_whole, n_patches, _ = self.lessons.widths
        said = self.lessons.said
        yes, known = np.nansum(said, axis=0) + 1.0, np.count_nonzero(~np.isnan(said), axis=0) + 2.0
        return np.concatenate([np.zeros(n_whole + n_patches), np.log(yes / (known - yes))]).astype(np.float32)

    def _mean_level(self) -> float:
        """The mean level of some recordings, decibels."""
        chosen = self.lessons.places[:: max(1, len(self.lessons) // _LEVELS_OF)]
        levels = [_power_db(self.lessons.frames[first : first + count].astype(np.float32)) for first, count in chosen]
        return float(np.mean(levels))

    def _save(self) -> None:
        save_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity,
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
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
