"""The recommended published taggers: all that can be reached are installed, the others are left out and named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tagging.networks.descriptions import Package, PublishedTagger, TaggerError, Unreachable

from . import installing, registry
from .packages import download_package


@dataclass(frozen=True, slots=True)
class Installation:
    """What became of one recommended tagger.

    Attributes
    ----------
    name : str
    place : Path, optional
        Where its weights are now; None where they could not be had.
    reason : str
        Why not; empty where they could.
    """

    name: str
    place: Path | None
    reason: str = ""


def recommended() -> list[PublishedTagger]:
    """The published taggers that label music best together, those from package registries first."""
    known = [tagger for tagger in registry.known().values() if isinstance(tagger, PublishedTagger)]
    return sorted((tagger for tagger in known if tagger.recommended), key=lambda one: one.package is None)


def install_recommended(source: Path | None = None) -> Iterator[Installation]:
    """Install every recommended tagger that can be reached; what is here already stays.

    A host that could not be reached is not asked again, and a package with several taggers is downloaded once, whatever
    becomes of it.

    Parameters
    ----------
    source : Path, optional
        A folder with the weights; they are downloaded where it is None.

    Yields
    ------
    Installation
        One a tagger, as soon as it is known.
    """
    failed: dict[str, str] = {}
    with TemporaryDirectory(prefix="dcmrs-recommended-") as folder:
        wheels: dict[Package, Path] = {}
        for tagger in recommended():
            origin = _origin(tagger)
            if (place := tagger.weights) is not None and installing.as_published(place, tagger):
                yield Installation(tagger.name, place)
                continue
            if source is None and origin in failed:
                yield Installation(tagger.name, None, failed[origin])
                continue
            try:
                if source is not None:
                    place = _from_folder(tagger, source)
                elif (package := tagger.package) is not None:
                    if package not in wheels:
                        wheels[package] = _downloaded(package, Path(folder), failed)
                    place = installing.copy(tagger, wheels[package])
                else:
                    place = installing.download(tagger)
            except Unreachable as error:
                failed.setdefault(origin, f"{origin} cannot be reached")
                yield Installation(tagger.name, None, str(error))
            except TaggerError as error:
                yield Installation(tagger.name, None, str(error))
            else:
                yield Installation(tagger.name, place)


def _downloaded(package: Package, folder: Path, failed: dict[str, str]) -> Path:
    try:
        return download_package(package, folder)
    except TaggerError as error:
        failed[package.requirement] = str(error)
        raise


def _from_folder(tagger: PublishedTagger, source: Path) -> Path:
    found = installing.recognised(source, [tagger])
    if tagger.name not in found:
        raise TaggerError(f"no file in {source} holds the weights of {tagger.name}")
    return installing.copy(tagger, found[tagger.name])


def _origin(tagger: PublishedTagger) -> str:
    """What has to be reached for a tagger's weights."""
    return tagger.package.requirement if tagger.package else urlsplit(tagger.address).hostname or tagger.address
