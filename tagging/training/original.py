"""The recipe of 2018 as a baseline: the training of this system's predecessor.

Songs are trained in chunks of 1,500, four fifths of each for training and a fifth for validation; each chunk for 10
epochs with batches of 10, Adadelta and categorical cross-entropy. That loss fits single-label classification: it
normalizes a song's outputs to sum 1, so that a second true label lowers the first, and outputs are no probabilities of
labels. The same recipe with binary cross-entropy shows how much of the difference is due to the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from catalog.training import load_checkpoint, save_checkpoint
from tagging.frontend.mel_bands import N_FRAMES
from tagging.networks.published_networks import Cnn

from .dataset import Dataset
from .mixing import padded
from .spectrograms import Mel

CHUNK = 1500
EPOCHS = 10
BATCH = 10
_TRAINED_ON = 0.8
# Keras's defaults of Adadelta, and its bound on probabilities.
_RHO, _EPSILON, _SMALLEST = 0.95, 1e-8, 1e-7

Loss = Callable[[Tensor, Tensor], Tensor]


def categorical_cross_entropy(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Compute the categorical cross-entropy as Keras does: of outputs normalized to sum 1.

    Parameters
    ----------
    probabilities, truth : float32, shape (n, n_labels)

    Returns
    -------
    float32, shape ()
        The mean over n.
    """
    shares = (probabilities / probabilities.sum(dim=1, keepdim=True)).clamp(_SMALLEST, 1.0 - _SMALLEST)
    return -(truth * shares.log()).sum(dim=1).mean()


def binary_cross_entropy(probabilities: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean binary cross-entropy over songs and labels.

    Parameters
    ----------
    probabilities, truth : float32, shape (n, n_labels)

    Returns
    -------
    float32, shape ()
    """
    return functional.binary_cross_entropy(probabilities.clamp(_SMALLEST, 1.0 - _SMALLEST), truth)


LOSSES: dict[str, Loss] = {"categorical": categorical_cross_entropy, "binary": binary_cross_entropy}


@dataclass(frozen=True)
class Chunk:
    """Songs that are trained together; rows of the dataset, for training and for validation."""

    trained_on: NDArray[np.intp]
    watched: NDArray[np.intp]


def chunks(rows: NDArray[np.intp], seed: int) -> list[Chunk]:
    """Split songs at random into chunks of 1,500, and each chunk four to one.

    Parameters
    ----------
    rows : int, shape (n,)
    seed : int
    """
    shuffled = np.random.default_rng([seed, 2]).permutation(rows)
    parts = [shuffled[first : first + CHUNK] for first in range(0, rows.size, CHUNK)]
    return [Chunk(*np.split(part, [max(round(_TRAINED_ON * part.size), 1)])) for part in parts]


class Original:
    """The original network and its training, with a checkpoint after every epoch.

    Parameters
    ----------
    dataset : Dataset
        Its labelled training recordings are used; unknown targets count as negative.
    loss : str
        One of `LOSSES`.
    folder : Path
    seed : int
    device : torch.device

    Raises
    ------
    ValueError
        If the folder's checkpoint belongs to another training.
    """

    def __init__(self, dataset: Dataset, loss: str, folder: Path, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.dataset, self.loss, self.seed, self.device = dataset, loss, seed, device
        self.chunks = chunks(dataset.labelled(dataset.training), seed)
        self.network = Cnn(len(dataset.labels)).to(device)
        self.optimizer = torch.optim.Adadelta(self.network.parameters(), lr=1.0, rho=_RHO, eps=_EPSILON)
        self.history: list[dict[str, float]] = []
        self._checkpoint = folder / f"original-{loss}.pt"
        self._identity = {"data": dataset.digest, "loss": loss, "seed": seed, "epochs": EPOCHS}
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is not None:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.history = state["history"]

    def run(self) -> None:
        """Train the remaining epochs."""
        total = len(self.chunks) * EPOCHS
        with tqdm(total=total, initial=len(self.history), desc=f"original, {self.loss}", unit=" epochs") as bar:
            while len(self.history) < total:
                epoch = len(self.history)
                chunk = self.chunks[epoch // EPOCHS]
                self.history.append({"loss": self._train(chunk, epoch), "watched_loss": self._watch(chunk)})
                save_checkpoint(
                    self._checkpoint,
                    {
                        "identity": self._identity,
                        "network": self.network.state_dict(),
                        "optimizer": self.optimizer.state_dict(),
                        "history": self.history,
                    },
                )
                bar.update()

    def probabilities(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Predict recordings of some rows: probabilities, float32, shape (n, n_labels)."""
        self.network.eval()
        with torch.inference_mode():
            answers = [self.network(self._crops(rows[at : at + BATCH])) for at in range(0, rows.size, BATCH)]
        probabilities: NDArray[np.float32] = torch.cat(answers).cpu().numpy()
        return probabilities

    def _train(self, chunk: Chunk, epoch: int) -> float:
        """Train one epoch on a chunk; returns the mean loss."""
        torch.manual_seed(self.seed * 100_003 + epoch)
        order = np.random.default_rng([self.seed, 3, epoch]).permutation(chunk.trained_on)
        self.network.train()
        losses = []
        for at in range(0, order.size, BATCH):
            rows = order[at : at + BATCH]
            loss = LOSSES[self.loss](self.network(self._crops(rows)), self._truth(rows))
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def _watch(self, chunk: Chunk) -> float:
        if not chunk.watched.size:
            return float("nan")
        probabilities = torch.from_numpy(self.probabilities(chunk.watched))
        return float(LOSSES[self.loss](probabilities, self._truth(chunk.watched).cpu()))

    def _crops(self, rows: NDArray[np.intp]) -> Tensor:
        crops = np.stack([middle(self.dataset.mel(int(row))) for row in rows])
        return torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 2, 1))).to(self.device)

    def _truth(self, rows: NDArray[np.intp]) -> Tensor:
        return torch.from_numpy((self.dataset.targets[rows] > 0).astype(np.float32)).to(self.device)


def middle(mel: Mel) -> NDArray[np.float32]:
    """Cut 29.12 s from the middle of a recording; a shorter one is padded with silence at the end.

    Parameters
    ----------
    mel : float16, shape (n_frames, 96)
        Decibels.

    Returns
    -------
    float32, shape (1366, 96)
    """
    return padded(mel, max(len(mel) - N_FRAMES, 0) // 2, N_FRAMES)
