"""Arrays as immutable files in the storage called `snapshots`, one folder per snapshot.

Readers memory-map the files, so all processes of a host share one copy. Where the storage has no local paths (an object
store, for example), each host maps a local copy under `DCMRS_HOME`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone
from numpy.typing import NDArray

from catalog.home import home

FileRecord: TypeAlias = list[int]
"""Size in bytes and CRC-32 of a stored file; a list, since it is kept as JSON."""

Manifest: TypeAlias = dict[str, FileRecord]
"""The files of a folder by array name."""

_CHECKED_AT_ONCE = 1 << 20


class DamagedFolderError(OSError):
    """A folder whose files are not those that were stored: one is missing, cut or overwritten."""


def new_folder() -> str:
    """A folder name that is not in use."""
    return f"{timezone.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def store(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, Manifest]:
    """Write arrays into a new folder and return its name and manifest; on failure the folder is deleted.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder = new_folder()
    with deleted_on_failure(folder):
        return folder, store_arrays(folder, arrays)


@contextmanager
def deleted_on_failure(folder: str) -> Iterator[None]:
    """Delete a folder if the block raises."""
    try:
        yield
    except BaseException:
        delete(folder)
        raise


def store_arrays(folder: str, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Write arrays into a folder, each as NAME.npy, and return their manifest; existing files are replaced.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    storage = storages["snapshots"]
    manifest: Manifest = {}
    for name, array in arrays.items():
        storage.delete(f"{folder}/{name}.npy")
        manifest[name] = _store_file(storage, f"{folder}/{name}.npy", array)
    return manifest


def _store_file(storage: Storage, name: str, array: NDArray[Any]) -> FileRecord:
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=home()) as draft:
        np.save(draft, array, allow_pickle=False)
        record = _record(draft)
        draft.seek(0)
        storage.save(name, File(draft))
    with suppress(NotImplementedError), Path(storage.path(name)).open("rb") as stored:
        # Files must be on disk before the database row that refers to them.
        os.fsync(stored.fileno())
    return record


def _record(file: IO[bytes]) -> FileRecord:
    file.seek(0)
    size = checksum = 0
    while block := file.read(_CHECKED_AT_ONCE):
        size, checksum = size + len(block), zlib.crc32(block, checksum)
    return [size, checksum]


def load_arrays(folder: str, manifest: Manifest) -> dict[str, NDArray[Any]]:
    """Memory-map all arrays of a complete folder, by name.

    Parameters
    ----------
    folder : str
    manifest : dict
        What was stored: sizes are compared, which costs nothing. Empty for folders of versions that kept none.

    Raises
    ------
    FileNotFoundError
        If the folder is gone.
    DamagedFolderError
        If a file of it is missing, has another size or is no array.
    """
    place = _local_folder(folder)
    paths = {path.name.removesuffix(".npy"): path for path in place.glob("*.npy")}
    if not paths and not place.is_dir():
        raise FileNotFoundError(f"the folder {folder} is gone")
    for name, (size, _) in manifest.items():
        if name not in paths:
            raise DamagedFolderError(f"{folder}/{name}.npy is missing")
        if (found := paths[name].stat().st_size) != size:
            raise DamagedFolderError(f"{folder}/{name}.npy has {found} bytes, {size} were written")
    # A plain view of the mapped array: operations on the np.memmap subclass are slower.
    return {name: np.asarray(_mapped(path)) for name, path in paths.items()}


def check_contents(folder: str, manifest: Manifest) -> None:
    """Read all files of a complete folder and compare them with their checksums.

    Raises
    ------
    FileNotFoundError
        If the folder is gone.
    DamagedFolderError
        If a file of it is missing or not as it was written.
    """
    place = _local_folder(folder)
    for name, (size, checksum) in manifest.items():
        try:
            with (place / f"{name}.npy").open("rb") as file:
                found = _record(file)
        except FileNotFoundError as error:
            if not place.is_dir():
                raise
            raise DamagedFolderError(f"{folder}/{name}.npy is missing") from error
        if found != [size, checksum]:
            raise DamagedFolderError(f"{folder}/{name}.npy is not as it was written")


def _mapped(path: Path) -> NDArray[Any]:
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DamagedFolderError(f"{path.parent.name}/{path.name} is no array: {error}") from error
    return mapped


def load_prefixed_arrays(folder: str, prefix: str) -> dict[str, NDArray[Any]]:
    """Memory-map the arrays named PREFIX.* of a folder that is still being filled, by the rest of their names.

    Raises
    ------
    FileNotFoundError
        If the folder is gone.
    DamagedFolderError
        If a file of it is no array.
    """
    dotted = f"{prefix}."
    return {
        name.removeprefix(dotted).removesuffix(".npy"): _mapped(_local_file(folder, name))
        for name in storages["snapshots"].listdir(folder)[1]
        if name.startswith(dotted)
    }


def delete_prefixed_arrays(folder: str, prefix: str) -> None:
    """Delete the arrays named PREFIX.* of a folder."""
    storage = storages["snapshots"]
    with suppress(FileNotFoundError):
        for name in storage.listdir(folder)[1]:
            if name.startswith(f"{prefix}."):
                storage.delete(f"{folder}/{name}")


def delete(folder: str) -> None:
    """Delete a folder with its files; a missing folder is ignored."""
    storage = storages["snapshots"]
    with suppress(FileNotFoundError):
        for file in storage.listdir(folder)[1]:
            storage.delete(f"{folder}/{file}")
        storage.delete(folder)


def folders() -> list[str]:
    """The names of all folders."""
    try:
        return list(storages["snapshots"].listdir("")[0])
    except FileNotFoundError:
        return []


def oldest_file_time(folder: str) -> datetime:
    """Modification time of the oldest file of a folder; now for an empty folder."""
    storage = storages["snapshots"]
    _, files = storage.listdir(folder)
    return min((storage.get_modified_time(f"{folder}/{file}") for file in files), default=timezone.now())


def delete_build_copies(builds: Container[str]) -> None:
    """Delete this host's copies of training data, except for the folders of running builds."""
    for copy in _build_copies().glob("*"):
        if copy.name not in builds:
            shutil.rmtree(copy, ignore_errors=True)


def _build_copies() -> Path:
    """Local copies of training data, used if the storage has no local paths."""
    return home() / "snapshot-drafts"


def _local_file(folder: str, name: str) -> Path:
    """A local path of one file: in the storage itself or copied from it."""
    storage = storages["snapshots"]
    with suppress(NotImplementedError):
        return Path(storage.path(f"{folder}/{name}"))
    copy = _build_copies() / folder / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as draft:
            _copy(storage, f"{folder}/{name}", draft)
            Path(draft.name).replace(copy)
    return copy


def _local_folder(folder: str) -> Path:
    """A local path of a complete folder: in the storage itself or copied from it, replacing older copies."""
    storage = storages["snapshots"]
    with suppress(NotImplementedError):
        return Path(storage.path(folder))
    copies = home() / "snapshot-copies"
    copy = copies / folder
    if not copy.is_dir():
        copies.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=copies, prefix="."))
        try:
            for name in storage.listdir(folder)[1]:
                with (draft / name).open("wb") as file:
                    _copy(storage, f"{folder}/{name}", file)
            # Renamed only when complete. If another process was faster, its copy is equal.
            with suppress(OSError):
                draft.rename(copy)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for other in copies.glob("[!.]*"):
            if other != copy:
                shutil.rmtree(other, ignore_errors=True)
    return copy


def forget_copy(folder: str) -> bool:
    """Delete this host's copy of a folder, so that it is copied anew; False where the storage itself was read."""
    copy = home() / "snapshot-copies" / folder
    if not copy.is_dir():
        return False
    shutil.rmtree(copy, ignore_errors=True)
    return True


def _copy(storage: Storage, name: str, target: IO[bytes]) -> None:
    with storage.open(name) as stored:
        shutil.copyfileobj(stored, target)
