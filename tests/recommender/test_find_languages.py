"""A kind of music in a language: "rock en español" is rock, and Spanish."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from catalog.models import LibraryRoot
from recommender.services.finding import Findings, find, parse_query
from recommender.snapshots import build
from tests.factories import make_song

pytestmark = pytest.mark.django_db


def titles(found: Findings) -> list[str]:
    return [one.song.title for one in found.songs]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("rock en español", {"rock", "spanish"}),
        ("Rock auf Deutsch", {"rock", "german"}),
        ("pop français", {"pop", "french"}),
        ("deutscher Hip-Hop", {"Hip-Hop", "german"}),
        ("Deutschrap", {"Hip-Hop", "german"}),
        ("música latina", {"latin"}),
        ("chanson française", {"french"}),
        ("pop italiano", {"pop", "italian"}),
        ("rock brasileño", {"rock", "brazilian"}),
        ("french pop", {"pop", "french"}),
    ],
)
def test_a_kind_of_music_in_a_language_is_the_kind_and_the_language(
    ada: User, root: LibraryRoot, text: str, labels: set[str]
) -> None:
    for label in ("rock", "pop", "Hip-Hop", "latin", "spanish", "german", "french", "italian", "brazilian", "calm"):
        make_song(f"A song of {label}", labels={label: 1}, root=root, path=f"{label}.mp3")
    build.build()
    parsed = parse_query(text)
    assert parsed.unknown == []
    strongest = max(parsed.labels.values())
    assert {label for label, weight in parsed.labels.items() if weight >= 0.7 * strongest} == labels


def test_a_language_that_no_label_is_for_is_the_nearest_label_or_named_as_missing(ada: User, root: LibraryRoot) -> None:
    make_song("Loud", labels={"rock": 1}, root=root, path="loud.mp3")
    make_song("Fiesta", labels={"latin": 1}, root=root, path="fiesta.mp3")
    said = make_song("Nube", album="Lo mejor del rock en español", labels={"rock": 1}, root=root, path="nube.mp3")
    build.build()
    near = find(ada, "rock en español")
    assert set(near.parsed.labels) == {"rock", "latin"}
    assert titles(near)[0] == said.title
    missing = find(ada, "deutscher Rock")
    assert set(missing.parsed.labels) == {"rock"}
    assert [term.text for term in missing.parsed.absent] == ["deutscher"]
    assert set(titles(missing)) == {"Loud", "Nube"}
