"""Fine-tune the whole network to curators' corrections with learning without forgetting.

Training starts from the label layer fitted to the corrections (`tagging.training.fitting`). Wherever there is no
correction (other labels in all songs, corrected labels in all other songs), the change from the base network's
predictions is penalized [1]_. Batch normalizations are frozen, since a few songs are no sample of all music.

The result is evaluated by cross-validation: songs are split by artist, and for each part a network is tuned without it.

References
----------
.. [1] Z. Li, D. Hoiem, "Learning without forgetting", ECCV 2016.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from catalog.training import adamw, fast_bfloat16, load_checkpoint, save_checkpoint, warmup_cosine
from tagging.networks.wholesong import WholeSongCnn, fused
from tagging.taggers import local

from .augmentation import another_copy
from .fitting import Corrections, EmbeddingStatistics, Row, by_artist, move_row
from .mixing import padded
from .scores import embed
from .spectrograms import Mel

_ALTERED = 0.5
_OFFSETS_FASTER = 20.0
_SMALLEST_SPREAD = 0.1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TuningPlan:
    """Hyperparameters of a fine-tuning.

    Attributes
    ----------
    steps : int
    batch_size : int
        Windows per step: half of corrected songs, half of any.
    learning_rate : float
        The peak: linear warm-up over the first tenth of all steps, then cosine decay.
    keeping : float
        Weight of the penalty on changes without a correction (lambda_o of the paper).
    frames : int
        Length of a window.
    gain_db : float
        Standard deviation of an altered window's random gain, decibels.
    round : int
        Steps between two checkpoints.
    parts : int
        Number of folds of the cross-validation.
    seed : int
    """

    steps: int = 200
    batch_size: int = 16
    learning_rate: float = 1e-4
    keeping: float = 20.0
    frames: int = 683
    gain_db: float = 2.0
    round: int = 20
    parts: int = 4
    seed: int = 1


@dataclass(frozen=True)
class CuratedSongs:
    """Songs and curators' verdicts on some of them.

    Attributes
    ----------
    frames : float16, shape (n_frames, 96)
        All songs' spectrograms, decibels; memory-mapped.
    places : int64, shape (n, 2)
        Each song's first frame, and number of frames.
    verdicts : float32, shape (n, n_labels)
        1: the song has the label; 0: it does not; NaN: no correction, or the label is not trained.
    artists : int64, shape (n,)
        Equal for songs of the same artist.
    """

    frames: Mel
    places: NDArray[np.int64]
    verdicts: Floats
    artists: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    def mel(self, row: int) -> Mel:
        """Return a song's spectrogram, shape (n_frames, 96), decibels; memory-mapped."""
        first, count = self.places[row]
        return self.frames[first : first + count]

    @property
    def taught(self) -> NDArray[np.intp]:
        """The columns of the trained labels, ascending."""
        return np.flatnonzero(~np.isnan(self.verdicts).all(axis=0))

    @property
    def groups(self) -> NDArray[np.int64]:
        """Equal numbers for songs that are held out together: by artist where each verdict has several artists."""
        for column in self.taught:
            judged = ~np.isnan(self.verdicts[:, column])
            if not by_artist(self.verdicts[judged, column] > 0, self.artists[judged]):
                return np.arange(len(self))
        return self.artists

    def corrections(self, column: int, embeddings: NDArray[np.float64]) -> tuple[Corrections, NDArray[np.bool_]]:
        """Collect a label's corrections, from all songs' embeddings; and the mask of corrected songs, shape (n,)."""
        judged = ~np.isnan(self.verdicts[:, column])
        corrections = Corrections(embeddings[judged], self.verdicts[judged, column] > 0, self.groups[judged])
        return corrections, judged

    @property
    def digest(self) -> str:
        """A digest of songs, verdicts and artists, hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.places, self.verdicts, self.artists):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def without(self, held_out: NDArray[np.bool_]) -> CuratedSongs:
        """Select the songs that are not held out."""
        rest = ~held_out
        return replace(self, places=self.places[rest], verdicts=self.verdicts[rest], artists=self.artists[rest])


@dataclass(frozen=True)
class Tuned:
    """The result of a fine-tuning.

    Attributes
    ----------
    network : WholeSongCnn
        Tuned on all songs.
    before, layer, after : float32, shape (n, n_labels)
        Every song's log-odds: of the base network; with the label layer fitted to other folds; of the network tuned
        on other folds.
    """

    network: WholeSongCnn
    before: Floats
    layer: Floats
    after: Floats


def fine_tune(
    network: WholeSongCnn, songs: CuratedSongs, plan: TuningPlan, folder: Path, device: torch.device
) -> Tuned:
    """Tune a network on songs, and predict each song with a network that was tuned on other folds.

    Parameters
    ----------
    network : WholeSongCnn
        For inference; rows of new labels are 0.
    songs : CuratedSongs
    plan : TuningPlan
    folder : Path
        Holds a checkpoint of each fold; the same call resumes an interrupted one.
    device : torch.device

    Returns
    -------
    Tuned

    Raises
    ------
    ValueError
        If the folder holds checkpoints of other inputs, or the loss is not finite.
    """
    embeddings = _embed_all(network, songs, device)
    before = _log_odds(network, embeddings)
    layer, after = before.copy(), before.copy()
    parts = parts_of(songs, plan.parts, plan.seed)
    for part in range(plan.parts):
        held_out = parts == part
        base = _with_moved_rows(network, songs.without(held_out), embeddings[~held_out])
        tuned = Tuning(base, songs.without(held_out), plan, folder / f"part-{part}", device).run(
            f"part {part + 1} of {plan.parts}"
        )
        layer[held_out] = _log_odds(base, embeddings[held_out])
        after[held_out] = _log_odds(tuned, _embed_all(tuned, songs.without(~held_out), device))
    base = _with_moved_rows(network, songs, embeddings)
    return Tuned(Tuning(base, songs, plan, folder / "all", device).run("all songs"), before, layer, after)


def parts_of(songs: CuratedSongs, n: int, seed: int) -> NDArray[np.int64]:
    """Assign songs to folds: an artist's songs to one, and every label's verdicts evenly to all.

    Parameters
    ----------
    songs : CuratedSongs
    n : int
        Number of folds.
    seed : int

    Returns
    -------
    int64, shape (n_songs,)
        At least 0, below `n`.
    """
    verdicts = songs.verdicts[:, songs.taught]
    verdict_counts = np.concatenate([verdicts == 1, verdicts == 0], axis=1).astype(np.float64)
    groups, group_of = np.unique(songs.groups, return_inverse=True)
    of_group = np.zeros((groups.size, verdict_counts.shape[1]))
    np.add.at(of_group, group_of, verdict_counts)
    rarity = 1.0 / np.maximum(verdict_counts.sum(axis=0), 1.0)
    shuffled = np.random.default_rng([seed, 7]).permutation(groups.size)
    heaviest_first = shuffled[np.argsort(-(of_group[shuffled] @ rarity), kind="stable")]
    filled, sizes = np.zeros((n, verdict_counts.shape[1])), np.zeros(n)
    part_of = np.zeros(groups.size, np.int64)
    members = np.bincount(group_of)
    for group in heaviest_first:
        # The fold with the fewest of this group's verdicts; of equal ones the smallest.
        part = int(np.lexsort((sizes, filled @ (of_group[group] * rarity)))[0])
        part_of[group] = part
        filled[part] += of_group[group]
        sizes[part] += members[group]
    return part_of[group_of]


def _with_moved_rows(network: WholeSongCnn, songs: CuratedSongs, embeddings: NDArray[np.float64]) -> WholeSongCnn:
    """Fit the label layer's rows of corrected labels to their corrections."""
    weights, biases = local.label_layer(network)
    library = EmbeddingStatistics.of(embeddings)
    for column in songs.taught:
        corrections, _ = songs.corrections(int(column), embeddings)
        row = move_row(Row(weights[column].astype(np.float64), float(biases[column])), corrections, library)
        weights[column], biases[column] = row.weights, row.bias
    return local.with_labels(network, weights, biases)


def _embed_all(network: WholeSongCnn, songs: CuratedSongs, device: torch.device) -> NDArray[np.float64]:
    """Embed every song, shape (n, 256), rounded to the stored precision."""
    vectors = np.zeros((len(songs), network.labels.in_features))
    network = fused(network).to(device)
    for row in tqdm(range(len(songs)), "listening", unit=" songs", leave=False):
        vectors[row] = embed(network, songs.mel(row), device).cpu().numpy().astype(np.float16)
    return vectors


def _log_odds(network: WholeSongCnn, embeddings: NDArray[np.float64]) -> Floats:
    weights, biases = local.label_layer(network)
    answers: Floats = (embeddings @ weights.T.astype(np.float64) + biases).astype(np.float32)
    return answers


class Tuning:
    """One fine-tuning, with a `checkpoint.pt` after every round."""

    def __init__(
        self, base: WholeSongCnn, songs: CuratedSongs, plan: TuningPlan, folder: Path, device: torch.device
    ) -> None:
        torch.manual_seed(plan.seed)
        self.songs, self.plan, self.device = songs, plan, device
        self._teacher = fused(base).to(device)
        self.network = copy.deepcopy(base).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.eval().requires_grad_(True)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)
        # The share of confirming corrections is unrelated to a label's frequency: offsets absorb the difference.
        self._offsets = nn.Parameter(torch.zeros(songs.verdicts.shape[1], device=device))
        self.optimizer = adamw(self.network, plan.learning_rate, 0.0)
        self.optimizer.add_param_group({"params": [self._offsets], "weight_decay": 0.0})
        self._drawn = [
            (np.flatnonzero(songs.verdicts[:, column] == 1), np.flatnonzero(songs.verdicts[:, column] == 0))
            for column in songs.taught
        ]
        self._drawn = [pair for pair in self._drawn if all(rows.size for rows in pair)]
        self.done = 0
        self._checkpoint = folder / "checkpoint.pt"
        self._identity = {"plan": asdict(plan), "songs": songs.digest, "begin": _digest(base)}
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is None:
            self._initialize()
        else:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            with torch.no_grad():
                self._offsets.copy_(state["offsets"])
            self._spread, self.done = state["spread"], state["done"]

    def run(self, what: str) -> WholeSongCnn:
        """Run the remaining steps; returns the tuned network."""
        with tqdm(total=self.plan.steps, initial=self.done, desc=what, unit=" steps", leave=False) as bar:
            while self.done < self.plan.steps:
                loss = self.step(self.done)
                self.done += 1
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()
                if self.done % self.plan.round == 0 or self.done == self.plan.steps:
                    self._save()
        tuned: WholeSongCnn = self.network.cpu().requires_grad_(False)
        return tuned

    def _initialize(self) -> None:
        """Initialize the offsets, and measure the standard deviation of each label's log-odds."""
        rows = np.linspace(0, len(self.songs) - 1, min(len(self.songs), 8 * self.plan.batch_size)).astype(np.intp)
        rng = np.random.default_rng([self.plan.seed, 9])
        windows = [self._window(int(row), rng) for row in rows]
        answers = [self._base_log_odds(windows[at : at + 16]) for at in range(0, len(windows), 16)]
        self._spread = torch.cat(answers).std(dim=0).clamp(min=_SMALLEST_SPREAD)
        with torch.no_grad():
            for column in self.songs.taught:
                judged = np.flatnonzero(~np.isnan(self.songs.verdicts[:, column]))
                known = self._base_log_odds([self._window(int(row), rng) for row in judged[:64]])
                self._offsets[column] = -known[:, column].median()

    def _base_log_odds(self, windows: list[Floats]) -> Tensor:
        """Predict windows with the base network: log-odds, shape (n, n_labels)."""
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)),
        ):
            answers = self._teacher(_batch(windows).to(self.device))
        known: Tensor = answers.float().clone()
        return known

    def step(self, step: int) -> float:
        """Take one optimizer step; returns its loss. Raises ValueError if the loss is not finite."""
        plan, rng = self.plan, np.random.default_rng([self.plan.seed, 8, step])
        rate = plan.learning_rate * warmup_cosine(step / plan.steps, 0.1)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.param_groups[-1]["lr"] = rate * _OFFSETS_FASTER
        rows = list(self._rows(rng))
        windows = [self._window(row, rng) for row in rows]
        altered = [self._altered(window, rng) for window in windows]
        base_log_odds = self._base_log_odds(windows)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            answers = self.network(_batch(altered).to(self.device))
        loss = self._loss(answers.float(), base_log_odds, torch.from_numpy(self.songs.verdicts[rows]).to(self.device))
        if not torch.isfinite(loss):
            raise ValueError("The loss is no number any more: look at the recordings.")
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def _loss(self, answers: Tensor, base_log_odds: Tensor, targets: Tensor) -> Tensor:
        known = ~torch.isnan(targets)
        changes = ((answers - base_log_odds) / self._spread) ** 2
        loss: Tensor = self.plan.keeping * changes[~known].mean()
        if known.any():
            levelled = answers + self._offsets
            loss = loss + functional.binary_cross_entropy_with_logits(levelled[known], targets[known])
        return loss

    def _rows(self, rng: np.random.Generator) -> Iterator[int]:
        """Draw a step's songs: half balanced over corrected labels and verdicts, half of any."""
        for _ in range(self.plan.batch_size // 2 if self._drawn else 0):
            rows = self._drawn[int(rng.integers(len(self._drawn)))][int(rng.integers(2))]
            yield int(rng.choice(rows))
        for _ in range(self.plan.batch_size - self.plan.batch_size // 2):
            yield int(rng.integers(len(self.songs)))

    def _window(self, row: int, rng: np.random.Generator) -> Floats:
        """Cut a random window of a song: decibels, shape (plan.frames, 96), padded with silence."""
        mel, frames = self.songs.mel(row), self.plan.frames
        return padded(mel, int(rng.integers(0, max(len(mel) - frames, 0) + 1)), frames)

    def _altered(self, window: Floats, rng: np.random.Generator) -> Floats:
        """Augment some windows as another copy of the recording, so that predictions stay stable."""
        if rng.random() >= _ALTERED:
            return window
        return another_copy(window, rng) + np.float32(rng.normal(0.0, self.plan.gain_db))

    def _save(self) -> None:
        state = {
            "identity": self._identity,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "offsets": self._offsets.detach(),
            "spread": self._spread,
            "done": self.done,
        }
        save_checkpoint(self._checkpoint, state)


def _batch(windows: list[Floats]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(windows).transpose(0, 2, 1)))


def _digest(base: WholeSongCnn) -> str:
    """Digest the base network, hexadecimal."""
    digest = hashlib.sha256(local.trunk_version(base).encode())
    for array in local.label_layer(base):
        digest.update(array.data)
    return digest.hexdigest()
