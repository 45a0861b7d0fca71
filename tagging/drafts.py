"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def draft_of(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into that takes its name, and another's place, when it is complete and on disk.

    Where writing it ends in an exception, everything is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}.", delete=False) as draft:
        unfinished = Path(draft.name)
        try:
            yield draft
            draft.flush()
            os.fsync(draft.fileno())
            unfinished.chmod(0o644)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
