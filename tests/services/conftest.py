"""A real server: `up` with web, worker, beat and Redis, on a home and a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import Server, new_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.redis)


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server with nothing in its home, which is not started yet."""
    with new_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="package")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to copy, with its tables and its static files in place: making them is half of a first start."""
    with new_server(tmp_path_factory.mktemp("prepared")) as server:
        server.manage("prepare")
        # Again it has nothing to do, and waits for nobody.
        server.manage("prepare")
        yield server


@pytest.fixture
def server(prepared: Server, tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet, and starts quickly."""
    with new_server(tmp_path, prepared) as server:
        yield server
