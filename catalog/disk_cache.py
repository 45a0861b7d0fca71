"""Bytes that can be made again, kept in a folder up to a size: what was asked for longest ago goes first. No Django.

Several processes may use one folder at once: a file is complete before it has its name, and one that another process
has deleted is one that is not there. A disk that is full or cannot be written to keeps nothing, and breaks nothing.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

_LEAVES = 0.9
_LOOKS_AFTER = 1 / 16
_TOUCHED_AFTER_S = 3600.0


class DiskCache:
    """A folder of such bytes.

    Parameters
    ----------
    folder : Path
        Made when it is needed; nothing else may be in it.
    most_bytes : int
        How much is kept at most, give or take a sixteenth for each process; with 0 nothing is.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._lock = threading.Lock()
        # The first that is kept has the folder looked through: another process may have left it full.
        self._since_look = most_bytes

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None if nothing is."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            if time.time() - path.stat().st_mtime > _TOUCHED_AFTER_S:
                os.utime(path)
        except OSError:
            return None
        # A file that was renamed and not yet written when the power went.
        return content or None

    def keep(self, key: str, content: bytes) -> None:
        """Keep bytes under a key, if that can be."""
        if not 0 < len(content) <= self._most:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(content)
            Path(file.name).replace(path)
        except OSError:
            return
        with self._lock:
            self._since_look += len(content)
            full = self._since_look > self._most * _LOOKS_AFTER
            if full:
                self._since_look = 0
        if full:
            self._prune()

    def _prune(self) -> None:
        """Delete what was asked for longest ago, where there is too much."""
        files: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        held = sum(size for _, size, _ in files)
        if held <= self._most:
            return
        for _, size, path in sorted(files):
            if held <= self._most * _LEAVES:
                return
            with suppress(OSError):
                path.unlink()
            held -= size

    def _path(self, key: str) -> Path:
        name = hashlib.blake2b(key.encode(errors="replace"), digest_size=16).hexdigest()
        return self._folder / name[:2] / name[2:]
