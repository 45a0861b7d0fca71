"""The neighbour graph: its paths against plain searches of every path's longest step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine.interface import IndexMapping, TrainingData
from recommender.engine.sound_graph import SoundGraph


def data_of(n: int, seed: int, n_artists: int = 12) -> TrainingData:
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(n, 6)).astype(np.float32)
    embeddings[3] = 0
    artists = rng.integers(0, n_artists, n).astype(np.int32)
    nothing, nobody = csr_array((n, 2), dtype=np.float64), csr_array(np.zeros((0, n), np.int32))
    return TrainingData(nothing, nobody, embeddings=embeddings, artists=artists)


def edges(graph: SoundGraph) -> list[tuple[int, int, float]]:
    rows = np.repeat(np.arange(len(graph.songs)), np.diff(graph.indptr))
    return [
        (int(graph.songs[a]), int(graph.songs[b]), float(d))
        for a, b, d in zip(rows, graph.neighbours, graph.distances, strict=True)
    ]


def plain(graph: SoundGraph, start: int, end: int, most: int) -> float | None:
    """The shortest longest step of all paths of at most `most` songs, song by song (Bellman and Ford)."""
    width = {start: 0.0}
    for _ in range(most - 1):
        after = dict(width)
        for a, b, d in edges(graph):
            if a in width:
                after[b] = min(after.get(b, np.inf), max(width[a], d))
        width = after
    return width.get(end)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most", [3, 5, 60])
def test_the_longest_step_is_the_shortest_there_is(seed: int, most: int) -> None:
    graph = SoundGraph.fit(data_of(60, seed))
    for start, end in ((0, 59), (10, 20), (5, 33)):
        expected, found = plain(graph, start, end, most), graph.path(start, end, most)
        if expected is None:
            assert found is None
            continue
        assert found is not None
        assert (found[0], found[-1]) == (start, end)
        assert 2 <= len(found) <= most
        steps = [graph.step(one, other) for one, other in pairwise(found)]
        assert max(step for step in steps if step is not None) == pytest.approx(expected)
        assert None not in steps


def test_no_artist_comes_twice_in_a_row() -> None:
    data = data_of(80, 4)
    graph = SoundGraph.fit(data)
    assert data.artists is not None
    assert all(data.artists[a] != data.artists[b] for a, b, _ in edges(graph))
    assert graph.path(0, 79, 80) is not None


def test_songs_of_one_artist_are_joined_all_the_same() -> None:
    graph = SoundGraph.fit(data_of(20, 5, n_artists=1))
    assert graph.path(0, 19, 20) is not None


def test_a_path_keeps_to_the_songs_that_are_allowed() -> None:
    graph = SoundGraph.fit(data_of(60, 6))
    path = graph.path(0, 59, 60)
    assert path is not None
    among = np.ones(60, bool)
    among[path[1:-1]] = False
    other = graph.path(0, 59, 60, among)
    assert other is None or not set(other[1:-1]) & set(path[1:-1])


def test_a_song_without_sound_has_no_path() -> None:
    graph = SoundGraph.fit(data_of(20, 7))
    assert graph.path(3, 5, 20) is None
    assert graph.path(5, 5, 20) == [5]


def test_new_songs_are_joined_and_gone_ones_left_out() -> None:
    before = data_of(40, 8)
    graph = SoundGraph.fit(before)
    now = data_of(45, 8)
    assert before.embeddings is not None
    assert now.embeddings is not None
    assert now.artists is not None
    assert before.artists is not None
    # Songs 0 to 4 are gone, five others are new at the end.
    now.embeddings[:35], now.artists[:35] = before.embeddings[5:], before.artists[5:]
    now.embeddings[35:40], now.artists[35:40] = np.random.default_rng(1).normal(size=(5, 6)), 99
    mapping = IndexMapping(
        songs=np.concatenate([np.arange(5, 40), np.full(10, -1)]), labels=np.arange(2), n_songs_at_fit=40
    )
    renewed = graph.refreshed(now, mapping)
    again = SoundGraph.from_arrays(renewed.arrays())
    assert len(again.songs) == 45 - (not now.embeddings[3].any())
    for start, end in ((0, 44), (36, 12)):
        path = again.path(start, end, 45)
        assert path is not None
        assert again.path(end, start, 45) is not None


def test_without_embeddings_there_is_no_graph() -> None:
    nothing, nobody = csr_array((4, 2), dtype=np.float64), csr_array(np.zeros((0, 4), np.int32))
    graph = SoundGraph.fit(TrainingData(nothing, nobody))
    assert graph.path(0, 1, 9) is None
