"""Which library root a path belongs to."""

from __future__ import annotations

from pathlib import Path

from ..home import home
from ..models import LibraryRoot
from .walking import LONGEST_PATH

UPLOADS = "uploads"
"""The root of what people upload; no other gets this name."""


def root_of(path: Path) -> tuple[LibraryRoot, str]:
    """The root that a file or folder lies in, made and named after the folder where there is none.

    A root made for a single file is the file's folder, and is not rescanned: nobody asked for the other files.

    Parameters
    ----------
    path : Path
        Of a file or folder that is there.

    Returns
    -------
    root : LibraryRoot
        The innermost one.
    within : str
        The path in the root, `/` between folders, empty for the root itself.

    Raises
    ------
    ValueError
        If the path is not UTF-8, or too long to be remembered.
    """
    path = path.resolve(strict=True)
    _check_storable(path)
    around = [(folder, root) for root, folder in folders() if path.is_relative_to(folder)]
    if around:
        folder, root = max(around, key=lambda pair: len(pair[0].parts))
    else:
        folder = path if path.is_dir() else path.parent
        root = LibraryRoot.objects.create(name=_free_name(folder), path=str(folder), rescan=path.is_dir())
    within = path.relative_to(folder).as_posix()
    return root, "" if within == "." else within


def roots_inside(folder: Path) -> list[tuple[LibraryRoot, Path]]:
    """The other roots below a folder, with their own folders."""
    return [(root, inner) for root, inner in folders() if inner != folder and inner.is_relative_to(folder)]


def folders() -> list[tuple[LibraryRoot, Path]]:
    """Every root with its folder on this host, links followed."""
    return [(root, root.folder.resolve()) for root in LibraryRoot.objects.order_by("pk")]


def uploads_root() -> LibraryRoot:
    """The root of what people upload; its folder is made."""
    root, _ = LibraryRoot.objects.get_or_create(name=UPLOADS, defaults={"path": str(home() / UPLOADS)})
    root.folder.mkdir(parents=True, exist_ok=True)
    return root


def _free_name(folder: Path) -> str:
    # Comma and equals sign are what LIBRARY_ROOTS is written with.
    name = folder.name.translate({ord(","): " ", ord("="): " "}).strip()[:90] or "music"
    taken = {UPLOADS, *LibraryRoot.objects.filter(name__istartswith=name).values_list("name", flat=True)}
    number = 1
    while (free := name if number == 1 else f"{name} {number}") in taken:
        number += 1
    return free


def _check_storable(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError("its name is not UTF-8: rename it") from None
    if len(str(path)) > LONGEST_PATH:
        raise ValueError(f"its path is longer than {LONGEST_PATH} characters")
