"""One vocabulary, and one list of labels from several networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from catalog.models import Label
from catalog.names import label_key
from tagging.labels import merging
from tagging.labels.merging import Merging, Readings
from tagging.labels.vocabulary import Entry, Vocabulary, vocabulary
from tagging.networks.descriptions import published
from tagging.taggers.registry import PublishedTagger

# --- The vocabulary -----------------------------------------------------------------------------


def test_every_output_of_the_networks_means_one_label() -> None:
    words = vocabulary()
    assert 130 <= len(words) <= 160
    for network in words.networks:
        tagger = published()[network]
        columns = [column for of_label in words.columns(tagger).values() for column in of_label]
        assert sorted(columns) == list(range(len(tagger.labels)))


def test_networks_of_one_set_have_the_same_outputs() -> None:
    for networks in vocabulary().sets.values():
        for one, other in pairwise(networks):
            assert [label.name for label in published()[one].labels] == [
                label.name for label in published()[other].labels
            ]


def test_no_two_labels_share_a_spelling() -> None:
    spellings = [label_key(spelling) for entry in vocabulary().entries for spelling in (entry.name, *entry.aliases)]
    assert len(set(spellings)) == len(spellings)
    for entry in vocabulary().entries:
        assert entry.kind in Label.Kind.values
        assert entry.name == entry.name.lower()


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Hip-Hop", "hip-hop"),
        ("hiphop", "hip-hop"),
        ("female vocalists", "female vocals"),
        ("woman", "female vocals"),
        ("no voice", "instrumental"),
        ("classic rock", "classic rock"),
    ],
)
def test_spellings_that_mean_the_same_are_one_label(spelling: str, name: str) -> None:
    words = vocabulary()
    assert words.names[words.places()[label_key(spelling)]] == name


def test_outputs_that_mean_one_label_are_averaged_as_log_odds() -> None:
    words, tagger = vocabulary(), published()["musicnn-mtt"]
    log_odds = np.arange(len(tagger.labels), dtype=float)
    names = [label.name for label in tagger.labels]
    by_label = words.by_label(tagger, log_odds)
    female = [names.index(name) for name in ("female", "woman", "female vocal", "female voice")]
    assert by_label[words.names.index("female vocals")] == np.mean(female)
    assert by_label[words.names.index("piano")] == names.index("piano")
    assert np.isnan(by_label[words.names.index("reggae")])


def test_taggers_of_the_owners_are_understood_by_the_names_of_their_labels() -> None:
    tagger = replace(published()["msd-crnn"], name="of-the-owners")
    words = vocabulary()
    columns = words.columns(tagger)
    assert len(columns[words.names.index("female vocals")]) == 2
    assert len(columns[words.names.index("r&b")]) == 1


# --- Merging ------------------------------------------------------------------------------------


def two_networks(weight: list[list[float]], correlation: float = 0.0) -> Merging:
    """Two networks and three labels; the first cannot predict the last."""
    nan = float("nan")
    return Merging(
        networks=("first", "second"),
        mean=np.array([[-2.0, -4.0, nan], [-1.0, -3.0, -5.0]]),
        deviation=np.array([[1.0, 2.0, nan], [2.0, 1.0, 0.5]]),
        weight=np.array(weight),
        correlation=np.full(3, correlation),
        slope=np.array([1.0, 2.0, 1.0]),
        intercept=np.array([0.0, -1.0, -2.0]),
    )


def test_a_score_is_the_weighted_mean_of_distances_in_standard_deviations() -> None:
    numbers = two_networks([[0.75, 0.5, 0.0], [0.25, 0.5, 1.0]])
    answers = {"first": np.array([[-1.0, -4.0, np.nan]]), "second": np.array([[3.0, -1.0, -4.5]])}
    (scores,) = numbers.scores(answers)
    # Distances of 1 and 2; of 0 and 2; and 1 of one network alone. Their mean has a smaller deviation than each.
    expected = [(0.75 + 0.5) / np.hypot(0.75, 0.25), 1.0 / np.hypot(0.5, 0.5), 1.0]
    assert scores == pytest.approx(expected)
    assert numbers.probabilities(scores) == pytest.approx(
        1 / (1 + np.exp(-np.array(expected) * [1, 2, 1] - [0, -1, -2]))
    )


def test_networks_that_always_agree_are_no_surer_together() -> None:
    numbers = two_networks([[0.5, 0.5, 0.0], [0.5, 0.5, 1.0]], correlation=1.0)
    answers = {"first": np.array([-1.0, -2.0, np.nan]), "second": np.array([1.0, -2.0, -5.0])}
    assert numbers.scores(answers) == pytest.approx([1.0, 1.0, 0.0])


def test_what_is_not_installed_leaves_the_word_to_the_others() -> None:
    numbers = two_networks([[0.0, 0.5, 0.0], [1.0, 0.5, 1.0]])
    scores = numbers.scores({"first": np.array([-1.0, -2.0, np.nan])})
    # A network that is not believed for a label is all there is; what it cannot predict stays unknown.
    assert scores[:2] == pytest.approx([1.0, 1.0])
    assert np.isnan(scores[2])
    assert np.isnan(numbers.probabilities(scores)[2])


def test_answers_of_no_network_are_refused() -> None:
    numbers = two_networks([[0.5, 0.5, 0.0], [0.5, 0.5, 1.0]])
    for answers in ({}, {"third": np.zeros(3)}):
        with pytest.raises(ValueError, match="first, second"):
            numbers.scores(answers)


def test_the_numbers_are_read_as_they_were_written() -> None:
    entries = tuple(Entry(name, "genre", {"set": (name,)}) for name in ("a", "b", "c"))
    words = Vocabulary(entries, {"set": ("first", "second")})
    numbers = two_networks([[0.75, 0.5, 0.0], [0.25, 0.5, 1.0]], correlation=0.25)
    read = merging.read(merging.written(numbers, words, {"recordings": 2}), words)
    assert read.networks == numbers.networks
    for part in ("mean", "deviation", "weight", "correlation", "slope", "intercept"):
        assert np.array_equal(getattr(read, part), getattr(numbers, part), equal_nan=True)
    assert read.readings is None
    rows = np.array([[0.5, -0.25], [0.0, 0.0], [0.125, 2.0]])
    of_embeddings = Readings(("second",), np.zeros(2), np.ones(2), rows, np.array([0.5, 1, 1]), np.zeros(3), np.ones(3))
    numbers = replace(numbers, readings=of_embeddings)
    again = merging.read(merging.written(numbers, words, {"recordings": 2}), words)
    assert again.readings is not None
    assert np.array_equal(again.readings.rows, rows)
    answers = {"first": np.array([-1.0, -2.0, np.nan]), "second": np.array([1.0, -2.0, -5.0])}
    heard = {"second": np.array([2.0, 1.0], np.float32)}
    assert np.allclose(again.scores(answers, heard), numbers.scores(answers) * [0.5, 1, 1] + [0.75, 0, 2.25])
    with pytest.raises(ValueError, match="nothing is said of d"):
        merging.read(
            merging.written(numbers, words, {"recordings": 2}),
            replace(words, entries=(*entries, Entry("d", "genre", {}))),
        )


def test_the_numbers_of_this_program_cover_its_vocabulary() -> None:
    numbers, words = merging.merging(), vocabulary()
    assert set(numbers.networks) == set(words.networks)
    for row, network in enumerate(numbers.networks):
        tagger = published()[network]
        assert isinstance(tagger, PublishedTagger)
        predicts = np.isin(np.arange(len(words)), list(words.columns(tagger)))
        assert np.array_equal(np.isfinite(numbers.mean[row]), predicts)
        assert (numbers.weight[row][~predicts] == 0).all()
    assert np.allclose(numbers.weight.sum(axis=0), 1.0, atol=0.01)
    assert (numbers.slope >= 0).all()
