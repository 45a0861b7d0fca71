"""A whole training, from a collection of recordings to a tagger, and the baselines it is compared with."""

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
from tagging.evaluation.operating_points import operating_points
from tagging.networks.descriptions import LocalTagger, TaggerLabel, published
from tagging.networks.wholesong import WholeSongCnn
from tagging.taggers import local, registry
from tagging.taggers.atomic_write import atomic_write

from .dataset import Dataset, make_dataset
from .loop import Material, Plan, Training
from .mixing import Mixing
from .original import LOSSES, Original
from .scores import Comparison, Scores, predict
from .sources import Collection
from .spectrograms import Spectrograms
from .teaching import Clips, Merger, predict_kept_out

_METRICS, _CLIPS = "metrics.json", "clips"
_REFERENCES = 300
_UNDECIDED = 0.5
_FEWEST_TO_DECIDE = 3


@dataclass(frozen=True)
class Request:
    """Options of a training.

    Attributes
    ----------
    name : str
        The tagger's.
    teachers : tuple of str
        Taggers whose predictions are trained on.
    clips : int
        How many clips they label.
    plan : Plan
    original : bool
        Whether the original recipe is trained as a baseline.
    processes : int
        How many recordings are read, and clips labelled, in parallel.
    device : torch.device
    spectrograms, folder, output : Path
        The folder of spectrograms; the folder of checkpoints and clips; the file of the finished tagger.
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
    """One recipe's row of the comparison.

    Attributes
    ----------
    recipe : str
    scores : Scores
    labels_a_song : float
        Mean sum of a recording's probabilities over the held-out recordings.
    """

    recipe: str
    scores: Scores
    labels_a_song: float


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes
    ----------
    tagger : LocalTagger
        As written.
    rows : list of Row
        The tagger's own recipe comes first.
    true_labels_a_song : float
        Mean number of labels that people gave a held-out recording.
    """

    tagger: LocalTagger
    rows: list[Row]
    true_labels_a_song: float


def train(collection: Collection, request: Request) -> Trained:
    """Train a tagger, or resume an interrupted training.

    `checkpoint.pt`, `curves.svg`, the teachers' clips and, at the end, `metrics.json` are written to `request.folder`;
    the tagger to `request.output`.

    Raises
    ------
    ValueError
        If there is too little training data, or the folder holds another training.
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
    network = local.as_stored(training.run()).to(request.device)
    comparison = material.comparison
    answers = _predict_all(network, dataset, comparison.rows, request.device)
    rows = [
        Row("default", comparison.score(answers), float(expit(answers[:, _annotated(comparison)]).sum(axis=1).mean()))
    ]
    if request.original:
        rows += list(_score_original_recipes(comparison, request))
    tagger = _write(network, material, answers, rows[0].scores, request)
    trained = Trained(tagger, rows, float((comparison.targets[:, _annotated(comparison)] > 0).sum(axis=1).mean()))
    _write_metrics(trained, material, training.history, request)
    return trained


def _clear_finished(dataset: Dataset, request: Request) -> None:
    """Remove the files of a finished training of other inputs: its tagger is written, so they are not needed."""
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
    """Collect what determines the outcome of a training, as JSON round-trips it."""
    plan = json.loads(json.dumps(asdict(request.plan)))
    teachers = list(request.teachers)
    return {"data": dataset.digest, "teachers": teachers, "seed": plan["seed"], "clips": request.clips, "plan": plan}


def _material(dataset: Dataset, merger: Merger, request: Request) -> Material:
    """Combine the dataset with the teachers' predictions."""
    if not request.teachers:
        return Material(dataset, Comparison.of(dataset))
    folder = request.folder / _CLIPS
    clips = Clips(folder, dataset, request.teachers, merger, request.clips, request.plan.seed, Mixing())
    _exhaust(clips.make(request.processes), len(clips), "teachers listen", "clips", len(clips) - clips.left)
    rows = np.flatnonzero(dataset.kept_out)
    taught = predict_kept_out(folder, dataset, rows, request.teachers, merger, request.processes)
    return Material(dataset, Comparison.of(dataset, taught), clips, merger.importance(clips.log_odds))


def _score_original_recipes(comparison: Comparison, request: Request) -> Iterator[Row]:
    """Train the original recipe with each of its losses, and score it on the same recordings."""
    if not comparison.ranks:
        raise ValueError("The original recipe learns from labels that people gave: name a --csv or the --library.")
    for loss in LOSSES:
        original = Original(comparison.dataset, loss, request.folder, request.plan.seed, request.device)
        original.run()
        probabilities = original.probabilities(comparison.rows)
        scores = comparison.score(logit(probabilities.clip(1e-6, 1 - 1e-6)))
        labels_a_song = float(probabilities[:, _annotated(comparison)].sum(axis=1).mean())
        yield Row("original" if loss == "categorical" else f"original, {loss} cross-entropy", scores, labels_a_song)


def _annotated(comparison: Comparison) -> NDArray[np.bool_]:
    """Mask the labels whose targets are known for every held-out recording; all labels where there is none."""
    known: NDArray[np.bool_] = np.logical_not(np.isnan(comparison.targets).any(axis=0))
    return known if known.any() else ~known


def _predict_all(
    network: WholeSongCnn, dataset: Dataset, rows: NDArray[np.intp], device: torch.device
) -> NDArray[np.float32]:
    return np.stack([predict(network, dataset.mel(int(row)), device) for row in rows])


def _exhaust(work: Iterator[Any], total: int, what: str, unit: str, done: int = 0) -> None:
    for _ in tqdm(work, what, total, initial=done, unit=f" {unit}"):
        pass


def _kinds() -> dict[str, str]:
    """Map keys to kinds, of the published taggers' labels."""
    return {label_key(label.name): label.kind for tagger in published().values() for label in tagger.labels}


def _describe(
    request: Request,
    labels: tuple[TaggerLabel, ...],
    network: WholeSongCnn,
    source: str,
    score: str,
    figures: Mapping[str, object],
) -> LocalTagger:
    return LocalTagger(
        name=request.name,
        network=local.NETWORK,
        labels=labels,
        embedding=f"{request.name}-{local.trunk_version(network)}",
        source=source,
        licence=request.licence,
        score=score,
        figures=figures,
    )


def _write(
    network: WholeSongCnn, material: Material, answers: NDArray[np.float32], scores: Scores, request: Request
) -> LocalTagger:
    points = _operating_points(network, material, answers, request.device)
    labels = tuple(
        TaggerLabel(label.name, label.kind, point) for label, point in zip(material.dataset.labels, points, strict=True)
    )
    score = _score(scores, material.comparison.rows.size)
    tagger = _describe(request, labels, network, _source(material, request), score, scores.figures())
    return local.write_weights(request.output, network, tagger)


def _operating_points(
    network: WholeSongCnn, material: Material, answers: NDArray[np.float32], device: torch.device
) -> list[float]:
    """Choose each label's operating point.

    It maximizes F1 on the held-out recordings where enough of them have the label; else it follows from the network's
    predictions, as for published taggers.
    """
    dataset, comparison = material.dataset, material.comparison
    rows = np.flatnonzero(~dataset.generated)
    rows = rows[np.linspace(0, rows.size - 1, min(rows.size, _REFERENCES)).astype(np.intp)] if rows.size else rows
    points = np.full(len(dataset.labels), _UNDECIDED)
    if material.clips is not None and rows.size > 1:
        n_taught = material.clips.log_odds.shape[1]
        predicted = expit(_predict_all(network, dataset, rows, device)).astype(np.float32)
        points[:n_taught] = operating_points(predicted[:, :n_taught])
    for column in range(points.size):
        known = ~np.isnan(comparison.targets[:, column])
        truth = comparison.targets[known, column] > 0
        if truth.sum() >= _FEWEST_TO_DECIDE and not truth.all():
            points[column] = best_f1(expit(answers[known, column]), truth)
    return [float(point) for point in points]


def best_f1(probabilities: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Find the threshold that maximizes F1.

    Parameters
    ----------
    probabilities : float, shape (n,)
    truth : bool, shape (n,)
        At least one is true.

    Returns
    -------
    float
        A probability; recordings at or above it count as positive.
    """
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    f1 = 2 * found / (np.arange(1, truth.size + 1) + truth.sum())
    return float(probabilities[order[int(f1.argmax())]])


def _source(material: Material, request: Request) -> str:
    """Describe the training data in one line."""
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
    with atomic_write(request.folder / _METRICS) as draft:
        draft.write(json.dumps(metrics, indent=1).encode())
