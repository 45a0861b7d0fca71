"""Makes a token of the API for one program of a person, and prints it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...services.api_tokens import ApiTokenRefused, make_api_token


class Command(BaseCommand):
    """`api_token USER NAME`."""

    help = "Make a token of the API: prints it once; it works until it expires or is revoked on the page Programs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("user", help="a username")
        parser.add_argument("name", help="what it is for, such as the program's name")
        parser.add_argument("--days", type=int, metavar="N", help="how long it is good; for ever where left out")
        parser.add_argument("--read-only", action="store_true", help="nothing can be changed with it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print it.

        Raises
        ------
        CommandError
            If there is no such active person, or the token cannot be made so.
        """
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is nobody called {options['user']} here who can log in.")
        try:
            _, token = make_api_token(user, options["name"], days=options["days"], read_only=options["read_only"])
        except ApiTokenRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(token)
