"""Importing music in tests, and reading what the command reports."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from django.core.management import call_command

from catalog.models import Song


def import_music(*paths: Path | str) -> str:
    """The report of `import_music`, with options among the paths."""
    out = StringIO()
    call_command("import_music", *map(str, paths), stdout=out)
    return out.getvalue()


def import_summary(*paths: Path | str) -> str:
    """The last line of the report, which sums it up."""
    return import_music(*paths).splitlines()[-1]


def figures(report: str) -> dict[str, int]:
    """The summary's figures by their words."""
    parts = [part.split(maxsplit=1) for part in report.splitlines()[-1].split(" (")[0].split(", ")]
    return {word: int(number) for number, word in parts}


def only_song() -> Song:
    """The only song there is."""
    return Song.objects.get()
