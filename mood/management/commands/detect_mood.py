"""`manage.py detect_mood IMAGE...`: the faces of photographs and their emotions."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mood.picture import MAX_BYTES, PictureRefused
from mood.reading import Face, read_photograph


class Command(BaseCommand):
    """Prints what the server would read in photographs."""

    help = "Finds the faces in photographs and reads their emotions, largest face first. Needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        as_json = options["format"] == "json"
        report: list[dict[str, object]] = []
        unread = 0
        for path in options["images"]:
            try:
                faces = read_photograph(_read(path)).faces
            except (PictureRefused, OSError) as error:
                unread += 1
                reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
                report.append({"file": str(path), "error": reason})
                self.stderr.write(f"{path}: {reason}")
                continue
            report.append({"file": str(path), "faces": [{"box": list(f.box), "emotions": f.emotions} for f in faces]})
            if not as_json:
                self.stdout.write(_table(path, faces))
        if as_json:
            self.stdout.write(json.dumps(report))
        if unread == len(report):
            raise CommandError("None of the pictures could be read.")


def _read(path: Path) -> bytes:
    """The file, and no more of it than shows that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _table(path: Path, faces: list[Face]) -> str:
    lines = [f"{path}: {len(faces) or 'no'} face{'' if len(faces) == 1 else 's'}"]
    for face in faces:
        x, y, width, height = face.box
        ranked = sorted(face.emotions.items(), key=lambda item: -item[1])
        lines.append(f"  {width} x {height} at {x}, {y}: " + ", ".join(f"{name} {p:.2f}" for name, p in ranked))
    return "\n".join(lines)
