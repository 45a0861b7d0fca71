"""The authentication backend, which reads the account from the database at every request."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class Accounts(ModelBackend):
    """Django's, with what every page must know of a person in the same query: whether there is a link to upload."""

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session, if it is still active."""
        user = User.objects.select_related("upload_allowance").filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
