"""`manage.py evaluate_tagger MODEL... --files PATH...`: evaluate taggers' accuracy and stability."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.home import home
from catalog.importing.tables import UnreadableTable
from catalog.importing.walking import printable
from tagging.taggers import registry
from tagging.taggers.registry import LocalTagger, PublishedTagger

_EXAMPLES = """
examples:
  evaluate_tagger --held-out MUSIC                    the tagger in use, on recordings kept out of its training
  evaluate_tagger dcmrs msd-crnn --files MUSIC        two taggers side by side, on all music of a folder
  evaluate_tagger --truth annotations_final.csv --audio CLIPS                     MagnaTagATune's test part
  evaluate_tagger --truth autotagging_moodtheme-test.tsv --audio JAMENDO          a split of MTG-Jamendo
  evaluate_tagger --truth mine.csv                                                a table of files and labels
  evaluate_tagger --truth FOLDER...         recordings with a labels.csv beside them: every tagger, and all merged
  evaluate_tagger --truth FOLDER... --cross-validate    the same, where the merging was fitted to these recordings

Agreement is the correlation of log-odds over all recordings and labels after each label's mean is removed: a
tagger that knows only how common a label is scores 0. In brackets stands where 95 % of 1,000 resamples of the
recordings lie.
"""


class Command(BaseCommand):
    """Evaluate taggers."""

    help = (
        "Compare taggers with truth, or with published taggers' averages over whole songs; alter recordings, and see "
        "whether the answers stay. What was heard is kept: interrupted, the next run goes on. Needs no database."
    )
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Append the examples to the help."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
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
            nargs="+",
            type=Path,
            metavar="FILE",
            help="recordings and their labels: MagnaTagATune's annotations_final.csv, a .tsv of MTG-Jamendo, a "
            "table with the columns file and labels, as train_tagger reads it; or folders with a labels.csv in them",
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
        parser.add_argument(
            "--cross-validate",
            action="store_true",
            help="with folders as --truth: fit how networks are merged anew for each fifth of the artists, without "
            "them. Right where the merging was fitted to these recordings; all of its networks are needed",
        )
        parser.add_argument(
            "--reliability",
            type=Path,
            metavar="FILE.svg",
            help="with folders as --truth: draw how often people agree with merged labels, by their probability",
        )
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(
        self,
        *_args: Any,
        models: list[str],
        files: list[Path] | None,
        held_out: list[Path] | None,
        truth: list[Path] | None,
        audio: Path | None,
        split: str,
        teacher: list[str] | None,
        altered: int,
        cross_validate: bool,
        reliability: Path | None,
        format: str,
        **_options: Any,
    ) -> None:
        """Run the command."""
        from tagging.evaluation.alterations import ALTERATIONS
        from tagging.evaluation.predictions import PredictionCache, Predictor, predict_recordings
        from tagging.evaluation.report import evaluate
        from tagging.evaluation.truth import read_truth

        if altered < 0:
            raise CommandError("--altered is a number of recordings: 0 or more")
        if audio is not None and truth is None:
            raise CommandError("--audio says where the recordings of --truth are")
        if truth is not None and any(place.is_dir() for place in truth):
            self._judge_folders(models, truth, cross_validate, reliability, format)
            return
        if cross_validate or reliability:
            raise CommandError("--cross-validate and --reliability go with folders as --truth")
        if truth is not None and len(truth) > 1:
            raise CommandError("--truth is one file, or folders with a labels.csv in each")
        try:
            taggers = [Predictor.load(name) for name in dict.fromkeys(models or [registry.default()])]
            teachers = [Predictor.load(name) for name in self._teachers(teacher, truth is not None)]
            annotated = None if truth is None else read_truth(truth[0], audio, split, self._complain)
            recordings = self._recordings(files or held_out or []) if annotated is None else annotated.recordings
            if held_out is not None:
                recordings = self._held_out(taggers[0].description, recordings)
            answers = PredictionCache(home() / "cache" / "answers.sqlite")
            try:
                predicted = predict_recordings(
                    recordings, taggers, teachers, ALTERATIONS, altered, answers, self._watch
                )
            finally:
                answers.close()
            report = evaluate(predicted, taggers, teachers, annotated)
        except (registry.TaggerError, UnreadableTable, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: what was heard is kept, and the next run goes on", returncode=130
            ) from None
        self.stdout.write(json.dumps(report.as_json()) if format == "json" else report.as_table())

    def _judge_folders(
        self, models: list[str], places: list[Path], cross_validate: bool, drawing: Path | None, format: str
    ) -> None:
        """Ask every tagger, and all of them merged, what people said of the recordings in some folders."""
        from catalog.reliability import reliability_diagram
        from tagging.evaluation.fitting_merging import cross_validated, said_of_labels
        from tagging.evaluation.judging import as_json, judge_labels, table
        from tagging.evaluation.labelled import TABLE, read_labelled
        from tagging.evaluation.predictions import PredictionCache, Predictor, predict_recordings
        from tagging.labels.merging import log_odds, merging
        from tagging.labels.vocabulary import vocabulary

        folders = [
            folder
            for place in places
            for folder in ([place] if (place / TABLE).is_file() else sorted(place.iterdir() if place.is_dir() else ()))
            if (folder / TABLE).is_file()
        ]
        if not folders:
            raise CommandError(f"there is no {TABLE} in {', '.join(printable(str(place)) for place in places)}")
        try:
            labelled = read_labelled(folders, self._complain)
            taggers = [Predictor.load(name) for name in dict.fromkeys(models or registry.installed())]
            answers = PredictionCache(home() / "cache" / "answers.sqlite")
            try:
                heard = predict_recordings(labelled.recordings, taggers, [], (), 0, answers, self._watch)
            finally:
                answers.close()
            if heard.unreadable:
                raise CommandError("nothing is judged while recordings cannot be read")
            lists = {
                one.name: vocabulary().by_label(one.description, log_odds(heard.plain[one.name])) for one in taggers
            }
            merged = {one.name: lists[one.name] for one in taggers if one.name in merging().networks}
            if absent := set(merging().networks) - set(merged) if cross_validate else set():
                raise CommandError(f"--cross-validate needs {', '.join(sorted(absent))} too")
            if drawing and not merged:
                raise CommandError("--reliability draws merged labels, and no network for them is installed")
            if merged:
                said = said_of_labels(labelled, vocabulary())
                if cross_validate:
                    scores, sure = cross_validated(merged, heard.embeddings, said, labelled, vocabulary())
                    lists["merged, other artists"] = scores
                else:
                    lists["merged"] = scores = merging().scores(merged, heard.embeddings)
                    sure = merging().probabilities(scores)
                if drawing:
                    known = said.counted & np.isfinite(sure)
                    drawn = reliability_diagram(
                        sure[known], said.true[known], "answers", "How often people agree", "probability"
                    )
                    drawing.write_text(drawn, encoding="utf-8")
            verdicts = {name: judge_labels(labelled, by_label) for name, by_label in lists.items()}
        except (registry.TaggerError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted: what was heard is kept, and the next run goes on", returncode=130
            ) from None
        self.stdout.write(json.dumps(as_json(verdicts, labelled)) if format == "json" else table(verdicts, labelled))

    def _teachers(self, named: list[str] | None, truth: bool) -> list[str]:
        if named is not None or truth:
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
        names = description.figures.get("held_out") if isinstance(description, LocalTagger) else None
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
