"""`recompute` and `recommend` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from catalog.models import Song
from recommender.models import Snapshot
from recommender.snapshots import current
from tests.factories import make_plays, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


def recommend(*arguments: str) -> str:
    out = StringIO()
    call_command("recommend", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def as_json(*arguments: str) -> Any:
    return json.loads(recommend(*arguments, "--format", "json"))


def test_json_has_the_fields_of_the_design_unrounded(library: dict[str, Song], ada: User) -> None:
    make_rating(ada, library["So What"], 5)
    known_elsewhere = make_song(
        "Take Five", "Dave Brubeck", labels={"piano": 1, "jazz": 1}, source="import", external_id="mbid:5"
    )
    found = as_json("ada")
    assert [list(one) for one in found] == [["rank", "song", "title", "artist", "score", "reasons"]] * len(found)
    assert found[0]["song"] == "mbid:5" == known_elsewhere.external_id
    assert (found[0]["rank"], found[0]["title"], found[0]["artist"]) == (1, "Take Five", "Dave Brubeck")
    assert found[1]["song"] == library["Birdland"].pk
    assert all(one["reasons"] and set(reason) == {"label", "weight"} for one in found for reason in one["reasons"])
    assert all(len(repr(one["score"])) > 10 for one in found)


def test_several_users_are_an_object_of_lists(library: dict[str, Song], ada: User) -> None:
    make_user("bob")
    make_rating(ada, library["Thunder"], 5)
    found = as_json("ada", "bob")
    assert list(found) == ["ada", "bob"]
    assert [one["title"] for one in found["ada"]] == ["Birdland"]
    assert found["bob"] == []


def test_popular_songs_are_their_own_reason(library: dict[str, Song], ada: User) -> None:
    make_plays(make_user(), library["Thunder"], 5)
    (only,) = as_json("ada", "--method", "popular")
    assert only["reasons"] == [{"song": library["Thunder"].pk, "title": "Thunder", "weight": 5.0}]


def test_labels_and_number_are_heard(library: dict[str, Song], ada: User) -> None:
    assert [one["title"] for one in as_json("ada", "--labels", "rock, calm", "-n", "1")] == ["Blue in Green"]


def test_the_table_names_song_score_and_reasons(library: dict[str, Song], ada: User) -> None:
    make_rating(ada, library["So What"], 5)
    first = " ".join(recommend("ada").splitlines()[0].split())
    assert first == "1 0.0982 Birdland - Artist of Birdland jazz +0.098"


def test_it_works_without_anything_built_before_and_sees_what_changed(
    library: dict[str, Song], ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    make_rating(ada, library["Thunder"], 5)
    assert len(as_json("ada")) == 1
    with django_capture_on_commit_callbacks(execute=True):
        library["Birdland"].delete()
    assert as_json("ada") == []
    assert Snapshot.objects.count() == 2
    as_json("ada")
    assert Snapshot.objects.count() == 2


def test_an_empty_profile_is_said_and_what_to_do(library: dict[str, Song], ada: User) -> None:
    out, err = StringIO(), StringIO()
    call_command("recommend", "ada", "--format", "json", stdout=out, stderr=err)
    assert json.loads(out.getvalue()) == []
    assert "the profile is empty" in err.getvalue()
    assert "--labels" in err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "no user is called 'nobody'"),
        (["ada", "nobody"], "no user is called 'nobody'"),
        (["ada", "--labels", "rok"], "no label is called 'rok'; the closest are rock"),
        (["ada", "--labels", " , "], "--labels needs the name of a label"),
        (["ada", "--method", "magic"], "no method is called 'magic'"),
        (
            ["ada", "--method", "popular", "--labels", "rock"],
            "labels go with the method content, labels_and_sound or hybrid",
        ),
        (["ada", "-n", "0"], "-n is a number of songs"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: list[str], said: str, library: dict[str, Song], ada: User) -> None:
    with pytest.raises(CommandError, match=said):
        recommend(*arguments)


def test_recompute_says_what_it_built(library: dict[str, Song]) -> None:
    out = StringIO()
    call_command("recompute", stdout=out)
    assert "5 songs, 4 of them labelled with 4 labels" in out.getvalue()
    assert Snapshot.objects.get().kind == Snapshot.Kind.FULL
    assert current.bundle() is not None


def test_recompute_says_when_it_cannot_write(library: dict[str, Song], fill_disk: Callable[[str], None]) -> None:
    fill_disk("")
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("recompute")
