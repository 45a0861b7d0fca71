"""The progress of backups on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def shown() -> Iterator[Callable[[str, int, int], None]]:
    """A callback that shows the step, and how much of it is done."""
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, file=sys.stderr) as bar:

        def show(step: str, done: int, total: int) -> None:
            bar.set_description(step, refresh=False)
            bar.unit = "B" if step == "files" else " rows"
            bar.total = total or None
            bar.n = done
            bar.refresh()

        yield show
