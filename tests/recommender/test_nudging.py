"""How much a push of a label is, and what forgetting one takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import nudging


def test_a_push_is_a_liked_song_at_least() -> None:
    assert nudging.step(np.zeros(0)) == nudging.step(np.array([0.5, 2.0])) == 1.0


def test_four_pushes_reach_the_strongest_label() -> None:
    learned = np.array([100.0, 0.0, -400.0])
    assert 4 * nudging.step(learned) == 400.0


def test_a_push_up_and_a_push_down_leave_nothing() -> None:
    nudge = 0.0
    for by in (0.1, 0.1, 0.1, -0.1, -0.1, -0.1):
        nudge = nudging.pushed(nudge, by)
    assert nudge == 0.0


@given(st.floats(-1e5, 1e5).filter(lambda learned: abs(learned) > 1e-6))
def test_a_forgotten_label_weighs_nothing_and_is_known_as_forgotten(learned: float) -> None:
    nudge = nudging.forgetting(learned)
    assert learned + nudge == 0
    assert nudging.is_forgotten(learned, nudge)


@pytest.mark.parametrize(("learned", "nudge"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (4.0, -3.0), (4.0, -6.0)])
def test_what_was_only_pushed_is_not_forgotten(learned: float, nudge: float) -> None:
    assert not nudging.is_forgotten(learned, nudge)
