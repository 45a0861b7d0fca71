"""What curators are shown first: what listeners doubt, what sources disagree about, what a tagger is unsure of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import CurationItem, Label, Song, SongLabel
from catalog.services.curation import candidates, lines, queue, waiting
from catalog.services.doubts import doubt
from catalog.services.labels import labels_by_name
from tests.factories import add_labels, make_plays, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

Reason = CurationItem.Reason


@pytest.fixture(autouse=True)
def _one_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tagger that hears every song here, and draws its lines at a half."""
    points = dict.fromkeys(["jazz", "calm", "piano", "rock"], 0.5)
    monkeypatch.setattr(lines, "_lines", [lambda: [lines.TaggerLines("ear", True, points)]])


@pytest.fixture
def curator() -> User:
    return make_user("ann", is_staff=True)


def heard(title: str, **labels: float) -> Song:
    """A song that can be played and that the tagger has heard."""
    song = make_song(
        title,
        root=make_root(),
        path=f"{title}.mp3",
        tagging_state=Song.Tagging.DONE,
        tagging_changed_at=timezone.now(),
    )
    labels_by_name(dict.fromkeys(["jazz", "calm", "piano", "rock"], Label.Kind.OTHER))
    add_labels(song, labels, origin="ear")
    return song


def label(name: str) -> Label:
    return labels_by_name({name: Label.Kind.OTHER})[name]


def shown(curator: User) -> list[tuple[str, str, str]]:
    """Everything in the queue, in the order in which it comes."""
    queue.fill()
    return [(item.song.title, item.label.name, item.reason) for item in queue.open_items()]


def test_what_listeners_doubt_comes_first_then_contradictions_then_what_is_unsure(curator: User) -> None:
    near = heard("near", jazz=0.52)
    torn = heard("torn", calm=0.9)
    add_labels(torn, {"rock": 12}, source=SongLabel.Source.IMPORT, origin="lastfm")
    doubted = heard("doubted", piano=0.95)
    doubt(make_user(), doubted, label("piano"))
    assert shown(curator) == [
        ("doubted", "piano", Reason.DOUBTED),
        ("torn", "rock", Reason.CONTRADICTED),
        ("near", "jazz", Reason.UNSURE),
    ]
    assert near.song_labels.count() == 1
    assert waiting() == 3


def test_the_closer_to_the_line_the_sooner_and_much_played_songs_before_others(curator: User) -> None:
    heard("close", jazz=0.51)
    heard("closer", calm=0.501)
    make_plays(make_user(), heard("played", piano=0.55), 1000)
    assert [title for title, _, _ in shown(curator)] == ["played", "closer", "close"]


def test_what_is_sure_is_not_asked(curator: User) -> None:
    sure = heard("sure", jazz=0.9)
    add_labels(sure, {"jazz": 3}, source=SongLabel.Source.IMPORT, origin="file")
    # A label that no tagger could have heard is no contradiction, and neither is one of a song not heard yet.
    add_labels(sure, {"gamelan": 3}, source=SongLabel.Source.IMPORT, origin="file")
    unheard = make_song("unheard", root=make_root(), path="u.mp3")
    add_labels(unheard, {"rock": 3}, source=SongLabel.Source.IMPORT, origin="file")
    gone = heard("gone", jazz=0.51)
    Song.objects.filter(pk=gone.pk).update(missing_since=timezone.now())
    assert shown(curator) == []
    assert waiting() == 0


def test_more_doubts_come_before_fewer_and_say_how_many(curator: User) -> None:
    one, two = heard("one", jazz=0.9), heard("two", jazz=0.9)
    doubt(make_user(), one, label("jazz"))
    for _ in range(2):
        doubt(make_user(), two, label("jazz"))
    assert [title for title, _, _ in shown(curator)] == ["two", "one"]
    doubt(make_user(), one, label("jazz"))
    doubt(make_user(), one, label("jazz"))
    assert [title for title, _, _ in shown(curator)] == ["one", "two"]
    assert CurationItem.objects.get(song=one).figures == {"listeners": 3}


def test_a_doubt_taken_back_is_nothing_to_decide(curator: User) -> None:
    song, user = heard("song", jazz=0.9), make_user()
    doubt(user, song, label("jazz"))
    assert waiting() == 1
    doubt(user, song, label("jazz"), doubted=False)
    assert waiting() == 0
    assert queue.next_item(curator) is None


def test_an_item_whose_label_is_no_longer_said_is_not_shown(curator: User) -> None:
    song = heard("song", jazz=0.51)
    assert waiting() == 1
    song.song_labels.all().delete()
    assert queue.next_item(curator) is None


def test_two_curators_are_asked_different_things_until_one_is_gone_for_long(curator: User) -> None:
    heard("a", jazz=0.51)
    heard("b", calm=0.52)
    bob = make_user("bob")
    mine, his = queue.next_item(curator), queue.next_item(bob)
    assert mine
    assert his
    assert (mine.song.title, his.song.title) == ("a", "b")
    assert queue.next_item(curator) == mine
    assert queue.next_item(make_user("eve")) is None
    CurationItem.objects.filter(pk=mine.pk).update(taken_until=timezone.now() - timedelta(seconds=1))
    assert queue.next_item(bob) == mine


def test_what_is_put_off_comes_again_after_all_else(curator: User) -> None:
    heard("a", jazz=0.501)
    heard("b", calm=0.52)
    titles = []
    for _ in range(4):
        item = queue.next_item(curator)
        assert item
        titles.append(item.song.title)
        queue.put_off(item)
    assert titles == ["a", "b", "a", "b"]


def test_no_label_fills_the_queue(curator: User) -> None:
    for number in range(12):
        heard(f"jazz {number}", jazz=0.5 + number / 1000)
    heard("calm", calm=0.59)
    names = [name for _, name, _ in shown(curator)]
    assert names == ["jazz", "jazz", "jazz", "jazz", "calm"]


def test_the_next_item_takes_as_many_queries_in_a_large_library_as_in_a_small_one(
    curator: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        heard(f"song {number}", jazz=0.5 + number / 1000, calm=0.9, piano=0.51)
    with django_assert_max_num_queries(20):
        assert queue.next_item(curator)
    with django_assert_max_num_queries(8):
        assert queue.next_item(curator)


def test_the_words_close_to_a_line_are_read_off_an_index() -> None:
    line = lines.Line("ear", label("jazz").pk, 0.5, True)
    plan = candidates._words_of_line(line).explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX catalog_son_label_i_d6634a_idx (label_id=? AND source=? AND weight>?" in plan
        assert "SCAN catalog_songlabel" not in plan


def test_the_library_is_searched_at_most_twice_a_minute(curator: User) -> None:
    assert waiting() == 0
    heard("late", jazz=0.51)
    assert waiting() == 0
    cache.clear()
    assert waiting() == 1
