"""Correcting a profile by hand: how much a push is, and what it takes to forget a label.

A nudge is a weight that is added to a label's weight in the profile (`Content.profiles`), so it has to be of the
profile's own size: what moves a taste of five ratings would be lost in one of five thousand.
"""

from __future__ import annotations

import numpy as np

from .interface import Vector

STEP = 0.25
"""What one push is, as a share of the largest weight learned: four of them lift a label to the strongest one."""

SMALLEST_STEP = 1.0
"""What one push is at least: as much as a liked song that has no other label."""

FORGOTTEN = 0.02
"""A label whose nudge leaves less than this share of what was learned is forgotten."""


def step(learned: Vector) -> float:
    """What one push up or down adds to the nudge of a label.

    Parameters
    ----------
    learned : float64, shape (n_labels,)
        The profile without nudges.
    """
    return max(SMALLEST_STEP, STEP * float(np.abs(learned).max(initial=0.0)))


def pushed(nudge: float, by: float) -> float:
    """A nudge after a push; one that comes back to where it began is none, whatever rounding left of it.

    Parameters
    ----------
    nudge : float
        As it is, 0 where there is none.
    by : float
        `step`, or less than 0 to push down.
    """
    after = nudge + by
    return 0.0 if abs(after) < 1e-6 * abs(by) else after


def forgetting(learned: float) -> float:
    """The nudge with which a label weighs nothing.

    It cancels what has been learned until now, and nothing more: what is liked from here on counts again.
    """
    return -learned


def is_forgotten(learned: float, nudge: float) -> bool:
    """Whether a nudge cancels what was learned of a label, but for what a change of a song or two leaves."""
    return learned != 0 and nudge != 0 and abs(learned + nudge) <= FORGOTTEN * abs(learned)
