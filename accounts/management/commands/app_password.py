"""Makes a password for one player or other program of a person, and prints it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...services.app_passwords import AppPasswordRefused, make_app_password


class Command(BaseCommand):
    """`app_password USER NAME`."""

    help = "Make an app password: prints it once; it works for players until it is revoked on the person's own page."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("user", help="a username")
        parser.add_argument("name", help="what it is for, such as the player's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print it.

        Raises
        ------
        CommandError
            If there is no such active person, or the name cannot be used.
        """
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is nobody called {options['user']} here who can log in.")
        try:
            _, password = make_app_password(user, options["name"])
        except AppPasswordRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(password)
