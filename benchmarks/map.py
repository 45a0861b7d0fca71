"""What a map of the songs costs, how well it keeps who sounds like whom, and how smoothly it moves.

    python -m benchmarks.map [--songs N [N...]] [--frames N] [--format table|json]

Makes embeddings as a network might make them (genres, styles, artists, songs), and for each number of songs prints the
seconds of a core and, of the ten songs that sound most like a song, the shares that are among the 10 and the 30
nearest on the plane: by the two principal components, which is the plain way; for the first map; for the new songs of
a day, one in a hundred, placed beside the others; and for the map of the night after, with how far half of the others
have moved at most, as a share of its width. With `--frames` the page itself is moved in a real Chromium for so many
frames, with 20,000 songs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.engine.interface import IndexMapping, TrainingData
from recommender.engine.song_map import Places, SongMap, neighbours_kept

from .requirements import chromium, require

DIMENSIONS = 256
NEW = 0.01

Vectors = NDArray[np.float32]


class Figure(NamedTuple):
    """One way of making a map of so many songs."""

    songs: int
    way: str
    seconds: float
    kept_10: float
    kept_30: float
    moved: float | None = None


def made(n: int) -> Vectors:
    """Embeddings of songs of 12 genres in 60 styles by many artists, shape (n, 256), through a layer that cuts at 0."""
    rng = np.random.default_rng(0)
    shape = 24
    genres = rng.normal(size=(12, shape)) * 2.2
    styles = genres[rng.integers(0, 12, 60)] + rng.normal(size=(60, shape)) * 1.2
    common = 1 / np.arange(1, 61) ** 0.6
    n_artists = max(3, n // 12)
    artists = styles[rng.choice(60, n_artists, p=common / common.sum())] + rng.normal(size=(n_artists, shape)) * 0.7
    songs = (artists[rng.integers(0, n_artists, n)] + rng.normal(size=(n, shape)) * 0.5).astype(np.float32)
    layer = (rng.normal(size=(shape, DIMENSIONS)) / np.sqrt(shape)).astype(np.float32)
    heard = np.maximum(songs @ layer + rng.normal(size=DIMENSIONS) * 0.5, 0.01)
    return np.asarray(heard, dtype=np.float32)


def training_data_of(vectors: Vectors, places: Places | None = None) -> TrainingData:
    """Nothing but embeddings, and where songs lay before."""
    n = len(vectors)
    return TrainingData(csr_array((n, 1)), csr_array(np.zeros((0, n), np.int32)), embeddings=vectors, places=places)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What comes of it, and how many seconds of a core it took."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def principal(vectors: Vectors) -> Places:
    """The plain way: the two directions in which songs differ most."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ directions[:, -2:], dtype=np.float32)


def moved(before: Places, after: Places) -> float:
    """How far half of the songs have gone at most, as a share of the map's width."""
    return float(np.median(np.linalg.norm(after - before, axis=1)) / np.ptp(before, axis=0).max())


def measure(n: int) -> list[Figure]:
    """All ways for n songs; the last one in a hundred is new in the night after."""
    vectors = made(n)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    old = n - max(1, int(NEW * n))

    def figure(way: str, seconds: float, places: Places, far: float | None = None) -> Figure:
        of = unit[: len(places)]
        kept = [neighbours_kept(of, places, within=within) for within in (10, 30)]
        return Figure(n, way, seconds, kept[0], kept[1], far)

    figures = []
    flat, seconds = timed(lambda: principal(unit))
    figures.append(figure("two principal components", seconds, flat))
    first, seconds = timed(lambda: SongMap.fit(training_data_of(vectors[:old])))
    figures.append(figure("the first map", seconds, first.places))
    mapping = IndexMapping(np.r_[np.arange(old), np.full(n - old, -1)], np.arange(1), old)
    placed, seconds = timed(lambda: first.refreshed(training_data_of(vectors), mapping))
    figures.append(figure(f"{n - old:,} songs placed beside them", seconds, placed.places, 0.0))
    night, seconds = timed(lambda: SongMap.fit(training_data_of(vectors, placed.places)))
    figures.append(figure("the night after", seconds, night.places, moved(first.places, night.places[:old])))
    return figures


def frames(number: int) -> dict[str, float]:
    """Milliseconds between frames, and of drawing one, while 20,000 songs are moved; all in sight."""
    import django
    from playwright.sync_api import sync_playwright

    # The page's points are packed as the site packs them.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmrs_site.settings")
    django.setup()

    from tests.browser.conftest import SIZES, find_chromium, launch, log_in
    from tests.browser.site import running_site
    from tests.browser.test_map import open_many

    width, height = SIZES["desktop"]
    with tempfile.TemporaryDirectory() as home, running_site(Path(home)) as site, sync_playwright() as playwright:
        browser = launch(playwright, find_chromium() or "chromium")
        page = browser.new_page(base_url=site, viewport={"width": width, "height": height})
        log_in(page, "mira")
        open_many(page)
        found: list[list[float]] = page.evaluate(
            """async number => {
                const map = document.querySelector("song-map");
                const draw = map.drawing.draw.bind(map.drawing);
                const drawn = [];
                map.drawing.draw = what => {
                    const begun = performance.now();
                    draw(what);
                    drawn.push(performance.now() - begun);
                };
                const between = [];
                let last = await new Promise(requestAnimationFrame);
                for (let frame = 0; frame < number; frame += 1) {
                    map.pan(3 * Math.sin(frame / 20), 3 * Math.cos(frame / 20));
                    const now = await new Promise(requestAnimationFrame);
                    between.push(now - last);
                    last = now;
                }
                return [between, drawn];
            }""",
            number,
        )
        browser.close()
    between, drawn = (np.array(column) for column in found)
    return {
        "frames": float(number),
        "between_median_ms": float(np.median(between)),
        "between_95_ms": float(np.percentile(between, 95)),
        "drawing_median_ms": float(np.median(drawn)),
        "drawing_95_ms": float(np.percentile(drawn, 95)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--songs", type=int, nargs="*", default=[1000, 20_000, 100_000])
    parser.add_argument("--frames", type=int, default=0, help="how many frames the page is moved for; none, without")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    if options.frames:
        require(chromium())
    with threadpool_limits(1):
        figures = []
        for n in options.songs:
            for figure in measure(n):
                figures.append(figure)
                if options.format == "table":
                    far = "" if figure.moved is None else f"  moved {figure.moved:.4f}"
                    kept = f"of 10 kept: {figure.kept_10:.3f} in 10, {figure.kept_30:.3f} in 30"
                    print(
                        f"{figure.songs:>7,}  {figure.way:<34} {figure.seconds:8.1f} s of a core  {kept}{far}",
                        flush=True,
                    )
    shown = frames(options.frames) if options.frames else None
    if options.format == "json":
        print(json.dumps({"maps": [figure._asdict() for figure in figures], "frames": shown}))
    elif shown:
        print(
            f"20,000 songs moved for {options.frames} frames: drawing takes {shown['drawing_median_ms']:.1f} ms in the "
            f"middle, {shown['drawing_95_ms']:.1f} ms at the 95th percentile; from frame to frame "
            f"{shown['between_median_ms']:.1f} ms and {shown['between_95_ms']:.1f} ms"
        )


if __name__ == "__main__":
    main()
