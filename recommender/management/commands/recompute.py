"""Build a snapshot and switch to it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import build

from ._progress import build_progress


class Command(BaseCommand):
    help = "Builds everything that recommendations are made from anew, and switches to it."

    def handle(self, **_: Any) -> None:
        try:
            with build_progress() as progress:
                snapshot = build.build(progress=progress)
        except OSError as error:
            raise CommandError(
                f"the snapshot could not be written, the one before it goes on serving: {error}"
            ) from error
        figures = snapshot.figures
        self.stdout.write(
            f"Snapshot {snapshot.version} in {snapshot.seconds:.1f} s: {figures['songs']} songs, "
            f"{figures['labelled_songs']} of them labelled with {figures['labels']} labels, {figures['plays']} plays."
        )
