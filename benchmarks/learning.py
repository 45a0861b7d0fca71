"""What twenty corrections teach the own tagger, on music whose style is known because it is rendered here.

    python benchmarks/learning.py [--pieces N] [--corrections N] [--model NAME]

Every piece is a variation of one of the demo's styles, so that its style is the truth, whatever a tagger hears. A
curator corrects a label on a few pieces drawn by lot; the others are held out. Means of five draws: ROC-AUC on the
held-out pieces before and after, and how often the lesson would have been kept, which its own held-out corrections
decide. Other labels are not there: their rows are the same to the last bit.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from catalog.demo.mixing import render  # noqa: E402
from catalog.demo.styles import STYLES, compose  # noqa: E402
from catalog.demo.synthesis.waves import RATE  # noqa: E402
from catalog.demo.variation import vary  # noqa: E402
from tagging import own, registry  # noqa: E402
from tagging.evaluation.metrics import ranking  # noqa: E402
from tagging.fitting import Corrections, Library, Row, fit_row  # noqa: E402
from tagging.frontend import N_SAMPLES, SAMPLE_RATE, mel_spectrogram  # noqa: E402
from tagging.inference import WholeSongTagger, n_cores  # noqa: E402

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
DRAWS = 5


def power_spectrogram(number: int) -> NDArray[np.float32]:
    """The piece of this number, as the taggers' front end hears it."""
    style, seed = _style(number), number // len(STYLES)
    score = vary(compose(style, seed), np.random.default_rng([23, number]))
    samples = soxr.resample(render(score, seed).mean(axis=0), RATE, SAMPLE_RATE).astype(np.float32)
    return mel_spectrogram(samples[:N_SAMPLES])


def _style(number: int) -> str:
    return tuple(STYLES)[number % len(STYLES)]


def hear(tagger: WholeSongTagger, pieces: int) -> NDArray[np.float64]:
    """Every piece's embedding, shape (pieces, 256)."""
    with ProcessPoolExecutor(n_cores(), get_context("spawn")) as pool:
        spectrograms = tqdm(pool.map(power_spectrogram, range(pieces)), "pieces", pieces)
        heard = [tagger.hear(power[np.newaxis]).embedding for power in spectrograms]
    return np.stack([embedding for embedding in heard if embedding is not None]).astype(np.float64)


def roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    return ranking(scores[:, np.newaxis], truth[:, np.newaxis], n_resamples=0).macro_roc_auc.value


def main() -> None:
    """Print a line a label."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=12 * len(STYLES))
    parser.add_argument("--corrections", type=int, default=20)
    parser.add_argument("--model", help="a tagger of the own family; the one in use where it is left out")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    name = arguments.model or registry.default()
    tagger = registry.load(name)
    if not isinstance(tagger, WholeSongTagger) or (weights := registry.describe(name).weights) is None:
        sys.exit(f"{name} is not of the own family")
    embeddings = hear(tagger, arguments.pieces)
    styles = np.array([_style(number) for number in range(arguments.pieces)])
    rows, biases = own.label_layer(own.read_network(weights, len(tagger.labels)))
    places = {label.lower(): place for place, label in enumerate(tagger.labels)}
    library = Library.of(embeddings)
    print(f"{name}, {arguments.pieces} pieces, {arguments.corrections} corrections, {DRAWS} draws")
    print(f"{'label':12} pieces  before   after    gain  kept  seconds")
    for label, of_styles in TRUTH.items():
        if (place := places.get(label)) is None:
            continue
        truth, old = np.isin(styles, of_styles), Row(rows[place].astype(np.float64), float(biases[place]))
        found = np.array([_lesson(embeddings, truth, old, library, arguments.corrections, n) for n in range(DRAWS)])
        before, after, kept, seconds = found.mean(axis=0)
        gain = after - before
        print(f"{label:12} {truth.sum():6} {before:7.3f} {after:7.3f} {gain:+7.3f} {kept:5.0%} {seconds:8.2f}")


def _lesson(
    embeddings: NDArray[np.float64], truth: NDArray[np.bool_], old: Row, library: Library, corrections: int, seed: int
) -> tuple[float, float, bool, float]:
    """ROC-AUC on held-out pieces before and after, whether the new row was kept, and how long it took."""
    rng = np.random.default_rng(seed)
    yes = min(corrections // 2, int(truth.sum()) // 2)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(truth == said))[:n] for said, n in ((True, yes), (False, corrections - yes))]
    )
    others = np.setdiff1d(np.arange(len(truth)), chosen)
    began_at = time.perf_counter()
    fitted = fit_row(old, Corrections(embeddings[chosen], truth[chosen], np.arange(len(chosen))), library)
    seconds = time.perf_counter() - began_at
    before, after = (roc_auc(truth[others], row.log_odds(embeddings[others])) for row in (old, fitted.row))
    return before, after, fitted.better, seconds


if __name__ == "__main__":
    main()
