"""The file of a backup: a tar of the database, of the files of `DCMRS_HOME`, and at its end of what it holds.

The database is always a file of SQLite, compressed, whichever the site uses. The last entry is the manifest, with the
size and SHA-256 of every other: a file without it was cut off. No Django here.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

DATABASE = "database.sqlite3.gz"
MANIFEST = "manifest.json"
HOME = "home/"

_FORMAT = 1
_BLOCK = 1 << 20

Progress = Callable[[int], object]
"""Told how many bytes have been dealt with since it was told last."""


class DamagedBackupError(Exception):
    """A file is no backup, or not all of one; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    version : str
        Of the DCMRS that made it.
    made_at : str
        ISO 8601, with its zone.
    migrations : list of str
        Those of the database, as `app.name`.
    songs, accounts : int
        How many there were.
    settings : dict of str to str or None
        The variables that were set; None in the place of a value that is left out.
    secrets : bool
        Whether it holds the secret key and the values of all settings.
    files : dict of str to (int, str)
        Size and SHA-256 of every entry by name.
    format : int
    """

    version: str
    made_at: str
    migrations: list[str]
    songs: int
    accounts: int
    settings: dict[str, str | None]
    secrets: bool
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = _FORMAT

    @property
    def bytes(self) -> int:
        """Of all entries."""
        return sum(size for size, _ in self.files.values())


class Writer:
    """Writes a backup, complete on the disk before it has its name.

    Parameters
    ----------
    path : Path
        Nothing is there yet.

    Raises
    ------
    OSError
        If it cannot be written, or something has that name.
    """

    def __init__(self, path: Path, progress: Progress = lambda _: None) -> None:
        if path.exists():
            raise FileExistsError(f"{path} is there already")
        self._path, self._progress = path, progress
        self._draft = path.with_name(f".{path.name}.{os.getpid()}")
        # Nobody else may read what people have written here.
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)
        self._files: dict[str, tuple[int, str]] = {}

    def add(self, name: str, path: Path) -> None:
        """Add a file; one that has gone meanwhile is left out.

        Raises
        ------
        OSError
            If it cannot be read, or there is no room for it.
        """
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            return
        with opened as file:
            status = os.fstat(file.fileno())
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = status.st_size, int(status.st_mtime), 0o600
            reader = _Hashing(file, status.st_size, self._progress)
            self._tar.addfile(entry, reader)
        if reader.left:
            raise OSError(f"{path} became shorter while it was read")
        self._files[name] = (status.st_size, reader.digest)

    def finish(self, manifest: Manifest) -> Manifest:
        """Add the manifest, and give the file its name."""
        whole = Manifest(**(asdict(manifest) | {"files": self._files}))
        text = json.dumps(asdict(whole), indent=1).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(text), 0o600
        self._tar.addfile(entry, io.BytesIO(text))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        # Unlike a rename this takes nobody's place.
        os.link(self._draft, self._path)
        self._draft.unlink()
        return whole

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


class _Hashing(io.RawIOBase):
    """Reads a file up to a length, and knows its digest at the end."""

    def __init__(self, file: IO[bytes], length: int, progress: Progress) -> None:
        self._file, self.left, self._progress = file, length, progress
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(min(size if size >= 0 else self.left, self.left))
        self._hash.update(block)
        self.left -= len(block)
        self._progress(len(block))
        return block

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def read_manifest(path: Path) -> Manifest:
    """What a backup holds, by its own words; nothing is compared.

    Raises
    ------
    OSError
        If it cannot be read.
    DamagedBackupError
        If it is none, or cut off.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                if entry.name == MANIFEST:
                    return _manifest(tar.extractfile(entry))
    except tarfile.TarError as error:
        raise DamagedBackupError(f"{path} is no backup, or a damaged one: {error}") from error
    raise DamagedBackupError(f"{path} is no backup, or cut off before its end")


def _manifest(file: IO[bytes] | None) -> Manifest:
    try:
        said = json.loads(file.read() if file is not None else b"")
        if said["format"] > _FORMAT:
            raise DamagedBackupError(f"it was made by a newer version: install DCMRS {said['version']} or newer")
        said["files"] = {str(name): (int(size), str(digest)) for name, (size, digest) in said["files"].items()}
        return Manifest(**said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedBackupError("what it says of itself cannot be read") from error


def entries(path: Path, progress: Progress = lambda _: None) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Every entry of a backup but its manifest: its name, and its bytes block by block, compared at their end.

    Raises
    ------
    OSError
        If it cannot be read.
    DamagedBackupError
        If an entry is missing, cut, or other than it was written.
    """
    manifest = read_manifest(path)
    seen: set[str] = set()
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                if entry.name == MANIFEST:
                    continue
                if (
                    entry.name not in manifest.files
                    or entry.name in seen
                    or not entry.isfile()
                    or _leads_out(entry.name)
                ):
                    raise DamagedBackupError(f"{entry.name!r} does not belong in it")
                seen.add(entry.name)
                yield entry.name, _compared(entry.name, tar.extractfile(entry), *manifest.files[entry.name], progress)
    except tarfile.TarError as error:
        raise DamagedBackupError(f"it is damaged: {error}") from error
    if missing := set(manifest.files) - seen:
        raise DamagedBackupError(f"{min(missing)!r} is missing in it")


def _compared(name: str, file: IO[bytes] | None, size: int, digest: str, progress: Progress) -> Iterator[bytes]:
    found, length = hashlib.sha256(), 0
    while file is not None and (block := file.read(_BLOCK)):
        found.update(block)
        length += len(block)
        progress(len(block))
        yield block
    if (length, found.hexdigest()) != (size, digest):
        raise DamagedBackupError(f"{name!r} in it is not as it was written")


def _leads_out(name: str) -> bool:
    """Whether a name would be a file outside of the folder that a backup is unpacked into."""
    return name.startswith("/") or ".." in Path(name).parts


def describe(manifest: Manifest) -> dict[str, Any]:
    """What to tell of a backup, in a line."""
    return {
        "made_at": manifest.made_at,
        "version": manifest.version,
        "songs": manifest.songs,
        "accounts": manifest.accounts,
        "files": len(manifest.files),
        "bytes": manifest.bytes,
    }
