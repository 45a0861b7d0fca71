"""What corrections teach the own tagger, on music whose style is known because it is rendered here.

    python benchmarks/learning.py [--pieces N] [--draws N] [--model NAME]

Every piece is a variation of one of the demo's styles, so that its style is the truth, whatever a tagger hears; their
spectrograms are kept under `DCMRS_HOME/cache`, so that the next run, be it of another tagger, takes a minute or two.
A curator corrects one label on a few pieces drawn by lot, half of them for it; all other pieces are held out, and say
what was learned. Three curators:

- one who means by the label what its name says, 20 corrections;
- one who deliberately means something else by it, the styles of another label, 20 and 30 corrections;
- one whose every verdict is drawn by lot, 20 and 30 corrections: whatever is kept of that was kept wrongly.

ROC-AUC on the held-out pieces before and after, over the training jobs that were kept; one knows of its own corrections
only. Other labels are not there: a training job does not touch their rows.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from benchmarks.requirements import require  # noqa: E402
from benchmarks.requirements import tagger as installed_tagger  # noqa: E402
from catalog.home import home  # noqa: E402
from catalog.parallel import cores, in_parallel  # noqa: E402
from composer.styles import STYLES, compose  # noqa: E402
from composer.variation import vary  # noqa: E402
from tagging.evaluation.metrics import ranking  # noqa: E402
from tagging.networks.inference import WholeSongTagger  # noqa: E402
from tagging.taggers import local, registry  # noqa: E402
from tagging.training.fitting import Corrections, EmbeddingStatistics, Row, fit_row  # noqa: E402
from tagging.training.scores import windows_all_over  # noqa: E402
from tagging.training.spectrograms import Mel, Spectrograms, rendered  # noqa: E402

# What a listener would call pieces of these styles.
TRUTH = {
    "rock": ("rock", "punk", "metal"),
    "punk": ("punk",),
    "acoustic": ("folk", "bluegrass", "jig", "island"),
    "folk": ("folk", "bluegrass", "jig"),
    "jazz": ("jazz", "bossa"),
    "ambient": ("ambient", "drone"),
    "electronic": ("house", "techno", "trance", "drum and bass", "synthwave"),
    "dance": ("house", "techno", "trance"),
    "hip-hop": ("hip hop", "lo fi", "trap"),
    "chillout": ("lo fi", "ambient", "bossa"),
    "film": ("film", "choral", "drone"),
    "game": ("chiptune",),
}


def piece(number: int) -> Mel:
    """The spectrogram of the piece of this number."""
    style, seed = _style(number), number // len(STYLES)
    return rendered(vary(compose(style, seed), np.random.default_rng([23, number])), seed)


def _style(number: int) -> str:
    return tuple(STYLES)[number % len(STYLES)]


def predict_song(tagger: WholeSongTagger, pieces: int) -> NDArray[np.float64]:
    """Every piece's embedding, shape (pieces, 256)."""
    kept = Spectrograms(home() / "cache" / "learning")
    missing = [number for number in range(pieces) if kept.place(str(number)) is None]
    rendering = in_parallel(piece, missing, cores())
    for number, rendered_piece in tqdm(rendering, "rendering", len(missing), unit=" pieces", disable=not missing):
        kept.append(str(number), rendered_piece.result())
    frames, predicted = kept.frames(), np.zeros((pieces, 256))
    for number in tqdm(range(pieces), "listening", unit=" pieces"):
        if (place := kept.place(str(number))) is not None:
            mel = frames[place.start : place.start + place.frames]
            predicted[number] = tagger.embed(windows_all_over(mel)).mean(axis=0).astype(np.float16)
    return predicted


@dataclass(frozen=True)
class TrainingJob:
    """What came of one training job: whether it was kept, and ROC-AUC on the pieces that nobody corrected."""

    kept: bool
    before: float
    after: float
    seconds: float


def job(
    embeddings: NDArray[np.float64],
    truth: NDArray[np.bool_],
    old: Row,
    library: EmbeddingStatistics,
    corrections: int,
    seed: int,
) -> TrainingJob:
    """Correct a label in some pieces, and hold all others out."""
    rng = np.random.default_rng(seed)
    yes = min(corrections // 2, int(truth.sum()) // 2)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(truth == said))[:n] for said, n in ((True, yes), (False, corrections - yes))]
    )
    others = np.setdiff1d(np.arange(len(truth)), chosen)
    began_at = time.perf_counter()
    fitted = fit_row(old, Corrections(embeddings[chosen], truth[chosen], np.arange(len(chosen))), library, seed=seed)
    seconds = time.perf_counter() - began_at
    before, after = (roc_auc(truth[others], row.log_odds(embeddings[others])) for row in (old, fitted.row))
    return TrainingJob(fitted.better, before, after, seconds)


def roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    return ranking(scores[:, np.newaxis], truth[:, np.newaxis], n_resamples=0).macro_roc_auc.value


def line(name: str, jobs: list[TrainingJob]) -> str:
    """Means over training jobs: all of them, and those that were kept."""
    kept = [one for one in jobs if one.kept]
    cells = [f"{len(jobs):7}", f"{len(kept) / len(jobs):6.1%}"]
    for some in (jobs, kept) if kept else (jobs,):
        before, after = (np.mean([getattr(one, of) for one in some]) for of in ("before", "after"))
        cells.append(f"{before:7.3f} {after:7.3f} {after - before:+7.3f}")
    return f"{name:24} " + "   ".join(cells)


def main() -> None:
    """Print a line a label, and one for each kind of curator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=8 * len(STYLES))
    parser.add_argument("--draws", type=int, default=8, help="training jobs a label (%(default)s)")
    parser.add_argument("--model", help="a tagger of the own family; the one in use where it is left out")
    arguments = parser.parse_args()
    name = arguments.model or registry.default()
    require(installed_tagger(name))
    tagger = registry.load(name)
    if not isinstance(tagger, WholeSongTagger) or (weights := registry.describe(name).weights) is None:
        sys.exit(f"{name} is not of the own family")
    embeddings = predict_song(tagger, arguments.pieces)
    styles = np.array([_style(number) for number in range(arguments.pieces)])
    rows, biases = local.label_layer(local.read_network(weights, len(tagger.labels)))
    library = EmbeddingStatistics.of(embeddings)
    places = {label.lower(): place for place, label in enumerate(tagger.labels)}
    labels = [label for label in TRUTH if label in places]
    old = {label: Row(rows[places[label]].astype(np.float64), float(biases[places[label]])) for label in labels}
    true = {label: np.isin(styles, TRUTH[label]) for label in labels}
    draws = range(arguments.draws)

    def jobs(of: str, means: str | None, corrections: int) -> Iterator[TrainingJob]:
        for seed in draws:
            truth = (
                np.random.default_rng([seed, places[of]]).random(len(styles)) < 0.5 if means is None else true[means]
            )
            yield job(embeddings, truth, old[of], library, corrections, seed)

    print(f"{name}, {arguments.pieces} pieces, {arguments.draws} training jobs a label")
    print(f"{'':24} {'':17}   {'all jobs':23}   {'jobs that were kept'}")
    print(f"{'corrected':24}    jobs     kept    before   after    gain    before   after    gain")
    every: dict[str, list[TrainingJob]] = {}
    for label in labels:
        found = list(jobs(label, label, 20))
        print(line(label, found), flush=True)
        every.setdefault("as it is meant, 20", []).extend(found)
    others = dict(zip(labels, labels[len(labels) // 2 :] + labels[: len(labels) // 2], strict=True))
    for corrections in (20, 30):
        for label, means in others.items():
            every.setdefault(f"something else, {corrections}", []).extend(jobs(label, means, corrections))
        for label in labels:
            every.setdefault(f"by lot, {corrections}", []).extend(jobs(label, None, corrections))
    print()
    for kind, found in every.items():
        print(line(kind, found))
    print(f"\n{np.mean([one.seconds for found in every.values() for one in found]):.2f} s a training job")


if __name__ == "__main__":
    main()
