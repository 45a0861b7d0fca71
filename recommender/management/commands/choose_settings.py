"""What the methods of recommending are best fitted with, on inner splits of this library's plays."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from recommender.engine.evaluation.protocols import SPLITS, TooFewPlaysError
from recommender.evaluation import evaluating


class Command(BaseCommand):
    """The command; `help` says what it does."""

    help = (
        "Tries what the methods of recommending can be fitted with: factors, dampings, steps. Each is varied in turn, "
        "and judged on plays held out of the training part of an evaluation's splits: what the evaluation holds out is "
        "never looked at. It prints what was tried; what the methods are fitted with stands in their sources."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the command line."""
        parser.add_argument("--splits", type=_splits, default=1, help=f"from 1 (the default) to {SPLITS}")

    def handle(self, **options: Any) -> None:
        """Run the command."""
        try:
            with tqdm(desc="settings", unit="setting", file=sys.stderr, leave=False) as bar:
                for one in evaluating.settings_tried(options["splits"]):
                    figures = ", ".join(f"{name} {value:.4f}" for name, value in one.figures.items())
                    self.stdout.write(f"{one.method:8} {one.setting}: {figures}{', the best so far' * one.best}")
                    self.stdout.flush()
                    bar.update()
        except TooFewPlaysError as error:
            raise CommandError(f"too few plays: {error}") from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            sys.exit(130)


def _splits(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= SPLITS:
        raise argparse.ArgumentTypeError(f"a number of splits from 1 to {SPLITS}, not {text!r}")
    return int(text)
