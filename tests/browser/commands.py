"""Commands on a site's home, one after the other in one process: Django takes a second of processor time to begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

PROJECT = Path(__file__).resolve().parent.parent.parent

Run = Callable[..., None]
"""Run a management command by its name, or a function by its module and name, with arguments that are strings."""


def environment(home: Path) -> dict[str, str]:
    """The variables that the processes of a site are started with."""
    variables = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    variables |= {"DCMRS_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tests.browser.settings"}
    # Every test that needs somebody new makes them, all from one address.
    return variables | {"SIGNUP_RATE": "1000/hour"}


@contextmanager
def commands(home: Path) -> Iterator[Run]:
    """Yield what runs commands with the settings of the site that lives in `home`, and waits until they are done.

    Raises
    ------
    RuntimeError
        From the call, with what the process has printed, if a command fails; no other one runs after it.
    """
    command = [sys.executable, "-m", "tests.browser.commands"]
    with (
        TemporaryFile() as printed,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            text=True,
        ) as process,
    ):

        def run(name: str, *arguments: str) -> None:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("a process without pipes")
            process.stdin.write(json.dumps([name, *arguments]) + "\n")
            process.stdin.flush()
            if not process.stdout.readline():
                process.wait()
                printed.seek(0)
                raise RuntimeError(f"{' '.join([name, *arguments])}: {printed.read().decode(errors='replace')}")

        yield run


def main() -> None:
    """Run what is read, and answer each with an empty line; the first that fails ends the process."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    # What commands print is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        module, _, function = name.rpartition(".")
        if module:
            getattr(import_module(module), function)(*arguments)
        else:
            call_command(name, *arguments)
        # As after a process of its own: others may copy or replace the database.
        connections.close_all()
        print(file=answers, flush=True)


if __name__ == "__main__":
    main()
