from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import tfidf
from recommender.engine.tfidf import Annotations
from tests.recommender import plain

N_SONGS, N_LABELS = 6, 5


def words(*said: tuple[int, int, float]) -> Annotations:
    songs, labels, weights = zip(*said, strict=True) if said else ((), (), ())
    return Annotations(
        np.array(songs, dtype=np.int64), np.array(labels, dtype=np.int64), np.array(weights, dtype=float)
    )


NOTHING = words()


def tf(imported: Annotations = NOTHING, predicted: Annotations = NOTHING, curated: Annotations = NOTHING) -> np.ndarray:
    return tfidf.term_frequencies(3, 3, imported, predicted, curated).toarray()


def test_the_weights_of_one_source_count_as_they_are() -> None:
    assert tf(imported=words((0, 0, 12), (0, 1, 3)))[0].tolist() == [12, 3, 0]
    assert tf(predicted=words((1, 0, 0.6), (1, 2, 0.3)))[1].tolist() == [0.6, 0, 0.3]


def test_where_sources_meet_each_is_scaled_by_its_largest_and_the_larger_counts() -> None:
    both = tf(imported=words((0, 0, 4), (0, 1, 1)), predicted=words((0, 1, 0.6), (0, 2, 0.3), (1, 0, 0.6)))
    assert both[0] == pytest.approx([1, 1, 0.5])
    assert both[1].tolist() == [0.6, 0, 0]


def test_several_imports_add_up_and_the_surest_tagger_counts() -> None:
    assert tf(imported=words((0, 0, 4), (0, 0, 2)))[0, 0] == 6
    assert tf(predicted=words((0, 0, 0.4), (0, 0, 0.7), (0, 1, 0.5)))[0].tolist() == [0.7, 0.5, 0]


def test_a_curators_yes_is_the_songs_largest_and_a_no_is_zero() -> None:
    verdicts = words((0, 2, 1), (0, 0, -1), (1, 1, 1), (2, 0, -1))
    curated = tf(imported=words((0, 0, 9), (0, 1, 3), (2, 0, 5)), curated=verdicts)
    assert curated.tolist() == [[0, 3, 3], [0, 1, 0], [0, 0, 0]]


def test_a_yes_to_a_label_that_is_there_already_raises_it() -> None:
    assert tf(imported=words((0, 0, 9), (0, 1, 3)), curated=words((0, 1, 1)))[0].tolist() == [9, 9, 0]


def test_a_refused_label_does_not_count_as_a_song_with_it() -> None:
    frequencies = tfidf.term_frequencies(3, 2, words((0, 0, 1), (1, 0, 1), (1, 1, 1)), NOTHING, words((0, 0, -1)))
    assert tfidf.inverse_document_frequencies(frequencies).tolist() == [0, 0]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_impossible_weights_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="finite and not below 0"):
        tf(imported=words((0, 0, weight)))


def test_weights_worked_by_hand() -> None:
    # jazz, piano, calm, rock on four labelled songs of five: IDF log10(4/3), log10 4, log10 4, log10 2
    frequencies = tfidf.term_frequencies(
        5, 4, words((0, 0, 3), (0, 1, 4), (1, 0, 1), (1, 2, 2), (2, 3, 5), (3, 0, 2), (3, 3, 1)), NOTHING, NOTHING
    )
    idf = tfidf.inverse_document_frequencies(frequencies)
    assert idf == pytest.approx([0.12494, 0.60206, 0.60206, 0.30103], abs=5e-6)
    assert tfidf.weights(frequencies, idf).toarray() == pytest.approx(
        np.array(
            [
                [0.15379, 0.98810, 0, 0],  # (0.37482, 2.40824) / 2.43723
                [0.10321, 0, 0.99466, 0],  # (0.12494, 1.20412) / 1.21058
                [0, 0, 0, 1],
                [0.63870, 0, 0, 0.76945],  # (0.24988, 0.30103) / 0.39123
                [0, 0, 0, 0],
            ]
        ),
        abs=6e-6,
    )


def test_a_label_on_every_song_weighs_nothing() -> None:
    frequencies = tfidf.term_frequencies(2, 2, words((0, 0, 1), (1, 0, 1), (1, 1, 1)), NOTHING, NOTHING)
    weights = tfidf.weights(frequencies, tfidf.inverse_document_frequencies(frequencies))
    assert weights.toarray().tolist() == [[0, 0], [0, 1]]


def test_an_empty_library_has_empty_weights() -> None:
    frequencies = tfidf.term_frequencies(0, 0, NOTHING, NOTHING, words())
    assert tfidf.weights(frequencies, tfidf.inverse_document_frequencies(frequencies)).shape == (0, 0)


def test_idf_of_another_number_of_labels_is_refused() -> None:
    frequencies = tfidf.term_frequencies(2, 2, NOTHING, NOTHING, words())
    with pytest.raises(ValueError, match="2 labels"):
        tfidf.weights(frequencies, np.zeros(3))


said = st.lists(
    st.tuples(
        st.integers(0, N_SONGS - 1),
        st.integers(0, N_LABELS - 1),
        st.sampled_from([0.0, 0.1, 0.25, 0.7, 1.0, 3.0, 12.0]),
    ),
    max_size=25,
)
verdicts = st.dictionaries(
    st.tuples(st.integers(0, N_SONGS - 1), st.integers(0, N_LABELS - 1)), st.sampled_from([1.0, -1.0]), max_size=8
).map(lambda verdicts: [(*place, verdict) for place, verdict in verdicts.items()])


@given(said, said, verdicts)
def test_weights_equal_the_plain_formulas(
    imported: list[plain.Word], predicted: list[plain.Word], curated: list[plain.Word]
) -> None:
    frequencies = tfidf.term_frequencies(N_SONGS, N_LABELS, words(*imported), words(*predicted), words(*curated))
    expected = plain.tf(N_SONGS, imported, predicted, curated)
    assert frequencies.toarray() == pytest.approx(dense(expected))
    expected_idf = plain.idf(expected)
    idf = tfidf.inverse_document_frequencies(frequencies)
    assert idf == pytest.approx([expected_idf.get(label, 0) for label in range(N_LABELS)])
    assert tfidf.weights(frequencies, idf).toarray() == pytest.approx(dense(plain.weights(expected, expected_idf)))


def dense(rows: list[dict[int, float]]) -> np.ndarray:
    return np.array([[row.get(label, 0) for label in range(N_LABELS)] for row in rows])
