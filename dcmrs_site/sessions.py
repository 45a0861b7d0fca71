"""Sessions in the database; while that cannot be written, in a signed cookie, so that an admin can still log in.

Such a session is good for an hour, and is moved into the database by its next change once there is room again.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User, update_last_login
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from catalog.queries import first_row

from .trouble import trouble_of

EMERGENCY_S = 3600
"""How long a session in a cookie is good."""

_PREFIX = "signed."
_SALT = "dcmrs_site.sessions"

_SESSION = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"
"""As Django's own store reads it; it begins every request of somebody who is logged in."""


class SessionStore(db.SessionStore):
    """Django's, with a way out where nothing can be written."""

    def load(self) -> dict[str, Any]:
        """Read the session, wherever it is."""
        if not (self.session_key or "").startswith(_PREFIX):
            return self._load_from_database()
        try:
            data: dict[str, Any] = signing.loads(
                str(self.session_key).removeprefix(_PREFIX), salt=_SALT, max_age=EMERGENCY_S
            )
        except signing.BadSignature:
            self._session_key = None
            return {}
        return data

    def _load_from_database(self) -> dict[str, Any]:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        row = first_row(_SESSION, [self.session_key, now])
        # What is not there, or has run out, is Django's to deal with.
        return self.decode(row[0]) if row else super().load()

    def exists(self, session_key: str) -> bool:
        """Whether there is such a session in the database."""
        return not session_key.startswith(_PREFIX) and super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        """Keep the session in the database, or where that cannot be written, in its own key."""
        if (self.session_key or "").startswith(_PREFIX):
            # Nothing is in the database under this key: begin a session there, if it can be written again.
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            must_create = True
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        try:
            super().save(must_create=must_create)
        except DatabaseError as error:
            if trouble_of(error) is None:
                raise
            self._session_key = _PREFIX + signing.dumps(data, salt=_SALT, compress=True)

    def delete(self, session_key: str | None = None) -> None:
        """Forget the session; one that cannot be deleted now runs out by itself."""
        key = session_key or self.session_key
        if key is None or key.startswith(_PREFIX):
            return
        try:
            super().delete(key)
        except DatabaseError as error:
            if trouble_of(error) is None:
                raise


def update_last_login_if_possible(sender: type[User], user: User, **kwargs: Any) -> None:
    """Note when a user logged in, unless nothing can be written: that is no reason to keep them out."""
    try:
        with transaction.atomic():
            update_last_login(sender, user, **kwargs)
    except DatabaseError as error:
        if trouble_of(error) is None:
            raise


def replace_update_last_login() -> None:
    """Put `update_last_login_if_possible` in the place of Django's own receiver."""
    user_logged_in.disconnect(dispatch_uid="update_last_login")
    user_logged_in.connect(update_last_login_if_possible, dispatch_uid="update_last_login")
