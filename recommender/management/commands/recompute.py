"""Build a snapshot and switch to it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.snapshots import build

from ._progress import build_progress


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = "Builds everything that recommendations are made from anew, and switches to it."

    def handle(self, **_: Any) -> None:
        """Run the command."""
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
        for line in about(snapshot.methods):
            self.stdout.write(line)


def about(methods: dict[str, Any]) -> list[str]:
    """What is worth saying of the methods: what they stand on, what they miss, why one is not there."""
    lines = []
    if together := methods.get("cooccurrence", {}):
        kept = "all of them kept"
        if together.get("nearest"):
            kept = (
                f"the strongest and each song's nearest {together['nearest']} kept: of the first 20 of the exact "
                f"ranking {100 * together['loss']:.1f} % are missing"
            )
        if "pairs" in together:
            lines.append(
                f"Co-occurrence over {together['groups']} {together['over']}, {together['pairs']} pairs, {kept}."
            )
    if (expected := methods.get("popular", {}).get("rank_correlation")) is not None:
        lines.append(f"Popularity of songs that nobody has played: rank correlation {expected:.3f} on songs held out.")
    names = {"weights": "hybrid"}
    lines += [f"No {names.get(name, name)}: {one['lacking']}." for name, one in methods.items() if "lacking" in one]
    return lines
