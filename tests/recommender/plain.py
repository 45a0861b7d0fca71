"""The formulas of the design in plain Python, one song and one label at a time: what the engine must equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10, sqrt

Sparse = Mapping[int, float]
Word = tuple[int, int, float]


def tf(
    n_songs: int, imported: Sequence[Word], predicted: Sequence[Word], curated: Sequence[Word]
) -> list[dict[int, float]]:
    """TF of every song, from words (song, label, weight)."""
    result = []
    for song in range(n_songs):
        by_import: dict[int, float] = {}
        by_cnn: dict[int, float] = {}
        for _, label, weight in (word for word in imported if word[0] == song and word[2]):
            by_import[label] = by_import.get(label, 0) + weight
        for _, label, weight in (word for word in predicted if word[0] == song and word[2]):
            by_cnn[label] = max(by_cnn.get(label, 0), weight)
        if by_import and by_cnn:
            by_import = {label: weight / max(by_import.values()) for label, weight in by_import.items()}
            by_cnn = {label: weight / max(by_cnn.values()) for label, weight in by_cnn.items()}
        said = {label: max(by_import.get(label, 0), by_cnn.get(label, 0)) for label in by_import | by_cnn}
        verdicts = {label: weight for of, label, weight in curated if of == song}
        said = {label: weight for label, weight in said.items() if verdicts.get(label, 1) > 0}
        strongest = max(said.values(), default=1)
        said |= {label: strongest for label, verdict in verdicts.items() if verdict > 0}
        result.append(said)
    return result


def idf(tfs: Sequence[Sparse]) -> dict[int, float]:
    """IDF of every label that a song has."""
    labelled = sum(1 for song in tfs if song)
    return {
        label: log10(labelled / sum(1 for song in tfs if label in song))
        for label in {label for song in tfs for label in song}
    }


def weights(tfs: Sequence[Sparse], idfs: Sparse) -> list[dict[int, float]]:
    """TF x IDF of every song, divided by its norm."""
    result = []
    for song in tfs:
        product = {label: value * idfs[label] for label, value in song.items()}
        norm = sqrt(sum(value**2 for value in product.values()))
        result.append({label: value / norm for label, value in product.items()} if norm else {})
    return result


def profile(of: Sequence[Sparse], liked: Sequence[int], disliked: Sequence[int], nudges: Sparse) -> dict[int, float]:
    """The sum of the liked songs, less a quarter of the disliked, with the nudges."""
    result: dict[int, float] = {}
    for songs, factor in ((liked, 1.0), (disliked, -0.25)):
        for song in songs:
            for label, value in of[song].items():
                result[label] = result.get(label, 0) + factor * value
    for label, value in nudges.items():
        result[label] = result.get(label, 0) + value
    return result


def unit(vector: Sparse) -> dict[int, float]:
    """The vector divided by its norm, or nothing."""
    norm = sqrt(sum(value**2 for value in vector.values()))
    return {label: value / norm for label, value in vector.items()} if norm else {}


def cosine(one: Sparse, other: Sparse) -> float:
    """The cosine of two vectors, 0 where one is 0."""
    norms = sqrt(sum(value**2 for value in one.values())) * sqrt(sum(value**2 for value in other.values()))
    return sum(value * other.get(label, 0) for label, value in one.items()) / norms if norms else 0


def bent(profile: Sparse, query: Sparse, share: float) -> dict[int, float]:
    """p = (1 - a) profile / |profile| + a query / |query|; a is 1 with an empty profile."""
    share = share if unit(profile) else 1
    one, other = unit(profile), unit(query)
    return {label: (1 - share) * one.get(label, 0) + share * other.get(label, 0) for label in {*one, *other}}


def cooccurrence(plays: Sequence[tuple[str, str]], listener: str) -> dict[str, float]:
    """score(user, i) of every song that is not the listener's: set intersections, as the formula is written."""
    listeners: dict[str, set[str]] = {}
    for who, song in plays:
        listeners.setdefault(song, set()).add(who)
    own = {song for who, song in plays if who == listener}
    return {
        song: sum(len(predicted & listeners[other]) / len(predicted | listeners[other]) for other in own) / len(own)
        for song, predicted in listeners.items()
        if song not in own
    }
