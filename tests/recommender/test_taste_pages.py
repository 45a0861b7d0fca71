"""The page Taste: the profile drawn, and corrected by hand."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, Nudge, Song
from recommender.services.fit import fits_you
from recommender.services.profile import Change, change_label, profile_of, songs_behind
from recommender.snapshots import build
from tests.factories import NO_ID, make_plays, make_rating, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def jazz(library: dict[str, Song]) -> Label:
    """The label, in a library that has a snapshot, in which ada likes two songs and dislikes one."""
    Label.objects.filter(name__in=["jazz", "rock"]).update(kind="genre")
    Label.objects.filter(name="piano").update(kind="instrument")
    build.build()
    ada = User.objects.get(username="ada")
    make_rating(ada, library["So What"], 5)
    make_plays(ada, library["Birdland"])
    make_rating(ada, library["Thunder"], 1)
    return Label.objects.get(name="jazz")


def text(client: Client, path: str = "/taste/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def names(page: str) -> list[str]:
    return re.findall(r'class="taste-name">([^<]*)<', page)


# --- What is drawn ------------------------------------------------------------------------------


def test_the_profile_is_what_was_learned_and_what_was_nudged(ada: User, jazz: Label) -> None:
    piano = Label.objects.get(name="piano")
    Nudge.objects.create(user=ada, label=piano, weight=0.5)
    one = profile_of(ada).label(piano.pk)
    assert one is not None
    assert one.weight == pytest.approx(one.learned + 0.5)
    assert (one.liked, one.disliked, one.nudge) == (1, 0, 0.5)
    assert max(label.share for label in profile_of(ada).labels) == 1


def test_labels_are_drawn_by_kind_strongest_first_and_what_is_against_last(
    page: Client, ada: User, jazz: Label
) -> None:
    shown = text(page)
    assert re.findall(r'<h2 id="kind-\w+">([^<]*)</h2>', shown) == ["Genre", "Instrument"]
    weights = {label.name: label.weight for label in profile_of(ada).labels}
    genres = names(shown)[:2]
    assert genres == sorted(genres, key=lambda name: -weights[name])
    assert "Learned from" in shown
    assert "1 not liked" in shown


def test_every_bar_has_its_strength_in_words(page: Client, ada: User, jazz: Label) -> None:
    shown = text(page)
    assert shown.count("strength 100 of 100") == 1
    assert shown.count("taste-bar") == shown.count("strength ")


def test_a_long_kind_is_folded(page: Client, ada: User, root: object) -> None:
    song = make_song("All", labels={f"label {number}": 0.9 for number in range(20)})
    make_song("Other", labels={"other": 1})
    build.build()
    make_rating(ada, song, 5)
    shown = text(page)
    assert len(names(shown)) == 20
    assert "12 more, weaker ones" in shown


def test_the_page_asks_few_questions(
    page: Client, ada: User, jazz: Label, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    text(page)
    with django_assert_num_queries(OWN_QUERIES["taste"]):
        text(page)


def test_somebody_of_whom_nothing_is_known_is_told_what_to_do(page: Client, library: dict[str, Song]) -> None:
    assert "Nothing learned yet" in text(page)
    build.build()
    shown = text(page)
    assert "Nothing learned yet" in shown
    assert "Export everything" in shown


def test_strangers_are_asked_to_log_in(client: Client, library: dict[str, Song]) -> None:
    label = Label.objects.get(name="jazz")
    for address in ("/taste/", f"/taste/labels/{label.pk}/", "/taste/history/", "/taste/not-this/"):
        assert client.get(address)["Location"].startswith("/accounts/login/")


# --- The songs behind a label -------------------------------------------------------------------


def test_the_songs_behind_a_label_add_up_to_what_was_learned(ada: User, library: dict[str, Song], jazz: Label) -> None:
    for name in ("jazz", "rock", "piano"):
        label = Label.objects.get(name=name)
        one = profile_of(ada).label(label.pk)
        assert one is not None
        assert sum(behind.weight for behind in songs_behind(ada, label, 10)) == pytest.approx(one.learned)


def test_a_label_opens_to_its_songs(page: Client, library: dict[str, Song], jazz: Label) -> None:
    fragment = page.get(f"/taste/labels/{jazz.pk}/", headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert re.findall(r'class="song-line-title"[^>]*>([^<]*)<', fragment) == ["Birdland", "So What"]
    rock = Label.objects.get(name="rock")
    assert "you did not like it" in text(page, f"/taste/labels/{rock.pk}/")
    whole = text(page, f"/taste/labels/{jazz.pk}/")
    assert "<html" in whole
    assert "jazz in your taste" in whole


def test_a_label_that_was_only_asked_for_has_no_songs(page: Client, ada: User, jazz: Label) -> None:
    calm = Label.objects.get(name="calm")
    Nudge.objects.create(user=ada, label=calm, weight=1)
    assert "it comes from what you asked for" in text(page, f"/taste/labels/{calm.pk}/")


# --- Correcting it ------------------------------------------------------------------------------


def test_more_and_less_push_the_label_and_meet_in_the_middle(page: Client, ada: User, jazz: Label) -> None:
    address = f"/taste/labels/{jazz.pk}/"
    before = profile_of(ada).label(jazz.pk)
    answer = page.post(address, {"change": "more"}, headers=HTMX)
    assert "more by hand" in answer.content.decode()
    assert "More jazz" in answer.content.decode()
    assert Nudge.objects.get(user=ada, label=jazz).weight == 1.0
    assert page.post(address, {"change": "less"})["Location"] == f"/taste/#label-{jazz.pk}"
    assert not Nudge.objects.exists()
    assert profile_of(ada).label(jazz.pk) == before


def test_a_forgotten_label_weighs_nothing_until_more_is_liked(
    page: Client, ada: User, library: dict[str, Song], jazz: Label
) -> None:
    answer = page.post(f"/taste/labels/{jazz.pk}/", {"change": "forget"}, headers=HTMX).content.decode()
    assert "forgotten" in answer
    one = profile_of(ada).label(jazz.pk)
    assert one is not None
    assert (one.weight, one.forgotten) == (0, True)
    make_rating(ada, library["Blue in Green"], 5)
    one = profile_of(ada).label(jazz.pk)
    assert one is not None
    assert one.weight > 0
    assert not one.forgotten


def test_forgetting_is_undone_to_what_was_there(page: Client, ada: User, jazz: Label) -> None:
    Nudge.objects.create(user=ada, label=jazz, weight=2.5)
    address = f"/taste/labels/{jazz.pk}/"
    answer = page.post(address, {"change": "forget"}, headers=HTMX).content.decode()
    (back_to,) = re.findall(r'name="back_to" value="([^"]*)"', answer)
    page.post(address, {"change": "undo", "back_to": back_to})
    assert Nudge.objects.get(user=ada, label=jazz).weight == 2.5
    page.post(address, {"change": "undo"})
    assert not Nudge.objects.exists()


def test_a_nudge_counts_at_once(ada: User, library: dict[str, Song], jazz: Label) -> None:
    before = fits_you(ada, library["Blue in Green"]).score
    for _ in range(3):
        change_label(ada, Label.objects.get(name="calm"), Change.MORE)
    assert profile_of(ada).labels[0].name == "calm"
    assert fits_you(ada, library["Blue in Green"]).score > before


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"change": "burn"},
        {"change": "undo", "back_to": "nan"},
        {"change": "undo", "back_to": "1e999"},
        {"change": "undo", "back_to": "much"},
    ],
)
def test_nonsense_is_refused(page: Client, jazz: Label, said: dict[str, str]) -> None:
    assert page.post(f"/taste/labels/{jazz.pk}/", said).status_code == 400
    assert not Nudge.objects.exists()


def test_a_label_that_is_not_there_is_not_found(page: Client) -> None:
    for pk in (NO_ID, 2**70):
        assert page.get(f"/taste/labels/{pk}/").status_code == 404


def test_a_profile_is_ones_own(page: Client, jazz: Label) -> None:
    other = make_user("eve")
    page.post(f"/taste/labels/{jazz.pk}/", {"change": "more"})
    assert profile_of(other).labels == []


def test_before_the_first_snapshot_a_label_can_be_pushed(page: Client, ada: User, library: dict[str, Song]) -> None:
    label = Label.objects.get(name="jazz")
    page.post(f"/taste/labels/{label.pk}/", {"change": "less"})
    assert Nudge.objects.get(user=ada).weight == -1.0
    page.post(f"/taste/labels/{label.pk}/", {"change": "forget"})
    assert not Nudge.objects.exists()
