"""What people say of music, and what must be made of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.default_words import default_words
from recommender.engine import words
from recommender.engine.words import A_BIT, LESS, NOT, PLAIN, VERY, Vocabulary, phrase_of, understand, without_refused
from tagging import registry

TAGGERS = sorted({label.name for tagger in registry.known().values() for label in tagger.labels})
LIBRARY = [*TAGGERS, "piano", "violin", "classical", "reggae", "techno", "drum and bass", "rainy mood"]


def of_library(
    labels: list[str], *, rare: tuple[str, ...] = (), aliases: tuple[tuple[str, str], ...] = ()
) -> Vocabulary:
    table = [
        (word, label, weight) for said, meaning in default_words() for word in said for label, weight in meaning.items()
    ]
    return Vocabulary.of(table, [*((label, label) for label in labels), *aliases], rare)


VOCABULARY = of_library(LIBRARY)


def read(text: str, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
    """The pieces of a text, with what steers them."""
    return [piece.words for piece in understand(text, vocabulary).pieces]


def wanted(text: str, vocabulary: Vocabulary = VOCABULARY) -> set[str]:
    """The labels that a text asks for before all: half as much as for the strongest."""
    labels = understand(text, vocabulary).labels
    most = max(labels.values(), default=0.0)
    return {label for label, weight in labels.items() if weight >= 0.5 * most > 0}


# --- What is said, and what it means


@pytest.mark.parametrize(
    ("text", "pieces", "labels"),
    [
        ("calm piano for a rainy evening", ["calm", "piano", "rainy evening"], {"calm", "piano"}),
        ("something happy but not pop", ["happy", "not pop"], {"happy"}),
        ("80s road trip", ["80s", "road trip"], {"80s", "travel"}),
        ("80's rock", ["80's", "rock"], {"80s", "rock"}),
        ("songs from the eighties", ["eighties"], {"80s"}),
        ("music of the 1990s", ["1990s"], {"90s"}),
        ("hip-hop from 1994", ["hip-hop", "1994"], {"Hip-Hop", "90s"}),
        ("the noughties", ["noughties"], {"00s"}),
        ("2000s party", ["2000s", "party"], {"00s", "party", "dance"}),
        ("I'd like something like jazz, please", ["jazz"], {"jazz"}),
        ("play me some relaxing music", ["relaxing"], {"relaxing", "calm"}),
        ("Sunday morning coffee", ["Sunday morning", "coffee"], {"Mellow", "acoustic"}),
        ("sunday mornings", ["sunday mornings"], {"Mellow", "acoustic"}),
        ("for the gym", ["gym"], {"energetic", "motivational"}),
        ("workout", ["workout"], {"energetic", "motivational", "sport"}),
        ("running, fast", ["running", "fast"], {"fast", "energetic"}),
        ("music to fall asleep to", ["fall asleep"], {"calm", "soft", "ambient"}),
        ("study", ["study"], {"background", "instrumental", "calm"}),
        ("coding all night long", ["coding", "night"], {"ambient"}),
        ("dinner with friends", ["dinner"], {"jazz", "easy listening", "Mellow"}),
        ("house party", ["house party"], {"party", "dance"}),
        ("house", ["house"], {"House"}),
        ("R&B", ["R&B"], {"rnb"}),
        ("rhythm and blues", ["rhythm and blues"], {"rnb"}),
        ("drum'n'bass", ["drum'n'bass"], {"drum and bass"}),
        ("Drum & Bass", ["Drum & Bass"], {"drum and bass"}),
        ("lo-fi", ["lo-fi"], {"chill", "chillout"}),
        ("female singers", ["female singers"], {"female vocalists"}),
        ("a man singing the blues", ["man singing", "blues"], {"male vocalists", "blues"}),
        ("no vocals", ["no vocals"], {"instrumental"}),
        ("without words", ["without words"], {"instrumental"}),
        ("acoustic guitar", ["acoustic guitar"], {"acoustic", "guitar"}),
        ("violins", ["violins"], {"violin"}),
        ("classic rock", ["classic rock"], {"classic rock"}),
        ("heavy metal", ["heavy metal"], {"heavy metal", "metal"}),
        ("movie soundtrack", ["movie soundtrack"], {"film", "movie"}),
        ("Christmas carols", ["Christmas carols"], {"christmas"}),
        ("at the beach in summer", ["beach", "summer"], {"summer"}),
        ("romantic ballads", ["romantic", "ballads"], {"ballad", "romantic", "love"}),
        ("dark and slow", ["dark", "slow"], {"dark", "slow"}),
        ("happier", ["happier"], {"happy", "positive"}),
        ("calmer than this", ["calmer"], {"calm", "relaxing"}),
        ("jazzy", ["jazzy"], {"jazz"}),
        ("reggae", ["reggae"], {"reggae"}),
        ("techno", ["techno"], {"techno"}),
        ("rainy mood", ["rainy mood"], {"rainy mood"}),
        ("a lullaby", ["lullaby"], {"calm", "soft"}),
        ("cheer me up", ["cheer me up"], {"uplifting", "inspiring", "hopeful", "positive"}),
        ("I am sad", ["sad"], {"sad", "melancholic"}),
        ("CALM", ["CALM"], {"calm", "relaxing"}),
        ("cálm", ["cálm"], {"calm", "relaxing"}),
        ("\u200bca\u0301lm", ["c\u00e1lm"], {"calm", "relaxing"}),
        ("video-game music", ["video-game"], {"game"}),
    ],
)
def test_real_phrases_mean_what_people_mean(text: str, pieces: list[str], labels: set[str]) -> None:
    understood = understand(text, VOCABULARY)
    assert [piece.words for piece in understood.pieces] == pieces
    assert labels <= wanted(text)
    assert not [word for word in understood.unknown if word.lower() not in ("friends",)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("not pop", ["not pop"]),
        ("no pop", ["not pop"]),
        ("-pop happy", ["not pop", "happy"]),
        ("happy -pop", ["happy", "not pop"]),
        ("happy without drums", ["happy", "not drums"]),
        ("nothing sad", ["not sad"]),
        ("anything but jazz", ["not jazz"]),
        ("calm, except ambient", ["calm", "not ambient"]),
        ("I don't want metal", ["not metal"]),
        ("happy, no sad songs", ["happy", "not sad"]),
        ("no pop or rock", ["not pop", "not rock"]),
        ("no pop, rock or metal", ["not pop", "not rock", "not metal"]),
        ("neither pop nor rock", ["not pop", "not rock"]),
        ("not sad and slow", ["not sad", "not slow"]),
        ("no pop, calm", ["not pop", "calm"]),
        ("not pop but calm", ["not pop", "calm"]),
        ("not for the gym", ["not gym"]),
        ("without guitars, with piano", ["not guitars", "piano"]),
        ("not sad piano", ["not sad", "piano"]),
        ("nothing but jazz", ["jazz"]),
        ("not only jazz", ["jazz"]),
        ("not too loud", ["less loud"]),
        ("not very happy", ["less happy"]),
        ("less energetic", ["less energetic"]),
        ("not too loud, or fast", ["less loud", "less fast"]),
        ("very calm", ["very calm"]),
        ("really, really dark", ["very dark"]),
        ("a bit dark", ["a bit dark"]),
        ("a little sad and very slow", ["a bit sad", "very slow"]),
        ("rock that isn't heavy", ["rock", "not heavy"]),
        ("less pop, more jazz", ["less pop", "very jazz"]),
        ("anything", []),
    ],
)
def test_words_that_steer(text: str, pieces: list[str]) -> None:
    assert read(text) == pieces


def test_strengths_are_norms() -> None:
    pieces = understand("calm, very happy, a bit dark, not sad, less fast", VOCABULARY).pieces
    assert [piece.strength for piece in pieces] == [PLAIN, VERY, A_BIT, NOT, LESS]
    assert [round(math.hypot(*piece.labels.values()), 9) for piece in pieces] == [1, 1.5, 0.5, 1, 0.5]


def test_the_query_is_the_sum_of_its_pieces() -> None:
    table = [("rainy", "calm", 3.0), ("rainy", "sad", 4.0)]
    vocabulary = Vocabulary.of(table, [("calm", "calm"), ("sad", "sad"), ("pop", "pop")])
    assert understand("very rainy, calm, not pop", vocabulary).labels == pytest.approx(
        {"calm": 1.5 * 0.6 + 1, "sad": 1.5 * 0.8, "pop": -1.0}
    )


def test_a_negation_is_about_what_a_word_says_itself() -> None:
    table = [("dinner", "jazz", 1.0), ("dinner", "calm", 0.4), ("dinner", "heavy", -1.0)]
    vocabulary = Vocabulary.of(table, [(label, label) for label in ("jazz", "calm", "heavy")])
    assert understand("not for dinner", vocabulary).labels == {"jazz": -1.0}
    assert understand("not for dinner", vocabulary).refused == ["jazz"]


def test_a_word_can_keep_songs_off_the_list() -> None:
    assert {"female vocalists", "male vocalists"} <= set(understand("no singing", VOCABULARY).refused)
    assert understand("instrumental", VOCABULARY).refused == []


def test_what_is_asked_for_more_than_refused_is_not_refused() -> None:
    assert understand("not pop", VOCABULARY).refused == ["pop"]
    assert understand("not happy but very happy", VOCABULARY).refused == []
    assert understand("not too sad", VOCABULARY).refused == []


# --- Typing errors and words that are not understood


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("clam", ["calm"]),
        ("hapy", ["happy"]),
        ("pinao", ["piano"]),
        ("electroinc", ["electronic"]),
        ("melancolic", ["melancholic"]),
        ("rany evenning", ["rainy evening"]),
        ("guitare", ["guitar"]),
        ("not elektronic", ["not electronic"]),
    ],
)
def test_typing_errors_are_put_right_and_said(text: str, pieces: list[str]) -> None:
    understood = understand(text, VOCABULARY)
    assert [piece.words for piece in understood.pieces] == pieces
    assert understood.pieces[0].typed
    assert understand(understood.text, VOCABULARY).labels == understood.labels


@pytest.mark.parametrize("text", ["horse", "live", "metro", "xylophobia", "qqqq", "1234567", "夜に駆ける", "pop2"])
def test_what_is_another_word_is_no_typing_error(text: str) -> None:
    understood = understand(text, VOCABULARY)
    assert not [piece for piece in understood.pieces if piece.typed]


def test_words_that_are_not_understood_are_named_together() -> None:
    understood = understand("Vibrato Aceman, calm zzyzx", VOCABULARY)
    assert understood.unknown == ["Vibrato Aceman", "zzyzx"]
    assert [piece.words for piece in understood.pieces] == ["calm"]


def test_a_word_that_no_song_has_a_label_for_is_understood_and_absent() -> None:
    understood = understand("calm opera", of_library(["calm"]))
    assert [piece.said for piece in understood.heard] == ["calm"]
    assert [piece.said for piece in understood.absent] == ["opera"]


@pytest.mark.parametrize("text", ["", " ", ",,,", "-", "not", "but not", "&", "\0", "🙂", "'", "a bit of", "-- -"])
def test_nothing_said_is_nothing_understood(text: str) -> None:
    understood = understand(text, VOCABULARY)
    assert (understood.pieces, understood.labels, understood.refused) == ([], {}, [])


def test_what_comes_after_the_limit_is_passed_over() -> None:
    assert read("calm " + "x" * words.LONGEST_TEXT + " happy") == ["calm"]


# --- The table and the library


def test_every_label_of_the_taggers_is_understood_by_its_name() -> None:
    for label in TAGGERS:
        understood = understand(label, VOCABULARY)
        assert len(understood.pieces) == 1, label
        assert understood.labels[label] == max(understood.labels.values()), label


def test_the_default_table_names_no_word_twice_and_every_word_means_something() -> None:
    said = [word for block, _ in default_words() for word in block]
    assert len({phrase_of(word) for word in said}) == len(said)
    assert len(said) > 800
    for block, meaning in default_words():
        assert max(meaning.values()) > 0.5, block
        assert all(-1 <= weight <= 1 for weight in meaning.values())
        assert all(0 < len(word) <= 60 for word in block)


def test_labels_of_a_library_are_found_by_name_and_alias_in_any_spelling() -> None:
    vocabulary = Vocabulary.of([], [("Trip-Hop", "Trip-Hop"), ("downbeat", "Trip-Hop")])
    for text in ("trip hop", "TRIP-HOP", "triphop"[:4] + " hop", "Downbeat"):
        assert understand(text, vocabulary).labels == {"Trip-Hop": 1.0}


def test_a_name_that_two_labels_could_have_stays_with_the_first() -> None:
    vocabulary = Vocabulary.of([], [("dub", "dub"), ("dub", "reggae")])
    assert understand("dub", vocabulary).labels == {"dub": 1.0}


def test_a_word_of_the_table_that_is_a_label_too_means_that_label_before_all() -> None:
    vocabulary = Vocabulary.of([("rainy", "calm", 0.5)], [("rainy", "rainy"), ("calm", "calm")])
    assert understand("rainy", vocabulary).labels["rainy"] > understand("rainy", vocabulary).labels["calm"]


def test_the_longest_phrase_counts_but_not_a_label_that_hardly_any_song_has() -> None:
    labels = ["smooth jazz", "calm piano", "jazz", "calm", "piano"]
    vocabulary = of_library(labels, rare=("calm piano",))
    assert read("smooth jazz", vocabulary) == ["smooth jazz"]
    assert read("calm piano", vocabulary) == ["calm", "piano"]


def test_a_label_called_like_a_word_that_steers_does_not_take_it() -> None:
    vocabulary = Vocabulary.of([], [("the", "the"), ("not", "not"), ("pop", "pop")])
    assert read("the not pop", vocabulary) == ["not pop"]


def test_a_word_that_the_admin_teaches_goes_before_a_word_that_says_nothing() -> None:
    vocabulary = Vocabulary.of([("new", "00s", 1.0)], [("00s", "00s")])
    assert read("something new", vocabulary) == ["new"]


# --- Taking pieces away

SAYINGS = st.lists(
    st.sampled_from(
        [
            *(word for block, _ in default_words() for word in block[:3]),
            *TAGGERS,
            *("not", "no", "but", "and", "or", "very", "a bit", "not too"),
            *("less", "for a", ",", "zzyzx", "clam", "-pop", "without"),
        ]
    ),
    max_size=14,
)


@given(SAYINGS)
def test_without_one_piece_all_others_stay_as_they_are(said: list[str]) -> None:
    understood = understand(" ".join(said), VOCABULARY)
    for piece in understood.pieces:
        others = [(other.words, other.labels) for other in understood.pieces if other is not piece]
        again = understand(piece.without, VOCABULARY)
        if len(understood.text) <= words.LONGEST_TEXT:
            assert [(other.words, other.labels) for other in again.pieces] == others


@given(st.text(max_size=400))
def test_any_text_is_read_and_read_again_alike(text: str) -> None:
    understood = understand(text, VOCABULARY)
    assert all(math.isfinite(weight) for weight in understood.labels.values())
    if len(understood.text) <= words.LONGEST_TEXT:
        again = understand(understood.text, VOCABULARY)
        assert [(piece.words, piece.labels) for piece in again.pieces] == [
            (piece.words, piece.labels) for piece in understood.pieces
        ]


# --- What is refused


def test_songs_that_carry_a_refused_label_are_off_the_list_and_a_trace_of_it_lowers() -> None:
    kept = without_refused(np.array([0.5, 0.5, 0.5]), np.array([0.0, 0.05, 0.4]))
    assert kept.tolist() == [0.5, 0.475, 0.0]
