"""Progress bar of a build, on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from recommender.engine.interface import Progress
from recommender.snapshots.build import STEPS


@contextmanager
def build_progress() -> Iterator[Progress]:
    """Show a progress bar with the steps of a build."""
    # Steps are reported many times a second; tqdm redraws at most ten times.
    with tqdm(total=len(STEPS), unit="step", leave=False, delay=1, miniters=0) as bar:

        def step(name: str) -> None:
            bar.set_description(name, refresh=False)
            bar.update(STEPS.index(name) - bar.n if name in STEPS else 0)

        yield step
