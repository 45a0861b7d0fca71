"""`manage.py prepare`: what `up` does before it starts, for processes of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from dcmrs_site import startup

LOCK = 7_265_441
"""Of PostgreSQL's advisory locks, DCMRS's own: held by the process that brings the database up to date."""


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Bring the database up to date and gather the static files, before web, worker and beat of your own start; "
        "`up` does so by itself. Several at once wait for one another."
    )
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        try:
            with _alone():
                startup.migrate(self.stderr.write)
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip().splitlines()[0]}") from error
        startup.collect_static_files(self.stderr.write)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for others who bring the same PostgreSQL up to date; a file of SQLite has one machine."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
