"""`manage.py train_tagger`: train a tagger, or resume an interrupted training."""

from __future__ import annotations

import math
import sqlite3
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError

from catalog.audio_frames import UnreadableAudio
from catalog.home import home, models_dir
from catalog.importing.tables import UnreadableTable
from catalog.parallel import cores
from tagging.learning.library import add_library
from tagging.learning.training_jobs import AlreadyTraining
from tagging.management.from_library import WithNetwork, learn_from_library
from tagging.management.from_published import FromPublished, learn_from_published
from tagging.taggers import local, registry
from tagging.training.distilling import DistillingPlan
from tagging.training.loop import Plan
from tagging.training.recipes import Request, Trained, train
from tagging.training.sources import Collection, add_folders, add_table, keep_out

_CLIPS = 20_000
# Rendering a piece takes 400 MB.
_MOST_PROCESSES = 8
_EPOCHS_OF_LABELS, _EPOCHS_OF_CLIPS = 40.0, 9.24
_EPILOG = """
examples:
  train_tagger --csv music/labels.csv                 from files and labels: columns file, label (or labels),
                                                      and, where there are any, weight and artist
  train_tagger --library                              from the library's imported and curated labels
  train_tagger --teacher msd-crnn jamendo-cnn --audio MUSIC --generated 400
                                                      from what published taggers hear in clips made of MUSIC and
                                                      of pieces that are composed here
  train_tagger --truth LABELLED... --audio MUSIC --name mine
                                                      the bundled tagger goes on learning: from what the published
                                                      networks of the vocabulary hear of whole recordings, and from
                                                      what people said of those in folders with a labels.csv; it is
                                                      judged by artists that were left out
  train_tagger --from-library                         a tagger of the library's own: what curators corrected is
                                                      learned by the one in use in seconds, from the songs' stored
                                                      embeddings, and kept where it is better on held-out corrections
  train_tagger --from-library --network               the same with the whole network, from the songs' audio, in minutes
                                                      or hours; what comes of it hears otherwise than before, so that
                                                      all songs are heard again
  train_tagger --csv music/labels.csv --recipe original
                                                      with the scores of the recipe of 2018 beside

Recordings of about 15 % of the artists are kept out, and decide when the training ends. Who a recording is by is taken
from the column artist, the library, or the files' tags; without any, each folder counts as one artist. Killed at any
moment, the same command goes on where it was, and ends in the very same weights.
"""


class Command(BaseCommand):
    """Train a tagger."""

    help = "Train a tagger from files and labels, the library, published taggers, or any mix of them."
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Append the examples to the help."""
        return super().create_parser(
            prog_name, subcommand, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        sources = parser.add_argument_group("what to learn from")
        sources.add_argument("--csv", metavar="FILE", type=Path, action="append", default=[], help="files and labels")
        sources.add_argument("--library", action="store_true", help="imported and curated labels of songs with audio")
        sources.add_argument(
            "--from-library", action="store_true", help="curators' corrections alone: the tagger in use learns them"
        )
        sources.add_argument(
            "--network",
            action="store_true",
            help="with --from-library: the whole network learns, from the songs' audio; they are all heard again then",
        )
        sources.add_argument(
            "--truth",
            metavar="FOLDER",
            type=Path,
            nargs="+",
            default=[],
            help="recordings with a labels.csv; all published networks of the vocabulary hear them, and the --audio",
        )
        sources.add_argument("--base", default="dcmrs", help="with --truth: the local tagger to begin with")
        sources.add_argument(
            "--from-scratch",
            action="store_true",
            help="with --truth: begin with random initial values, not with --base",
        )
        sources.add_argument("--teacher", metavar="NAME", nargs="+", default=[], help="installed taggers to learn from")
        sources.add_argument(
            "--audio", metavar="FOLDER", type=Path, nargs="+", default=[], help="recordings for the teachers"
        )
        sources.add_argument(
            "--generated", metavar="N", type=_count, default=0, help="pieces for them, rendered here; 2 s each"
        )
        sources.add_argument(
            "--clips",
            metavar="N",
            type=_count,
            default=_CLIPS,
            help=f"clips that the teachers label, 131 kB each; default: {_CLIPS}",
        )
        sources.add_argument(
            "--keep-out",
            metavar="PATH",
            type=Path,
            nargs="+",
            default=[],
            help="keep these files and folders out of training, in place of some of the artists",
        )
        result = parser.add_argument_group("what becomes of it")
        result.add_argument("--name", help="the tagger's; default: mine, or learned-1 and so on with --from-library")
        result.add_argument("--output", metavar="FILE", type=Path, help="default: NAME.safetensors among the models")
        result.add_argument("--licence", default="not stated", help="the tagger's")
        how = parser.add_argument_group("how")
        how.add_argument("--recipe", choices=["default", "original"], default="default")
        how.add_argument(
            "--epochs",
            type=float,
            help=f"default: {_EPOCHS_OF_CLIPS:g} with teachers, {_EPOCHS_OF_LABELS:g} without, and {Plan.fewest_steps} "
            "steps at least",
        )
        how.add_argument(
            "--steps",
            type=_count,
            default=DistillingPlan.steps,
            help=f"with --truth: steps of the training that is judged; default: {DistillingPlan.steps}",
        )
        how.add_argument(
            "--final-steps",
            type=_count,
            default=0,
            help="with --truth: steps after that with the left-out artists too; default: none",
        )
        how.add_argument("--seed", type=_count, default=Plan.seed, help="the same seed is the same tagger")
        how.add_argument("--device", help="cpu, cuda, cuda:1; default: a GPU where there is one")
        how.add_argument(
            "--processes",
            type=_count,
            default=min(cores(), _MOST_PROCESSES),
            help=f"recordings read at once; default: one a core, {_MOST_PROCESSES} at most",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            if options["from_library"]:
                _refuse_other_sources(options)
                learn_from_library(self.stdout, options["name"], _with_network(options))
                return
            if options["truth"]:
                learn_from_published(self.stdout, self.stderr.write, _from_published(options))
                return
            request = _request(options)
            collection = self._collect(options)
            self._show(train(collection, request), request)
        except (ValueError, registry.TaggerError, UnreadableAudio, UnreadableTable, AlreadyTraining) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
        except sqlite3.OperationalError as error:
            raise CommandError(f"the index of the spectrograms cannot be used: {error}") from error
        except BrokenProcessPool as error:
            raise CommandError("one of the processes was killed; the same command goes on where it was") from error
        except KeyboardInterrupt:
            raise CommandError("interrupted: the same command goes on where it was", returncode=130) from None

    def _collect(self, options: dict[str, Any]) -> Collection:
        collection = Collection(self.stderr.write)
        for table in options["csv"]:
            add_table(collection, table)
        if options["library"]:
            add_library(collection)
        add_folders(collection, options["audio"])
        collection.add_generated(options["generated"])
        if not len(collection):
            raise ValueError("There is nothing to learn from: not one recording was found.")
        if options["keep_out"]:
            keep_out(collection, options["keep_out"])
        return collection

    def _show(self, trained: Trained, request: Request) -> None:
        figures = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "agreement": "agreement"}
        shown = [name for name in figures if name in trained.rows[0].scores.figures()]
        lines = [["recipe", *(figures[name] for name in shown), "labels a song"]]
        for row in trained.rows:
            scores = row.scores.figures()
            lines.append([row.recipe, *(f"{scores[name]:.4f}" for name in shown), f"{row.labels_a_song:.2f}"])
        if "roc_auc" in shown:
            lines.append(["people", *("" for _ in shown), f"{trained.true_labels_a_song:.2f}"])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = [line[0].ljust(widths[0])] + [cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True)]
            self.stdout.write("  ".join(cells))
        tagger = trained.tagger
        self.stdout.write(f"{tagger.name}: {len(tagger.labels)} labels, from {tagger.source}; {tagger.score}")
        self.stdout.write(f"written to {request.output}; curves and metrics are in {request.folder}")


def _refuse_other_sources(options: dict[str, Any]) -> None:
    others = ("csv", "library", "truth", "teacher", "audio", "generated", "keep_out", "output")
    if given := [name for name in others if options[name]]:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(f"--from-library learns from curators' corrections alone: leave out {names}.")


def _from_published(options: dict[str, Any]) -> FromPublished:
    others = ("csv", "library", "teacher", "generated")
    if given := [name for name in others if options[name]]:
        raise ValueError(f"--truth names its own teachers: leave out {', '.join(f'--{name}' for name in given)}.")
    if options["processes"] < 1 or options["steps"] < 1:
        raise ValueError("--steps and --processes have to be more than 0.")
    return FromPublished(
        base=None if options["from_scratch"] else options["base"],
        truth=options["truth"],
        audio=options["audio"],
        keep_out=options["keep_out"],
        steps=options["steps"],
        final_steps=options["final_steps"],
        seed=options["seed"],
        processes=options["processes"],
        device=_device(options["device"]),
        licence=options["licence"],
        output=_output(options["name"] or "mine", options["output"]),
    )


def _output(name: str, output: Path | None) -> Path:
    """Where the tagger is written: as `--output` says, or among the models."""
    if not local.is_name(name):
        raise ValueError(f"A tagger cannot be called {name}: small letters, digits, dots and dashes.")
    if output is None:
        if name in registry.known() and not (models_dir() / f"{name}{local.SUFFIX}").exists():
            raise ValueError(f"{name} is the name of a tagger that is here already: choose another --name.")
        return models_dir() / f"{name}{local.SUFFIX}"
    if output.name != f"{name}{local.SUFFIX}":
        raise ValueError(f"--output has to end in {name}{local.SUFFIX}, as the tagger is called.")
    return output


def _with_network(options: dict[str, Any]) -> WithNetwork | None:
    if not options["network"]:
        return None
    if options["processes"] < 1:
        raise ValueError("--processes has to be more than 0.")
    return WithNetwork(options["processes"], _device(options["device"]))


def _request(options: dict[str, Any]) -> Request:
    """Validate the options of a training."""
    if options["network"]:
        raise ValueError("--network says how --from-library learns: name both.")
    name = options["name"] or "mine"
    output = _output(name, options["output"])
    if not (options["csv"] or options["library"] or options["teacher"]):
        raise ValueError("Nothing says what to learn: name a --csv, the --library, or a --teacher.")
    if (options["audio"] or options["generated"]) and not options["teacher"]:
        raise ValueError("Nobody says anything of --audio and --generated: name a --teacher.")
    for teacher in options["teacher"]:
        registry.load(teacher)
    epochs = _EPOCHS_OF_CLIPS if options["teacher"] else _EPOCHS_OF_LABELS
    plan = Plan(epochs=epochs, seed=options["seed"])
    if options["epochs"] is not None:
        plan = replace(plan, epochs=options["epochs"], fewest_steps=1)
    if not 0 < plan.epochs < math.inf or min(options["clips"], options["processes"]) < 1:
        raise ValueError("--epochs, --clips and --processes have to be more than 0.")
    return Request(
        name=name,
        teachers=tuple(options["teacher"]),
        clips=options["clips"],
        plan=plan,
        original=options["recipe"] == "original",
        processes=options["processes"],
        device=_device(options["device"]),
        spectrograms=home() / "training" / "spectrograms",
        folder=home() / "training" / name,
        output=output,
        licence=options["licence"],
    )


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"There is no device {name} here.") from error
    # The same seed must give the same tagger on a GPU too.
    torch.backends.cudnn.deterministic = True
    return device


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number
