"""Files that are written completely or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`, and rename it to `path` once it is complete and synced to disk.

    An exception inside the context deletes the temporary file and leaves `path` unchanged.

    Parameters
    ----------
    path : Path
        Replaced if it exists; missing parent folders are made.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full.
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
