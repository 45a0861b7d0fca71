"""What has to be in order before the server starts: database and static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from catalog.models import Installation
from catalog.version import version

from . import processes

Say = Callable[[str], object]


def migrate(say: Say) -> None:
    """Bring the database up to date.

    Raises
    ------
    CommandError
        If it cannot be reached, or a newer version has used it.
    """
    try:
        refuse_newer_database()
        if missing := migrations_missing():
            say(f"Database: {missing} migrations")
            call_command("migrate", interactive=False, verbosity=0)
        if Installation.objects.filter(pk=1, version=version()).count() == 0:
            Installation.objects.update_or_create(pk=1, defaults={"version": version()})
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise CommandError(f"The database cannot be used: {reason}") from error


def refuse_newer_database() -> None:
    """Refuse a database with tables that this version does not know: it would read and write them wrongly.

    Raises
    ------
    CommandError
        With the version to install.
    """
    if not (unknown := unknown_migrations()):
        return
    used_by = "a newer version"
    if Installation._meta.db_table in connection.introspection.table_names():
        known = Installation.objects.filter(pk=1).values_list("version", flat=True).first()
        used_by = f"DCMRS {known}" if known else used_by
    raise CommandError(
        f"The database was brought up to date by {used_by}, and this is DCMRS {version()}, which does not know "
        f"{unknown[0]}: install {used_by} or a newer one, or restore a backup that this version has made."
    )


def unknown_migrations() -> list[str]:
    """The migrations of the database that this version does not have, of its own apps; in order."""
    loader = MigrationLoader(connection)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return sorted(
        f"{app}.{name}"
        for app, name in loader.applied_migrations
        if app in loader.migrated_apps and (app, name) not in loader.disk_migrations and (app, name) not in replaced
    )


def migrations_missing() -> int:
    """How many migrations the database is behind; all of them, where it is new."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def collect_static_files(say: Say) -> None:
    """Gather and compress scripts, styles and pictures, if any has changed since the last time."""
    stamp = processes.run_folder() / "static.sha256"
    state = _state_of_static_files()
    if not stamp.exists() or stamp.read_text() != state:
        say("Gathering scripts, styles and pictures")
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(state)


def _state_of_static_files() -> str:
    """A digest of name, size and time of every static file."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
