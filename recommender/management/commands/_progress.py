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
    with tqdm(total=len(STEPS), unit="step", leave=False, delay=1) as bar:

        def step(name: str) -> None:
            bar.set_description(name, refresh=False)
            if name in STEPS:
                bar.update(STEPS.index(name) - bar.n)
            bar.refresh()

        yield step
