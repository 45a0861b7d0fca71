"""`manage.py train_mood FILE.npz`: trains the expression network, or goes on with a training that was stopped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError

from catalog.home import home
from mood.training import Plan, train


class Command(BaseCommand):
    """Trains on FER-2013 from random weights; may be killed at any moment and started again."""

    help = (
        "Trains the expression network on FILE.npz (train_images, train_labels, validation_images, "
        "validation_labels, classes), on a GPU where there is one. Started again on the same folder it goes on "
        "where it was. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("file", metavar="FILE.npz", type=Path)
        parser.add_argument(
            "--output",
            type=Path,
            help="folder of checkpoint, curves, report and weights; default: mood-training in DCMRS_HOME",
        )
        parser.add_argument("--epochs", type=int, default=Plan().epochs)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        if options["epochs"] < 1:
            raise CommandError("--epochs must be at least 1.")
        folder = options["output"] or home() / "mood-training"
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            scores = train(options["file"], folder, Plan().of_length(options["epochs"]), device)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{folder}: validation accuracy {scores.accuracy:.2%}, macro F1 {scores.macro_f1:.3f}, "
            f"expected calibration error {scores.calibration_error:.2%}"
        )
