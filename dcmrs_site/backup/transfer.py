"""Every row of one database into another, whatever the two are.

The ORM reads rows and converts their values, so that SQLite and PostgreSQL each get what they keep. Nothing is computed
on the way: no signal is sent, and no field set by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from catalog.home import PROJECT_ROOT

ROWS_AT_ONCE = 1000
"""Rows of one statement, and in memory at a time."""

ALIAS = "transfer"
"""What the other database is called while it is open."""

Progress = Callable[[str, int], object]
"""Told the name of a table and how many more of its rows are there now."""


@contextmanager
def opened(database: dict[str, Any]) -> Iterator[str]:
    """The alias of another database beside the default one, while the block runs.

    Parameters
    ----------
    database : dict
        As an entry of Django's `DATABASES`.
    """
    alias = ALIAS
    default = connections.settings[DEFAULT_DB_ALIAS]
    connections.settings[alias] = connections.configure_settings({DEFAULT_DB_ALIAS: default, alias: dict(database)})[
        alias
    ]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def sqlite_file(path: Path) -> dict[str, Any]:
    """A file of SQLite as an entry of `DATABASES`."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 30},
    }


def migrate_file(path: Path) -> None:
    """Make the tables of this version in a file of SQLite, or bring those of an older one up to date.

    In a process of its own: migrations that fill tables write to the default database, which the file is there.

    Raises
    ------
    OSError
        If it cannot be done; the message is the last line of why.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"],
        cwd=PROJECT_ROOT,
        env={
            **os.environ,
            "DATABASE_URL": f"sqlite:///{quote(str(path))}",
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"its tables cannot be brought up to date: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def models() -> list[type[Model]]:
    """Every model with a table, those first that others refer to."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not model._meta.swapped
    ]
    ordered: list[type[Model]] = []

    def place(model: type[Model], above: tuple[type[Model], ...]) -> None:
        if model in ordered or model in above:
            return
        for field in model._meta.concrete_fields:
            if field.related_model in found:
                place(field.related_model, (*above, model))
        ordered.append(model)

    for model in found:
        place(model, ())
    return ordered


def copy(source: str, target: str, progress: Progress = lambda _name, _rows: None) -> int:
    """Replace all rows of a database by those of another one, in one transaction; the tables are there already.

    Parameters
    ----------
    source, target : str
        Aliases, both of this version's tables.
    progress : callable

    Returns
    -------
    int
        How many rows were copied.
    """
    every = models()
    copied = 0
    with _one_moment(source), transaction.atomic(using=target):
        into = connections[target]
        # Rows that refer to later ones are no trouble: either database looks at the end of the transaction.
        for model in reversed(every):
            with into.cursor() as cursor:
                cursor.execute(f"DELETE FROM {into.ops.quote_name(model._meta.db_table)}")  # noqa: S608
        for model in every:
            for rows in _rows(model, source, into):
                _insert(model, rows, into)
                copied += len(rows)
                progress(model._meta.db_table, len(rows))
        into.check_constraints()
        with into.cursor() as cursor:
            for statement in into.ops.sequence_reset_sql(no_style(), every):
                cursor.execute(statement)
    return copied


@contextmanager
def _one_moment(source: str) -> Iterator[None]:
    """All that is read in the block is of one moment."""
    begun = connections[source].in_atomic_block
    with transaction.atomic(using=source):
        if connections[source].vendor == "postgresql" and not begun:
            with connections[source].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _rows(model: type[Model], source: str, into: BaseDatabaseWrapper) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a table some at a time, as the target takes them."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    rows = model._base_manager.using(source).order_by("pk").values_list(*names).iterator(ROWS_AT_ONCE)
    batch: list[tuple[Any, ...]] = []
    for row in rows:
        batch.append(tuple(field.get_db_prep_save(value, into) for field, value in zip(fields, row, strict=True)))
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _insert(model: type[Model], rows: list[tuple[Any, ...]], into: BaseDatabaseWrapper) -> None:
    name = into.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in model._meta.concrete_fields)
    places = ", ".join(["%s"] * len(model._meta.concrete_fields))
    statement = f"INSERT INTO {name(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    with into.cursor() as cursor:
        cursor.executemany(statement, rows)


def delete_file(path: Path) -> None:
    """Remove a file of SQLite with what lies beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()
