"""Hybrid recommender: a weighted sum of content, co-occurrence, latent factors and the two-tower model.

Each part's scores are standardized per listener and summed with weights that depend on the number of listeners of a
song (`hybrid_weights`): unplayed songs are ranked by content, popular ones by plays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .content import Content
from .cooccurrence import Cooccurrence
from .hybrid_weights import (
    PART_TYPES,
    WEIGHED_PARTS,
    Weights,
    fitted_parts,
    popularity_basis,
    standardized,
    variance_stabilized,
)
from .interface import (
    Contribution,
    IndexMapping,
    ListenerBatch,
    Positions,
    Progress,
    Recommender,
    SongContribution,
    TrainingData,
    Vector,
    no_progress,
)
from .labels_and_sound import LabelsAndSound
from .latent import Latent
from .popularity import Popularity
from .two_tower import TwoTower

_EXPLAINING_PARTS = {"content", "cooccurrence", "latent"}


@dataclass(frozen=True, eq=False)
class Hybrid:
    """The hybrid recommender.

    Attributes
    ----------
    content, cooccurrence, latent, towers, popularity
        The parts, fitted on all training data.
    labels_and_sound : LabelsAndSound
        What answers queries, and names the songs that a song sounds like where nothing else speaks for it.
    weights : float64, shape (1 + n_knots, n_parts + 2)
        Rows: songs without listeners, then each knot. Columns: the parts, predicted popularity, and a constant.
    """

    content: Content
    cooccurrence: Cooccurrence
    latent: Latent
    towers: TwoTower
    popularity: Popularity
    labels_and_sound: LabelsAndSound
    weights: Vector

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Fit the parts, and the weights on an inner split.

        Raises
        ------
        TooLittleError
            If there are too few plays for an inner split.
        """
        weights = Weights.fit(data, progress)
        asking = LabelsAndSound.fit(data, progress)
        return cls.of_parts({**asking.parts, **fitted_parts(data, progress), "weights": weights})

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Compose a hybrid of fitted parts: all of `WEIGHED_PARTS`, `popular`, `weights`, and those of queries."""
        own = {name: parts[name] for name in WEIGHED_PARTS}
        asking = LabelsAndSound.of_parts(parts)
        return cls(**own, popularity=parts["popular"], labels_and_sound=asking, weights=parts["weights"].values)

    @property
    def parts(self) -> dict[str, Any]:
        """All parts by name."""
        own = {name: getattr(self, name) for name in WEIGHED_PARTS}
        return {**self.labels_and_sound.parts, **own, "popular": self.popularity, "weights": Weights(self.weights)}

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:
        """Remap all parts; the weights stay."""
        return self.of_parts({name: part.refreshed(data, mapping) for name, part in self.parts.items()})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        kinds = {**LabelsAndSound.PARTS, **PART_TYPES, "popular": Popularity, "weights": Weights}
        by_part: defaultdict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for name, array in arrays.items():
            part, _, short = name.partition(".")
            by_part[part][short] = array
        return cls.of_parts({name: kind.from_arrays(by_part[name]) for name, kind in kinds.items()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of all parts, prefixed with the part's name and a dot."""
        return {f"{name}.{short}": array for name, part in self.parts.items() for short, array in part.arrays().items()}

    def scores(self, batch: ListenerBatch) -> Vector:
        """Scores between -1 and 1, above 0 if better than the mean song, shape (n_listeners, n_songs).

        x / (1 + |x|) of the centred weighted sum; with a query, those of `asking.words_first`. All 0 for a listener
        with neither plays, profile nor query.
        """
        softened = batch.remember(self, "scores", lambda: self._softened(batch.unasked))
        return softened if batch.query is None else self.labels_and_sound.asked(batch, softened)

    def _softened(self, batch: ListenerBatch) -> Vector:
        scores = self._sums(batch, self._effects)
        softened: Vector = scores / (1 + np.abs(scores))
        return softened

    @cached_property
    def _effects(self) -> Vector:
        """The weights interpolated for each song, shape (n_songs, n_parts + 2)."""
        effects: Vector = popularity_basis(self.popularity.listeners) @ self.weights
        return effects

    @cached_property
    def _expected(self) -> Vector:
        """The standardized predicted popularity, shape (n_songs,)."""
        expected: Vector = standardized(self.popularity.expected[np.newaxis])[0]
        return expected

    def _sums(self, batch: ListenerBatch, effects: Vector) -> Vector:
        """The weighted sums of all parts, centred per listener; 0 for listeners without any part score."""
        known = np.zeros(batch.n_listeners, dtype=bool)
        sums = np.zeros((batch.n_listeners, len(effects)))
        for column, name in enumerate(WEIGHED_PARTS):
            part = standardized(variance_stabilized(name, self.parts[name].scores(batch)))
            known |= part.any(axis=1)
            sums += part * effects[:, column]
        sums += self._expected * effects[:, -2] + effects[:, -1]
        sums -= sums.mean(axis=1, keepdims=True)
        sums[~known] = 0
        return sums

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest contributions, each part's weighted as in the score; for a query, those of labels and sound."""
        if self.labels_and_sound.tells_apart(batch.query):
            return self.labels_and_sound.explain(batch, songs, k)
        effects = self._effects[songs]
        # Contributions of labels and of songs are tuples alike: the kind belongs to the key.
        found: list[dict[tuple[type[Contribution], Contribution], float]] = [{} for _ in songs]
        for column, name in enumerate(WEIGHED_PARTS):
            if name not in _EXPLAINING_PARTS:
                continue
            part: Recommender = self.parts[name]
            scores = part.scores(batch)[0]
            spread = float(scores.std()) or 1.0
            for at, reasons in enumerate(part.explain(batch, songs, 2 * k)):
                for reason in reasons:
                    key = type(reason), reason._replace(weight=0.0)
                    weight = reason.weight / spread * float(effects[at, column])
                    found[at][key] = found[at].get(key, 0.0) + weight
        listed: list[list[Contribution]] = []
        for at, song in enumerate(songs):
            strongest = sorted(found[at].items(), key=lambda item: -abs(item[1]))[:k]
            reasons = [reason._replace(weight=weight) for (_, reason), weight in strongest if weight]
            # A song that only its sound speaks for; without that, popularity decides: the song is its own reason.
            [like] = self.labels_and_sound.explain(batch, np.array([song]), k) if not reasons else [[]]
            listed.append(reasons or [*like] or [SongContribution(int(song), float(effects[at, -1]))])
        return listed
