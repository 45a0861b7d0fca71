"""The progress of a build, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from recommender.build import STEPS
from recommender.engine.interface import Progress


@contextmanager
def build_progress() -> Iterator[Progress]:
    """A bar with the steps of a build."""
    # Steps name themselves many times a second; the bar is drawn anew ten times at most.
    with tqdm(total=len(STEPS), unit="step", leave=False, delay=1, miniters=0) as bar:

        def step(name: str) -> None:
            bar.set_description(name, refresh=False)
            bar.update(STEPS.index(name) - bar.n if name in STEPS else 0)

        yield step
