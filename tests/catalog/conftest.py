"""What the tests of pages share."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user


@pytest.fixture
def listener(client: Client) -> User:
    """The user that `client` is logged in as."""
    user = make_user()
    client.force_login(user)
    return user
