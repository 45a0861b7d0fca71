"""The version of DCMRS that runs. Plain Python: also what starts before Django asks."""

from __future__ import annotations

import tomllib
from functools import cache

from .home import PROJECT_ROOT


@cache
def version() -> str:
    """As `pyproject.toml` has it, such as `1.2.0`."""
    with (PROJECT_ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
