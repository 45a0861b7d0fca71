"""Scores of a network on the held-out recordings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catalog.training import fast_bfloat16
from tagging.evaluation.metrics import agreement, ranking
from tagging.frontend.mel_bands import windows_of
from tagging.networks.wholesong import WholeSongCnn

from .dataset import Dataset
from .mixing import SILENCE_DB
from .spectrograms import Mel

LogOdds = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """ROC-AUC and PR-AUC by label, and agreement with the teachers.

    Attributes
    ----------
    roc_auc, pr_auc : dict of str to float
        By the label's name; labels without a positive or without a negative recording are left out.
    agreement : float, optional
        With the teachers: the correlation of log-odds, each label's mean removed.
    """

    roc_auc: dict[str, float] = field(default_factory=dict)
    pr_auc: dict[str, float] = field(default_factory=dict)
    agreement: float | None = None

    def figures(self) -> dict[str, float]:
        """Average the scores over labels, by name."""
        found = {}
        if self.roc_auc:
            found["roc_auc"] = float(np.mean(list(self.roc_auc.values())))
            found["pr_auc"] = float(np.mean(list(self.pr_auc.values())))
        if self.agreement is not None:
            found["agreement"] = self.agreement
        return found


@dataclass(frozen=True)
class Comparison:
    """The held-out recordings, their targets and the teachers' log-odds.

    Attributes
    ----------
    dataset : Dataset
    rows : int, shape (n,)
        The held-out rows of the dataset.
    targets : float32, shape (n, n_labels)
        As `Dataset.targets`.
    teacher_log_odds : float32, shape (n, n_taught), optional
        The teachers' log-odds.
    """

    dataset: Dataset
    rows: NDArray[np.intp]
    targets: NDArray[np.float32]
    teacher_log_odds: LogOdds | None = None

    @classmethod
    def of(cls, dataset: Dataset, teacher_log_odds: LogOdds | None = None) -> Comparison:
        """Collect a dataset's held-out recordings.

        Raises
        ------
        ValueError
            If there are neither teachers nor a label with positive and negative recordings.
        """
        rows = np.flatnonzero(dataset.kept_out)
        comparison = cls(dataset, rows, dataset.targets[rows].astype(np.float32), teacher_log_odds)
        if teacher_log_odds is None and not comparison.ranks:
            raise ValueError(
                f"The {rows.size} recordings that are kept out to compare by have no label that some have and some "
                "have not: more recordings are needed, or another --seed."
            )
        return comparison

    @property
    def ranks(self) -> bool:
        """Whether there is a label with positive and negative recordings."""
        return bool((((self.targets > 0).any(axis=0)) & ((self.targets == 0).any(axis=0))).any())

    def scores(self, network: WholeSongCnn, device: torch.device) -> Scores:
        """Score a network on whole recordings."""
        return self.score(np.stack([predict(network, self.dataset.mel(int(row)), device) for row in self.rows]))

    def score(self, log_odds: LogOdds) -> Scores:
        """Score log-odds, shape (n, n_labels); without teachers, scores of any monotone scale."""
        roc_auc, pr_auc = {}, {}
        for column, label in enumerate(self.dataset.labels):
            targets = self.targets[:, column]
            known = ~np.isnan(targets)
            truth = targets[known] > 0
            if truth.any() and not truth.all():
                ranked = ranking(log_odds[known, column, np.newaxis], truth[:, np.newaxis], 0)
                roc_auc[label.name] = ranked.macro_roc_auc.value
                pr_auc[label.name] = ranked.macro_pr_auc.value
        agreed = None
        if self.teacher_log_odds is not None:
            n_taught = self.teacher_log_odds.shape[1]
            agreed = agreement(_sigmoid(log_odds[:, :n_taught]), _sigmoid(self.teacher_log_odds), 0).value
        return Scores(roc_auc, pr_auc, agreed)


def predict(network: WholeSongCnn, mel: Mel, device: torch.device) -> LogOdds:
    """Predict a recording's log-odds from its embedding, as the tagger does.

    Parameters
    ----------
    network : WholeSongCnn
        For inference.
    mel : float16, shape (n_frames, 96)
        Decibels; at least 64 frames.
    device : torch.device

    Returns
    -------
    float32, shape (n_labels,)
        Log-odds.
    """
    with torch.inference_mode():
        answers: LogOdds = network.labels(embed(network, mel, device)).cpu().numpy()
    return answers


def embed(network: WholeSongCnn, mel: Mel, device: torch.device) -> Tensor:
    """Embed a recording: the mean over windows spread over all of it.

    Parameters
    ----------
    network : WholeSongCnn
        For inference.
    mel : float16, shape (n_frames, 96)
        Decibels; at least 64 frames.
    device : torch.device

    Returns
    -------
    float32, shape (256,)
        On the device.
    """
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
        return network.embed(torch.from_numpy(windows_all_over(mel)).to(device)).float().mean(0)


def windows_all_over(mel: Mel) -> NDArray[np.float32]:
    """Cut a recording into the windows that the tagger uses.

    Parameters
    ----------
    mel : float16, shape (n_frames, 96)
        Decibels; at least 64 frames.

    Returns
    -------
    float32, shape (n, 96, n_window_frames)
        Decibels.
    """
    starts, length = windows_of(len(mel))
    if len(mel) < length:
        mel = np.pad(mel, ((0, length - len(mel)), (0, 0)), constant_values=SILENCE_DB)
    windows = np.stack([mel[first : first + length] for first in starts])
    return np.ascontiguousarray(windows.transpose(0, 2, 1), np.float32)


def _sigmoid(log_odds: LogOdds) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-log_odds.astype(np.float64)))
    return odds
