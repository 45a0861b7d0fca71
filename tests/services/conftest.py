"""A real server: `up` with web, worker, beat and Redis, on a home and a database of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Server, own_database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Servers run one after the other, so that they do not take one another's time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.redis)
            item.add_marker(pytest.mark.xdist_group("services"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet; ended, whatever the test did to it."""
    with own_database(os.environ.get("TEST_DATABASE_URL")) as database:
        server = Server(tmp_path, database)
        try:
            yield server
        finally:
            server.kill_all()
