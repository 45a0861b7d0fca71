"""What the tests of moods on a database share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from recommender import snapshot
from tests.factories import make_user


@pytest.fixture
def snapshots(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's snapshots."""
    folder = tmp_path / "snapshots"
    files = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "snapshots": {"BACKEND": files, "OPTIONS": {"location": folder}}}
    yield folder
    snapshot._loaded.clear()


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    """A browser in which ada is logged in."""
    client.force_login(ada)
    return client
