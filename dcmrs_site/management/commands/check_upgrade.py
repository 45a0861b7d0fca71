"""`manage.py check_upgrade`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython

from catalog.models import Installation
from catalog.version import version
from dcmrs_site import startup

_ROWS_A_SECOND = 50_000
"""That a table is written anew at, on a slow disk; SQLite does that for most changes of a table."""


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Say what this version would do to the database when it starts, and about how long that takes. Run it from the "
        "folder of the new version, with the settings of the old one; nothing is changed."
    )
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        try:
            startup.refuse_newer_database()
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            tables = set(connection.introspection.table_names())
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip().splitlines()[0]}") from error
        before = ""
        if Installation._meta.db_table in tables:
            before = Installation.objects.filter(pk=1).values_list("version", flat=True).first() or ""
        self.stdout.write(f"From {f'DCMRS {before}' if before else 'what is there'} to DCMRS {version()}.")
        if not plan:
            self.stdout.write("The database is up to date: nothing is to be done.")
            return
        seconds = 0.0
        for migration, _ in plan:
            rows = self._rows(migration, tables)
            seconds += 0.2 + rows / _ROWS_A_SECOND
            fills = ", fills or changes rows" if any(isinstance(one, RunPython) for one in migration.operations) else ""
            self.stdout.write(f"  {migration.app_label}.{migration.name}: {len(migration.operations)} steps{fills}")
        about = "less than a minute" if seconds < 60 else f"about {seconds / 60:.0f} minutes"
        self.stdout.write(
            f"{len(plan)} changes, {about}. Make a backup first: manage.py backup FILE, by the old version."
        )

    def _rows(self, migration: Any, tables: set[str]) -> int:
        """How many rows the tables have that a migration names."""
        names = {getattr(one, "model_name", "") or getattr(one, "name", "").lower() for one in migration.operations}
        rows = 0
        with connection.cursor() as cursor:
            for name in names:
                table = f"{migration.app_label}_{name.lower()}"
                if table in tables:
                    cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608
                    rows += cursor.fetchone()[0]
        return rows
