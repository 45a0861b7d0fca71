"""From a collection of recordings to a tagger: the whole of a training, and the recipes that it is compared with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit
from tqdm import tqdm

from catalog.names import label_key
from tagging import own, registry
from tagging.descriptions import OwnTagger, TaggerLabel, published
from tagging.drafts import draft_of
from tagging.operating_points import operating_points
from tagging.wholesong import WholeSongCnn

from .dataset import Dataset, make_dataset
from .loop import Material, Plan, Training
from .mixing import Mixing
from .original import LOSSES, Original
from .scores import Comparison, Scores, hear
from .sources import Collection
from .spectrograms import Spectrograms
from .teaching import Clips, Merger, hear_kept_out

_METRICS, _CLIPS = "metrics.json", "clips"
_REFERENCES = 300
_UNDECIDED = 0.5
_FEWEST_TO_DECIDE = 3


@dataclass(frozen=True)
class Request:
    """What is to be trained.

    Attributes
    ----------
    name : str
        Of the tagger.
    teachers : tuple of str
        Taggers whose answers are learned.
    clips : int
        How many clips they label.
    plan : Plan
    original : bool
        Whether the original recipe is trained too, to compare by.
    processes : int
        How many recordings are read, and clips labelled, at once.
    device : torch.device
    spectrograms, folder, output : Path
        The folder of spectrograms; of everything else that can be gone on with; the file of the finished tagger.
    licence : str
        The finished tagger's.
    """

    name: str
    teachers: tuple[str, ...]
    clips: int
    plan: Plan
    original: bool
    processes: int
    device: torch.device
    spectrograms: Path
    folder: Path
    output: Path
    licence: str


@dataclass(frozen=True)
class Row:
    """One recipe's line of the comparison.

    Attributes
    ----------
    recipe : str
    scores : Scores
    labels_a_song : float
        The sum of a song's probabilities, on average over the kept-out recordings.
    """

    recipe: str
    scores: Scores
    labels_a_song: float


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes
    ----------
    tagger : OwnTagger
        As it is written.
    rows : list of Row
        The recipe that the tagger was trained with comes first.
    true_labels_a_song : float
        How many labels people gave to a kept-out recording, on average.
    """

    tagger: OwnTagger
    rows: list[Row]
    true_labels_a_song: float


def train(collection: Collection, request: Request) -> Trained:
    """Train a tagger, or go on with a training that was stopped.

    Everything about it is written to `request.folder`: `checkpoint.pt`, `curves.svg`, the teachers' clips, and at the
    end `metrics.json`; the tagger itself to `request.output`.

    Raises
    ------
    ValueError
        If there is too little to learn from, or the folder holds another training.
    TaggerError
        If a teacher is not installed, or the tagger cannot be written.
    OSError
        If the disk is full.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    merger = Merger.of([registry.describe(name) for name in request.teachers])
    spectrograms = Spectrograms(request.spectrograms)
    _exhaust(spectrograms.compute(collection.keys(), request.processes), len(collection), "reading", "recordings")
    dataset = make_dataset(collection, spectrograms, merger.labels, _kinds(), request.folder, request.plan.seed)
    _clear_finished(dataset, request)
    material = _material(dataset, merger, request)
    training = Training(material, request.plan, request.folder, request.device)
    network = _as_stored(training.run(), dataset, request).to(request.device)
    comparison = material.comparison
    answers = _hear_all(network, dataset, comparison.rows, request.device)
    rows = [Row("default", comparison.score(answers), float(expit(answers[:, _said(comparison)]).sum(axis=1).mean()))]
    if request.original:
        rows += list(_originals(comparison, request))
    tagger = _write(network, material, answers, rows[0].scores, request)
    trained = Trained(tagger, rows, float((comparison.said[:, _said(comparison)] > 0).sum(axis=1).mean()))
    _write_metrics(trained, material, training.history, request)
    return trained


def _clear_finished(dataset: Dataset, request: Request) -> None:
    """Make room where a finished training of something else was: its tagger is written, nothing of it is needed."""
    metrics = request.folder / _METRICS
    if not metrics.exists():
        return
    finished, now = json.loads(metrics.read_text())["request"], _identity(dataset, request)
    if finished == now:
        return
    metrics.unlink()
    for checkpoint in request.folder.glob("*.pt"):
        checkpoint.unlink()
    if any(finished[name] != now[name] for name in ("data", "teachers", "seed")):
        shutil.rmtree(request.folder / _CLIPS, ignore_errors=True)


def _identity(dataset: Dataset, request: Request) -> dict[str, object]:
    """What decides the outcome of a training, as JSON gives it back."""
    plan = json.loads(json.dumps(asdict(request.plan)))
    teachers = list(request.teachers)
    return {"data": dataset.digest, "teachers": teachers, "seed": plan["seed"], "clips": request.clips, "plan": plan}


def _material(dataset: Dataset, merger: Merger, request: Request) -> Material:
    """The dataset, with what teachers say of it."""
    if not request.teachers:
        return Material(dataset, Comparison.of(dataset))
    folder = request.folder / _CLIPS
    clips = Clips(folder, dataset, request.teachers, merger, request.clips, request.plan.seed, Mixing())
    _exhaust(clips.make(request.processes), len(clips), "teachers listen", "clips", len(clips) - clips.left)
    rows = np.flatnonzero(dataset.kept_out)
    taught = hear_kept_out(folder, dataset, rows, request.teachers, merger, request.processes)
    return Material(dataset, Comparison.of(dataset, taught), clips, merger.importance(clips.log_odds))


def _originals(comparison: Comparison, request: Request) -> Iterator[Row]:
    """The original recipe's scores on the same recordings; and with the other loss."""
    if not comparison.ranks:
        raise ValueError("The original recipe learns from labels that people gave: name a --csv or the --library.")
    for loss in LOSSES:
        original = Original(comparison.dataset, loss, request.folder, request.plan.seed, request.device)
        original.run()
        probabilities = original.probabilities(comparison.rows)
        scores = comparison.score(logit(probabilities.clip(1e-6, 1 - 1e-6)))
        said = float(probabilities[:, _said(comparison)].sum(axis=1).mean())
        yield Row("original" if loss == "categorical" else f"original, {loss} cross-entropy", scores, said)


def _said(comparison: Comparison) -> NDArray[np.bool_]:
    """Which labels people know of every one of the kept-out recordings; all where people said nothing."""
    known: NDArray[np.bool_] = np.logical_not(np.isnan(comparison.said).any(axis=0))
    return known if known.any() else ~known


def _hear_all(
    network: WholeSongCnn, dataset: Dataset, rows: NDArray[np.intp], device: torch.device
) -> NDArray[np.float32]:
    return np.stack([hear(network, dataset.mel(int(row)), device) for row in rows])


def _exhaust(work: Iterator[Any], total: int, what: str, unit: str, done: int = 0) -> None:
    for _ in tqdm(work, what, total, initial=done, unit=f" {unit}"):
        pass


def _kinds() -> dict[str, str]:
    """The kinds of labels that published taggers know, by key."""
    return {label_key(label.name): label.kind for tagger in published().values() for label in tagger.labels}


def _as_stored(network: WholeSongCnn, dataset: Dataset, request: Request) -> WholeSongCnn:
    """The network in the precision of its file, which is what others will hear with."""
    labels = tuple(TaggerLabel(label.name, label.kind, _UNDECIDED) for label in dataset.labels)
    draft = _describe(request, labels, network, source="", score="", figures={})
    own.write_weights(request.folder / f"{request.name}{own.SUFFIX}", network, draft)
    return own.read_network(request.folder / f"{request.name}{own.SUFFIX}", len(labels))


def _describe(
    request: Request,
    labels: tuple[TaggerLabel, ...],
    network: WholeSongCnn,
    source: str,
    score: str,
    figures: Mapping[str, object],
) -> OwnTagger:
    return OwnTagger(
        name=request.name,
        network=own.NETWORK,
        labels=labels,
        embedding=f"{request.name}-{own.trunk_version(network)}",
        source=source,
        licence=request.licence,
        score=score,
        figures=figures,
    )


def _write(
    network: WholeSongCnn, material: Material, answers: NDArray[np.float32], scores: Scores, request: Request
) -> OwnTagger:
    points = _operating_points(network, material, answers, request.device)
    labels = tuple(
        TaggerLabel(label.name, label.kind, point) for label, point in zip(material.dataset.labels, points, strict=True)
    )
    score = _score(scores, material.comparison.rows.size)
    tagger = _describe(request, labels, network, _source(material, request), score, scores.figures())
    return own.write_weights(request.output, network, tagger)


def _operating_points(
    network: WholeSongCnn, material: Material, answers: NDArray[np.float32], device: torch.device
) -> list[float]:
    """From which probability a song keeps each label.

    Where people said enough of the kept-out recordings, the best F1 there decides; else, as for published taggers, how
    often the network hears the label.
    """
    dataset, comparison = material.dataset, material.comparison
    rows = np.flatnonzero(~dataset.generated)
    rows = rows[np.linspace(0, rows.size - 1, min(rows.size, _REFERENCES)).astype(np.intp)] if rows.size else rows
    points = np.full(len(dataset.labels), _UNDECIDED)
    if material.clips is not None and rows.size > 1:
        n_taught = material.clips.log_odds.shape[1]
        heard = expit(_hear_all(network, dataset, rows, device)).astype(np.float32)
        points[:n_taught] = operating_points(heard[:, :n_taught])
    for column in range(points.size):
        known = ~np.isnan(comparison.said[:, column])
        truth = comparison.said[known, column] > 0
        if truth.sum() >= _FEWEST_TO_DECIDE and not truth.all():
            points[column] = best_f1(expit(answers[known, column]), truth)
    return [float(point) for point in points]


def best_f1(probabilities: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """The probability from which on to say yes, so that F1 is highest.

    Parameters
    ----------
    probabilities : float, shape (n,)
    truth : bool, shape (n,)
        At least one is true.
    """
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    f1 = 2 * found / (np.arange(1, truth.size + 1) + truth.sum())
    return float(probabilities[order[int(f1.argmax())]])


def _source(material: Material, request: Request) -> str:
    """What it was trained on, in a line."""
    dataset = material.dataset
    parts = []
    if labelled := dataset.labelled(dataset.training).size:
        parts.append(f"{labelled} labelled recordings")
    if material.clips is not None:
        recordings = int((dataset.training & ~dataset.generated).sum())
        pieces = int((dataset.training & dataset.generated).sum())
        parts.append(
            f"{len(material.clips)} clips of {recordings} recordings and {pieces} generated pieces, "
            f"labelled by {' and '.join(request.teachers)}"
        )
    return "; ".join(parts)


def _score(scores: Scores, n: int) -> str:
    names = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "agreement": "agreement with its teachers"}
    figures = ", ".join(f"{names[name]} {value:.3f}" for name, value in scores.figures().items())
    return f"{figures} on {n} recordings kept out"


def _write_metrics(
    trained: Trained, material: Material, history: Sequence[Mapping[str, float]], request: Request
) -> None:
    dataset = material.dataset
    metrics = {
        "name": trained.tagger.name,
        "output": str(request.output),
        "request": _identity(dataset, request),
        "trained_on": trained.tagger.source,
        "kept_out": int(dataset.kept_out.sum()),
        "labels": [label.name for label in dataset.labels],
        "true_labels_a_song": trained.true_labels_a_song,
        "recipes": [
            {
                "recipe": row.recipe,
                **row.scores.figures(),
                "labels_a_song": row.labels_a_song,
                "roc_auc_by_label": row.scores.roc_auc,
                "pr_auc_by_label": row.scores.pr_auc,
            }
            for row in trained.rows
        ],
        "rounds": list(history),
    }
    with draft_of(request.folder / _METRICS) as draft:
        draft.write(json.dumps(metrics, indent=1).encode())
