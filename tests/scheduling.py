"""Which process of pytest-xdist runs which tests: what waits begins first, and what shares something stays together.

pytest-xdist 3.8 has `--dist loadgroup` for this, but it writes a group into the name of a test, which pytest 9.2 no
longer lets it: with these two, the groups are silently parted.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

TOGETHER = ("tests/services", "tests/browser/test_accessibility.py", "tests/browser")
"""Tests that run one after the other, each row in one process: servers that would take one another's time, and browsers
with their site, of which the first takes as long as all others do. They wait more than they compute, so that they begin
before all other tests, which fill the gaps."""


def is_waiting(node_id: str) -> bool:
    """Whether a test is one of `TOGETHER`."""
    return scope(node_id) in TOGETHER


def scope(node_id: str) -> str:
    """What a test is not parted from: its file or folder, where that is one of `TOGETHER`, else only itself.

    Parameters
    ----------
    node_id : str
        As pytest calls the test: `tests/catalog/test_names.py::test_a_name[x]`.
    """
    file = PurePosixPath(node_id.split("::", 1)[0])
    places = {str(place) for place in (file, *file.parents)}
    return next((place for place in TOGETHER if place in places), node_id)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One test at a time, in the order of their collection, but for those that stay together."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)
