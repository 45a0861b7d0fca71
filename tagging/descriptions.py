"""What is known of a tagger: its labels, where its weights come from, where they lie."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from catalog.home import models_dir

from .frontend import Scaling


class TaggerError(Exception):
    """Something is wrong with a tagger or its weights; the message says what, and what to do."""


class NotInstalled(TaggerError):
    """A tagger's weights are not here, or those of none."""


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
    """

    scaling: Scaling
    address: str
    sha256: str
    bytes: int

    @property
    def file_name(self) -> str:
        """The name of the weights' file here."""
        return self.name + PurePosixPath(urlsplit(self.address).path).suffix

    @property
    def weights(self) -> Path | None:
        place = models_dir() / self.file_name
        return place if place.is_file() else None


@dataclass(frozen=True, kw_only=True)
class OwnTagger(Description):
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
        return self.file


@cache
def published() -> dict[str, PublishedTagger]:
    """The taggers that others have published, by name."""
    tables = tomllib.loads((Path(__file__).parent / "taggers.toml").read_text(encoding="utf-8"))
    return {
        name: PublishedTagger(
            name=name,
            scaling=Scaling(**table.pop("scaling")),
            labels=tuple(TaggerLabel(**label) for label in table.pop("labels")),
            **table,
        )
        for name, table in tables.items()
    }
