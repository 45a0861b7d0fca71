"""The taggers of the first pass: which they are, and loading each once a process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from tagging.taggers import registry

from . import second_pass

if TYPE_CHECKING:
    from tagging.networks.inference import Tagger


def first_pass() -> list[str]:
    """The taggers that give a new song its labels at once.

    Where networks are there that label songs again (`second_pass`), it is the local tagger alone.
    """
    if second_pass.networks() and (name := registry.in_use()) is not None:
        return [name]
    return registry.installed()


def local_among(names: Iterable[str]) -> list[str]:
    """Keep the names of local taggers, also of those whose file is gone."""
    known = registry.known()
    return [name for name in names if not isinstance(known.get(name), registry.PublishedTagger)]


def load(names: Sequence[str] | None = None) -> list[Tagger]:
    """Load taggers, each once a process and version of its weights.

    Parameters
    ----------
    names : sequence of str, optional
        Those of `first_pass` where it is None.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    return [_loaded(name, _version(name)) for name in (first_pass() if names is None else names)]


def warm_up() -> None:
    """Load the taggers of `first_pass` and run them on silence, so that the first song takes no longer than others.

    Raises
    ------
    TaggerError
        If one cannot be loaded.
    """
    from tagging.networks.inference import inference_threads

    with inference_threads() as threads:
        list(threads.map(lambda tagger: tagger.warm_up(), load()))


@lru_cache(maxsize=8)
def _loaded(name: str, _version: object) -> Tagger:
    return registry.load(name)


def _version(name: str) -> object:
    """Identify the weights' file, so that a tagger that is trained again under its name is loaded again."""
    weights = registry.describe(name).weights
    status = weights.stat() if weights else None
    return status and (weights, status.st_mtime_ns, status.st_size, status.st_ino)
