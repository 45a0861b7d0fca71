"""Manual corrections of a profile: the step of a nudge, and the nudge that forgets a label.

A nudge is added to a label's profile weight (`Content.profiles`), so its step scales with the profile: a fixed step
would vanish in a profile of thousands of ratings.
"""

from __future__ import annotations

import numpy as np

from .interface import Vector

STEP = 0.25
"""Step as a share of the largest learned weight."""

SMALLEST_STEP = 1.0
"""Smallest step: the weight of a liked song with a single label."""

FORGOTTEN = 0.02
"""A label is forgotten if its nudge leaves at most this share of the learned weight."""


def step(learned: Vector) -> float:
    """The step of one push.

    Parameters
    ----------
    learned : float64, shape (n_labels,)
        The profile without nudges.
    """
    return max(SMALLEST_STEP, STEP * float(np.abs(learned).max(initial=0.0)))


def pushed(nudge: float, by: float) -> float:
    """The nudge after a push; 0 if only a rounding error remains.

    Parameters
    ----------
    nudge : float
        Current nudge, 0 if none.
    by : float
        `step`, negative to push down.
    """
    after = nudge + by
    return 0.0 if abs(after) < 1e-6 * abs(by) else after


def forgetting(learned: float) -> float:
    """The nudge that cancels the learned weight; songs liked later count again."""
    return -learned


def is_forgotten(learned: float, nudge: float) -> bool:
    """Whether a nudge cancels the learned weight, up to `FORGOTTEN`."""
    return learned != 0 and nudge != 0 and abs(learned + nudge) <= FORGOTTEN * abs(learned)
