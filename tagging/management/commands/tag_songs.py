"""`manage.py tag_songs`: tag the library, by the worker or in this process."""

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
from catalog.services import signs
from tagging import tasks
from tagging.services import first_pass, loading, queue_state, second_pass
from tagging.taggers import registry

LOOK_EVERY_S = 1.0
"""Interval between two queries of the progress, in seconds."""

PATIENCE_S = 60.0
"""Seconds without progress after which the command checks whether a worker is running."""


class Command(BaseCommand):
    """Tag PENDING songs."""

    help = "Have every song that is pending heard by every installed tagger, and given its labels."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("--all", action="store_true", help="hear all songs again, not only those that are pending")
        parser.add_argument("--model", metavar="NAME", help="only this tagger of those that listen")
        parser.add_argument("--inline", action="store_true", help="listen in this process, without a worker")

    def handle(self, *_args: Any, all: bool, model: str | None, inline: bool, **_options: Any) -> None:
        """Run the command."""
        names = None if model is None else [model]
        try:
            registry.default()
            if model is not None and isinstance(registry.describe(model), registry.LocalTagger):
                # The tagger in use would replace another local one's labels again.
                _refuse_unless_in_use(model)
            if inline or names:
                loading.load(names)
            if all:
                Song.objects.requeue_tagging()
            first_pass.sweep(names)
            before = queue_state.progress()
            if not before.left:
                self.stdout.write(f"Nothing is pending: {before.done} songs are tagged, {before.failed} failed.")
            elif inline:
                self._conclude(*self._tag_here(names, before.left))
            else:
                self._conclude(*self._let_worker_tag(names, before.left))
            if names is None:
                self._label_again(inline)
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            rest = "stay pending" if inline else "are left, and the worker goes on"
            raise CommandError(f"interrupted: {queue_state.progress().left} songs {rest}", returncode=130) from None

    def _tag_here(self, names: list[str] | None, total: int) -> tuple[int, int]:
        """Tag PENDING songs in this process; returns how many are DONE, and how many FAILED."""
        tagged = failed = 0
        with tqdm(total=total, unit=" songs", file=sys.stderr) as bar:

            def report(outcome: first_pass.Outcome) -> None:
                nonlocal tagged, failed
                bar.update()
                if outcome.error:
                    failed += 1
                    bar.clear()
                    self._name(outcome.song, outcome.error)
                else:
                    tagged += 1

            first_pass.tag_pending(names, report=report)
            # Songs that another process has claimed are its own until their heartbeat is stale.
            while queue_state.progress().running:
                time.sleep(LOOK_EVERY_S)
                first_pass.requeue_stale()
                first_pass.tag_pending(names, report=report)
        return tagged, failed

    def _label_again(self, inline: bool) -> None:
        """Have the recommended networks label songs again that have their first labels: here, or by the worker."""
        if not (left := second_pass.progress().left):
            return
        by = ", ".join(second_pass.networks())
        if not inline:
            self.stdout.write(f"{left} songs are labelled again by {by}, when the worker has nothing more urgent.")
            return
        from tagging.networks.inference import n_cores

        with tqdm(total=left, unit=" songs", file=sys.stderr) as bar:
            second_pass.label_waiting(n_threads=n_cores(), report=lambda _: bar.update())
        self.stdout.write(f"{left} songs labelled again by {by}.")

    def _let_worker_tag(self, names: list[str] | None, total: int) -> tuple[int, int]:
        """Call the worker and show its progress; returns how many songs are DONE, and how many FAILED."""
        began_at = timezone.now()
        if not tasks.workers():
            raise CommandError(
                f"no worker is running, {total} songs stay pending: manage.py up starts one, --inline tags them here"
            )
        tasks.call_worker(names)
        moved_at, left = time.monotonic(), total
        with tqdm(total=total, unit=" songs", file=sys.stderr) as bar:
            while left:
                time.sleep(LOOK_EVERY_S)
                if (now := queue_state.progress().left) != left:
                    left, moved_at = now, time.monotonic()
                    # Songs may have been added since.
                    bar.total = total = max(total, left)
                    bar.update(total - left - bar.n)
                elif time.monotonic() > moved_at + PATIENCE_S:
                    if not tasks.workers():
                        raise CommandError(f"the worker is gone, {left} songs stay pending")
                    if away := signs.unseen_roots():
                        where = "; ".join(
                            f"{root} cannot be seen by {', '.join(hosts)}" for root, hosts in away.items()
                        )
                        raise CommandError(f"{left} songs stay pending: {where}")
                    if not queue_state.progress().running:
                        # The worker takes no song whose file is not there.
                        break
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
        left = queue_state.progress().left
        waiting = f" {left} wait for their files, which are not there." if left else ""
        self.stdout.write(f"{tagged} songs tagged, {failed} failed.{waiting}")


def _refuse_unless_in_use(model: str) -> None:
    if model != (used := registry.in_use()):
        raise CommandError(f"{used} is in use, not {model}: manage.py taggers use {model}")
