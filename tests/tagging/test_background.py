"""Labels in the background can be searched for, and are nowhere offered or shown first."""

from __future__ import annotations

from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from catalog.models import Label, Song
from catalog.services.artists import find_artist
from catalog.services.rows import song_rows
from catalog.services.song_labels import first_and_more, labels_by_kind
from recommender.services.profile import profile_of
from recommender.services.radio import more_like
from recommender.services.song_map import shown
from recommender.snapshots import build
from tagging.labels.vocabulary import vocabulary
from tests.factories import make_rating, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

KINDS = {"advertising": "other", "corporate": "other", "weird": "other", "rock": "genre", "happy": "mood"}


@pytest.fixture
def songs(snapshots: Path) -> list[Song]:
    """All but one are advertising and weird, more than anything else; each is rock or happy too."""
    root, made = make_root(), []
    for number in range(20):
        labels = {"advertising": 0.9, "weird": 0.8} if number else {}
        labels |= {"rock": 0.4} if number % 2 or not number else {}
        labels |= {"happy": 0.3} if number % 3 or number in (6, 12, 18) else {}
        made.append(
            make_song(f"Title {number}", f"Artist {number % 2}", labels=labels, root=root, path=f"{number}.mp3")
        )
    for name, kind in KINDS.items():
        Label.objects.filter(name=name).update(kind=kind)
    build.build()
    return made


@pytest.fixture
def ada(client: Client) -> User:
    ada = make_user("ada")
    client.force_login(ada)
    return ada


def test_whoever_gives_such_a_label_first_it_is_in_the_background(tmp_path: Path) -> None:
    make_song("Jingle", external_id="jingle")
    table = tmp_path / "labels.csv"
    table.write_text("song,label\njingle,Corporate\njingle,beats\njingle,jazz\n")
    call_command("import_labels", str(table), format="csv", stdout=StringIO())
    assert dict(Label.objects.values_list("name", "background")) == {"Corporate": True, "beats": True, "jazz": False}


def test_a_curators_choice_stays(songs: list[Song]) -> None:
    Label.objects.filter(name="weird").update(background=False)
    make_song("Another", labels={"weird": 0.9})
    assert not Label.objects.get(name="weird").background


def test_the_migration_marks_the_labels_of_libraries_that_there_are(songs: list[Song]) -> None:
    Label.objects.update(background=False)
    migration = import_module("tagging.migrations.0006_background_labels")
    migration.mark(apps, connection.schema_editor())
    marked = set(Label.objects.filter(background=True).values_list("name", flat=True))
    assert marked == {"advertising", "weird"}
    spellings = {name for one in vocabulary().entries if one.background for name in (one.name, *one.aliases)}
    assert set(migration.BACKGROUND) == spellings


def test_a_newcomer_is_offered_none(client: Client, ada: User, songs: list[Song]) -> None:
    context = client.get("/").context
    assert {label.name for label in context["page"].labels_to_pick} == {"rock", "happy"}
    shown_text = client.get("/?rows=all").content.decode()
    assert "advertising" not in shown_text
    assert "weird" not in shown_text


def test_a_listener_reads_none_as_reason_or_row(client: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    make_rating(ada, songs[5], 5)
    shown_text = client.get("/?rows=all").content.decode()
    assert "rock" in shown_text
    assert "advertising" not in shown_text
    assert "weird" not in shown_text


def test_neither_compare_nor_find_names_them_as_reasons(client: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    for page in ("/compare/", "/find/?q=rock"):
        told = client.get(page).content.decode()
        assert "rock" in told
        assert "advertising" not in told


def test_they_are_searched_for_as_any_other(client: Client, ada: User, songs: list[Song]) -> None:
    assert len(client.get("/library/?label=advertising").context["rows"]) == 19
    assert "In the mood for advertising" in client.get("/?label=advertising").content.decode()


def test_the_library_offers_them_last(client: Client, ada: User, songs: list[Song]) -> None:
    make_song("Space", labels={"space": 0.9}, root=songs[0].root, path="space.mp3")
    (other,) = [facets for kind, facets in client.get("/library/").context["facets"] if kind == "Other"]
    assert [name for name, _, _ in other] == ["space", "advertising", "weird"]
    suggested = client.get("/library/labels/").content.decode()
    assert suggested.index("rock") < suggested.index("advertising")


def test_rows_and_artists_name_them_only_where_there_is_nothing_else(ada: User, songs: list[Song]) -> None:
    alone = make_song("Jingle", labels={"advertising": 0.9})
    rows = song_rows([songs[1], alone], ada)
    assert [row.labels for row in rows] == [["rock", "happy"], ["advertising"]]
    artist = find_artist("artist 1")
    assert artist is not None
    assert [name for name, _ in artist.labels] == ["rock", "happy"]


def test_a_song_page_unfolds_them(songs: list[Song]) -> None:
    first, more = first_and_more(labels_by_kind(songs[1]))
    assert [label.name for group in first for label in group.labels] == ["rock", "happy"]
    assert [label.name for group in more for label in group.labels] == ["advertising", "weird"]
    first, more = first_and_more(labels_by_kind(make_song("Jingle", labels={"advertising": 0.9})))
    assert [label.name for group in first for label in group.labels] == ["advertising"]
    assert more == []


def test_more_of_a_song_is_not_more_advertising(ada: User, songs: list[Song]) -> None:
    assert {wanted.label.name for wanted in more_like(ada, songs[1])} == {"rock", "happy"}


def test_taste_names_them_last_and_the_map_not_at_all(ada: User, songs: list[Song]) -> None:
    make_song("Space", labels={"space": 0.1}, root=songs[0].root, path="space.mp3")
    build.build()
    make_rating(ada, songs[1], 5)
    make_rating(ada, Song.objects.get(title="Space"), 5)
    (other,) = [kind for kind in profile_of(ada).kinds() if kind.kind == "other"]
    assert next(label.name for label in other.labels) == "space"
    assert set(shown().label_names) <= {"rock", "happy", "space"}
