"""requirements.txt is the lock file: whatever is installed by it, two installations are the same."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from catalog.home import PROJECT_ROOT

CUDA = ("cuda-", "nvidia-", "triton")


def pinned() -> dict[str, Requirement]:
    """What requirements.txt asks for on this machine, by name."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT_ROOT / "requirements.txt").read_text().splitlines())
    wanted = [Requirement(line) for line in lines if line]
    return {canonicalize_name(one.name): one for one in wanted if one.marker is None or one.marker.evaluate()}


def brought_along(requirement: Requirement) -> Iterator[Requirement]:
    """What an installed package requires on this machine, with the extras that are asked for."""
    for text in importlib.metadata.requires(requirement.name) or []:
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
            yield one


def test_every_package_is_pinned_to_one_version() -> None:
    loose = [str(one) for one in pinned().values() if [it.operator for it in one.specifier] != ["=="]]
    assert loose == []


def test_every_package_that_another_brings_along_is_pinned_too() -> None:
    """But for CUDA, which torch brings from PyPI for Linux, and not from its own index: nothing here uses it."""
    pins = pinned()
    unpinned = [
        f"{one} (by {name})"
        for name, requirement in pins.items()
        for one in brought_along(requirement)
        if canonicalize_name(one.name) not in pins and not one.name.startswith(CUDA)
    ]
    assert unpinned == []


def test_what_is_installed_is_what_is_pinned() -> None:
    wrong = {
        name: importlib.metadata.version(name)
        for name, requirement in pinned().items()
        if not requirement.specifier.contains(importlib.metadata.version(name), prereleases=True)
    }
    assert wrong == {}
