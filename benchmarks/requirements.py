"""What a benchmark needs besides itself: looked at before it begins, all of it at once."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that a benchmark cannot do without.

    Attributes
    ----------
    met : bool
    remedy : str
        What is missing and where it comes from, in one sentence.
    """

    met: bool
    remedy: str


def folder(path: Path, option: str = "") -> Requirement:
    """A folder with something in it; `option` is that of the command line which names another."""
    return Requirement(path.is_dir() and any(path.iterdir()), _absent("folder", path, option))


def file(path: Path, option: str = "") -> Requirement:
    """A file; `option` is that of the command line which names another."""
    return Requirement(path.is_file(), _absent("file", path, option))


def linux() -> Requirement:
    """The memory of processes, as only Linux tells it."""
    return Requirement(Path("/proc/self/smaps_rollup").is_file(), "Memory is read from /proc: this needs Linux.")


def package(name: str) -> Requirement:
    """A Python package of `requirements-dev.txt`, by the name of its module."""
    remedy = f"There is no Python package {name}: pip install -r requirements-dev.txt."
    return Requirement(find_spec(name) is not None, remedy)


def chromium() -> Requirement:
    """A Chromium, and what drives it."""
    if not (driver := package("playwright")).met:
        return driver
    from tests.browser.conftest import find_chromium

    remedy = "There is no Chromium on the PATH: install it, for example with apt-get install chromium."
    return Requirement(find_chromium() is not None, remedy)


def tagger(name: str) -> Requirement:
    """A tagger whose weights are here."""
    from tagging.taggers import registry

    known = registry.known().get(name)
    remedy = f"There is no tagger {name}: manage.py taggers install {name} --from FOLDER."
    return Requirement(known is not None and known.weights is not None, remedy)


def require(*requirements: Requirement) -> None:
    """End the benchmark before it begins where something is missing, and name all that is.

    Raises
    ------
    SystemExit
        With status 1, after one line on standard error for each requirement that is not met.
    """
    if lacking := [one.remedy for one in requirements if not one.met]:
        sys.exit("\n".join(lacking))


def can(what: str, *requirements: Requirement) -> bool:
    """Whether a part of a benchmark can be measured; where not, standard error says what is left out, and why.

    Parameters
    ----------
    what : str
        The part, as the subject of a sentence in the plural.
    """
    lacking = [one.remedy for one in requirements if not one.met]
    for remedy in lacking:
        print(f"{what} are left out. {remedy}", file=sys.stderr)
    return not lacking


def _absent(kind: str, path: Path, option: str) -> str:
    return f"There is no {kind} {path}, or nothing in it." + (f" {option} names another." if option else "")
