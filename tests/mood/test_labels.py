"""From what somebody feels to labels: no database."""

from __future__ import annotations

import pytest

from catalog.names import label_key
from mood.emotions import EMOTIONS, FEELINGS, MOODS
from mood.labels import DEFAULT_TABLE, STRONGEST, WAYS, Way, query, strength, vocabulary
from tagging.labels.vocabulary import vocabulary as tagging_vocabulary

SURELY_SAD = {"sad": 0.9, "neutral": 0.1}
PERHAPS_SAD = {"sad": 0.4, "neutral": 0.3, "fear": 0.2, "angry": 0.1}


def test_every_label_of_the_default_table_is_in_the_taggers_vocabulary() -> None:
    known = tagging_vocabulary().places()
    assert {name for name in vocabulary() if label_key(name) not in known} == set()


def test_every_feeling_has_labels_both_ways_and_every_mood_is_a_feeling() -> None:
    assert set(DEFAULT_TABLE) == {(feeling, way) for feeling in FEELINGS for way in WAYS}
    assert all(len(labels) >= 4 for labels in DEFAULT_TABLE.values())
    assert set(MOODS.values()) <= set(FEELINGS)


def test_sad_is_matched_by_sad_music_and_lifted_by_hopeful_music() -> None:
    match, _ = query({"sad": 1.0}, DEFAULT_TABLE, "match")
    lift, _ = query({"sad": 1.0}, DEFAULT_TABLE, "lift")
    assert {"sad", "melancholic", "emotional", "soft"} <= set(match)
    assert {"uplifting", "hopeful", "positive"} <= set(lift)
    assert not set(match) & set(lift)


def test_angry_is_lifted_by_calm_music() -> None:
    lift, _ = query({"angry": 1.0}, DEFAULT_TABLE, "lift")
    assert list(lift)[:2] == ["calm", "relaxing"]


@pytest.mark.parametrize("feeling", FEELINGS)
def test_matching_differs_from_lifting(feeling: str) -> None:
    match, lift = (query({feeling: 1.0}, DEFAULT_TABLE, way)[0] for way in WAYS)
    common = sum(match.get(label, 0.0) * weight for label, weight in lift.items())
    assert common < 0.6


@pytest.mark.parametrize("way", WAYS)
def test_every_emotion_of_a_distribution_has_its_say(way: Way) -> None:
    labels, _ = query(PERHAPS_SAD, DEFAULT_TABLE, way)
    for emotion in PERHAPS_SAD:
        assert set(DEFAULT_TABLE[emotion, way]) <= set(labels)


def test_what_is_likelier_weighs_more() -> None:
    table = {("sad", "match"): {"sad": 1.0}, ("happy", "match"): {"happy": 1.0}}
    labels, _ = query({"sad": 0.75, "happy": 0.25}, table, "match")
    assert labels == pytest.approx({"sad": 0.75, "happy": 0.25})
    assert list(labels) == ["sad", "happy"]


def test_a_feeling_with_many_labels_speaks_no_louder() -> None:
    table = {("sad", "match"): {f"label {n}": 0.7 for n in range(9)}, ("happy", "match"): {"happy": 0.2}}
    labels, _ = query({"sad": 0.5, "happy": 0.5}, table, "match")
    assert sum(labels[f"label {n}"] ** 2 for n in range(9)) ** 0.5 == pytest.approx(labels["happy"])


def test_two_emotions_add_up_where_they_ask_for_the_same() -> None:
    table = {("sad", "lift"): {"calm": 1.0}, ("angry", "lift"): {"calm": 1.0}, ("fear", "lift"): {"calm": -1.0}}
    assert query({"sad": 0.5, "angry": 0.5}, table, "lift")[0] == pytest.approx({"calm": 1.0})
    assert query({"sad": 0.5, "fear": 0.5}, table, "lift")[0] == {}


@pytest.mark.parametrize("feeling", FEELINGS)
def test_a_mood_that_is_certain_counts_half(feeling: str) -> None:
    assert strength({feeling: 1.0}) == STRONGEST == 0.5


def test_the_less_sure_a_reading_is_the_less_it_bends() -> None:
    by_chance = dict.fromkeys(EMOTIONS, 1 / 7)
    assert 0.5 > strength(SURELY_SAD) > strength(PERHAPS_SAD) > strength(by_chance) == pytest.approx(0, abs=1e-9)


def test_more_feelings_than_a_face_shows_do_not_turn_the_mood_around() -> None:
    assert strength(dict.fromkeys(FEELINGS, 1.0)) == 0


def test_probabilities_count_by_their_parts_of_the_sum() -> None:
    once, twice = (query({"sad": n, "happy": 3 * n}, DEFAULT_TABLE, "lift") for n in (0.25, 2.0))
    assert once[0] == pytest.approx(twice[0])
    assert once[1] == pytest.approx(twice[1])


NONE = [{}, {"sad": 0.0}, {"bored": 1.0}, {"sad": -1.0, "happy": 2.0}, {"sad": float("nan")}, {"sad": 1e400}]


@pytest.mark.parametrize("distribution", NONE)
def test_what_is_no_distribution_is_refused(distribution: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"feeling|probabilities"):
        query(distribution, DEFAULT_TABLE, "match")
