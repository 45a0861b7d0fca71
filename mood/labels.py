"""From what a listener feels to the labels that music for it has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

from mood.emotions import EMOTIONS, FEELINGS

Way: TypeAlias = Literal["match", "lift"]

Table: TypeAlias = Mapping[tuple[str, str], Mapping[str, float]]
"""The weights of labels, by feeling and way."""

WAYS: tuple[Way, ...] = ("match", "lift")
"""Music like the mood, or music that leads to a better one."""

DEFAULT_WAY: Way = "lift"

STRONGEST = 0.5
"""The share of a mood that is certain, beside the profile."""

# Labels of the published taggers' vocabularies. Lifting goes in one step: from anger and fear to calm, from sadness
# to hope, from tiredness to something bright. What matches anger and calm is rounded from a fit to recordings that
# people labelled (`benchmarks/mood_table.py`).
DEFAULT_TABLE: Table = {
    ("angry", "match"): {"heavy": 1.0, "powerful": 0.5, "fast": 0.4, "loud": 0.3, "energetic": 0.3, "dark": 0.2},
    ("angry", "lift"): {"calm": 1.0, "relaxing": 1.0, "soft": 0.7, "meditative": 0.6, "positive": 0.5, "chillout": 0.5},
    ("disgust", "match"): {"dark": 1.0, "heavy": 0.7, "deep": 0.6, "dramatic": 0.5},
    ("disgust", "lift"): {"beautiful": 1.0, "positive": 0.8, "fun": 0.7, "romantic": 0.5, "relaxing": 0.5},
    ("fear", "match"): {"dark": 1.0, "dramatic": 0.8, "emotional": 0.6, "soundscape": 0.6, "slow": 0.4},
    ("fear", "lift"): {"calm": 1.0, "soft": 0.8, "hopeful": 0.8, "relaxing": 0.7, "positive": 0.5, "beautiful": 0.4},
    ("happy", "match"): {"happy": 1.0, "fun": 0.8, "upbeat": 0.8, "positive": 0.7, "summer": 0.5, "uplifting": 0.5},
    ("happy", "lift"): {"party": 1.0, "energetic": 0.9, "groovy": 0.8, "happy": 0.8, "catchy": 0.6, "upbeat": 0.6},
    ("neutral", "match"): {"mellow": 1.0, "chill": 0.8, "melodic": 0.8, "background": 0.4, "calm": 0.4},
    ("neutral", "lift"): {"upbeat": 1.0, "inspiring": 0.8, "groovy": 0.8, "positive": 0.7, "catchy": 0.6},
    ("sad", "match"): {"sad": 1.0, "melancholic": 1.0, "emotional": 0.8, "soft": 0.6, "slow": 0.5},
    ("sad", "lift"): {"uplifting": 1.0, "hopeful": 1.0, "positive": 0.9, "happy": 0.6, "inspiring": 0.6},
    ("surprise", "match"): {"energetic": 0.9, "epic": 0.8, "fun": 0.7, "fast": 0.6, "adventure": 0.6},
    ("surprise", "lift"): {"fun": 1.0, "uplifting": 0.8, "groovy": 0.7, "happy": 0.7, "party": 0.5},
    ("calm", "match"): {"calm": 1.0, "mellow": 0.8, "soft": 0.8, "chillout": 0.7, "relaxing": 0.6, "meditative": 0.5},
    ("calm", "lift"): {"beautiful": 1.0, "dream": 0.8, "hopeful": 0.7, "romantic": 0.6, "positive": 0.6},
    ("tired", "match"): {"slow": 1.0, "soft": 1.0, "relaxing": 0.8, "mellow": 0.7, "dream": 0.7, "chill": 0.5},
    ("tired", "lift"): {"motivational": 1.0, "upbeat": 1.0, "energetic": 0.8, "uplifting": 0.8, "catchy": 0.5},
}


def vocabulary() -> set[str]:
    """The labels of the table that DCMRS comes with."""
    return {label for weights in DEFAULT_TABLE.values() for label in weights}


def strength(distribution: Mapping[str, float]) -> float:
    """What a mood counts beside the profile: the more, the surer it is.

    Parameters
    ----------
    distribution : mapping of feeling to probability
        Of `FEELINGS`; not all 0.

    Returns
    -------
    float
        `STRONGEST` where one feeling is certain, 0 where all seven emotions are as likely, and between them
        `STRONGEST` times 1 - H / log 7, H being the entropy.

    Raises
    ------
    ValueError
        If a name is no feeling's, or a probability negative or no number, or all are 0.
    """
    probabilities = _normalized(distribution).values()
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    return STRONGEST * max(0.0, 1.0 - entropy / math.log(len(EMOTIONS)))


def query(distribution: Mapping[str, float], table: Table, way: Way) -> tuple[dict[str, float], float]:
    """The labels of music for a mood, and what they count beside the listener's profile.

    Every feeling has its say, as much as it is likely: its labels' weights, brought to a Euclidean norm of 1 so that
    a feeling with many labels speaks no louder than one with few, times its probability.

    Parameters
    ----------
    distribution : mapping of feeling to probability
        Of `FEELINGS`; not all 0. Divided by its sum.
    table : mapping of (feeling, way) to mapping of label to weight
    way : "match" or "lift"

    Returns
    -------
    labels : dict of str to float
        The largest weight first; none of weight 0.
    strength : float
        0 to `STRONGEST`; as `strength` says.

    Raises
    ------
    ValueError
        As `strength`.
    """
    labels: dict[str, float] = {}
    for feeling, probability in _normalized(distribution).items():
        weights = table.get((feeling, way), {})
        norm = math.sqrt(sum(weight * weight for weight in weights.values()))
        for label, weight in weights.items():
            labels[label] = labels.get(label, 0.0) + (probability * weight / norm if norm else 0.0)
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))
    return {label: weight for label, weight in ranked if weight}, strength(distribution)


def _normalized(distribution: Mapping[str, float]) -> dict[str, float]:
    if unknown := [name for name in distribution if name not in FEELINGS]:
        raise ValueError(f"{unknown[0]!r} is no feeling; there are {', '.join(FEELINGS)}")
    if not all(math.isfinite(value) and value >= 0 for value in distribution.values()):
        raise ValueError("probabilities are numbers from 0 on")
    total = sum(distribution.values())
    if not 0 < total < math.inf:
        raise ValueError("at least one feeling has a probability above 0")
    return {name: value / total for name, value in distribution.items()}
