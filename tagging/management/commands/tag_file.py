"""`manage.py tag_file PATH...`: what a tagger hears in files; no database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.audio import UnreadableAudio
from catalog.importing.walking import printable
from tagging import registry


class Command(BaseCommand):
    help = "Print what a tagger hears in audio files. Needs no database, and stores nothing."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="an audio file")
        parser.add_argument("--model", metavar="NAME", help="the tagger; the default one of `taggers list` if left out")
        parser.add_argument(
            "--format",
            choices=("table", "json"),
            default="table",
            help="table: the labels that a song would keep; json: all of them (%(default)s)",
        )

    def handle(self, *_args: Any, paths: list[str], model: str | None, format: str, **_options: Any) -> None:
        try:
            tagger = registry.load(model or registry.default())
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error
        from tagging.inference import listen_to, listening_threads

        heard: list[dict[str, Any]] = []
        with listening_threads() as threads, tqdm(total=len(paths), unit=" files", delay=1) as bar:
            waiting = [threads.submit(listen_to, path, [tagger]) for path in paths]
            for path, future in zip(paths, waiting, strict=True):
                line: dict[str, Any] = {"file": path, "model": tagger.name}
                try:
                    probabilities = future.result()[0].probabilities
                except UnreadableAudio as error:
                    bar.clear()
                    self.stderr.write(f"{printable(path)}: {error}")
                    heard.append({**line, "error": str(error)})
                else:
                    labels = dict(zip(tagger.labels, map(float, probabilities), strict=True))
                    heard.append({**line, "labels": labels})
                    if format == "table":
                        bar.clear()
                        self._table(path, tagger.kept(probabilities), tagger.kinds)
                bar.update()
        if format == "json":
            self.stdout.write(json.dumps(heard))
        if all("error" in one for one in heard):
            raise CommandError("no file could be read" if len(heard) > 1 else f"{printable(paths[0])} cannot be read")

    def _table(self, path: str, kept: dict[str, float], kinds: dict[str, str]) -> None:
        self.stdout.write(printable(path))
        for label, probability in kept.items():
            self.stdout.write(f"  {probability:6.3f}  {label}  ({kinds[label]})")
        if not kept:
            self.stdout.write("          no label stands out")
