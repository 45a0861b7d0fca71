"""What tests of the dashboard share: a home of their own, and staff."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dcmrs_site import processes, workers
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _look_anew() -> Iterator[None]:
    """No test sees the queue of an earlier one."""
    workers.looks.forget()
    yield
    workers.looks.forget()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `DCMRS_HOME` of the test's own, without a server."""
    monkeypatch.setenv("DCMRS_HOME", str(tmp_path / "home"))
    processes.run_folder()
    return tmp_path / "home"


@pytest.fixture
def boss(client: Client) -> User:
    """The admin that `client` is logged in as."""
    user = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def helper(client: Client) -> User:
    """Staff without any right, whom `client` is logged in as."""
    user = make_user("helper", is_staff=True)
    client.force_login(user)
    return user
