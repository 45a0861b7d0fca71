"""What the tests of moods on a database share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    """A browser in which ada is logged in."""
    client.force_login(ada)
    return client
