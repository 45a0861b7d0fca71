"""`manage.py evaluate_tagger MODEL... --files PATH...`: how good taggers are, and how still their answers hold."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.home import home
from catalog.importing.tables import UnreadableTable
from catalog.importing.walking import printable
from tagging import registry
from tagging.registry import OwnTagger, PublishedTagger

_EXAMPLES = """
examples:
  evaluate_tagger --held-out MUSIC                    the tagger in use, on recordings kept out of its training
  evaluate_tagger dcmrs msd-crnn --files MUSIC        two taggers side by side, on all music of a folder
  evaluate_tagger --truth annotations_final.csv --audio CLIPS                     MagnaTagATune's test part
  evaluate_tagger --truth autotagging_moodtheme-test.tsv --audio JAMENDO          a split of MTG-Jamendo
  evaluate_tagger --truth mine.csv                                                a table of files and labels

Agreement is the correlation of log-odds over all recordings and labels after each label's mean is removed: whoever
knows only how common a label is scores 0. In brackets stands where 95 % of 1,000 resamples of the recordings lie.
"""


class Command(BaseCommand):
    help = (
        "Compare taggers with truth, or with published taggers' averages over whole songs; alter recordings, and see "
        "whether the answers stay. What was heard is kept: interrupted, the next run goes on. Needs no database."
    )
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("models", nargs="*", metavar="MODEL", help="taggers; the one in use if left out")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--files", nargs="+", type=Path, metavar="PATH", help="audio files, and folders of them")
        where.add_argument(
            "--held-out",
            nargs="+",
            type=Path,
            metavar="PATH",
            help="of these files and folders, the recordings that were kept out of the first model's training",
        )
        where.add_argument(
            "--truth",
            type=Path,
            metavar="FILE",
            help="recordings and their labels: MagnaTagATune's annotations_final.csv, a .tsv of MTG-Jamendo, or a "
            "table with the columns file and labels, as train_tagger reads it",
        )
        parser.add_argument("--audio", type=Path, metavar="FOLDER", help="where the recordings of a published FILE are")
        parser.add_argument(
            "--split",
            choices=("train", "validation", "test"),
            default="test",
            help="of MagnaTagATune: folders 0 to b, c, or d to f (%(default)s)",
        )
        parser.add_argument(
            "--teacher",
            action="append",
            metavar="NAME",
            help="compare with this tagger's averages over whole songs; again for more. Without --truth: every "
            "published tagger that is installed, if left out",
        )
        parser.add_argument(
            "--altered",
            type=int,
            default=100,
            metavar="N",
            help="how many recordings are also shifted, amplified and transcoded, to see what stays (%(default)s)",
        )
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(
        self,
        *_args: Any,
        models: list[str],
        files: list[Path] | None,
        held_out: list[Path] | None,
        truth: Path | None,
        audio: Path | None,
        split: str,
        teacher: list[str] | None,
        altered: int,
        format: str,
        **_options: Any,
    ) -> None:
        from tagging.evaluation.alterations import ALTERATIONS
        from tagging.evaluation.listening import Answers, Listener, hear
        from tagging.evaluation.report import judge
        from tagging.evaluation.truth import read_truth

        if altered < 0:
            raise CommandError("--altered is a number of recordings: 0 or more")
        if audio is not None and truth is None:
            raise CommandError("--audio says where the recordings of --truth are")
        try:
            taggers = [Listener.load(name) for name in dict.fromkeys(models or [registry.default()])]
            teachers = [Listener.load(name) for name in self._teachers(teacher, truth)]
            said = None if truth is None else read_truth(truth, audio, split, self._complain)
            recordings = self._recordings(files or held_out or []) if said is None else said.recordings
            if held_out is not None:
                recordings = self._held_out(taggers[0].description, recordings)
            answers = Answers(home() / "cache" / "answers.sqlite")
            try:
                heard = hear(recordings, taggers, teachers, ALTERATIONS, altered, answers, self._watch)
            finally:
                answers.close()
            report = judge(heard, taggers, teachers, said)
        except (registry.TaggerError, UnreadableTable, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: what was heard is kept, and the next run goes on", returncode=130
            ) from None
        self.stdout.write(json.dumps(report.as_json()) if format == "json" else report.as_table())

    def _teachers(self, named: list[str] | None, truth: Path | None) -> list[str]:
        if named is not None or truth is not None:
            return list(dict.fromkeys(named or []))
        installed = [name for name in registry.installed() if isinstance(registry.describe(name), PublishedTagger)]
        if not installed:
            raise CommandError(
                "There is nothing to compare with: install a published tagger (manage.py taggers list), or say --truth."
            )
        return installed

    def _recordings(self, places: list[Path]) -> list[Path]:
        from tagging.training.sources import audio_files

        recordings = list(dict.fromkeys(file for place in places for file in audio_files(place, self._complain)))
        if not recordings:
            raise CommandError(f"No audio file is in {', '.join(printable(str(place)) for place in places)}.")
        return recordings

    def _held_out(self, description: registry.Description, recordings: list[Path]) -> list[Path]:
        names = description.figures.get("held_out") if isinstance(description, OwnTagger) else None
        if not isinstance(names, list) or not names:
            raise CommandError(f"{description.name} does not say which recordings were kept out of its training.")
        found = [recording for recording in recordings if recording.name in set(names)]
        if not found:
            raise CommandError(f"None of the {len(names)} recordings that were kept out of training is there.")
        if absent := sorted(set(names) - {recording.name for recording in found}):
            self._complain(f"kept out of training, and not there: {', '.join(map(str, absent))}")
        return found

    def _complain(self, line: str) -> None:
        self.stderr.write(line)

    def _watch(self, steps: Iterator[str | None], total: int) -> Iterable[str | None]:
        with tqdm(total=total, unit=" answers", delay=1, smoothing=0.02) as bar:
            for step in steps:
                if step is not None:
                    bar.clear()
                    self._complain(printable(step))
                bar.update()
                yield step
