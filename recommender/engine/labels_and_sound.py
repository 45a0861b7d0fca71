"""Labels and sound together: what pages rank by where plays say nothing.

Three things that the report's formula (`content`) does not have. A song's cosine is shrunk by how little is known of
it, as pivoted length normalization does (A. Singhal, C. Buckley, M. Mitra: Pivoted document length normalization,
1996): cosine alone makes a song with one weak label the best match for that label. Profile and query have a sound side,
the mean of the embeddings of what is liked, or carries what is asked for (J. Rocchio: Relevance feedback in information
retrieval, 1971); songs without labels are ranked by it, and ties are broken by it. With a query, what is asked for
decides what is in the list (`asking`).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from .asking import words_first
from .content import DISLIKE, Content
from .interface import (
    Contribution,
    IndexMapping,
    ListenerBatch,
    Matrix,
    ModelPart,
    Positions,
    Progress,
    SoundContribution,
    TrainingData,
    Vector,
    no_progress,
)
from .ranking import best
from .song_evidence import TINY, SongEvidence, amounts, in_blocks
from .sound import Sound

SOUND_SHARE = 0.3
"""Weight of sound beside labels (`benchmarks/asked.py`)."""

_FEW = 0.1
"""A song without labels is of what is asked for if it sounds more like it than this share of what carries it."""

_ALIKE = 20
"""A song that a query finds by sound is explained by those of so many best matches that sound most like it."""

_KEPT = 512
"""Sides whose scales and best matches are kept: what explains songs often follows what has scored them."""

_Places: TypeAlias = "slice | NDArray[np.int64]"


class _Side(NamedTuple):
    """One side of a comparison, a taste or a query, in both spaces.

    Attributes
    ----------
    labels : float64, shape (n_labels,)
        Direction of norm 1, or 0.
    sound : float32, shape (d,)
        Direction of norm 1, or 0.
    length : float
        Norm of the sum that `sound` is the direction of.
    """

    labels: Vector
    sound: NDArray[np.float32]
    length: float


class _Scales(NamedTuple):
    """What a cosine counts in a score: of labels, of sound, and of sound for a song without labels."""

    labels: float
    sound: float
    sound_alone: float


@dataclass(frozen=True, slots=True)
class _Split:
    """Where the songs with embeddings are among all songs, and those with and without labels among them.

    Slices where that is all songs, as in a library that is heard: picked one by one, a million take a while.
    """

    embedded: _Places
    labelled: _Places
    labelled_songs: _Places
    alone: _Places
    alone_songs: _Places

    @classmethod
    def of(cls, embedded: NDArray[np.int64], known: NDArray[np.bool_]) -> Self:
        """The split of songs with embeddings, by position, by whether each song has labels."""
        labelled, every = known[embedded], slice(None)
        if not labelled.all():
            both, alone = np.flatnonzero(labelled), np.flatnonzero(~labelled)
            return cls(embedded, both, embedded[both], alone, embedded[alone])
        songs: _Places = every if len(embedded) == len(known) else embedded
        return cls(songs, every, songs, slice(0), slice(0))


class _Scored(NamedTuple):
    """Scores of all songs, the cosines of sound of those with embeddings, and what each counted."""

    scores: Vector
    sounds: Vector
    scales: _Scales


@dataclass(frozen=True, eq=False)
class LabelsAndSound:
    """The recommender by labels and sound, composed of fitted parts.

    score = (1 - b) e cos(labels) + b s cos(sound), with e the evidence of the song, b = `SOUND_SHARE`, and s the ratio
    of both scores' standard deviations. Of a song without labels, the first term is predicted from the second.
    """

    PARTS: ClassVar[Mapping[str, type[ModelPart]]] = {"content": Content, "sound": Sound, "song_evidence": SongEvidence}
    """The parts that it is composed of, by name."""

    content: Content
    sound: Sound
    evidence: SongEvidence

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Fit the parts."""
        content, sound = Content.fit(data), Sound.fit(data)
        return cls(content, sound, SongEvidence.of(content, sound, amounts(data, content.idf), progress))

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Compose it of the parts `content`, `sound` and `song_evidence`.

        Snapshots of older versions lack `song_evidence`: all their labelled songs count as well known until the next.
        """
        content: Content = parts["content"]
        sound: Sound = parts.get("sound") or Sound.none(content.weights.shape[0])
        evidence = parts.get("song_evidence")
        if evidence is None:
            known = (np.diff(content.weights.indptr) > 0).astype(np.float64)
            evidence = SongEvidence.of(content, sound, known)
        return cls(content, sound, evidence)

    @property
    def parts(self) -> dict[str, ModelPart]:
        """The parts by name."""
        return {"content": self.content, "sound": self.sound, "song_evidence": self.evidence}

    def refreshed(self, data: TrainingData, mapping: IndexMapping) -> Self:  # noqa: ARG002
        """Refit, which is as fast as remapping."""
        return self.fit(data)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The recommender that `arrays` was called on."""
        by_part: defaultdict[str, dict[str, NDArray[Any]]] = defaultdict(dict)
        for name, array in arrays.items():
            part, _, short = name.partition(".")
            by_part[part][short] = array
        return cls(
            Content.from_arrays(by_part["content"]),
            Sound.from_arrays(by_part["sound"]),
            SongEvidence.from_arrays(by_part["song_evidence"]),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of all parts, prefixed with the part's name and a dot."""
        return {f"{name}.{short}": array for name, part in self.parts.items() for short, array in part.arrays().items()}

    # Scores

    def scores(self, batch: ListenerBatch) -> Vector:
        """Scores of all songs, shape (n_listeners, n_songs); with a query, those of `asking.words_first`."""
        tastes = batch.remember(self, "tastes", lambda: self._taste_scores(batch))
        return tastes if batch.query is None else self.asked(batch, tastes)

    def _taste_scores(self, batch: ListenerBatch) -> Vector:
        return np.stack([self._score(side).scores for side in self._tastes(batch)])

    def asked(self, batch: ListenerBatch, tastes: Vector) -> Vector:
        """Scores for the batch's query, ordered by other scores too (`asking.words_first`).

        Parameters
        ----------
        batch : ListenerBatch
            With a query.
        tastes : float64, shape (n_listeners, n_songs)
            Any method's scores without the query.

        Returns
        -------
        float64, shape (n_listeners, n_songs)
            `tastes` where no label of the query tells songs apart.
        """
        if not self.tells_apart(batch.query):
            return tastes
        match, candidates = self.matches(batch.query)
        return np.stack([words_first(match, candidates, taste, batch.query_share) for taste in tastes])

    def matches(self, query: Vector) -> tuple[Vector, NDArray[np.bool_]]:
        """How well songs match a query of labels, and which of them may be listed for it.

        Listed are the songs that carry a label that is asked for, and of the songs without labels those that sound as
        much like them as most of them do. For a query that only says what should not be there, all songs.

        Parameters
        ----------
        query : float64, shape (n_labels,)

        Returns
        -------
        match : float64, shape (n_songs,)
        candidates : bool, shape (n_songs,)
        """
        scored, _ = self._score_query(self._asking(query))
        wanted = np.maximum(query, 0) * self.content.idf
        if not wanted.any():
            return scored.scores, np.ones(len(scored.scores), dtype=bool)
        carrying: NDArray[np.bool_] = self.content.cosines(wanted) > 0
        heard = carrying[self.sound.songs]
        if heard.any():
            near = self.sound.songs[scored.sounds >= np.quantile(scored.sounds[heard], _FEW)]
            carrying[near[self.evidence.amounts[near] == 0]] = True
        return scored.scores, carrying

    def describes(self, song: int) -> bool:
        """Whether a song has labels that tell it from others, or an embedding."""
        return bool(self.evidence.amounts[song] > 0) or self.sound.knows(song)

    def sound_cosine(self, batch: ListenerBatch, song: int) -> float:
        """The cosine of a song's sound with the first listener's; 0 where either is not known."""
        side = next(self._tastes(batch))
        return float(self._vectors(np.array([song]))[0] @ side.sound)

    def alike(self, songs: Positions) -> Vector:
        """Scores of all other songs for a listener who likes these, shape (n_songs,)."""
        n_songs, n_labels = self.content.weights.shape
        batch = ListenerBatch.from_listener(n_songs, n_labels, liked=songs)
        scores: Vector = self.scores(batch)[0].copy()
        scores[songs] = 0
        return scores

    @property
    def n_described(self) -> int:
        """Number of songs with labels or an embedding."""
        described = self.evidence.amounts > 0
        return int(np.count_nonzero(described)) + int(np.count_nonzero(~described[self.sound.songs]))

    def similarities(self, song: int) -> Vector:
        """Scores of all other songs for a listener who likes this one alone, shape (n_songs,)."""
        scores = self._score(self._like(song)).scores
        scores[song] = 0
        return scores

    @cached_property
    def _split(self) -> _Split:
        return _Split.of(self.sound.songs, self.evidence.amounts > 0)

    @cached_property
    def _kept_scales(self) -> OrderedDict[bytes, _Scales]:
        return OrderedDict()

    @cached_property
    def _kept_nearest(self) -> OrderedDict[bytes, Positions]:
        return OrderedDict()

    def _scales(self, side: _Side) -> _Scales:
        """What each cosine counts for a side: as it was scored last, or scored for that."""
        kept = self._kept_scales.get(_fingerprint(side))
        return self._score(side).scales if kept is None else kept

    def _nearest(self, asked: _Side) -> Positions:
        """The best matches of a query that have labels and an embedding: as it was scored last, or scored for that."""
        kept = self._kept_nearest.get(_fingerprint(asked))
        return self._score_query(asked)[1] if kept is None else kept

    def _score(self, side: _Side) -> _Scored:
        """The scores of all songs for one side."""
        scored = self._scored(side)
        _keep(self._kept_scales, _fingerprint(side), scored.scales)
        return scored

    def _score_query(self, asked: _Side) -> tuple[_Scored, Positions]:
        """The scores of all songs for a query, and its best matches that have labels and an embedding."""
        scored = self._score(asked)
        known = self.sound.songs[self._split.labelled]
        nearest = known[best(scored.scores[known], _ALIKE)]
        _keep(self._kept_nearest, _fingerprint(asked), nearest)
        return scored, nearest

    def _scored(self, side: _Side) -> _Scored:
        split = self._split
        by_label = self.evidence.amounts * self.content.cosines(side.labels)
        sounds = self._sounds(side.sound)
        if not side.sound.any():
            return _Scored(by_label, sounds, _Scales(1.0, 0.0, 0.0))
        said = by_label[split.labelled_songs]
        if not side.labels.any() or not len(said):
            by_label[split.alone_songs] = 0
            by_label[split.embedded] += sounds
            return _Scored(by_label, sounds, _Scales(1.0, 1.0, 1.0))
        heard, mean = sounds[split.labelled], float(said.mean())
        spread, of_sound = float(said.std()), float(heard.std())
        ratio = spread / of_sound if spread and of_sound else 1.0
        centred = heard - heard.mean()
        slope = max(float(centred @ (said - mean)) / max(float(centred @ centred), TINY), 0.0)
        # A song without labels: what songs that sound so score by theirs.
        by_label[split.alone_songs] = mean + slope * (sounds[split.alone] - heard.mean())
        scores = (1 - SOUND_SHARE) * by_label
        scores[split.embedded] += SOUND_SHARE * ratio * sounds
        labels, sound = 1 - SOUND_SHARE, SOUND_SHARE * ratio
        return _Scored(scores, sounds, _Scales(labels, sound, sound + labels * slope))

    def _sounds(self, direction: NDArray[np.float32]) -> Vector:
        """Cosines of the centred embeddings with a direction, shape (n_embedded,)."""
        sound, evidence = self.sound, self.evidence
        if not direction.any():
            return np.zeros(len(sound.songs))
        products = np.empty(len(sound.songs), dtype=np.float32)
        for block in in_blocks(*sound.vectors.shape):
            products[block] = sound.vectors[block] @ direction
        centred = products - float(evidence.centre @ direction)
        return (centred / np.maximum(evidence.lengths, TINY)).astype(np.float64)

    def _vectors(self, songs: Positions) -> NDArray[np.float32]:
        """Centred embeddings of norm 1, shape (n, d); 0 for songs without one."""
        vectors = np.zeros((len(songs), self.sound.vectors.shape[1]), dtype=np.float32)
        at = np.minimum(np.searchsorted(self.sound.songs, songs), max(len(self.sound.songs) - 1, 0))
        if len(self.sound.songs):
            there = self.sound.songs[at] == songs
            at = at[there]
            centred = self.sound.vectors[at] - self.evidence.centre
            vectors[there] = centred / np.maximum(self.evidence.lengths[at], TINY)[:, np.newaxis]
        return vectors

    # Sides

    @cached_property
    def _unit_prototypes(self) -> NDArray[np.float32]:
        """The sound of each label, of norm 1 or 0, shape (n_labels, d)."""
        prototypes = self.evidence.prototypes
        unit: NDArray[np.float32] = prototypes / np.maximum(np.linalg.norm(prototypes, axis=1, keepdims=True), TINY)
        return unit

    def _tastes(self, batch: ListenerBatch) -> Iterator[_Side]:
        """Each listener's profile, and the mean of the embeddings of what they like, less those of what they do not."""
        directions = self.content.directions(batch.unasked)
        for row, labels in enumerate(directions):
            liked, disliked, nudges = (_row(matrix, row) for matrix in (batch.liked, batch.disliked, batch.nudges))
            total = self._vectors(liked.songs).sum(axis=0) - DISLIKE * self._vectors(disliked.songs).sum(axis=0)
            total += nudges.values.astype(np.float32) @ self._unit_prototypes[nudges.songs]
            yield _side(labels, total)

    def _asking(self, query: Vector) -> _Side:
        """A query's labels, and the mean of the embeddings of the songs that carry them."""
        weighted = query * self.content.idf
        return _side(
            weighted / max(float(np.linalg.norm(weighted)), TINY),
            weighted.astype(np.float32) @ self.evidence.prototypes,
        )

    def _like(self, song: int) -> _Side:
        """A song's labels and embedding."""
        return _side(self.content.song(song), self._vectors(np.array([song]))[0])

    def tells_apart(self, query: Vector | None) -> TypeGuard[Vector]:
        """Whether there is a query with a label that some labelled songs have and others have not."""
        return query is not None and bool((query * self.content.idf).any())

    # Reasons

    def explain(self, batch: ListenerBatch, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest contributions to the first listener's score of each song: labels, and songs it sounds like.

        With a query, labels are those of query and profile together, and songs are the best matches of the query.
        """
        side = next(self._tastes(batch))
        if not self.tells_apart(batch.query):
            return self._explained(side, songs, _row(batch.liked, 0).songs, k)
        nearest = self._nearest(self._asking(batch.query))
        total = self._vectors(nearest).sum(axis=0)
        return self._explained(_side(self.content.directions(batch)[0], total), songs, nearest, k)

    def explain_similarity(self, song: int, songs: Positions, k: int) -> Sequence[Sequence[Contribution]]:
        """The k largest contributions to the similarity of each song with `song`."""
        return self._explained(self._like(song), songs, np.array([song]), k)

    def _explained(self, side: _Side, songs: Positions, like: Positions, k: int) -> list[list[Contribution]]:
        """Label contributions, and those of songs whose embeddings the side's sound is the mean of."""
        scales = self._scales(side)
        by_label = self.content.label_contributions(side.labels, songs, k)
        alike = self._vectors(songs) @ self._vectors(like).T / max(side.length, TINY)
        found: list[list[Contribution]] = []
        for song, labels, cosines in zip(songs.tolist(), by_label, alike, strict=True):
            weight = scales.labels * float(self.evidence.amounts[song])
            said: list[Contribution] = [one._replace(weight=weight * one.weight) for one in labels]
            scale = scales.sound if labels else scales.sound_alone
            nearest = np.argsort(-cosines, kind="stable")[:k]
            sounds = [SoundContribution(int(like[at]), scale * float(cosines[at])) for at in nearest if cosines[at]]
            said += [one for one in sounds if one.weight > 0]
            # What speaks least against a song that is listed for the level of its kind alone.
            found.append(sorted(said, key=lambda one: -abs(one.weight))[:k] or [*sounds[:1]])
        return found


class _Row(NamedTuple):
    """The stored values of one row of a matrix."""

    songs: Positions
    values: Vector


def _row(matrix: Matrix, row: int) -> _Row:
    at = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return _Row(matrix.indices[at].astype(np.intp), matrix.data[at])


def _keep(kept: OrderedDict[bytes, Any], key: bytes, value: object) -> None:
    """Keep a value, and of all no more than the latest."""
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def _fingerprint(side: _Side) -> bytes:
    return side.labels.tobytes() + side.sound.tobytes()


def _side(labels: Vector, total: NDArray[np.float32]) -> _Side:
    length = float(np.linalg.norm(total))
    return _Side(labels, (total / max(length, TINY)).astype(np.float32), length)
