"""Stores each listener's dial position; `engine.adventure` applies it."""

from __future__ import annotations

from django.contrib.auth.models import User

from ..models import Dial

WORDS = {
    -2: "most familiar",
    -1: "more familiar",
    0: "balanced",
    1: "more adventurous",
    2: "most adventurous",
}


def turn(user: User, position: int) -> None:
    """Store a listener's dial position.

    Raises
    ------
    ValueError
        If there is no such position.
    """
    if position not in WORDS:
        raise ValueError(f"the dial goes from {-Dial.END} to {Dial.END}, not to {position}")
    Dial.objects.update_or_create(user=user, defaults={"position": position})
