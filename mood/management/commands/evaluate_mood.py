"""`manage.py evaluate_mood FILE.npz --split NAME`: how well emotions are recognized on labelled faces."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mood.emotions import EMOTIONS
from mood.evaluation import Scores, accuracy_by_brightness, precision, recall, score_probabilities
from mood.network import emotion_probabilities, load_network
from mood.reading import WEIGHTS
from mood.reliability import reliability_diagram
from mood.training.dataset import has_near_copy, has_split, read_split

# Below this, a fifth of the faces says nothing.
_ENOUGH_FOR_FIFTHS = 500


class Command(BaseCommand):
    """Scores the expression network on one split of a file in FER-2013's layout."""

    help = (
        "Scores the expression network on labelled faces. FILE.npz holds the arrays NAME_images (n, 48, 48) uint8, "
        "NAME_labels and classes. Where it holds train_images, the score is also given without the faces that have "
        "a near-copy among them: a network that was trained on those knows them by heart. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's options."""
        parser.add_argument("file", metavar="FILE.npz", type=Path)
        parser.add_argument("--split", required=True, metavar="NAME", help="train, validation, test, ...")
        parser.add_argument("--weights", type=Path, default=WEIGHTS, help="default: the weights that come with DCMRS")
        parser.add_argument(
            "--reliability",
            type=Path,
            metavar="FILE.svg",
            help="draw how often the network is right when it is how sure",
        )
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        file, split = options["file"], options["split"]
        try:
            faces = read_split(file, split)
            trained = load_network(options["weights"])
            known = read_split(file, "train").images if split != "train" and has_split(file, "train") else None
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        probabilities = emotion_probabilities(trained, faces.images)
        scores = score_probabilities(probabilities, faces.labels)
        report, table = scores.as_json(), _table(scores)
        if known is not None and not (copied := has_near_copy(faces.images, known)).all():
            apart = score_probabilities(probabilities[~copied], faces.labels[~copied])
            report["without_near_copies"] = {"accuracy": apart.accuracy, "n": apart.n}
            table += (
                f"\n\nwithout the {copied.sum()} faces that have a near-copy in train: accuracy {apart.accuracy:.2%} "
                f"of {apart.n}"
            )
        if options["reliability"]:
            try:
                options["reliability"].write_text(reliability_diagram(probabilities, faces.labels))
            except OSError as error:
                raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(table)
        if len(faces) >= _ENOUGH_FOR_FIFTHS:
            fifths = accuracy_by_brightness(faces.images, faces.labels, probabilities.argmax(1))
            listed = ", ".join(f"{accuracy:.1%}" for accuracy in fifths)
            self.stdout.write(f"\naccuracy in fifths from the darkest faces to the brightest: {listed}")


def _table(scores: Scores) -> str:
    width = max(map(len, EMOTIONS)) + 2
    lines = [
        f"{scores.n} faces: accuracy {scores.accuracy:.2%}, macro F1 {scores.macro_f1:.3f}, "
        f"expected calibration error {scores.calibration_error:.2%}",
        "",
        "".ljust(width) + "faces  precision  recall   taken for " + " ".join(name[:8].rjust(8) for name in EMOTIONS),
    ]
    rows = zip(EMOTIONS, scores.confusion, precision(scores.confusion), recall(scores.confusion), strict=True)
    lines += [
        f"{name.ljust(width)}{row.sum():5d}  {right:9.1%}  {found:6.1%}".ljust(width + 34)
        + " ".join(f"{count:8d}" for count in row)
        for name, row, right, found in rows
    ]
    return "\n".join(lines)
