"""Fitting which network is believed for which label, to what people said.

    python -m tagging.evaluation.fitting_merging FOLDER...

writes `tagging/labels/merging.json` anew from folders of recordings with a `labels.csv` (`labelled.py`), and prints how
well merged labels answer about artists that the fit has not seen. A label's weights minimize the logistic loss of what
people said, held to the weights of its kind by their squared distance; a kind's are the means over its labels of how
far each network's ROC-AUC lies above chance, squared. A label of which nobody said anything has its kind's. A
calibration is held in the same way to that of its kind. What people said of enough recordings also has a reading
(`tagging.labels.merging.Readings`): a logistic regression on the embeddings of two networks beside the score, held to
0. A mood of which too little was said by itself learns its reading from the quadrants of mood that it belongs to.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from catalog.home import home
from tagging.labels.merging import Merging, Readings, log_odds, written
from tagging.labels.vocabulary import Vocabulary, vocabulary
from tagging.networks.descriptions import TaggerError
from tagging.taggers import registry
from tagging.taggers.atomic_write import atomic_write

from .judging import judge_labels, table
from .labelled import Labelled, read_labelled
from .metrics import areas_of
from .predictions import PredictionCache, Predictor, predict_recordings

Floats = NDArray[np.float64]

N_FOLDS = 5
# What the squared distance from the kind's weights costs; other values between 0.2 and 4 answer as well.
_HELD_WEIGHTS = 1.0
# As many positive recordings as that count as much as the calibration of the kind.
_HELD_CALIBRATION = 10.0
_FEWEST_POSITIVE = 5
_LEAST_DEVIATION = 0.05
_SEED = 7
READING = ("musicnn-msd", "musicnn-mtt")
"""The networks that readings are of: both come from the package registry."""

_FEWEST_TO_READ = 8
# What the squared weights of a reading cost: where networks have names for nearly all that people say, more.
_WELL_KNOWN = ("genre", "era")
_HELD_READING = {False: 20.0, True: 80.0}
# Of these groups' questions the recordings are no choice that has to do with the answer.
_COUNTED = ("genres", "moods", "artists' tags", "emotions", "voices")


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of each label by itself.

    Attributes
    ----------
    asked, true : bool, shape (n_recordings, n_labels)
    counted : bool, shape (n_recordings, n_labels)
        Where it can also be counted how often the label is true: the recordings were not chosen for it.
    read, read_true : bool, shape (n_recordings, n_labels)
        What readings are fitted to: `asked` and `true`, or quadrants of mood where that is too little.
    """

    asked: NDArray[np.bool_]
    true: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    read: NDArray[np.bool_]
    read_true: NDArray[np.bool_]


def said_of_labels(labelled: Labelled, words: Vocabulary) -> Said:
    """The questions that one label answers, together: a label is true of what any of them is true of."""
    asked, true, counted = np.zeros((3, len(labelled.recordings), len(words)), np.bool_)
    for question in labelled.questions:
        if len(question.labels) == 1:
            asked[:, question.labels[0]] |= question.asked
            true[:, question.labels[0]] |= question.true
            if question.group in _COUNTED:
                counted[:, question.labels[0]] |= question.asked
    read, read_true = asked.copy(), true.copy()
    moods = np.array([entry.kind == "mood" for entry in words.entries])
    taught = moods & ((asked & true).sum(axis=0) < _FEWEST_TO_READ)
    for question in labelled.questions:
        if question.group == "quadrants":
            of_it = [label for label in question.labels if taught[label]]
            read[:, of_it] |= question.asked[:, np.newaxis]
            read_true[:, of_it] |= question.true[:, np.newaxis]
    return Said(asked, true, counted, read, read_true)


def fit_merging(
    answers: Mapping[str, Floats],
    embeddings: Mapping[str, NDArray[np.floating]],
    said: Said,
    words: Vocabulary,
    rows: NDArray[np.intp] | None = None,
) -> Merging:
    """Fit a merging to what people said of some recordings.

    Parameters
    ----------
    answers : mapping of str to float64, shape (n_recordings, n_labels)
        Each network's log-odds (`Vocabulary.by_label`); NaN where it cannot predict a label.
    embeddings : mapping of str to float, shape (n_recordings, n_dimensions)
        Of the networks of `READING` at least.
    said : Said
    words : Vocabulary
    rows : int, shape (n,), optional
        The recordings to fit to; all where it is None.
    """
    rows = np.arange(len(said.asked)) if rows is None else rows
    networks = tuple(words.networks)
    stacked = np.stack([answers[network][rows] for network in networks])
    asked, true = said.asked[rows], said.true[rows]
    with np.errstate(invalid="ignore"):
        mean, deviation = stacked.mean(axis=1), np.maximum(stacked.std(axis=1), _LEAST_DEVIATION)
        distances = (stacked - mean[:, np.newaxis]) / deviation[:, np.newaxis]
    weight = _weights(distances, asked, true, words)
    n_labels = len(words)
    correlation = np.array([_correlation(distances[:, :, label]) for label in range(n_labels)])
    fitted = Merging(networks, mean, deviation, weight, correlation, np.ones(n_labels), np.zeros(n_labels))
    scores = fitted.scores({network: answers[network][rows] for network in networks})
    read = said.read[rows], said.read_true[rows]
    readings = _readings({network: embeddings[network][rows] for network in READING}, scores, *read, words)
    fitted, scores = replace(fitted, readings=readings), readings.added(scores, _features(readings, embeddings, rows))
    slope, intercept = calibrated(scores, said.counted[rows], true, words)
    return replace(fitted, slope=slope, intercept=intercept)


def cross_validated(
    answers: Mapping[str, Floats],
    embeddings: Mapping[str, NDArray[np.floating]],
    said: Said,
    labelled: Labelled,
    words: Vocabulary,
    installed: Collection[str] | None = None,
) -> tuple[Floats, Floats]:
    """Merged scores and probabilities of each recording, by a fit that has heard nothing of its artist.

    Parameters
    ----------
    answers, embeddings, said, words
        As in `fit_merging`.
    labelled : Labelled
    installed : collection of str, optional
        The networks that are merged then; all where it is None.

    Returns
    -------
    scores, probabilities : float64, shape (n_recordings, n_labels)
    """
    scores = np.full(said.asked.shape, np.nan)
    probabilities = np.full(said.asked.shape, np.nan)
    for held_out, fitted in fits_to_other_artists(answers, embeddings, said, labelled, words):
        scores[held_out] = fitted.scores(
            {name: rows[held_out] for name, rows in answers.items() if installed is None or name in installed},
            {name: rows[held_out] for name, rows in embeddings.items() if installed is None or name in installed},
        )
        probabilities[held_out] = fitted.probabilities(scores[held_out])
    return scores, probabilities


def fits_to_other_artists(
    answers: Mapping[str, Floats],
    embeddings: Mapping[str, NDArray[np.floating]],
    said: Said,
    labelled: Labelled,
    words: Vocabulary,
) -> Iterator[tuple[NDArray[np.bool_], Merging]]:
    """Each fifth of the artists, as a mask of their recordings, with a fit that has heard nothing of them."""
    n_artists = int(labelled.artists.max()) + 1
    folds = np.random.default_rng(_SEED).permutation(n_artists) % N_FOLDS
    for fold in range(N_FOLDS):
        held_out = folds[labelled.artists] == fold
        yield held_out, fit_merging(answers, embeddings, said, words, np.flatnonzero(~held_out))


def _features(readings: Readings, embeddings: Mapping[str, NDArray[np.floating]], rows: NDArray[np.intp]) -> Floats:
    features = readings.features({network: embeddings[network][rows] for network in readings.networks})
    if features is None:
        raise ValueError(f"there are no embeddings of {', '.join(readings.networks)}")
    return features


def _readings(
    embeddings: Mapping[str, NDArray[np.floating]],
    scores: Floats,
    asked: NDArray[np.bool_],
    true: NDArray[np.bool_],
    words: Vocabulary,
) -> Readings:
    """A reading for each label of which enough was said."""
    n, networks = len(words), tuple(embeddings)
    together = np.concatenate([embeddings[network] for network in networks], axis=1).astype(np.float64)
    mean, deviation = together.mean(axis=0), np.maximum(together.std(axis=0), _LEAST_DEVIATION)
    features = (together - mean) / deviation
    rows, share, centre, spread = np.zeros((n, features.shape[1])), np.ones(n), np.zeros(n), np.ones(n)
    for label, entry in enumerate(words.entries):
        about = asked[:, label]
        n_true = np.count_nonzero(true[about, label])
        if min(n_true, np.count_nonzero(about) - n_true) < _FEWEST_TO_READ:
            continue
        held = _HELD_READING[entry.kind in _WELL_KNOWN]
        rows[label], share[label] = _reading(features[about], scores[about, label], true[about, label], held)
        sums = share[label] * scores[:, label] + features @ rows[label]
        centre[label], spread[label] = sums.mean(), max(float(sums.std()), _LEAST_DEVIATION)
    return Readings(networks, mean, deviation, rows, share, centre, spread)


def _reading(features: Floats, scores: Floats, true: NDArray[np.bool_], held: float) -> tuple[Floats, float]:
    """Weights of embeddings, held to 0, and of the score, held to 1, by logistic regression."""
    sign, count = _sides(true)

    def loss(numbers: Floats) -> tuple[float, Floats]:
        row, intercept, share = numbers[:-2], numbers[-2], numbers[-1]
        margin = sign * (features @ row + intercept + share * scores)
        pull = -count * sign * expit(-margin)
        value = float((count * np.logaddexp(0.0, -margin)).sum() + held * (row**2).sum() + 0.5 * (share - 1) ** 2)
        return value, np.concatenate(
            [features.T @ pull + 2 * held * row, [pull.sum(), (pull * scores).sum() + share - 1]]
        )

    first = np.append(np.zeros(features.shape[1] + 1), 1.0)
    bounds = [(None, None)] * (features.shape[1] + 1) + [(0.0, None)]
    found = minimize(loss, first, jac=True, bounds=bounds, method="L-BFGS-B")
    return found.x[:-2], float(found.x[-1])


def _sides(true: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """1 and -1 by what is true, and how much each recording counts.

    Positives are few: each side counts half, so that a rare label is not all intercept.
    """
    sign = np.where(true, 1.0, -1.0)
    count = np.where(true, 0.5 / max(true.sum(), 1), 0.5 / max((~true).sum(), 1)) * true.sum()
    return sign, count


def _weights(distances: Floats, asked: NDArray[np.bool_], true: NDArray[np.bool_], words: Vocabulary) -> Floats:
    """How far each network is believed for each label, shape (n_networks, n_labels); a label's sum to 1."""
    predicts: NDArray[np.bool_] = np.asarray(np.isfinite(distances).all(axis=1))
    enough: NDArray[np.bool_] = np.asarray((true & asked).sum(axis=0) >= _FEWEST_POSITIVE)
    worth = np.full(predicts.shape, np.nan)
    for label in np.flatnonzero(enough).tolist():
        rows = asked[:, label]
        for network in np.flatnonzero(predicts[:, label]).tolist():
            scores, truth = distances[network, rows, label], true[rows, label]
            worth[network, label] = max(areas_of(scores, truth, np.ones((len(truth), 1)))[0, 0] - 0.5, 0.0) ** 2
    kinds = np.array([entry.kind for entry in words.entries])
    weights = np.zeros(predicts.shape)
    for label, kind in enumerate(kinds):
        those = np.flatnonzero(predicts[:, label])
        held = _normalized(np.array([_known(worth[network], kinds, kind) for network in those]))
        weights[those, label] = held
        if enough[label] and len(those) > 1:
            rows = asked[:, label]
            weights[those, label] = _fitted(distances[those][:, rows, label].T, true[rows, label], held)
    return weights


def _known(worth: Floats, kinds: NDArray[np.str_], kind: str) -> float:
    """What a network is worth for a kind of labels: the mean where truth is known, else over all labels."""
    of_kind = worth[(kinds == kind) & np.isfinite(worth)]
    known = of_kind if of_kind.size >= 2 else worth[np.isfinite(worth)]
    return float(known.mean()) if known.size else 0.0


def _normalized(weights: Floats) -> Floats:
    total = float(weights.sum())
    return weights / total if total > 0 else np.full(weights.shape, 1 / max(weights.size, 1))


def _fitted(distances: Floats, true: NDArray[np.bool_], held: Floats) -> Floats:
    """Weights of at least 0 by logistic regression, held to others by their squared distance."""
    sign, count = _sides(true)

    def loss(numbers: Floats) -> tuple[float, Floats]:
        weights, intercept = numbers[:-1], numbers[-1]
        margin = sign * (distances @ weights + intercept)
        pull = -count * sign * expit(-margin)
        total = weights.sum()
        away = weights - held * total
        value = float((count * np.logaddexp(0.0, -margin)).sum() + _HELD_WEIGHTS * (away**2).sum())
        gradient = 2 * _HELD_WEIGHTS * (away - (away * held).sum())
        return value, np.append(distances.T @ pull + gradient, pull.sum())

    bounds = [(0.0, None)] * distances.shape[1] + [(None, None)]
    found = minimize(loss, np.append(held, 0.0), jac=True, bounds=bounds, method="L-BFGS-B")
    return _normalized(found.x[:-1])


def _correlation(distances: Floats) -> float:
    """The mean correlation of two networks' answers to one label, of shape (n_networks, n_recordings)."""
    those = distances[np.isfinite(distances).all(axis=1)]
    if len(those) < 2:
        return 0.0
    pairs = np.atleast_2d(np.corrcoef(those))[np.triu_indices(len(those), 1)]
    return float(np.clip(np.nan_to_num(pairs).mean(), 0.0, 1.0))


def calibrated(
    scores: Floats, asked: NDArray[np.bool_], true: NDArray[np.bool_], words: Vocabulary
) -> tuple[Floats, Floats]:
    """Slopes and intercepts from scores to log-odds that people agree, each held to those of its kind.

    Where it could not be counted how often a label is true, its odds are those of its kind, divided by how much rarer
    it is (`Entry.rarer`) [1]_.

    Parameters
    ----------
    scores : float64, shape (n_recordings, n_labels)
    asked, true : bool, shape (n_recordings, n_labels)
        Where it can be counted how often a label is true (`Said.counted`), and where it is.
    words : Vocabulary

    Returns
    -------
    slopes, intercepts : float64, shape (n_labels,)

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
       probabilities: a simple procedure", Neural Computation 14, 2002.
    """
    n_positive = (true & asked).sum(axis=0)
    known = np.flatnonzero((n_positive >= _FEWEST_POSITIVE) & np.isfinite(scores).all(axis=0))
    alone = {
        label: np.array(_platt(scores[asked[:, label], label], true[asked[:, label], label]))
        for label in known.tolist()
    }
    if not alone:
        return np.ones(len(words)), np.full(len(words), -2.0)
    kinds = [entry.kind for entry in words.entries]
    slopes, intercepts = np.zeros(len(words)), np.zeros(len(words))
    for label, (kind, entry) in enumerate(zip(kinds, words.entries, strict=True)):
        of_kind = [numbers for other, numbers in alone.items() if kinds[other] == kind] or list(alone.values())
        held: Floats = np.median(np.stack(of_kind), axis=0)
        if label in alone:
            share = n_positive[label] / (n_positive[label] + _HELD_CALIBRATION)
            held = share * alone[label] + (1 - share) * held
        else:
            held = held - (0.0, np.log(entry.rarer))
        slopes[label], intercepts[label] = held
    return slopes, intercepts


def _platt(scores: Floats, true: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope, at least 0, and intercept; targets are drawn in from 0 and 1 as Platt has them."""
    n_true, n_false = int(true.sum()), int((~true).sum())
    target = np.where(true, (n_true + 1) / (n_true + 2), 1 / (n_false + 2))

    def loss(numbers: Floats) -> tuple[float, Floats]:
        odds = numbers[0] * scores + numbers[1]
        off = expit(odds) - target
        return float((np.logaddexp(0.0, odds) - target * odds).sum()), np.array([(off * scores).sum(), off.sum()])

    found = minimize(loss, np.array([1.0, -2.0]), jac=True, bounds=[(0.0, None), (None, None)], method="L-BFGS-B")
    return float(found.x[0]), float(found.x[1])


def main() -> None:
    """Fit the merging anew and print how well it answers."""
    parser = argparse.ArgumentParser(prog="python -m tagging.evaluation.fitting_merging", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with a labels.csv")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "labels" / "merging.json")
    arguments = parser.parse_args()
    words = vocabulary()
    try:
        labelled = read_labelled(arguments.folders, print)
        predictors = [Predictor.load(name) for name in words.networks]
        kept = PredictionCache(home() / "cache" / "answers.sqlite")
        heard = predict_recordings(labelled.recordings, predictors, [], (), 0, kept, lambda steps, _: steps)
        kept.close()
    except (TaggerError, ValueError) as error:
        parser.exit(1, f"{error}\n")
    if heard.unreadable:
        parser.exit(1, f"{len(heard.unreadable)} recordings cannot be read\n")
    fit_and_report(heard.plain, heard.embeddings, labelled, words, arguments.output)


def fit_and_report(
    probabilities: Mapping[str, NDArray[np.float32]],
    embeddings: Mapping[str, NDArray[np.float32]],
    labelled: Labelled,
    words: Vocabulary,
    output: Path,
) -> None:
    """Print how well merged labels answer about artists that were not fitted to; write the fit to all of them."""
    answers = {
        name: words.by_label(registry.describe(name), log_odds(of_network))
        for name, of_network in probabilities.items()
    }
    said = said_of_labels(labelled, words)
    lists = {
        "merged": cross_validated(answers, embeddings, said, labelled, words)[0],
        "plain mean": _equal(answers, words),
    }
    for name, networks in _SMALLER_SETS.items():
        few = {network: answers[network] for network in networks}
        lists[name] = cross_validated(answers, embeddings, said, labelled, words, few)[0]
    print(table({name: judge_labels(labelled, of_list) for name, of_list in lists.items()}, labelled))
    numbers = fit_merging(answers, embeddings, said, words)
    about = {"recordings": len(labelled.recordings), "artists": len(np.unique(labelled.artists))}
    with atomic_write(output) as draft:
        draft.write(written(numbers, words, about).encode())


_SMALLER_SETS: Mapping[str, Sequence[str]] = {
    "both musicnn": ("musicnn-msd", "musicnn-mtt"),
    "three FCN": ("fcn-msd", "fcn-mtt", "fcn-jamendo"),
}


def _equal(answers: Mapping[str, Floats], words: Vocabulary) -> Floats:
    """The plain mean of standardized log-odds, to compare with."""
    stacked = np.stack([answers[network] for network in words.networks])
    with np.errstate(invalid="ignore"):
        distances = (stacked - stacked.mean(axis=1, keepdims=True)) / stacked.std(axis=1, keepdims=True)
    there = np.isfinite(distances)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(there, distances, 0.0).sum(axis=0) / there.sum(axis=0)
    return mean


if __name__ == "__main__":
    main()
