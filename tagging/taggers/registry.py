"""The taggers: which there are, which listen, and how one is loaded.

One family is the project's own: the bundled tagger, and what owners have fitted to their music, each a file that
describes itself. One of the family is in use at a time. The published taggers listen beside it where they are
installed.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.home import models_dir
from tagging.networks import heap
from tagging.networks.descriptions import (
    Description,
    LocalTagger,
    NotInstalled,
    PublishedTagger,
    TaggerError,
    TaggerLabel,
    published,
)

from . import installing, local
from .atomic_write import atomic_write

if TYPE_CHECKING:
    from tagging.networks.inference import Tagger

__all__ = [
    "Description",
    "LocalTagger",
    "NotInstalled",
    "PublishedTagger",
    "TaggerError",
    "TaggerLabel",
    "default",
    "describe",
    "ignored",
    "in_use",
    "install",
    "install_from_folder",
    "installed",
    "known",
    "load",
    "published",
    "use",
    "verify",
]

logger = logging.getLogger(__name__)

BUNDLED = Path(__file__).parent.parent / "weights" / f"dcmrs{local.SUFFIX}"
_MOST_MODELS = 200
_LONGEST_NAME = 200


def known() -> dict[str, Description]:
    """Every tagger that this program knows, by name: the bundled one, owners' own, the published."""
    return {**local_family(), **published()}


def local_family() -> dict[str, LocalTagger]:
    """The bundled tagger and those that owners have fitted, by name; files that are none are left out: `ignored`."""
    return {tagger.name: tagger for tagger in _looked_at().values() if isinstance(tagger, LocalTagger)}


def ignored() -> dict[Path, str]:
    """The files among the owners' taggers that are none, and why."""
    return {file: reason for file, reason in _looked_at().items() if isinstance(reason, str)}


def describe(name: str) -> Description:
    """What is known of a tagger.

    Raises
    ------
    TaggerError
        If there is none of this name.
    """
    if (description := known().get(name)) is None:
        raise TaggerError(f"no tagger is called {name}: there are {', '.join(known())}")
    return description


def installed() -> list[str]:
    """The names of the taggers that listen: the own one in use first, then the published ones that are here."""
    everyone = known()
    first = in_use()
    others = [name for name, tagger in everyone.items() if not isinstance(tagger, LocalTagger) and tagger.weights]
    return [first, *others] if first in everyone else others


def default() -> str:
    """The tagger that is used where none is named: the first that listens.

    Raises
    ------
    NotInstalled
        If none does.
    """
    if not (names := installed()):
        raise NotInstalled(f"no tagger is installed: manage.py taggers install {next(iter(known()))}")
    return names[0]


def in_use() -> str | None:
    """The one of the own family that listens: the one chosen, else the bundled one; None where there is neither."""
    family = local_family()
    try:
        chosen = _choice().read_text(encoding="utf-8", errors="replace")[:_LONGEST_NAME].strip()
    except OSError:
        chosen = ""
    if chosen in family:
        return chosen
    return next((name for name, tagger in family.items() if tagger.file == BUNDLED), None)


def use(name: str) -> None:
    """Have another of the own family listen from now on, in every process; songs are heard anew by it.

    Raises
    ------
    TaggerError
        If there is none of this name in the own family, or it cannot be loaded.
    """
    description = describe(name)
    if not isinstance(description, LocalTagger):
        raise TaggerError(f"{name} is a published tagger: it listens as soon as it is installed")
    load(name)
    try:
        with atomic_write(_choice()) as draft:
            draft.write(f"{name}\n".encode())
    except OSError as error:
        raise TaggerError(f"{error.filename or _choice()}: {error.strerror or error}") from error


def load(name: str) -> Tagger:
    """A tagger, ready to listen; what reading its weights took beside them is given back to the system.

    Raises
    ------
    TaggerError
        If there is none of this name, its weights are not here, or they are damaged.
    """
    description = describe(name)
    if (weights := description.weights) is None:
        raise NotInstalled(f"{name} is not installed: manage.py taggers install {name}")
    try:
        return _loaded(description, weights)
    finally:
        heap.trim()


def _loaded(description: Description, weights: Path) -> Tagger:
    # Reading the registry and installing must not cost the second that PyTorch takes to import.
    from tagging.networks.inference import CropTagger, PatchTagger, WholeSongTagger
    from tagging.networks.published_networks import read

    name = description.name
    if isinstance(description, LocalTagger):
        return WholeSongTagger(description, local.read_network(weights, len(description.labels)))
    if not isinstance(description, PublishedTagger) or not installing.as_published(weights, description):
        raise TaggerError(f"the weights of {name} are damaged: manage.py taggers install {name}")
    network = read(description.network, weights, len(description.labels))
    if description.patches is not None:
        return PatchTagger(description, description.patches, network)
    return CropTagger(description, description.scaling, network)


def verify() -> dict[str, bool]:
    """Whether the weights of each tagger here are what their authors published, or this program wrote, by name."""
    good: dict[str, bool] = {}
    for file, found in _looked_at().items():
        good[found.name if isinstance(found, LocalTagger) else file.name] = isinstance(found, LocalTagger)
    for name, tagger in known().items():
        if isinstance(tagger, PublishedTagger) and (weights := tagger.weights):
            good[name] = installing.as_published(weights, tagger)
    return good


def install(name: str, file: str | os.PathLike[str] | None = None) -> Path:
    """Put a published tagger's weights where `load` finds them, downloaded or from a file.

    Nothing bears the weights' name before they are complete and their checksum is right.

    Parameters
    ----------
    name : str
    file : path, optional
        The weights' file, or a folder with it under any name; downloaded from their authors where it is None.

    Returns
    -------
    Path
        Where they are now.

    Raises
    ------
    TaggerError
        If the weights cannot be had, or are not the published ones.
    """
    tagger = describe(name)
    if not isinstance(tagger, PublishedTagger):
        raise TaggerError(f"{name} is here already: it is one of this program's own")
    if file is None:
        return installing.download(tagger)
    path = Path(file)
    if path.is_dir():
        if name not in (found := installing.recognised(path, [tagger])):
            raise TaggerError(f"no file in {path} holds the weights of {name}")
        path = found[name]
    return installing.copy(tagger, path)


def install_from_folder(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Install every published tagger whose weights lie in a folder, whatever the files are called.

    Returns
    -------
    dict of str to Path
        Where the weights of each tagger that was installed are now, by name.

    Raises
    ------
    TaggerError
        If the folder cannot be read, or holds no tagger's weights.
    """
    path = Path(folder)
    if not path.is_dir():
        raise TaggerError(f"{path} is not a folder")
    candidates = [tagger for tagger in known().values() if isinstance(tagger, PublishedTagger)]
    if not (found := installing.recognised(path, candidates)):
        names = " or ".join(tagger.name for tagger in candidates)
        raise TaggerError(f"no file in {path} holds the weights of {names}")
    return {name: install(name, file) for name, file in found.items()}


def _choice() -> Path:
    """The file that says which of the own family is in use."""
    return models_dir() / "in-use"


def _looked_at() -> dict[Path, LocalTagger | str]:
    """The bundled tagger and the files among the owners': what each describes, or why it is ignored."""
    files = [BUNDLED] if BUNDLED.is_file() else []
    with suppress(OSError):
        others = {tagger.file_name for tagger in published().values()}
        here = sorted(file for file in models_dir().glob(f"[!.]*{local.SUFFIX}") if file.name not in others)
        files += here[:_MOST_MODELS]
    found: dict[Path, LocalTagger | str] = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = _look(file, status.st_size, status.st_mtime_ns, status.st_ino)
    return found


@lru_cache(maxsize=2 * _MOST_MODELS)
def _look(file: Path, *_version: int) -> LocalTagger | str:
    """What a file describes, or why it is none of the own family; read again when the file is another."""
    try:
        tagger = local.read_description(file)
    except TaggerError as error:
        reason = str(error)
    else:
        if file == BUNDLED:
            return tagger
        if tagger.name in published() or tagger.name + local.SUFFIX == BUNDLED.name:
            reason = f"{file}: {tagger.name} is the name of another tagger"
        elif file.name != tagger.name + local.SUFFIX:
            reason = f"{file} describes a tagger called {tagger.name}: a file bears its tagger's name"
        else:
            return tagger
    logger.warning("Ignored: %s", reason)
    return reason
