"""What the recommender's tests share: a storage of their own, and a small library known by heart."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import LibraryRoot, Song
from tests.factories import make_root, make_song, make_user


@pytest.fixture(autouse=True)
def _snapshots_of_its_own(snapshots: Path) -> None:
    """Every test here has a folder of its own."""


@pytest.fixture
def root(db: None) -> LibraryRoot:
    return make_root()


@pytest.fixture
def library(root: LibraryRoot) -> dict[str, Song]:
    """Five songs that can be played here, whose weights `test_tfidf` works out by hand, and one without a file."""
    said: dict[str, dict[str, float]] = {
        "So What": {"jazz": 3, "piano": 4},
        "Blue in Green": {"jazz": 1, "calm": 2},
        "Thunder": {"rock": 5},
        "Birdland": {"jazz": 2, "rock": 1},
        "Unheard": {},
    }
    return {
        title: make_song(title, f"Artist of {title}", labels=labels, source="import", root=root, path=f"{title}.mp3")
        for title, labels in said.items()
    }


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    """A browser in which ada is logged in."""
    client.force_login(ada)
    return client
