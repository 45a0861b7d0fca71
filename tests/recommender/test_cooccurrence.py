"""Co-occurrence: the Jaccard average of the design, counted exactly or over the nearest songs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks import made_plays
from recommender.engine import cooccurrence, pairs
from recommender.engine.cooccurrence import Cooccurrence
from recommender.engine.interface import IndexMapping, ListenerBatch, PlayMatrix, SongContribution, TrainingData
from recommender.engine.ranking import top

from . import plain

REFERENCE = "4bd88bfb25263a75bbdd467e74018f4ae570e5df"


def matrix(rows: list[list[int]], n_songs: int) -> PlayMatrix:
    """Listeners by the songs they played."""
    dense = np.zeros((len(rows), n_songs), dtype=np.int32)
    for row, songs in enumerate(rows):
        dense[row, songs] = 1
    return csr_array(dense)


def batch(own: list[int] | NDArray[np.intp], n_songs: int) -> ListenerBatch:
    return ListenerBatch.from_listener(n_songs, 1, played=dict.fromkeys(map(int, own), 1))


class Table:
    """Plays by name, and the co-occurrence fitted on them."""

    def __init__(self, plays: list[tuple[str, str]]) -> None:
        self.listeners = sorted({who for who, _ in plays})
        self.songs = sorted({song for _, song in plays})
        row = {who: at for at, who in enumerate(self.listeners)}
        column = {song: at for at, song in enumerate(self.songs)}
        at = ([row[who] for who, _ in plays], [column[song] for _, song in plays])
        self.played: PlayMatrix = csr_array(
            (np.ones(len(plays), dtype=np.int32), at), shape=(len(self.listeners), len(self.songs))
        )
        self.fitted = Cooccurrence.of_groups(self.played)

    def ranking(self, listener: str) -> list[tuple[str, float]]:
        own = self.played[[self.listeners.index(listener)]].indices.astype(np.intp)
        scores = self.fitted.scores(batch(own, len(self.songs)))[0]
        return [(self.songs[at], float(scores[at])) for at in top(scores, len(self.songs), leave_out=own)]


@pytest.fixture(scope="module")
def plays(shared: Path) -> list[tuple[str, str]]:
    """The plays that the method's table is made of."""
    with (shared / "taste" / "triplets.tsv").open() as file:
        rows = [line.split("\t") for line, _ in zip(file, range(10_000), strict=False)]
    return [(who, song) for who, song, _ in rows]


@pytest.fixture(scope="module")
def table(plays: list[tuple[str, str]]) -> Table:
    return Table(plays)


@pytest.mark.shared
def test_the_table_that_the_method_is_known_by(table: Table) -> None:
    ranking = table.ranking(REFERENCE)
    assert ranking[0][0] == "SOHEMBB12A6701E907"
    assert f"{ranking[0][1]:.6f}" == "0.096418"


@pytest.mark.shared
def test_every_row_of_every_tenth_listener_equals_a_plain_count(table: Table, plays: list[tuple[str, str]]) -> None:
    for listener in [REFERENCE, *table.listeners[::10]]:
        expected = {song: score for song, score in plain.cooccurrence(plays, listener).items() if score}
        ranking = dict(table.ranking(listener))
        assert ranking.keys() == expected.keys()
        assert ranking == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60)
@given(st.lists(st.sets(st.integers(0, 9), max_size=10), min_size=1, max_size=12), st.integers(0, 11))
def test_any_plays_score_as_the_formula_says(rows: list[set[int]], row: int) -> None:
    own = rows[row % len(rows)]
    plays = [(str(who), str(song)) for who, songs in enumerate(rows) for song in songs]
    expected = plain.cooccurrence(plays, str(row % len(rows))) if own else {}
    fitted = Cooccurrence.of_groups(matrix([sorted(songs) for songs in rows], 10))
    scores = fitted.scores(batch(sorted(own), 10))[0]
    found = {str(song): float(scores[song]) for song in range(10) if scores[song] and song not in own}
    assert found == pytest.approx({song: score for song, score in expected.items() if score}, abs=1e-11)


def test_a_song_nobody_has_played_is_never_recommended() -> None:
    fitted = Cooccurrence.of_groups(matrix([[0, 1], [1, 2]], 4))
    assert fitted.scores(batch([1, 3], 4))[0, 3] == 0


def test_equal_scores_are_equal_to_the_last_digit() -> None:
    # J(0, 3) and J(1, 3) are J(1, 4) and J(0, 4): the same sum in another order.
    fitted = Cooccurrence.of_groups(
        matrix([[0, 3], [0, 3], [0], [1, 3], [1, 4], [1, 4], [1], [0, 4], [2, 3], [2, 4]], 5)
    )
    scores = fitted.scores(batch([0, 1, 2], 5))[0]
    assert scores[3] == scores[4] > 0


def test_reasons_are_the_listeners_songs_and_sum_to_the_score() -> None:
    fitted = Cooccurrence.of_groups(matrix([[0, 1, 2], [0, 2], [1, 3], [0, 3]], 4))
    block = batch([0, 1], 4)
    (reasons,) = fitted.explain(block, np.array([2]), 5)
    assert [type(reason) for reason in reasons] == [SongContribution, SongContribution]
    assert [reason.song for reason in reasons if isinstance(reason, SongContribution)] == [0, 1]
    assert sum(reason.weight for reason in reasons) == pytest.approx(fitted.scores(block)[0, 2])
    assert reasons[0].weight == pytest.approx(2 / 3 / 2)


def test_beyond_so_many_pairs_the_nearest_and_the_strongest_stay_and_the_loss_is_measured() -> None:
    rng = np.random.default_rng(1)
    played = matrix([sorted(set((40 * rng.random(8) ** 2).astype(int).tolist())) for _ in range(300)], 40)
    exact = Cooccurrence.of_groups(played)
    cut = Cooccurrence.of_groups(played, most_pairs=100, neighbours=12, nearest=5)
    assert (exact.nearest, exact.loss) == (0, 0.0)
    assert cut.nearest == 5
    assert 0 < cut.loss < 1
    lost: list[float] = []
    kept_strengths: list[float] = []
    for song in range(40):
        at = slice(cut.indptr[song], cut.indptr[song + 1])
        kept = set(cut.neighbours[at].tolist())
        near = set(top(exact.similarities(song), 5).tolist())
        assert near <= kept
        whole = slice(exact.indptr[song], exact.indptr[song + 1])
        likeness = exact.similarities(song)
        for other, together in zip(exact.neighbours[whole].tolist(), exact.together[whole].tolist(), strict=True):
            if other not in kept:
                lost.append(together * likeness[other])
            elif other not in near:
                kept_strengths.append(together * likeness[other])
    assert max(lost) < min(kept_strengths)
    assert 12 * 40 <= len(cut.neighbours) < 15 * 40


def test_of_as_many_pairs_the_strongest_of_all_lose_less_than_the_nearest_of_each_song(tmp_path: Path) -> None:
    made_plays.write(tmp_path, made_plays.Shape(listeners=4000, songs=3000, plays=120_000))
    played = made_plays.read(tmp_path).played
    nearest = Cooccurrence.of_groups(played, most_pairs=1000, neighbours=1, nearest=50)
    strongest = Cooccurrence.of_groups(played, most_pairs=1000, neighbours=35, nearest=10)
    assert len(strongest.neighbours) <= len(nearest.neighbours)
    assert strongest.loss < nearest.loss / 2


def test_a_server_of_few_listeners_counts_sessions() -> None:
    tf = csr_array((3, 1))
    played, sessions = matrix([[0, 1, 2]], 3), matrix([[0, 1], [2], [0, 1]], 3)
    over_sessions = Cooccurrence.fit(TrainingData(tf, played, sessions=sessions))
    assert (over_sessions.over_sessions, over_sessions.n_groups) == (True, 3)
    assert over_sessions.similarities(0).tolist() == [0, 1, 0]
    over_listeners = Cooccurrence.fit(TrainingData(tf, played))
    assert (over_listeners.over_sessions, over_listeners.n_groups) == (False, 1)
    assert over_listeners.similarities(0).tolist() == [0, 1, 1]
    many = matrix([[0, 2]] * 20, 3)
    assert not Cooccurrence.fit(TrainingData(tf, many, sessions=sessions)).over_sessions


def test_what_a_refreshed_catalogue_has_moved_is_found_where_it_went() -> None:
    fitted = Cooccurrence.of_groups(matrix([[0, 1, 2], [0, 2], [1, 3], [0, 3]], 4))
    now = TrainingData(csr_array((4, 1)), csr_array(np.zeros((0, 4), dtype=np.int32)))
    moved = fitted.refreshed(now, IndexMapping(np.array([0, 2, 3, -1]), np.array([0]), 4))
    assert moved.similarities(0)[[1, 2, 3]].tolist() == [*fitted.similarities(0)[[2, 3]], 0]
    assert moved.similarities(3).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("most_pairs", [10_000, 100])
def test_blocks_that_know_nothing_of_one_another_join_to_the_same_counts(
    monkeypatch: pytest.MonkeyPatch, most_pairs: int
) -> None:
    monkeypatch.setattr(cooccurrence, "MOST_PAIRS", most_pairs)
    monkeypatch.setattr(cooccurrence, "NEIGHBOURS", 12)
    monkeypatch.setattr(cooccurrence, "NEAREST", 5)
    monkeypatch.setattr(cooccurrence, "WORK_OF_A_BLOCK", 2000.0)
    rng = np.random.default_rng(1)
    played = matrix([sorted(set((40 * rng.random(8) ** 2).astype(int).tolist())) for _ in range(300)], 40)
    data = TrainingData(csr_array((40, 1)), played)
    n = Cooccurrence.blocks(data)
    assert n > 3
    blocks = [Cooccurrence.fit_block(data, block, n) for block in range(n)]
    assert sum(len(block["lengths"]) for block in blocks) == 40
    from_blocks = Cooccurrence.from_blocks(data, blocks)
    whole = Cooccurrence.of_groups(played, most_pairs=most_pairs, neighbours=12, nearest=5)
    for name, array in whole.arrays().items():
        assert (from_blocks.arrays()[name] == array).all(), name


def test_blocks_are_cut_by_their_work_and_little_is_not_cut() -> None:
    few = TrainingData(csr_array((40, 1)), matrix([[0, 1], [1, 2]], 40))
    assert Cooccurrence.blocks(few) == 1
    rows = [[0, 1, 2, 3]] * 50 + [[song] for song in range(4, 40)]
    ranges = pairs.equal_work_ranges(pairs.PlayIndex.of(matrix(rows, 40)), 4)
    assert [ranges[0][0], ranges[-1][1]] == [0, 40]
    # All the work is in the first four songs.
    assert ranges[1][1] <= 4
