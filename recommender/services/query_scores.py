"""Scores of all songs for what a query asks for: its labels, names, years, and what music should be like."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.names import label_key

from ..engine.adventure import fractional_ranks
from ..engine.interface import ListenerBatch, Vector
from ..engine.query_tiers import tiered
from ..engine.query_weights import REFUSED_FROM
from ..engine.ranking import best as best_of
from ..snapshots.bundle import ModelBundle
from .query_wanted import Wanted, asked_terms

_SAID = 1.01
"""What a song matches whose names say a word, relative to the best that has the word's labels."""

_FEWEST_TERMS = 2
"""A single term is carried by every song that is listed for it."""


_ALIKE = 0.6
"""A song is like what is named if it is at least so like it, relative to what is nearest."""

_FEWEST_ALIKE = 24


_LACKING, _NEARLY_OF_ALL, _OF_ALL, _SAID_BY_NAMES = range(4)
"""Tiers: songs that lack a term, that have some label of each, that carry each, and whose names say so too."""


def query_scores(bundle: ModelBundle, wanted: Wanted, batch: ListenerBatch) -> Vector:
    """Scores of all songs: what is asked for decides what is listed, taste the order (`query_tiers.tiered`)."""
    index, ranker = bundle.index, bundle.labels_and_sound
    taste = ranker.scores(batch.unasked)[0]
    asks = batch.query is not None and bool((batch.query > 0).any())
    match, candidates = np.zeros(len(taste)), np.ones(len(taste), dtype=bool)
    tiers = np.zeros(len(taste), dtype=np.int64)
    if asks and ranker.tells_apart(batch.query):
        match, candidates = ranker.matches(batch.query)
        match, tiers = _by_terms(bundle, wanted, match)
    if wanted.like is not None:
        similar = ranker.alike(index.songs(wanted.like.songs))
        candidates = (similar > 0) & (_near(similar) if asks else True)
        match = (_ranks_among(similar, candidates) + _ranks_among(match, candidates)) / 2 if asks else similar
        tiers[:] = 0
    elif not asks and not (wanted.saying or wanted.preferred or wanted.by_year):
        # Only negated terms: nothing is asked for, and what people play comes first where taste says nothing.
        played = bundle.popular.plays / max(int(bundle.popular.plays.max(initial=0)), 1)
        listed: Vector = np.maximum(taste, 0.0) + 1e-6 * (1 + played)
        return listed
    match, candidates = _with_names_and_years(bundle, wanted, match, candidates)
    for songs in wanted.preferred:
        saying = _among(bundle, songs)
        candidates = candidates | saying if asks or wanted.like is not None else saying
        tiers = tiers + (_SAID_BY_NAMES + 1) * saying
    tiers = tiers + _among(bundle, wanted.beyond)
    return tiered(tiers, match, candidates, taste, batch.query_share)


def _near(similar: Vector) -> NDArray[np.bool_]:
    """What is like a song, before it is asked which of it is calmer or faster: at least a page's songs."""
    nearest = best_of(similar, _FEWEST_ALIKE)
    near: NDArray[np.bool_] = similar >= _ALIKE * similar[nearest].mean()
    near[nearest] = True
    return near


def _ranks_among(values: Vector, among: NDArray[np.bool_]) -> Vector:
    """Fractional ranks of some songs among themselves; 0 for the others."""
    ranks = np.zeros(len(values))
    ranks[among] = fractional_ranks(values[among])
    return ranks


def _by_terms(bundle: ModelBundle, wanted: Wanted, match: Vector) -> tuple[Vector, NDArray[np.int64]]:
    """Matches by the share of the terms that songs carry, and tiers (`_LACKING` and above).

    A song carries a term with one of its strongest labels, or with a name that says it, and half of it with another of
    its labels. Songs without labels are matched by sound.
    """
    ranker = bundle.labels_and_sound
    terms = asked_terms(wanted.parsed)
    tiers = np.full(len(match), _OF_ALL)
    if len(terms) >= _FEWEST_TERMS:
        said = np.stack([_among(bundle, wanted.said.get(term.text, ())) for term in terms], axis=1)
        positive = [[label for label, weight in term.labels.items() if weight > 0] for term in terms]
        groups = _label_groups(bundle, [*(term.strongest for term in terms), *positive])
        carried, touched = np.split(ranker.content.carries(groups, REFUSED_FROM), 2, axis=1)
        carried, touched = carried | said, touched | said
        share = np.where(ranker.evidence.amounts == 0, 1.0, (carried.astype(float) + touched).mean(axis=1) / 2)
        match = (match + said.mean(axis=1) * (match.max(initial=0.0) - match)) * share**2
        tiers = np.where(carried.all(axis=1), _OF_ALL, np.where(touched.all(axis=1), _NEARLY_OF_ALL, _LACKING))
        # Where no label is the word itself, a name that says it says more than the labels that stand in for it.
        unlabelled = [label_key(term.text) not in map(label_key, term.labels) for term in terms]
        tiers[(tiers == _OF_ALL) & said[:, unlabelled].any(axis=1)] = _SAID_BY_NAMES
    tiers[(tiers == _OF_ALL) & _among(bundle, wanted.occasion)] = _SAID_BY_NAMES
    return match, tiers


def _label_groups(bundle: ModelBundle, groups: Sequence[Collection[str]]) -> NDArray[np.bool_]:
    """Which labels are in groups of names, shape (n_labels, n_groups)."""
    positions = {name: at for at, name in enumerate(bundle.index.label_names.tolist())}
    among = np.zeros((len(positions), len(groups)), dtype=bool)
    for column, names in enumerate(groups):
        among[[positions[name] for name in names if name in positions], column] = True
    return among


def _with_names_and_years(
    bundle: ModelBundle, wanted: Wanted, match: Vector, candidates: NDArray[np.bool_]
) -> tuple[Vector, NDArray[np.bool_]]:
    """Matches and candidates after names and years have their say."""
    index, match, candidates = bundle.index, match.copy(), candidates.copy()
    best = float(match[candidates].max(initial=0.0))
    also = index.songs(sorted(wanted.also))
    candidates[also] = True
    # What says the word itself comes before what has the labels of its kind.
    match[also] = np.maximum(match[also], _SAID * best)
    if wanted.inside and _only_decades(wanted):
        inside = index.songs(sorted(wanted.inside))
        candidates[inside] = True
        match[inside] = np.maximum(match[inside], best)
    candidates[index.songs(sorted(wanted.outside))] = False
    for songs in [*([wanted.inside] if wanted.by_year else []), *wanted.saying]:
        saying = _among(bundle, songs)
        # Who names an artist wants that artist: the labels then say in which order.
        candidates = candidates & saying if (candidates & saying).any() else saying
    return match, candidates


def _only_decades(wanted: Wanted) -> bool:
    return wanted.like is None and all(term.decade for term in wanted.parsed.terms if not term.negated)


def _among(bundle: ModelBundle, songs: Iterable[int]) -> NDArray[np.bool_]:
    """Which songs are among some, by primary key, shape (n_songs,)."""
    among = np.zeros(len(bundle.index.song_ids), dtype=bool)
    among[bundle.index.songs(sorted(songs))] = True
    return among
