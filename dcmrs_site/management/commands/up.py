"""`manage.py up`: web server, worker, beat and embedded Redis, until Ctrl-C."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dcmrs_site import processes, startup
from dcmrs_site.supervision import CannotStart


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = "Run the whole server: web, worker, beat and, unless REDIS_URL is set, an embedded Redis. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""
        parser.add_argument("--port", type=int, default=8000, help="port of the web server (8000); 0 takes a free one")
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (127.0.0.1); 0.0.0.0 for the whole network"
        )

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Run the command."""
        try:
            processes.require_redis()
            lock, listener = processes.hold_home(), processes.listen(host, port)
        except CannotStart as error:
            raise CommandError(str(error)) from error
        startup.migrate(self.stderr.write)
        startup.collect_static_files(self.stderr.write)
        processes.supervise(lock, listener)
