"""`up`: web server, worker, beat and embedded Redis, until Ctrl-C."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from dcmrs_site import processes


class Command(BaseCommand):
    help = "Run the whole server: web, worker, beat and, unless REDIS_URL is set, an embedded Redis. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Port of the web server (8000); 0 takes a free one.")
        parser.add_argument(
            "--host", default="127.0.0.1", help="Address to listen on (127.0.0.1); 0.0.0.0 for the whole network."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lock = processes.hold_home()
            listener = processes.listen(options["host"], options["port"])
        except processes.CannotStart as error:
            raise CommandError(str(error)) from error
        self._migrate()
        self._collect_static_files()
        processes.supervise(lock, listener)

    def _migrate(self) -> None:
        """Bring the database up to date."""
        try:
            executor = MigrationExecutor(connection)
            if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.stderr.write(f"up     | database: {len(plan)} migrations")
                call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached: {error}".strip().splitlines()[0]) from error
        connections.close_all()

    def _collect_static_files(self) -> None:
        """Gather and compress scripts, styles and pictures, if any has changed since the last time."""
        stamp = processes.run_folder() / "static.sha256"
        state = _state_of_static_files()
        if not stamp.exists() or stamp.read_text() != state:
            self.stderr.write("up     | gathering static files")
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
