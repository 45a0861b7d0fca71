"""What people say of music, and what must be made of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.names import label_key
from recommender.default_words import default_words
from recommender.engine import query_parser
from recommender.engine.query_parser import parse_query
from recommender.engine.query_tokens import phrase_of
from recommender.engine.query_weights import A_BIT, LESS, NOT, PLAIN, VERY, exclude_refused
from recommender.engine.vocabulary import Vocabulary
from tagging.labels.vocabulary import vocabulary
from tagging.taggers import registry

# What libraries are labelled with: by networks that write their own tags, and by the vocabulary that the others share.
# Each label once, as it was first spelled.
_SPELLED = [
    *(label.name for name in ("msd-crnn", "jamendo-cnn") for label in registry.published()[name].labels),
    *vocabulary().names,
]
TAGGERS = sorted({label_key(name): name for name in reversed(_SPELLED)}.values())
LIBRARY = [*TAGGERS, "piano", "violin", "classical", "reggae", "techno", "drum and bass", "rainy mood"]


def of_library(
    labels: list[str], *, rare: tuple[str, ...] = (), aliases: tuple[tuple[str, str], ...] = ()
) -> Vocabulary:
    table = [
        (word, label, weight)
        for said, meaning, _ in default_words()
        for word in said
        for label, weight in meaning.items()
    ]
    return Vocabulary.of(table, [*((label, label) for label in labels), *aliases], rare)


VOCABULARY = of_library(LIBRARY)


def read(text: str, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
    """The pieces of a text, with what steers them."""
    return [term.words for term in parse_query(text, vocabulary).terms]


def wanted(text: str, vocabulary: Vocabulary = VOCABULARY) -> set[str]:
    """The labels that a text asks for before all: half as much as for the strongest."""
    labels = parse_query(text, vocabulary).labels
    most = max(labels.values(), default=0.0)
    return {label for label, weight in labels.items() if weight >= 0.5 * most > 0}


# --- What is said, and what it means


@pytest.mark.parametrize(
    ("text", "terms", "labels"),
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
def test_real_phrases_mean_what_people_mean(text: str, terms: list[str], labels: set[str]) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert [term.words for term in parsed.terms] == terms
    assert labels <= wanted(text)
    assert not [word for word in parsed.unknown if word.lower() not in ("friends",)]


@pytest.mark.parametrize(
    ("text", "terms"),
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
def test_words_that_steer(text: str, terms: list[str]) -> None:
    assert read(text) == terms


def test_strengths_are_norms() -> None:
    terms = parse_query("calm, very happy, a bit dark, not sad, less fast", VOCABULARY).terms
    assert [term.strength for term in terms] == [PLAIN, VERY, A_BIT, NOT, LESS]
    assert [round(math.hypot(*term.labels.values()), 9) for term in terms] == [1, 1.5, 0.5, 1, 0.5]


def test_the_query_is_the_sum_of_its_pieces() -> None:
    table = [("rainy", "calm", 3.0), ("rainy", "sad", 4.0)]
    vocabulary = Vocabulary.of(table, [("calm", "calm"), ("sad", "sad"), ("pop", "pop")])
    assert parse_query("very rainy, calm, not pop", vocabulary).labels == pytest.approx(
        {"calm": 1.5 * 0.6 + 1, "sad": 1.5 * 0.8, "pop": -1.0}
    )


def test_a_negation_is_about_what_a_word_says_itself() -> None:
    table = [("dinner", "jazz", 1.0), ("dinner", "calm", 0.4), ("dinner", "heavy", -1.0)]
    vocabulary = Vocabulary.of(table, [(label, label) for label in ("jazz", "calm", "heavy")])
    assert parse_query("not for dinner", vocabulary).labels == {"jazz": -1.0}
    assert parse_query("not for dinner", vocabulary).refused == ["jazz"]


def test_a_word_can_keep_songs_off_the_list() -> None:
    assert {"female vocalists", "male vocalists"} <= set(parse_query("no singing", VOCABULARY).refused)
    assert parse_query("instrumental", VOCABULARY).refused == []


def test_what_is_asked_for_more_than_refused_is_not_refused() -> None:
    assert parse_query("not pop", VOCABULARY).refused == ["pop"]
    assert parse_query("not happy but very happy", VOCABULARY).refused == []
    assert parse_query("not too sad", VOCABULARY).refused == []


# --- Typing errors and words that are not understood


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("clam", ["calm"]),
        ("hapy", ["happy"]),
        ("pinao", ["piano"]),
        ("electroinc", ["electronic"]),
        ("melancolic", ["melancholic"]),
        ("rany evenning", ["rainy evening"]),
        ("guitarr", ["guitar"]),
        ("clasical", ["classical"]),
        ("not elektronic", ["not electronic"]),
    ],
)
def test_typing_errors_are_put_right_and_said(text: str, terms: list[str]) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert [term.words for term in parsed.terms] == terms
    assert parsed.terms[0].typed
    assert parse_query(parsed.text, VOCABULARY).labels == parsed.labels


@pytest.mark.parametrize("text", ["horse", "live", "metro", "xylophobia", "qqqq", "1234567", "夜に駆ける", "pop2"])
def test_what_is_another_word_is_no_typing_error(text: str) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert not [term for term in parsed.terms if term.typed]


@pytest.mark.parametrize(
    "words",
    [
        "trio bells quartet church castle garden window letter brother bridge river valley desert",
        "planet rocket silver golden bottle winner driven steady county cell scream diner clapping",
        "place stage plane train brain clean black block clock track feather thunder sister mother",
    ],
)
def test_an_ordinary_word_is_not_corrected_into_another(words: str) -> None:
    corrected = [(term.typed, term.text) for word in words.split() for term in parse_query(word, VOCABULARY).terms]
    assert [one for one in corrected if one[0]] == []


@pytest.mark.parametrize(
    ("text", "term"),
    [("gitar", "guitar"), ("violn", "violin"), ("happpy", "happy"), ("acustic", "acoustic"), ("romatic", "romantic")],
)
def test_a_slip_in_a_short_word_is_put_right(text: str, term: str) -> None:
    assert [one.text for one in parse_query(text, VOCABULARY).terms] == [term]


def test_a_word_as_near_to_two_others_is_not_corrected() -> None:
    table = [("battle", "action", 1.0), ("bottle", "party", 1.0), ("kettle", "home", 1.0), ("nettle", "home", 1.0)]
    vocabulary = Vocabulary.of(table, [(label, label) for label in ("action", "party", "home")])
    assert parse_query("bettle", vocabulary).unknown == ["bettle"]
    assert read("baxttle", vocabulary) == ["battle"]


def test_words_that_are_not_understood_are_named_together() -> None:
    parsed = parse_query("Vibrato Aceman, calm zzyzx", VOCABULARY)
    assert parsed.unknown == ["Vibrato Aceman", "zzyzx"]
    assert [term.words for term in parsed.terms] == ["calm"]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("fast metal no screaming", ["no screaming"]),
        ("calm without zzyzx qqqq", ["no zzyzx qqqq"]),
        ("calm, not zzyzx", ["no zzyzx"]),
        ("calm -zzyzx", ["no zzyzx"]),
        ("calm but less zzyzx", ["less zzyzx"]),
        ("zzyzx, not calm", ["zzyzx"]),
    ],
)
def test_what_should_stay_away_and_is_not_understood_is_named_with_its_no(text: str, unknown: list[str]) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert parsed.unknown == unknown
    assert parse_query(parsed.text, VOCABULARY).unknown == unknown


@pytest.mark.parametrize("words", ["metal, no pop", "metal without pop", "metal not pop", "metal -pop"])
def test_every_no_keeps_a_label_away(words: str) -> None:
    assert parse_query(words, VOCABULARY).refused == ["pop"]


def test_a_word_that_no_song_has_a_label_for_is_understood_and_absent() -> None:
    parsed = parse_query("calm opera", of_library(["calm"]))
    assert [term.text for term in parsed.matched] == ["calm"]
    assert [term.text for term in parsed.absent] == ["opera"]


@pytest.mark.parametrize("text", ["", " ", ",,,", "-", "not", "but not", "&", "\0", "🙂", "'", "a bit of", "-- -"])
def test_nothing_said_is_nothing_understood(text: str) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert (parsed.terms, parsed.labels, parsed.refused) == ([], {}, [])


def test_what_comes_after_the_limit_is_passed_over() -> None:
    assert read("calm " + "x" * query_parser.LONGEST_TEXT + " happy") == ["calm"]


# --- The table and the library


def test_every_label_of_the_taggers_is_understood_by_its_name() -> None:
    for label in TAGGERS:
        parsed = parse_query(label, VOCABULARY)
        assert len(parsed.terms) == 1, label
        assert parsed.labels[label] == max(parsed.labels.values()), label


def test_the_default_table_names_no_word_twice_and_every_word_means_something() -> None:
    said = [word for block, _, _ in default_words() for word in block]
    assert len({phrase_of(word) for word in said}) == len(said)
    assert len(said) > 800
    for block, meaning, _ in default_words():
        assert max(meaning.values()) > 0.5, block
        assert all(-1 <= weight <= 1 for weight in meaning.values())
        assert all(0 < len(word) <= 60 for word in block)


def test_labels_of_a_library_are_found_by_name_and_alias_in_any_spelling() -> None:
    vocabulary = Vocabulary.of([], [("Trip-Hop", "Trip-Hop"), ("downbeat", "Trip-Hop")])
    for text in ("trip hop", "TRIP-HOP", "triphop"[:4] + " hop", "Downbeat"):
        assert parse_query(text, vocabulary).labels == {"Trip-Hop": 1.0}


def test_a_name_that_two_labels_could_have_stays_with_the_first() -> None:
    vocabulary = Vocabulary.of([], [("dub", "dub"), ("dub", "reggae")])
    assert parse_query("dub", vocabulary).labels == {"dub": 1.0}


def test_a_word_of_the_table_that_is_a_label_too_means_that_label_before_all() -> None:
    vocabulary = Vocabulary.of([("rainy", "calm", 0.5)], [("rainy", "rainy"), ("calm", "calm")])
    assert parse_query("rainy", vocabulary).labels["rainy"] > parse_query("rainy", vocabulary).labels["calm"]


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
            *(word for block, _, _ in default_words() for word in block[:3]),
            *TAGGERS,
            *("not", "no", "but", "and", "or", "very", "a bit", "not too"),
            *("less", "for a", ",", "zzyzx", "clam", "-pop", "without"),
        ]
    ),
    max_size=14,
)


@given(SAYINGS)
def test_without_one_piece_all_others_stay_as_they_are(said: list[str]) -> None:
    parsed = parse_query(" ".join(said), VOCABULARY)
    for term in parsed.terms:
        others = [(other.words, other.labels) for other in parsed.terms if other is not term]
        again = parse_query(term.without, VOCABULARY)
        if len(parsed.text) <= query_parser.LONGEST_TEXT:
            assert [(other.words, other.labels) for other in again.terms] == others


@given(st.text(max_size=400))
def test_any_text_is_read_and_read_again_alike(text: str) -> None:
    parsed = parse_query(text, VOCABULARY)
    assert all(math.isfinite(weight) for weight in parsed.labels.values())
    if len(parsed.text) <= query_parser.LONGEST_TEXT:
        again = parse_query(parsed.text, VOCABULARY)
        assert [(term.words, term.labels) for term in again.terms] == [
            (term.words, term.labels) for term in parsed.terms
        ]


# --- What is refused


def test_songs_that_carry_a_refused_label_are_off_the_list_and_a_trace_of_it_lowers() -> None:
    kept = exclude_refused(np.array([0.5, 0.5, 0.5]), np.array([0.0, 0.05, 0.4]))
    assert kept.tolist() == [0.5, 0.2375, 0.0]
