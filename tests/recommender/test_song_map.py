"""The map: songs that sound alike lie together, stay where they were, and nothing that is no number comes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.engine import song_map
from recommender.engine.interface import IndexMapping, TrainingData
from recommender.engine.song_map import SongMap, neighbours_kept


def made(n: int, seed: int = 0) -> np.ndarray:
    """Embeddings as a network might make them of songs of six kinds."""
    rng = np.random.default_rng(seed)
    kinds = np.random.default_rng(1).normal(size=(6, 8)) * 2
    shapes = kinds[rng.integers(0, 6, n)] + rng.normal(size=(n, 8))
    heard = np.maximum(shapes @ np.random.default_rng(2).normal(size=(8, 32)), 0) + 0.01
    return np.asarray(heard, dtype=np.float32)


def training_data_of(embeddings: np.ndarray | None, places: np.ndarray | None = None, n_songs: int = 0) -> TrainingData:
    n = n_songs if embeddings is None else len(embeddings)
    nothing, nobody = csr_array((n, 2), dtype=np.float64), csr_array(np.zeros((0, n), np.int32))
    return TrainingData(nothing, nobody, embeddings=embeddings, places=places)


def unit(embeddings: np.ndarray) -> np.ndarray:
    return np.asarray(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True))


def is_identity(n: int) -> IndexMapping:
    return IndexMapping(songs=np.arange(n), labels=np.arange(2), n_songs_at_fit=n)


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    return made(300)


@pytest.fixture(scope="module")
def laid_out(embeddings: np.ndarray) -> SongMap:
    return SongMap.fit(training_data_of(embeddings))


def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far songs have gone, as shares of the map's width."""
    return np.asarray(np.linalg.norm(after - before, axis=1) / np.ptp(before, axis=0).max())


def test_songs_that_sound_alike_lie_together_far_better_than_by_lot(embeddings: np.ndarray, laid_out: SongMap) -> None:
    vectors = unit(embeddings)
    lot = np.random.default_rng(5).normal(size=(300, 2)).astype(np.float32)
    assert neighbours_kept(vectors, lot, within=10) < 0.1
    assert neighbours_kept(vectors, laid_out.places, within=10) > 0.6


def test_share_of_neighbours_is_that_of_a_plain_count(embeddings: np.ndarray, laid_out: SongMap) -> None:
    vectors, found = unit(embeddings), 0
    for song in range(300):
        by_sound = sorted(range(300), key=lambda other: -float(vectors[song] @ vectors[other]))
        by_place = sorted(
            range(300), key=lambda other: float(np.linalg.norm(laid_out.places[song] - laid_out.places[other]))
        )
        found += len(set([one for one in by_sound if one != song][:10]) & set(by_place[1:31]))
    assert neighbours_kept(vectors, laid_out.places) == pytest.approx(found / 3000, abs=0.01)


def test_the_same_songs_make_the_same_map(embeddings: np.ndarray, laid_out: SongMap) -> None:
    assert SongMap.fit(training_data_of(embeddings)).places.tolist() == laid_out.places.tolist()


def test_a_map_that_is_made_again_stays_put(embeddings: np.ndarray, laid_out: SongMap) -> None:
    again = SongMap.fit(training_data_of(embeddings, laid_out.places))
    assert np.median(moved(laid_out.places, again.places)) < 0.02
    assert np.median(moved(laid_out.places, SongMap.fit(training_data_of(made(300, 7))).places)) > 0.1


def test_songs_stay_put_when_others_come_and_go(embeddings: np.ndarray, laid_out: SongMap) -> None:
    now = np.vstack([embeddings[30:], made(60, seed=3)])
    before = np.full((330, 2), np.nan, np.float32)
    before[:270] = laid_out.places[30:]
    again = SongMap.fit(training_data_of(now, before))
    assert np.isfinite(again.places).all()
    assert np.median(moved(laid_out.places[30:], again.places[:270])) < 0.05
    assert neighbours_kept(unit(now), again.places, within=10) > 0.6


def test_a_map_of_another_sound_is_begun_anew(embeddings: np.ndarray) -> None:
    by_lot = np.random.default_rng(9).normal(size=(300, 2)).astype(np.float32) * 40
    again = SongMap.fit(training_data_of(embeddings, by_lot))
    assert neighbours_kept(unit(embeddings), again.places, within=10) > 0.6


def test_a_new_song_lies_beside_what_it_sounds_like_and_the_others_stay(
    embeddings: np.ndarray, laid_out: SongMap
) -> None:
    twin = embeddings[17:18] * 1.5
    now = laid_out.refreshed(
        training_data_of(np.vstack([embeddings[:100], twin, embeddings[100:]])),
        IndexMapping(songs=np.insert(np.arange(300), 100, -1), labels=np.arange(2), n_songs_at_fit=300),
    )
    assert np.delete(now.places, 100, axis=0).tolist() == laid_out.places.tolist()
    beside = np.linalg.norm(now.places[100] - laid_out.places[17])
    assert beside < 0.1 * np.ptp(laid_out.places, axis=0).max()
    assert now.laid_out == 300


def test_songs_that_lost_what_was_heard_of_them_leave_the_map(embeddings: np.ndarray, laid_out: SongMap) -> None:
    fewer = embeddings.copy()
    fewer[::3] = 0
    now = laid_out.refreshed(training_data_of(fewer), is_identity(300))
    assert now.songs.tolist() == [song for song in range(300) if song % 3]
    assert now.places.tolist() == laid_out.places[now.songs].tolist()


def test_embeddings_of_another_version_are_never_mixed_with_those_before(embeddings: np.ndarray) -> None:
    first = SongMap.fit(training_data_of(embeddings[:60]))
    others = replace(training_data_of(embeddings[60:120]), embedded_by="musicnn")
    now = first.refreshed(others, is_identity(60))
    assert now.embedded_by == "musicnn"
    assert SongMap.from_arrays(now.arrays()).embedded_by == "musicnn"
    assert neighbours_kept(unit(embeddings[60:120]), now.places, within=10) > 0.6


def test_twice_as_many_songs_are_laid_out_again(embeddings: np.ndarray) -> None:
    first = SongMap.fit(training_data_of(embeddings[:100]))
    mapping = IndexMapping(songs=np.r_[np.arange(100), np.full(200, -1)], labels=np.arange(2), n_songs_at_fit=100)
    now = first.refreshed(training_data_of(embeddings), mapping)
    assert now.laid_out == 300
    assert neighbours_kept(unit(embeddings), now.places, within=10) > 0.6


def test_of_many_songs_a_sample_is_laid_out_and_the_others_lie_beside_it(
    embeddings: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_map, "BLOCK", 1000)
    now = SongMap.fit(training_data_of(embeddings), most=150)
    assert np.isfinite(now.places).all()
    assert neighbours_kept(unit(embeddings), now.places) > 0.6


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7])
def test_few_songs_have_places_of_their_own(n: int) -> None:
    now = SongMap.fit(training_data_of(made(n)))
    assert now.places.shape == (n, 2)
    assert np.isfinite(now.places).all()
    assert len(np.unique(now.places, axis=0)) == n
    again = SongMap.fit(training_data_of(made(n), now.places)).refreshed(training_data_of(made(n)), is_identity(n))
    assert np.isfinite(again.places).all()


def test_of_three_songs_the_two_that_sound_alike_lie_nearest() -> None:
    embeddings = np.array([[1, 0], [0, 1], [0.9, 0.1]], np.float32)
    places = SongMap.fit(training_data_of(embeddings)).places
    assert np.linalg.norm(places[0] - places[2]) < np.linalg.norm(places[0] - places[1])


@pytest.mark.parametrize("n", [3, 4, 40])
def test_songs_that_all_sound_the_same_are_told_apart(n: int) -> None:
    places = SongMap.fit(training_data_of(np.ones((n, 32), np.float32))).places
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == n


def test_where_no_song_was_heard_none_is_on_the_map() -> None:
    nothing = SongMap.fit(training_data_of(None, n_songs=5))
    assert not len(nothing.songs)
    assert nothing.refreshed(training_data_of(made(5)), is_identity(5)).songs.tolist() == [0, 1, 2, 3, 4]


def test_files_say_the_same(laid_out: SongMap) -> None:
    again = SongMap.from_arrays(laid_out.arrays())
    assert again.places is laid_out.places
    assert (again.n_songs, again.laid_out) == (300, 300)


def test_places_of_other_songs_are_refused(embeddings: np.ndarray, laid_out: SongMap) -> None:
    with pytest.raises(ValueError, match="places of shape"):
        training_data_of(embeddings, laid_out.places[:9])
