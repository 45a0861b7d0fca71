"""Fine-tuning: the whole network learns what curators said of some songs, and forgets as little else as it can.

It begins with the rows that the corrections alone move (`tagging.fitting`), and takes small steps. Every window is also
heard by the network as it began: wherever no curator spoke, its answers are to be kept [1]_, of other labels in all
songs and of the corrected ones in all other songs. Batch normalizations stay what they were, since a few songs say
little of what all music is like.

Whether that was worth it is judged on songs that it was not tuned to: the songs are parted by artist, and for each part
a network is tuned without it.

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
from tagging import own
from tagging.fitting import Corrections, Library, Row, by_artist, move_row
from tagging.wholesong import WholeSongCnn, fused

from .augmentation import another_copy
from .mixing import SILENCE_DB
from .scores import embed
from .spectrograms import Mel

_ALTERED = 0.5
_OFFSETS_FASTER = 20.0
_SMALLEST_SPREAD = 0.1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TuningPlan:
    """What decides the outcome of a fine-tuning, besides the songs.

    Attributes
    ----------
    steps : int
    batch_size : int
        Windows of a step: half of corrected songs, half of any.
    learning_rate : float
        Its peak: it rises over the first tenth of all steps and falls as a cosine over the others.
    keeping : float
        How much a change of what was not corrected counts beside the corrections.
    frames : int
        Of a window.
    gain_db : float
        Standard deviation of what is added to a window that is altered.
    round : int
        Steps between two checkpoints.
    parts : int
        In how many parts songs are held out.
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
    """Songs, and what curators said of some of them.

    Attributes
    ----------
    frames : float16, shape (n_frames, 96)
        All songs' spectrograms, decibels; mapped.
    places : int64, shape (n, 2)
        Each song's first frame, and how many it has.
    verdicts : float32, shape (n, n_labels)
        1: the song has the label; 0: it has not; NaN: no curator spoke, or the label is not to be learned.
    artists : int64, shape (n,)
        The same number for songs of the same artist.
    """

    frames: Mel
    places: NDArray[np.int64]
    verdicts: Floats
    artists: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    def mel(self, row: int) -> Mel:
        """A song's spectrogram, shape (n_frames, 96), decibels; mapped."""
        first, count = self.places[row]
        return self.frames[first : first + count]

    @property
    def taught(self) -> NDArray[np.intp]:
        """The columns of the labels that are to be learned."""
        return np.flatnonzero(~np.isnan(self.verdicts).all(axis=0))

    @property
    def groups(self) -> NDArray[np.int64]:
        """The same number for songs that are held out together: an artist's, where each verdict has several artists."""
        for column in self.taught:
            spoken = ~np.isnan(self.verdicts[:, column])
            if not by_artist(self.verdicts[spoken, column] > 0, self.artists[spoken]):
                return np.arange(len(self))
        return self.artists

    def corrections(self, column: int, embeddings: NDArray[np.float64]) -> tuple[Corrections, NDArray[np.bool_]]:
        """What was said of a label, beside all songs' embeddings; and which songs that are."""
        spoken = ~np.isnan(self.verdicts[:, column])
        said = Corrections(embeddings[spoken], self.verdicts[spoken, column] > 0, self.groups[spoken])
        return said, spoken

    @property
    def digest(self) -> str:
        """Another for other songs, or if something else was said of them."""
        digest = hashlib.sha256()
        for array in (self.places, self.verdicts, self.artists):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def without(self, held_out: NDArray[np.bool_]) -> CuratedSongs:
        """The songs that are not held out."""
        rest = ~held_out
        return replace(self, places=self.places[rest], verdicts=self.verdicts[rest], artists=self.artists[rest])


@dataclass(frozen=True)
class Tuned:
    """What came of a fine-tuning.

    Attributes
    ----------
    network : WholeSongCnn
        Tuned to all songs.
    before, layer, after : float32, shape (n, n_labels)
        Every song's log-odds: of the network as it was; of it with rows moved by other songs' corrections; of one that
        was tuned to other songs.
    """

    network: WholeSongCnn
    before: Floats
    layer: Floats
    after: Floats


def fine_tune(
    network: WholeSongCnn, songs: CuratedSongs, plan: TuningPlan, folder: Path, device: torch.device
) -> Tuned:
    """Tune a network to songs, and hear each song with one that was tuned to others.

    Parameters
    ----------
    network : WholeSongCnn
        For inference; of a new label, its row is 0.
    songs : CuratedSongs
    plan : TuningPlan
    folder : Path
        Holds a checkpoint of each part; killed at any moment, the same call goes on where it was.
    device : torch.device

    Raises
    ------
    ValueError
        If the folder holds checkpoints of something else.
    """
    embeddings = _embed_all(network, songs, device)
    before = _log_odds(network, embeddings)
    layer, after = before.copy(), before.copy()
    parts = parts_of(songs, plan.parts, plan.seed)
    for part in range(plan.parts):
        held_out = parts == part
        begin = _with_moved_rows(network, songs.without(held_out), embeddings[~held_out])
        tuned = _Tuning(begin, songs.without(held_out), plan, folder / f"part-{part}", device).run(
            f"part {part + 1} of {plan.parts}"
        )
        layer[held_out] = _log_odds(begin, embeddings[held_out])
        after[held_out] = _log_odds(tuned, _embed_all(tuned, songs.without(~held_out), device))
    begin = _with_moved_rows(network, songs, embeddings)
    return Tuned(_Tuning(begin, songs, plan, folder / "all", device).run("all songs"), before, layer, after)


def parts_of(songs: CuratedSongs, n: int, seed: int) -> NDArray[np.int64]:
    """In which part each song is held out: all of an artist in one, and every verdict of every label in several.

    Returns
    -------
    int64, shape (n_songs,)
        At least 0, below `n`.
    """
    verdicts = songs.verdicts[:, songs.taught]
    said = np.concatenate([verdicts == 1, verdicts == 0], axis=1).astype(np.float64)
    groups, group_of = np.unique(songs.groups, return_inverse=True)
    of_group = np.zeros((groups.size, said.shape[1]))
    np.add.at(of_group, group_of, said)
    rarity = 1.0 / np.maximum(said.sum(axis=0), 1.0)
    shuffled = np.random.default_rng([seed, 7]).permutation(groups.size)
    heaviest_first = shuffled[np.argsort(-(of_group[shuffled] @ rarity), kind="stable")]
    filled, sizes = np.zeros((n, said.shape[1])), np.zeros(n)
    part_of = np.zeros(groups.size, np.int64)
    members = np.bincount(group_of)
    for group in heaviest_first:
        # Where least was said of what is said here; of equals, the smallest.
        part = int(np.lexsort((sizes, filled @ (of_group[group] * rarity)))[0])
        part_of[group] = part
        filled[part] += of_group[group]
        sizes[part] += members[group]
    return part_of[group_of]


def _with_moved_rows(network: WholeSongCnn, songs: CuratedSongs, embeddings: NDArray[np.float64]) -> WholeSongCnn:
    """A network whose rows of corrected labels are moved as corrections alone move them."""
    weights, biases = own.label_layer(network)
    library = Library.of(embeddings)
    for column in songs.taught:
        corrections, _ = songs.corrections(int(column), embeddings)
        row = move_row(Row(weights[column].astype(np.float64), float(biases[column])), corrections, library)
        weights[column], biases[column] = row.weights, row.bias
    return own.with_labels(network, weights, biases)


def _embed_all(network: WholeSongCnn, songs: CuratedSongs, device: torch.device) -> NDArray[np.float64]:
    """Every song's embedding, shape (n, 256), as it is stored."""
    vectors = np.zeros((len(songs), network.labels.in_features))
    network = fused(network).to(device)
    for row in tqdm(range(len(songs)), "listening", unit=" songs", leave=False):
        vectors[row] = embed(network, songs.mel(row), device).cpu().numpy().astype(np.float16)
    return vectors


def _log_odds(network: WholeSongCnn, embeddings: NDArray[np.float64]) -> Floats:
    weights, biases = own.label_layer(network)
    answers: Floats = (embeddings @ weights.T.astype(np.float64) + biases).astype(np.float32)
    return answers


class _Tuning:
    """One fine-tuning in a folder: `checkpoint.pt` after every round."""

    def __init__(
        self, begin: WholeSongCnn, songs: CuratedSongs, plan: TuningPlan, folder: Path, device: torch.device
    ) -> None:
        torch.manual_seed(plan.seed)
        self.songs, self.plan, self.device = songs, plan, device
        self._teacher = fused(begin).to(device)
        self.network = copy.deepcopy(begin).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.eval().requires_grad_(True)
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)
        # How often curators say yes has nothing to do with how often a label is given.
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
        self._identity = {"plan": asdict(plan), "songs": songs.digest, "begin": _digest(begin)}
        folder.mkdir(parents=True, exist_ok=True)
        if (state := load_checkpoint(self._checkpoint, self._identity, device)) is None:
            self._begin()
        else:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            with torch.no_grad():
                self._offsets.copy_(state["offsets"])
            self._spread, self.done = state["spread"], state["done"]

    def run(self, what: str) -> WholeSongCnn:
        """Take the steps that are left."""
        with tqdm(total=self.plan.steps, initial=self.done, desc=what, unit=" steps", leave=False) as bar:
            while self.done < self.plan.steps:
                loss = self._step(self.done)
                self.done += 1
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                bar.update()
                if self.done % self.plan.round == 0 or self.done == self.plan.steps:
                    self._save()
        tuned: WholeSongCnn = self.network.cpu().requires_grad_(False)
        return tuned

    def _begin(self) -> None:
        """The offsets that corrected songs ask for, and how much each label's answers vary."""
        rows = np.linspace(0, len(self.songs) - 1, min(len(self.songs), 8 * self.plan.batch_size)).astype(np.intp)
        rng = np.random.default_rng([self.plan.seed, 9])
        windows = [self._window(int(row), rng) for row in rows]
        answers = [self._answer(windows[at : at + 16]) for at in range(0, len(windows), 16)]
        self._spread = torch.cat(answers).std(dim=0).clamp(min=_SMALLEST_SPREAD)
        with torch.no_grad():
            for column in self.songs.taught:
                spoken = np.flatnonzero(~np.isnan(self.songs.verdicts[:, column]))
                known = self._answer([self._window(int(row), rng) for row in spoken[:64]])
                self._offsets[column] = -known[:, column].median()

    def _answer(self, windows: list[Floats]) -> Tensor:
        """The log-odds of the network as it began, shape (n, n_labels)."""
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)),
        ):
            answers = self._teacher(_batch(windows).to(self.device))
        known: Tensor = answers.float().clone()
        return known

    def _step(self, step: int) -> float:
        plan, rng = self.plan, np.random.default_rng([self.plan.seed, 8, step])
        rate = plan.learning_rate * warmup_cosine(step / plan.steps, 0.1)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.param_groups[-1]["lr"] = rate * _OFFSETS_FASTER
        rows = list(self._rows(rng))
        windows = [self._window(row, rng) for row in rows]
        altered = [self._altered(window, rng) for window in windows]
        begun_with = self._answer(windows)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            answers = self.network(_batch(altered).to(self.device))
        loss = self._loss(answers.float(), begun_with, torch.from_numpy(self.songs.verdicts[rows]).to(self.device))
        if not torch.isfinite(loss):
            raise ValueError("The loss is no number any more: look at the recordings.")
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def _loss(self, answers: Tensor, begun_with: Tensor, said: Tensor) -> Tensor:
        known = ~torch.isnan(said)
        changes = ((answers - begun_with) / self._spread) ** 2
        loss: Tensor = self.plan.keeping * changes[~known].mean()
        if known.any():
            levelled = answers + self._offsets
            loss = loss + functional.binary_cross_entropy_with_logits(levelled[known], said[known])
        return loss

    def _rows(self, rng: np.random.Generator) -> Iterator[int]:
        """Half of the songs such that every corrected label, and its yes and no, come as often as others; half any."""
        for _ in range(self.plan.batch_size // 2 if self._drawn else 0):
            rows = self._drawn[int(rng.integers(len(self._drawn)))][int(rng.integers(2))]
            yield int(rng.choice(rows))
        for _ in range(self.plan.batch_size - self.plan.batch_size // 2):
            yield int(rng.integers(len(self.songs)))

    def _window(self, row: int, rng: np.random.Generator) -> Floats:
        """Some moments of a song, shape (n_frames, 96), decibels; a shorter one is followed by silence."""
        mel, frames = self.songs.mel(row), self.plan.frames
        window = np.full((frames, mel.shape[1]), SILENCE_DB, np.float32)
        first = int(rng.integers(0, max(len(mel) - frames, 0) + 1))
        part = mel[first : first + frames]
        window[: len(part)] = part
        return window

    def _altered(self, window: Floats, rng: np.random.Generator) -> Floats:
        """The same from another file, now and then: labels are to hold still as they did."""
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


def _digest(begin: WholeSongCnn) -> str:
    """Of the network that is begun with."""
    digest = hashlib.sha256(own.trunk_version(begin).encode())
    for array in own.label_layer(begin):
        digest.update(array.data)
    return digest.hexdigest()
