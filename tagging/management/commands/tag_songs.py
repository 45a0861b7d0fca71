"""`manage.py tag_songs`: the library is listened to, by the worker or here."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from catalog.importing.walking import printable
from catalog.models import Song
from tagging import registry, services, tasks

_LOOK_EVERY_S = 1.0
_PATIENCE_S = 60.0


class Command(BaseCommand):
    help = "Have every song that is pending heard by every installed tagger, and given its labels."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="hear all songs again, not only those that are pending")
        parser.add_argument("--model", metavar="NAME", help="only this tagger of those that listen")
        parser.add_argument("--inline", action="store_true", help="listen in this process, without a worker")

    def handle(self, *_args: Any, all: bool, model: str | None, inline: bool, **_options: Any) -> None:
        names = None if model is None else [model]
        try:
            registry.default()
            if model is not None and isinstance(registry.describe(model), registry.OwnTagger):
                # Another of the family would only be replaced again.
                _refuse_unless_in_use(model)
            if inline or names:
                services.load(names)
            if all:
                services.tag_again(Song.objects.all())
            services.sweep(names)
            before = services.progress()
            if not before.left:
                self.stdout.write(f"Nothing is pending: {before.done} songs are tagged, {before.failed} failed.")
            elif inline:
                self._conclude(*self._tag_here(names, before.left))
            else:
                self._conclude(*self._let_worker_tag(names, before.left))
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            rest = "stay pending" if inline else "are left, and the worker goes on"
            raise CommandError(f"interrupted: {services.progress().left} songs {rest}", returncode=130) from None

    def _tag_here(self, names: list[str] | None, total: int) -> tuple[int, int]:
        """Tag what is pending in this process; how many songs were tagged, and how many failed."""
        tagged = failed = 0
        with tqdm(total=total, unit=" songs", file=sys.stderr) as bar:

            def report(outcome: services.Outcome) -> None:
                nonlocal tagged, failed
                bar.update()
                if outcome.error:
                    failed += 1
                    bar.clear()
                    self._name(outcome.song, outcome.error)
                else:
                    tagged += 1

            services.tag_pending(names, report=report)
            # What another process has begun is its own, until its signs of life stop.
            while services.progress().running:
                time.sleep(_LOOK_EVERY_S)
                services.put_back()
                services.tag_pending(names, report=report)
        return tagged, failed

    def _let_worker_tag(self, names: list[str] | None, total: int) -> tuple[int, int]:
        """Call the worker and watch it; how many songs were tagged, and how many failed."""
        began_at = timezone.now()
        if not tasks.workers():
            raise CommandError(
                f"no worker is running, {total} songs stay pending: manage.py up starts one, --inline tags them here"
            )
        tasks.call_worker(names)
        moved_at, left = time.monotonic(), total
        with tqdm(total=total, unit=" songs", file=sys.stderr) as bar:
            while left:
                time.sleep(_LOOK_EVERY_S)
                if (now := services.progress().left) != left:
                    left, moved_at = now, time.monotonic()
                    # Songs may have been added since.
                    bar.total = total = max(total, left)
                    bar.update(total - left - bar.n)
                elif time.monotonic() > moved_at + _PATIENCE_S and not tasks.workers():
                    raise CommandError(f"the worker is gone, {left} songs stay pending")
        finished = Song.objects.filter(tagging_changed_at__gte=began_at)
        failed = finished.filter(tagging_state=Song.Tagging.FAILED)
        for song in failed:
            self._name(song, song.tagging_error)
        return finished.filter(tagging_state=Song.Tagging.DONE).count(), failed.count()

    def _name(self, song: Song, error: str) -> None:
        self.stderr.write(f"{printable(song.path)}: {error}")

    def _conclude(self, tagged: int, failed: int) -> None:
        if failed and not tagged:
            raise CommandError(f"none of {failed} songs could be tagged")
        self.stdout.write(f"{tagged} songs tagged, {failed} failed.")


def _refuse_unless_in_use(model: str) -> None:
    if model != (used := registry.in_use()):
        raise CommandError(f"{used} is in use, not {model}: manage.py taggers use {model}")
