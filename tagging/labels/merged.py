"""The merged tagger: the published networks that are here and in the vocabulary, as one list of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tagging.frontend import sound
from tagging.frontend.inputs import Wanted, inputs_of
from tagging.frontend.mel_bands import SAMPLE_RATE
from tagging.taggers import registry

from .merging import Merging, digest, log_odds, merging
from .vocabulary import Vocabulary, vocabulary

if TYPE_CHECKING:
    from tagging.networks.inference import Prediction, Tagger

NAME = "merged"
"""What songs' labels have for their origin that several networks predicted together."""

# A label is kept that lies so far above its mean over real songs, in standard deviations, that a song in ten has it, or
# that a person rather agrees with than not. Of a song that stands out in everything, the strongest are enough.
_FROM, _LIKELY, _MOST = 1.28, 0.5, 20
# However plain a song is, something is said of it; but nothing that lies below this.
_FEWEST, _AT_LEAST = 3, 0.7
EMBEDDING = ("musicnn-msd", "musicnn-mtt")
"""The networks whose embeddings serve the library, beside one another: songs that they hear alike sound alike."""

_SCORES_SHARE = 0.12
"""What scores are multiplied with in an embedding: they vary as much there as both networks' numbers do."""


@dataclass(frozen=True, slots=True)
class MergedPrediction:
    """What several networks predict of a song together.

    Attributes
    ----------
    scores : float64, shape (n_labels,)
        How far each label of the vocabulary lies above its mean over real songs, in standard deviations; NaN for
        labels that none of the networks can predict.
    probabilities : float64, shape (n_labels,)
        That a person agrees; NaN for the same.
    embedding : float32, shape (n_networks x 200 + n_labels,), optional
        `embedded`; None where no network of `EMBEDDING` is there.
    without_music : mapping of str to float
        What it is labelled with if it is no music (`sound.without_music`).
    """

    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    embedding: NDArray[np.float32] | None = None
    without_music: Mapping[str, float] = field(default_factory=dict)


def networks() -> list[str]:
    """The installed networks whose predictions are merged."""
    of_vocabulary = set(vocabulary().networks)
    return [name for name in registry.installed() if name in of_vocabulary]


class MergedTagger:
    """Several networks that predict one list of labels.

    Parameters
    ----------
    taggers : sequence of Tagger
        Loaded networks of the vocabulary, at least one.

    Raises
    ------
    ValueError
        If there is none.
    """

    name = NAME

    def __init__(
        self, taggers: Sequence[Tagger], words: Vocabulary | None = None, numbers: Merging | None = None
    ) -> None:
        if not taggers:
            raise ValueError("there must be a network at least")
        self.taggers = list(taggers)
        self._words, self._numbers = words or vocabulary(), numbers or merging()
        self.labels = self._words.names
        self.kinds = self._words.kinds | sound.KINDS
        self._descriptions = {tagger.name: registry.describe(tagger.name) for tagger in taggers}
        self.covered = frozenset(
            self.labels[place] for about in self._descriptions.values() for place in self._words.columns(about)
        )
        """The labels that one of the networks at least can predict."""
        self.embedded_by = _version_of_embeddings(self._descriptions, self.labels)
        """The version of its embeddings; empty where no network makes any."""

    def predict_file(self, path: str | PathLike[str]) -> MergedPrediction:
        """What the networks predict for an audio file.

        Raises
        ------
        UnreadableAudio
            If the file cannot be read.
        """
        from tagging.networks.inference import PatchTagger, predict_file

        merged = self.merge(dict(zip(self._descriptions, predict_file(path, self.taggers), strict=True)))
        if any(isinstance(tagger, PatchTagger) and tagger.patches.mel == sound.MEL for tagger in self.taggers):
            return merged
        # None of them hears what it is told from.
        windows = inputs_of(path, Wanted(windows=True)).windows
        return replace(merged, without_music=sound.without_music(windows, SAMPLE_RATE))

    def merge(self, predictions: Mapping[str, Prediction]) -> MergedPrediction:
        """One list of what each network predicts, by its name."""
        answers = {
            name: self._words.by_label(self._descriptions[name], log_odds(one.probabilities))
            for name, one in predictions.items()
        }
        embeddings = {name: one.embedding for name, one in predictions.items() if one.embedding is not None}
        scores = self._numbers.scores(answers, embeddings)
        without_music = next((one.without_music for one in predictions.values() if one.without_music), {})
        return MergedPrediction(
            scores, self._numbers.probabilities(scores), embedded(embeddings, scores), without_music=without_music
        )

    def kept(self, predicted: MergedPrediction) -> dict[str, float]:
        """The labels that a song keeps, those first that stand out most, with the probability that a person agrees.

        Labels in the background come last. What is no music keeps none of them, and says so.
        """
        if predicted.without_music:
            return dict(predicted.without_music)
        scores = np.nan_to_num(predicted.scores, nan=-np.inf)
        background = np.array([entry.background for entry in self._words.entries])
        strongest = np.lexsort((-scores, background))
        likely = np.nan_to_num(predicted.probabilities) >= _LIKELY
        kept = [place for place in strongest if scores[place] >= _FROM or likely[place]][:_MOST]
        if len(kept) < _FEWEST:
            kept = [place for place in strongest[:_FEWEST] if scores[place] >= _AT_LEAST]
        return {self.labels[place]: float(predicted.probabilities[place]) for place in kept}


def embedded(embeddings: Mapping[str, NDArray[np.float32]], scores: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """The embedding of what several networks predict: what both musicnn compute of a song, and its labels' scores.

    The scores know what the other networks do. `python -m benchmarks.cold_sound` and `sound` say what they add.

    Parameters
    ----------
    embeddings : mapping of str to float32, shape (d,)
        By the network's name; those of `EMBEDDING` count, each brought to norm 1.
    scores : float64, shape (n_labels,)
        `MergedPrediction.scores`; a label that cannot be predicted is 0.

    Returns
    -------
    float32, shape (n_networks x d + n_labels,), or None
        None where no network of `EMBEDDING` is there.
    """
    those = [embeddings[name] for name in EMBEDDING if name in embeddings]
    if not those:
        return None
    parts = [vector / max(float(np.linalg.norm(vector)), 1e-9) for vector in those]
    return np.concatenate([*parts, _SCORES_SHARE * np.nan_to_num(scores)]).astype(np.float32)


def version_of_embeddings() -> str:
    """The version of the embeddings that the installed networks make now; empty where none makes any."""
    return _version_of_embeddings(networks(), vocabulary().names)


def _version_of_embeddings(networks: Collection[str], labels: Sequence[str]) -> str:
    """Another one where other networks hear, labels are others, or networks are merged by other numbers."""
    those = [name for name in EMBEDDING if name in networks]
    told = hashlib.sha256("\n".join([*sorted(networks), *labels, digest()]).encode()).hexdigest()
    return "+".join([*those, f"labels-{told[:8]}"]) if those else ""


def load() -> MergedTagger:
    """The merged tagger of all networks that are installed.

    Raises
    ------
    NotInstalled
        If none is.
    TaggerError
        If one cannot be loaded.
    """
    if not (names := networks()):
        raise registry.NotInstalled("no recommended tagger is installed: manage.py taggers install recommended")
    return MergedTagger([registry.load(name) for name in names])
