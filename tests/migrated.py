"""The tables that migrations make: made by one of the processes of pytest-xdist, and copied by the others.

Migrating takes three seconds of processor time, in each process anew.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_TEMPLATE = "migrated"


@contextmanager
def made_once(folder: Path) -> Iterator[Tables]:
    """Have the test database begin with the tables that an earlier process has kept; one process at a time.

    Parameters
    ----------
    folder : Path
        Shared by the processes, and empty for the first.
    """
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tables = Tables(folder / "migrated", lock.fileno())
        tables.begin()
        try:
            yield tables
        finally:
            tables.forget()


class Tables:
    """Where the tables are kept, while it is this process's turn."""

    def __init__(self, kept: Path, lock: int) -> None:
        self._kept, self._lock = kept, lock

    def begin(self) -> None:
        """If tables are kept, have the database that is now made begin with them: migrating finds nothing to do."""
        if not self._kept.exists():
            return
        if connection.vendor == "postgresql":
            connection.settings_dict["TEST"]["TEMPLATE"] = _TEMPLATE
        else:
            connection_created.connect(self._fill)

    def keep(self) -> None:
        """Once the database is made: keep its tables, if none are, and let the next process begin."""
        self.forget()
        if not self._kept.exists():
            if connection.vendor == "postgresql":
                self._keep_on_postgres()
            else:
                draft = self._kept.with_suffix(".draft")
                with connection.cursor() as cursor:
                    cursor.execute("VACUUM INTO %s", [str(draft)])
                draft.rename(self._kept)
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def forget(self) -> None:
        """Fill no other database."""
        connection_created.disconnect(self._fill)

    def _fill(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection.is_in_memory_db():  # type: ignore[attr-defined]
            self.forget()
            with closing(sqlite3.connect(self._kept)) as source:
                source.backup(connection.connection)

    def _keep_on_postgres(self) -> None:
        # A database that somebody is connected to cannot be copied.
        connection.close()
        made = connection.settings_dict["NAME"]
        with psycopg.connect(os.environ["TEST_DATABASE_URL"], autocommit=True) as server:
            server.execute(f'CREATE DATABASE {_TEMPLATE} TEMPLATE "{made}"'.encode())
        self._kept.touch()
