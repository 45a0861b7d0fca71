"""Labels of several networks in one list: which network is believed for which label, and how far.

A network's answer to a label is read as how far its log-odds lie above their mean over a reference of real songs, in
standard deviations: as probabilities, the same frequent words come first for every song. A label's score is the
weighted mean of that over the networks that are there, again in standard deviations; the weights were fitted to what
people said (`tagging.evaluation.fitting_merging`), and so was the probability that a person agrees, by Platt scaling.
`merging.json` holds the numbers.

References
----------
.. [1] J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
   Advances in Large Margin Classifiers 1999.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .vocabulary import Vocabulary, vocabulary

Floats = NDArray[np.float64]

_FILE = Path(__file__).parent / "merging.json"

# float32 probabilities round to 0 and 1; beyond these, log-odds say nothing.
_SMALLEST, _LARGEST = 1e-6, 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Readings:
    """What the embeddings of some networks say of a label: more than the outputs that are called like it.

    A network may know much of a label that it has no name for, or hear it otherwise than people do: a label's reading
    is a weighted sum of embeddings, fitted to what people said, that is added to its score.

    Attributes
    ----------
    networks : tuple of str
        Without one of them there is no reading.
    mean, deviation : float64, shape (n_dimensions,)
        Of their embeddings over the reference, one network after the other.
    rows : float64, shape (n_labels, n_dimensions)
        The weights; 0 for labels without a reading.
    share : float64, shape (n_labels,)
        What the score is multiplied with before the reading is added; 1 without a reading.
    centre, spread : float64, shape (n_labels,)
        Mean and standard deviation of the sum over the reference; 0 and 1 without a reading.
    """

    networks: tuple[str, ...]
    mean: Floats
    deviation: Floats
    rows: Floats
    share: Floats
    centre: Floats
    spread: Floats

    def features(self, embeddings: Mapping[str, NDArray[np.floating]]) -> Floats | None:
        """Embeddings in standard deviations, shape (..., n_dimensions); None where one of the networks is not there."""
        if not embeddings.keys() >= set(self.networks):
            return None
        together = np.concatenate([embeddings[network] for network in self.networks], axis=-1).astype(np.float64)
        features: Floats = (together - self.mean) / self.deviation
        return features

    def added(self, scores: Floats, features: Floats) -> Floats:
        """Scores with what the readings say, in standard deviations again; shape (..., n_labels)."""
        added: Floats = (self.share * scores + features @ self.rows.T - self.centre) / self.spread
        return added


@dataclass(frozen=True, slots=True)
class Merging:
    """The numbers by which networks' answers become one list.

    Attributes
    ----------
    networks : tuple of str
    mean, deviation : float64, shape (n_networks, n_labels)
        Of each network's log-odds of each label over the reference; NaN where it cannot predict it.
    weight : float64, shape (n_networks, n_labels)
        How far each network is believed; at least 0, and 0 where it cannot predict the label.
    correlation : float64, shape (n_labels,)
        The mean correlation of two networks' answers to a label, by which the deviation of their mean is known.
    slope, intercept : float64, shape (n_labels,)
        From a score to the log-odds that a person agrees.
    readings : Readings, optional
    """

    networks: tuple[str, ...]
    mean: Floats
    deviation: Floats
    weight: Floats
    correlation: Floats
    slope: Floats
    intercept: Floats
    readings: Readings | None = None

    def standardized(self, network: str, answers: Floats) -> Floats:
        """How far a network's answers lie above its mean, in standard deviations.

        Parameters
        ----------
        network : str
        answers : float64, shape (..., n_labels)
            Log-odds (`Vocabulary.by_label`).
        """
        row = self.networks.index(network)
        distances: Floats = (answers - self.mean[row]) / self.deviation[row]
        return distances

    def scores(
        self, answers: Mapping[str, Floats], embeddings: Mapping[str, NDArray[np.floating]] | None = None
    ) -> Floats:
        """How far each label lies above its mean over the reference, in standard deviations.

        Parameters
        ----------
        answers : mapping of str to float64, shape (..., n_labels)
            Log-odds by network (`Vocabulary.by_label`); any of `networks`, at least one.
        embeddings : mapping of str to float, shape (..., n_dimensions), optional
            Of the networks that have them, in any order; without them there are no readings.

        Returns
        -------
        float64, shape (..., n_labels)
            NaN where none of the networks can predict a label.

        Raises
        ------
        ValueError
            If there are no answers, or of a network that is none of `networks`.
        """
        if not answers or not answers.keys() <= set(self.networks):
            raise ValueError(f"answers must be of some of {', '.join(self.networks)}")
        rows = [self.networks.index(network) for network in answers]
        weight = self.weight[rows]
        total = weight.sum(axis=0)
        # Weights of 0 where a network is not believed, although no other is there: then it is all there is.
        weight = np.where(total > 0, weight, np.isfinite(self.mean[rows]).astype(float))
        total = weight.sum(axis=0)
        summed = sum(
            np.where(share > 0, np.nan_to_num(self.standardized(network, of_network)) * share, 0.0)
            for share, (network, of_network) in zip(weight, answers.items(), strict=True)
        )
        variance = (1 - self.correlation) * (weight**2).sum(axis=0) + self.correlation * total**2
        with np.errstate(invalid="ignore", divide="ignore"):
            scores: Floats = np.where(total > 0, summed / np.sqrt(variance), np.nan)
        if self.readings is None or (features := self.readings.features(embeddings or {})) is None:
            return scores
        return self.readings.added(scores, features)

    def probabilities(self, scores: Floats) -> Floats:
        """The probability that a person agrees with a label, by its score; shape (..., n_labels), NaN for NaN."""
        from scipy.special import expit

        agreed: Floats = expit(self.slope * scores + self.intercept)
        return agreed


def log_odds(probabilities: NDArray[np.floating]) -> Floats:
    """log(p / (1 - p)), p no nearer to 0 or 1 than a millionth."""
    from scipy.special import logit

    odds: Floats = logit(np.clip(probabilities.astype(np.float64), _SMALLEST, _LARGEST))
    return odds


@cache
def merging() -> Merging:
    """The numbers of this program, in the order of its vocabulary."""
    return read(_FILE.read_text(encoding="utf-8"), vocabulary())


@cache
def digest() -> str:
    """Another one for other numbers, hexadecimal."""
    return hashlib.sha256(_FILE.read_bytes()).hexdigest()


def read(text: str, words: Vocabulary) -> Merging:
    """The numbers as `written` has them.

    Raises
    ------
    ValueError
        If a label of the vocabulary is not there.
    """
    content = json.loads(text)
    labels = content["labels"]
    if missing := [name for name in words.names if name not in labels]:
        raise ValueError(f"nothing is said of {', '.join(missing)}")
    networks = tuple(words.networks)
    shape = (len(networks), len(words))
    mean, deviation, weight = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    for column, name in enumerate(words.names):
        for network, numbers in labels[name]["networks"].items():
            row = networks.index(network)
            mean[row, column], deviation[row, column], weight[row, column] = numbers
    of_labels = {
        part: np.array([labels[name][part] for name in words.names]) for part in ("correlation", "slope", "intercept")
    }
    return Merging(networks, mean, deviation, weight, **of_labels, readings=_read_readings(content, words))


def _read_readings(content: Mapping[str, Any], words: Vocabulary) -> Readings | None:
    if (of_all := content.get("readings")) is None:
        return None
    n, n_dimensions = len(words), len(of_all["mean"])
    share, centre, spread, rows = np.ones(n), np.zeros(n), np.ones(n), np.zeros((n, n_dimensions))
    for place, name in enumerate(words.names):
        if (reading := content["labels"][name].get("reading")) is not None:
            share[place], centre[place], spread[place] = reading[:3]
            rows[place] = np.frombuffer(b64decode(reading[3]), "<f2")
    mean, deviation = np.array(of_all["mean"]), np.array(of_all["deviation"])
    return Readings(tuple(of_all["networks"]), mean, deviation, rows, share, centre, spread)


def written(numbers: Merging, words: Vocabulary, about: Mapping[str, object]) -> str:
    """The numbers as JSON, a label a line; readings in half precision, as base 64.

    Parameters
    ----------
    numbers : Merging
    words : Vocabulary
    about : mapping
        What they were fitted to.
    """
    lines = []
    for column, name in enumerate(words.names):
        networks: dict[str, Any] = {
            network: [_short(part[row, column]) for part in (numbers.mean, numbers.deviation, numbers.weight)]
            for row, network in enumerate(numbers.networks)
            if np.isfinite(numbers.mean[row, column])
        }
        parts = {part: _short(getattr(numbers, part)[column]) for part in ("correlation", "slope", "intercept")}
        about_label: dict[str, Any] = {"networks": networks, **parts}
        if (readings := numbers.readings) is not None and readings.rows[column].any():
            of_label = (readings.share, readings.centre, readings.spread)
            # A list of decimals would be four times as long.
            row = b64encode(readings.rows[column].astype("<f2").tobytes()).decode()
            about_label["reading"] = [*(_short(part[column]) for part in of_label), row]
        lines.append(f"  {json.dumps(name)}: {json.dumps(about_label)}")
    head = json.dumps(dict(about), indent=1)[2:-2]
    if (readings := numbers.readings) is not None:
        means = {part: [_short(one) for one in getattr(readings, part)] for part in ("mean", "deviation")}
        head += f',\n "readings": {json.dumps({"networks": readings.networks, **means})}'
    return "{\n" + head + ',\n "labels": {\n' + ",\n".join(lines) + "\n }\n}\n"


def _short(number: float) -> float:
    return round(float(number), 4)
