"""`manage.py tag_file PATH...`: print a tagger's predictions of files, without a database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.audio_frames import UnreadableAudio
from catalog.importing.walking import printable
from tagging.labels import merged
from tagging.taggers import registry


class Command(BaseCommand):
    """Predict the labels of files."""

    help = "Print what a tagger hears in audio files. Needs no database, and stores nothing."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("paths", nargs="+", metavar="PATH", help="an audio file")
        parser.add_argument(
            "--model",
            metavar="NAME",
            help="the tagger; if left out, what a library would get: the recommended ones merged, else the one in use",
        )
        parser.add_argument(
            "--format",
            choices=("table", "json"),
            default="table",
            help="table: the labels that a song would keep; json: all of them (%(default)s)",
        )

    def handle(self, *_args: Any, paths: list[str], model: str | None, format: str, **_options: Any) -> None:
        """Run the command."""
        from tagging.networks.inference import inference_threads

        try:
            name, kinds, predict = _merged() if model is None and merged.networks() else _alone(model)
        except registry.TaggerError as error:
            raise CommandError(str(error)) from error
        predicted: list[dict[str, Any]] = []
        with inference_threads() as threads, tqdm(total=len(paths), unit=" files", delay=1) as bar:
            waiting = [threads.submit(predict, path) for path in paths]
            for path, future in zip(paths, waiting, strict=True):
                line: dict[str, Any] = {"file": path, "model": name}
                try:
                    labels, kept = future.result()
                except UnreadableAudio as error:
                    bar.clear()
                    self.stderr.write(f"{printable(path)}: {error}")
                    predicted.append({**line, "error": str(error)})
                else:
                    predicted.append({**line, "labels": labels})
                    if format == "table":
                        bar.clear()
                        self._table(path, kept, kinds)
                bar.update()
        if format == "json":
            self.stdout.write(json.dumps(predicted))
        if all("error" in one for one in predicted):
            raise CommandError(
                "no file could be read" if len(predicted) > 1 else f"{printable(paths[0])} cannot be read"
            )

    def _table(self, path: str, kept: dict[str, float], kinds: dict[str, str]) -> None:
        self.stdout.write(printable(path))
        for label, probability in kept.items():
            self.stdout.write(f"  {probability:6.3f}  {label}  ({kinds[label]})")
        if not kept:
            self.stdout.write("          no label stands out")


Labels = dict[str, float]
Named = tuple[str, dict[str, str], Callable[[str], tuple[Labels, Labels]]]


def _alone(model: str | None) -> Named:
    """One tagger: its name, its labels' kinds, and how it predicts all labels of a file, and those that are kept."""
    from tagging.networks.inference import predict_file

    tagger = registry.load(model or registry.default())

    def predict(path: str) -> tuple[Labels, Labels]:
        predicted = predict_file(path, [tagger])[0]
        labels = dict(zip(tagger.labels, map(float, predicted.probabilities), strict=True))
        return _of_music(labels, predicted.without_music), tagger.kept(predicted)

    return tagger.name, tagger.kinds, predict


def _merged() -> Named:
    """All networks that a library would get its labels from, as one."""
    tagger = merged.load()

    def predict(path: str) -> tuple[Labels, Labels]:
        prediction = tagger.predict_file(path)
        known = zip(tagger.labels, prediction.probabilities.tolist(), strict=True)
        labels = {label: probability for label, probability in known if label in tagger.covered}
        return _of_music(labels, prediction.without_music), tagger.kept(prediction)

    return tagger.name, tagger.kinds, predict


def _of_music(labels: Labels, without_music: Mapping[str, float]) -> Labels:
    """A network's labels; of what is no music, they are all improbable."""
    return {**without_music, **dict.fromkeys(labels, 0.0)} if without_music else labels
