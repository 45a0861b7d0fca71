"""The default recipe of `train_tagger` beside the one of 2018, on real recordings.

    python benchmarks/recipes.py MUSIC... [--teacher msd-crnn] [--epochs N] [--seed N]

Both see the same recordings and labels, and the same recordings are kept out. Nobody has labelled them, so a published
tagger's word is taken for truth: the labels that it would have a song keep, several of most. Whose recording a file is,
its name says before the first underscore. What is made on the way lies in a temporary `DCMRS_HOME`.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")

import django  # noqa: E402
from django.core.management import call_command  # noqa: E402
from tqdm import tqdm  # noqa: E402

from benchmarks.requirements import folder, require  # noqa: E402
from benchmarks.requirements import tagger as installed_tagger  # noqa: E402
from tagging.networks.inference import inference_threads, predict_file  # noqa: E402
from tagging.taggers import registry  # noqa: E402
from tagging.training.sources import audio_files  # noqa: E402


def write_table(path: Path, teacher: str, music: list[Path]) -> None:
    """What a tagger keeps of each recording, as a table that `train_tagger` reads."""
    tagger = registry.load(teacher)
    files = [file for place in music for file in audio_files(place.resolve(), print)]
    with inference_threads() as threads, path.open("w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["file", "labels", "artist"])
        predicted = threads.map(lambda file: predict_file(file, [tagger])[0], files)
        counted, labelled = 0, 0
        for file, prediction in tqdm(zip(files, predicted, strict=True), teacher, len(files), unit=" recordings"):
            kept = tagger.kept(prediction)
            counted += len(kept)
            if kept:
                labelled += 1
                rows.writerow([file, ";".join(kept), file.name.partition("_")[0]])
    print(f"{teacher} keeps {counted / len(files):.1f} labels a recording; {labelled} of {len(files)} have any")


def main() -> None:
    """Train both, and print what `train_tagger` does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", nargs="+", type=Path, metavar="MUSIC")
    parser.add_argument("--teacher", default="msd-crnn")
    parser.add_argument(
        "--epochs", help="of the default recipe; left out, as many as `train_tagger` takes; the other has 10"
    )
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args()
    django.setup()
    require(installed_tagger(arguments.teacher), *(folder(place) for place in arguments.music if not place.is_file()))
    began_at = time.perf_counter()
    with TemporaryDirectory() as folder:
        table = Path(folder) / "labels.csv"
        write_table(table, arguments.teacher, arguments.music)
        os.environ["DCMRS_HOME"] = folder
        options = ["--recipe", "original", "--seed", arguments.seed]
        if arguments.epochs:
            options += ["--epochs", arguments.epochs]
        call_command("train_tagger", "--csv", str(table), *options, "--name", "compared")
    print(f"{time.perf_counter() - began_at:.0f} s")


if __name__ == "__main__":
    main()
