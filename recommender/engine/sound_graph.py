"""From one song to another by sound: the neighbour graph, and the path in it whose longest step is the shortest.

The graph joins every song with the nearest songs of other artists, so that no path has an artist twice in a row; parts
of it that nothing joins are joined by their nearest pair, of one artist only where there is no other. The widest of a
path's steps is what it is judged by: in a minimum spanning tree the path between two songs has the smallest there is
(T. C. Hu: The maximum capacity route problem, 1961), and of the paths that have it the one with fewest songs is found
by searching from both ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from .diversity import UNKNOWN_ARTIST
from .interface import IndexMapping, Positions, Progress, TrainingData, no_progress
from .song_map import embedded_songs

NEIGHBOURS = 12
"""Nearest songs of other artists that a song is joined with."""

QUICK = 5000
"""A content build makes the graph of so many songs at most; a larger one waits for the night."""

_BLOCK = 1 << 23
_SMALLEST = 1e-6
"""A distance of 0 would be no edge in a sparse matrix."""

_MOST_OF_A_PART = 50


@dataclass(frozen=True, eq=False)
class SoundGraph:
    """The neighbour graph of the songs with embeddings, both ways.

    Attributes
    ----------
    songs : int64, shape (n_embedded,)
        Positions of the songs, ascending; a node is a place in this array.
    indptr : int64, shape (n_embedded + 1,)
    neighbours : int32, shape (n_edges,)
        Nodes, in the layout of a CSR matrix.
    distances : float32, shape (n_edges,)
        1 - cosine, above 0.
    parents : int32, shape (n_embedded,)
        In a minimum spanning tree; -1 for its root.
    n_songs : int
    """

    songs: NDArray[np.int64]
    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    distances: NDArray[np.float32]
    parents: NDArray[np.int32]
    n_songs: int

    @classmethod
    def fit(cls, data: TrainingData, progress: Progress = no_progress) -> Self:
        """Join every song with its nearest ones of other artists."""
        songs, vectors = embedded_songs(data)
        unit, artists = _unit(vectors), _artists(data)[songs]
        return cls._of(songs, unit, data, _nearest(unit, artists, np.arange(len(songs)), progress))

    def refreshed(self, data: TrainingData, mapping: IndexMapping, progress: Progress = no_progress) -> Self:
        """Keep the edges between songs that are still there, and join new songs with their nearest.

        Of new songs at most `QUICK` are joined; the others wait for the next fit.
        """
        songs, vectors = embedded_songs(data)
        position_now = np.full(mapping.n_songs_at_fit, -1, np.int64)
        there = mapping.songs >= 0
        position_now[mapping.songs[there]] = np.flatnonzero(there)
        known = np.intersect1d(position_now[self.songs], songs)
        new = np.setdiff1d(songs, known)[:QUICK]
        kept = np.union1d(known, new).astype(np.int64)
        unit = _unit(vectors[np.searchsorted(songs, kept)])
        node_now = np.full(data.n_songs + 1, -1, np.int64)
        node_now[kept] = np.arange(len(kept))
        now = node_now[position_now[self.songs]]
        rows, columns = now[np.repeat(np.arange(len(self.songs)), np.diff(self.indptr))], now[self.neighbours]
        stays = (rows >= 0) & (columns >= 0)
        nearest = _nearest(unit, _artists(data)[kept], np.searchsorted(kept, new), progress)
        return type(self)._of(kept, unit, data, _Edges(rows[stays], columns[stays]).joined(nearest))

    @classmethod
    def _of(cls, songs: NDArray[np.int64], unit: NDArray[np.float32], data: TrainingData, edges: _Edges) -> Self:
        from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

        graph = _connected(unit, _artists(data)[songs], edges.graph(unit))
        parents = np.full(len(songs), -1, np.int32)
        if len(songs):
            tree = minimum_spanning_tree(graph)
            _, before = breadth_first_order(tree, 0, directed=False)
            parents = np.where(before < 0, -1, before).astype(np.int32)
        return cls(
            songs,
            graph.indptr.astype(np.int64),
            graph.indices.astype(np.int32),
            graph.data.astype(np.float32),
            parents,
            data.n_songs,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` was called on; the arrays may be mapped files, and are not copied."""
        return cls(
            arrays["songs"],
            arrays["indptr"],
            arrays["neighbours"],
            arrays["distances"],
            arrays["parents"],
            int(arrays["about"][0]),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The graph and its spanning tree."""
        return {
            "songs": self.songs,
            "indptr": self.indptr,
            "neighbours": self.neighbours,
            "distances": self.distances,
            "parents": self.parents,
            "about": np.array([self.n_songs], np.int64),
        }

    def path(self, start: int, end: int, most: int, among: NDArray[np.bool_] | None = None) -> list[int] | None:
        """The path between two songs whose longest step is the shortest, among those of at most `most` songs.

        Parameters
        ----------
        start, end : positions of songs
        most : int, at least 2
        among : bool, shape (n_songs,), optional
            The songs that it may lead over; its ends are always allowed.

        Returns
        -------
        list of positions or None
            From `start` to `end`, with as few songs as the longest step allows; None where there is no such path, or
            one of the two has no embedding.
        """
        nodes = [self._node(position) for position in (start, end)]
        if None in nodes:
            return None
        first, last = (node for node in nodes if node is not None)
        if first == last:
            return [start]
        allowed = np.ones(len(self.songs), bool) if among is None else among[self.songs].copy()
        allowed[[first, last]] = True
        found = self._narrowest(first, last, most, allowed)
        return None if found is None else self.songs[found].tolist()

    def step(self, one: int, other: int) -> float | None:
        """The distance between two joined songs, by position; None where they are not joined."""
        a, b = self._node(one), self._node(other)
        if a is None or b is None:
            return None
        row = slice(self.indptr[a], self.indptr[a + 1])
        at = np.flatnonzero(self.neighbours[row] == b)
        return float(self.distances[row][at[0]]) if len(at) else None

    def _node(self, position: int) -> int | None:
        at = int(np.searchsorted(self.songs, position))
        return at if at < len(self.songs) and int(self.songs[at]) == position else None

    @cached_property
    def _widths(self) -> NDArray[np.float32]:
        """The distances of all edges, ascending, each once: what a longest step can be."""
        return np.unique(self.distances)

    def _narrowest(self, first: int, last: int, most: int, allowed: NDArray[np.bool_]) -> list[int] | None:
        # No path has a narrower longest step than that of the tree: where it is short enough, all is said.
        low = int(np.searchsorted(self._widths, self._tree_width(first, last)))
        if found := self._fewest(first, last, most, float(self._widths[low]), allowed):
            return found
        high, best, stride = low, None, 1
        while best is None and high < len(self._widths) - 1:
            low, high, stride = high, min(high + stride, len(self._widths) - 1), 8 * stride
            best = self._fewest(first, last, most, float(self._widths[high]), allowed)
        while best is not None and high - low > 1:
            middle = (low + high) // 2
            if found := self._fewest(first, last, most, float(self._widths[middle]), allowed):
                best, high = found, middle
            else:
                low = middle
        return best

    def _tree_width(self, first: int, last: int) -> float:
        """The longest step on the way from one node to the other in the spanning tree."""
        above: dict[int, float] = {first: 0.0}
        node, width = first, 0.0
        while (parent := int(self.parents[node])) >= 0:
            width = max(width, self._distance(node, parent))
            above[parent] = width
            node = parent
        node, width = last, 0.0
        while node not in above:
            parent = int(self.parents[node])
            width = max(width, self._distance(node, parent))
            node = parent
        return max(width, above[node])

    def _distance(self, node: int, other: int) -> float:
        row = slice(self.indptr[node], self.indptr[node + 1])
        return float(self.distances[row][self.neighbours[row] == other][0])

    def _fewest(self, first: int, last: int, most: int, width: float, allowed: NDArray[np.bool_]) -> list[int] | None:
        """The path with fewest nodes, at most `most`, over steps of at most `width`: a search from both ends."""
        before = {0: np.full(len(self.songs), -1, np.int32), 1: np.full(len(self.songs), -1, np.int32)}
        before[0][first], before[1][last] = first, last
        fronts = {0: np.array([first]), 1: np.array([last])}
        songs = 2
        while len(fronts[0]) and len(fronts[1]) and songs <= most:
            side = 0 if len(fronts[0]) <= len(fronts[1]) else 1
            own, other = before[side], before[1 - side]
            reached, origins = self._steps(fronts[side], width, allowed)
            met = np.flatnonzero(other[reached] >= 0)
            if len(met):
                inner, outer = int(origins[met[0]]), int(reached[met[0]])
                near, far = _followed(own, inner)[::-1], _followed(other, outer)
                return near + far if side == 0 else (near + far)[::-1]
            new = own[reached] < 0
            reached, origins = reached[new], origins[new]
            reached, places = np.unique(reached, return_index=True)
            own[reached] = origins[places]
            fronts[side] = reached
            songs += 1
        return None

    def _steps(
        self, front: Positions, width: float, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where steps of at most `width` lead from some nodes, and from which of them each comes."""
        starts, counts = self.indptr[front], self.indptr[front + 1] - self.indptr[front]
        origins = np.repeat(front, counts)
        edges = np.arange(len(origins)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        reached = self.neighbours[edges]
        taken = (self.distances[edges] <= width) & allowed[reached]
        return reached[taken].astype(np.int64), origins[taken]


@dataclass(frozen=True, slots=True)
class _Edges:
    """Pairs of nodes, in either order, each any number of times."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def joined(self, other: _Edges) -> _Edges:
        return _Edges(np.concatenate([self.rows, other.rows]), np.concatenate([self.columns, other.columns]))

    def graph(self, unit: NDArray[np.float32]) -> csr_matrix:
        """The symmetric matrix of their distances."""
        n = len(unit)
        low, high = np.minimum(self.rows, self.columns), np.maximum(self.rows, self.columns)
        pairs = np.unique(low.astype(np.int64) * max(n, 1) + high)
        low, high = pairs // max(n, 1), pairs % max(n, 1)
        low, high = low[low != high], high[low != high]
        distances = _distances(unit, low, high)
        matrix = coo_matrix((distances, (low, high)), shape=(n, n)).tocsr()
        return (matrix + matrix.T).tocsr()


def _distances(unit: NDArray[np.float32], rows: Positions, columns: Positions) -> NDArray[np.float32]:
    found = np.empty(len(rows), np.float32)
    step = max(1, _BLOCK // max(unit.shape[1], 1))
    for begin in range(0, len(rows), step):
        some = slice(begin, begin + step)
        found[some] = 1 - np.einsum("ij,ij->i", unit[rows[some]], unit[columns[some]])
    return np.maximum(found, _SMALLEST)


def _artists(data: TrainingData) -> NDArray[np.int32]:
    """The artist of each song, by number; where nobody says, all are unknown."""
    return data.artists if data.artists is not None else np.full(data.n_songs, UNKNOWN_ARTIST, np.int32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def _nearest(unit: NDArray[np.float32], artists: NDArray[np.int32], nodes: Positions, progress: Progress) -> _Edges:
    """The edges from some nodes to the nearest ones of other artists."""
    n, k = len(unit), min(NEIGHBOURS, max(len(unit) - 1, 0))
    if not k or not len(nodes):
        return _Edges(np.empty(0, np.int64), np.empty(0, np.int64))
    rows, columns = [], []
    step = max(1, _BLOCK // n)
    for begin in range(0, len(nodes), step):
        progress("sound graph")
        some = nodes[begin : begin + step]
        cosines = unit[some] @ unit.T
        cosines[np.arange(len(some)), some] = -np.inf
        same = (artists[some, np.newaxis] == artists) & (artists[some, np.newaxis] != UNKNOWN_ARTIST)
        cosines[same] = -np.inf
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        real = np.isfinite(np.take_along_axis(cosines, nearest, axis=1))
        rows.append(np.repeat(some, k)[real.ravel()])
        columns.append(nearest.ravel()[real.ravel()])
    return _Edges(np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64))


def _connected(unit: NDArray[np.float32], artists: NDArray[np.int32], graph: csr_matrix) -> csr_matrix:
    """The graph with its parts joined by the nearest songs of two parts, of different artists where there are such."""
    from scipy.sparse.csgraph import connected_components

    while True:
        n_parts, parts = connected_components(graph, directed=False)
        if n_parts <= 1:
            return graph
        sizes = np.bincount(parts)
        rows, columns = [], []
        for part in np.argsort(sizes, kind="stable")[:-1].tolist():
            inside = np.flatnonzero(parts == part)[:_MOST_OF_A_PART]
            cosines = unit[inside] @ unit.T
            cosines[:, parts == part] = -np.inf
            same = (artists[inside, np.newaxis] == artists) & (artists[inside, np.newaxis] != UNKNOWN_ARTIST)
            others = np.where(same, -np.inf, cosines)
            best = int(np.argmax(others if np.isfinite(others).any() else cosines))
            rows.append(int(inside[best // len(unit)]))
            columns.append(best % len(unit))
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        pairs = np.unique(np.stack([low, high]), axis=1)
        bridges = coo_matrix((_distances(unit, pairs[0], pairs[1]), (pairs[0], pairs[1])), shape=graph.shape).tocsr()
        graph = (graph + bridges + bridges.T).tocsr()


def _followed(before: NDArray[np.int32], node: int) -> list[int]:
    """The nodes from one back to where a search began."""
    found = [node]
    while int(before[node]) != node:
        node = int(before[node])
        found.append(node)
    return found
