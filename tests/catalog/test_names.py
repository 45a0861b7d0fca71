import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.names import artist_key, label_key, other_number, storable, title_key


@pytest.mark.parametrize("other", ["hip hop", "HIP_HOP", "Hip\u2013Hop", "  hip   hop "])
def test_spellings_of_a_label_are_one(other: str) -> None:
    assert label_key(other) == label_key("Hip-Hop")


def test_labels_that_differ_stay_apart() -> None:
    assert len({label_key(name) for name in ("rock", "classic rock", "80s", "90s", "r&b", "rnb")}) == 6


@pytest.mark.parametrize("nothing", ["", "   ", "\t\n"])
def test_a_label_without_a_name_is_refused(nothing: str) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        label_key(nothing)


def test_a_label_of_signs_alone_has_a_key() -> None:
    assert label_key("!!!") == "!!!"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "beatles"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("Beyoncé", "BEYONCE"),
        ("AC/DC", "AC DC"),
        ("Eminem feat. Dido", "Eminem"),
        ("Eminem (ft. Dido)", "Eminem"),
        ("Beatles, The", "The Beatles"),
        ("Guns N\u2019 Roses", "Guns N Roses"),
        ("M\u00d8", "mo"),
    ],
)
def test_spellings_of_an_artist_are_one(one: str, other: str) -> None:
    assert artist_key(one) == artist_key(other)


def test_artists_named_with_signs_or_other_scripts_have_keys_of_their_own() -> None:
    assert len({artist_key(name) for name in ("!!!", "???", "坂本龍一", "Кино", "The The")}) == 5


@pytest.mark.parametrize(
    "other",
    [
        "Heroes (2017 Remaster)",
        "heroes - Remastered 2017",
        "Heroes [feat. Somebody]",
        "“Heroes”",
        "Heroes ft. Somebody",
        "Heroes (Digitally Remastered)",
        "Heroes \u2013 2011 Digital Remaster",
        "Heroes (feat. Little Mix)",
        "Heroes (Explicit Version)",
        "Heroes (Remastered Version)",
        "Heroes (feat. Somebody) [2009 Digital Remaster]",
    ],
)
def test_a_remaster_or_a_guest_does_not_make_another_song(other: str) -> None:
    assert title_key(other) == title_key("Heroes")


@pytest.mark.parametrize(
    "other",
    [
        "Heroes (Live)",
        "Heroes, Pt. 2",
        "Heroes (Acoustic)",
        "Heroes (Live / Remastered 2011)",
        "Heroes - Live - 2011 Remaster",
        "Heroes feat. Somebody (Live)",
        "Heroes ft. Somebody - Acoustic",
        "Heroes (Remix feat. Somebody)",
        "Heroes [feat. Somebody] [Instrumental]",
        "Heroes (feat. Somebody \u2013 Piano Version)",
        "Heroes (Demo) - 2009 Remaster",
        "Heroes (Club Mix Remastered)",
        "Heroes (Somebody Remix) (feat. Another)",
        "Heroes (Orchestral Version) [feat. Somebody]",
        "Heroes - Live (feat. Somebody)",
        "Heroes (Mono / 2009 Remaster)",
    ],
)
def test_another_recording_is_another_song(other: str) -> None:
    assert title_key(other) != title_key("Heroes")


def test_a_version_is_the_same_one_however_it_is_written() -> None:
    ways = ["Heroes (Live)", "Heroes - Live", "Heroes [Live / 2011 Remaster]", "HEROES feat. Somebody (live)"]
    assert {title_key(title) for title in ways} == {"heroes live"}


def test_two_concerts_are_two_songs() -> None:
    ways = ["Heroes (Live 1975 / Remastered)", "Heroes (Live 1980, 2011 Remaster)", "Heroes (Live)"]
    assert len(set(map(title_key, ways))) == 3


@given(st.text(max_size=400))
def test_keys_are_stable_and_fit_their_columns(name: str) -> None:
    for key, longest in ((artist_key, 200), (title_key, 300)):
        assert len(key(name)) <= longest
        assert key(name) == key(name)


@pytest.mark.parametrize("name", ["\0", "\0 \0", "\ud800", "a\0b", "!\udfff!"])
def test_no_key_holds_what_no_database_takes(name: str) -> None:
    for key in (artist_key(name), title_key(name), label_key(f"!{name}")):
        assert key == storable(key)
        key.encode()


@pytest.mark.parametrize("name", ["", " ", "\0", "\ud800"])
def test_a_label_of_nothing_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        label_key(name)


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("guitar", "guitars"),
        ("guitars", "guitar"),
        ("female vocalist", "female vocalists"),
        ("melody", "melodies"),
        ("melodies", "melody"),
        ("church", "churches"),
        ("churches", "church"),
        ("bass", ""),
        ("blues", ""),
        ("80s", ""),
        ("mpb", ""),
        ("日本", ""),
    ],
)
def test_the_other_number_of_a_label(key: str, other: str) -> None:
    assert other_number(key) == other
