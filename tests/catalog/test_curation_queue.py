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
from catalog.services.curation import candidates, queue, thresholds
from catalog.services.curation.decisions import Asked, decide
from catalog.services.curation.queue import waiting
from catalog.services.curation.undo import undo
from catalog.services.doubts import doubt
from catalog.services.labels import labels_by_name
from tests.factories import add_labels, make_plays, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

Reason = CurationItem.Reason


@pytest.fixture(autouse=True)
def _one_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tagger that tags every song here, and has its thresholds at a half."""
    points = dict.fromkeys(["jazz", "calm", "piano", "rock"], 0.5)
    monkeypatch.setattr(thresholds, "sources", [lambda: [thresholds.TaggerThresholds("ear", True, points)]])


@pytest.fixture
def curator() -> User:
    return make_user("ann", is_staff=True)


def tagged(title: str, **labels: float) -> Song:
    """A playable song that the tagger has tagged."""
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
    near = tagged("near", jazz=0.52)
    torn = tagged("torn", calm=0.9)
    add_labels(torn, {"rock": 12}, source=SongLabel.Source.IMPORT, origin="lastfm")
    doubted = tagged("doubted", piano=0.95)
    doubt(make_user(), doubted, label("piano"))
    assert shown(curator) == [
        ("doubted", "piano", Reason.DOUBTED),
        ("torn", "rock", Reason.CONTRADICTED),
        ("near", "jazz", Reason.UNSURE),
    ]
    assert near.song_labels.count() == 1
    assert waiting() == 3


def test_labels_of_many_songs_and_songs_much_played_come_before_others(curator: User) -> None:
    for number in range(8):
        tagged(f"sure {number}", jazz=0.95)
    tagged("of a label on many", jazz=0.7)
    tagged("of a label on one", calm=0.7)
    make_plays(make_user(), tagged("played", piano=0.7), 1000)
    assert [title for title, _, _ in shown(curator)] == ["played", "of a label on many", "of a label on one"]


def test_songs_in_the_middle_of_what_is_uncertain_are_asked_not_those_at_the_edge(curator: User) -> None:
    assert candidates.middle(0.5) == pytest.approx(0.75)
    assert candidates.middle(0.1) == pytest.approx(0.5)
    assert candidates.middle(0.95) == 0.95
    for weight in (0.5, 0.51, 0.52, 0.6, 0.7, 0.74, 0.76, 0.8, 0.85, 0.89, 0.92, 0.99):
        tagged(f"{weight}", jazz=weight)
    assert [title for title, _, _ in shown(curator)] == ["0.74", "0.76", "0.7", "0.8"]


def test_what_counts_no_longer_is_not_asked(curator: User) -> None:
    tagged("weak", jazz=0.6)
    tagged("stronger", jazz=0.8)
    Label.objects.filter(key="jazz").update(least_probability=0.7)
    assert [title for title, _, _ in shown(curator)] == ["stronger"]


def test_what_is_sure_is_not_asked(curator: User) -> None:
    sure = tagged("sure", jazz=0.9)
    add_labels(sure, {"jazz": 3}, source=SongLabel.Source.IMPORT, origin="file")
    # A label that no tagger could have predicted is no contradiction, and neither is one of a song not tagged yet.
    add_labels(sure, {"gamelan": 3}, source=SongLabel.Source.IMPORT, origin="file")
    untagged = make_song("unheard", root=make_root(), path="u.mp3")
    add_labels(untagged, {"rock": 3}, source=SongLabel.Source.IMPORT, origin="file")
    gone = tagged("gone", jazz=0.51)
    Song.objects.filter(pk=gone.pk).update(missing_since=timezone.now())
    assert shown(curator) == []
    assert waiting() == 0


def test_more_doubts_come_before_fewer_and_say_how_many(curator: User) -> None:
    one, two = tagged("one", jazz=0.9), tagged("two", jazz=0.9)
    doubt(make_user(), one, label("jazz"))
    for _ in range(2):
        doubt(make_user(), two, label("jazz"))
    assert [title for title, _, _ in shown(curator)] == ["two", "one"]
    doubt(make_user(), one, label("jazz"))
    doubt(make_user(), one, label("jazz"))
    assert [title for title, _, _ in shown(curator)] == ["one", "two"]
    assert CurationItem.objects.get(song=one).figures == {"listeners": 3}


def test_a_doubt_taken_back_is_nothing_to_decide(curator: User) -> None:
    song, user = tagged("song", jazz=0.9), make_user()
    doubt(user, song, label("jazz"))
    assert waiting() == 1
    doubt(user, song, label("jazz"), doubted=False)
    assert waiting() == 0
    assert queue.next_item(curator) is None


def test_an_item_whose_label_is_no_longer_said_is_not_shown(curator: User) -> None:
    song = tagged("song", jazz=0.51)
    assert waiting() == 1
    song.song_labels.all().delete()
    assert queue.next_item(curator) is None


def test_two_curators_are_asked_different_things_until_one_is_gone_for_long(curator: User) -> None:
    tagged("a", jazz=0.75)
    tagged("b", calm=0.6)
    bob = make_user("bob")
    mine, his = queue.next_item(curator), queue.next_item(bob)
    assert mine
    assert his
    assert (mine.song.title, his.song.title) == ("a", "b")
    assert queue.next_item(curator) == mine
    assert queue.next_item(make_user("eve")) is None
    CurationItem.objects.filter(pk=mine.pk).update(taken_until=timezone.now() - timedelta(seconds=1))
    assert queue.next_item(bob) == his
    assert queue.next_item(make_user("tom")) == mine


def test_what_is_undone_comes_at_once_however_urgent_others_are(curator: User) -> None:
    for title in ("a", "b", "c"):
        tagged(title, jazz=0.75)
    first = queue.next_item(curator)
    assert first
    action = decide(Asked(first.pk, first.song_id, first.label_id), True, curator)
    second = queue.next_item(curator)
    assert action
    assert second
    undo(action, curator)
    again = queue.next_item(curator)
    assert again
    assert again.song == first.song
    queue.put_off(again)
    assert queue.next_item(curator) == second


def test_what_is_put_off_comes_again_after_all_else(curator: User) -> None:
    tagged("a", jazz=0.75)
    tagged("b", calm=0.6)
    titles = []
    for _ in range(4):
        item = queue.next_item(curator)
        assert item
        titles.append(item.song.title)
        queue.put_off(item)
    assert titles == ["a", "b", "a", "b"]


def test_no_label_fills_the_queue(curator: User) -> None:
    for number in range(12):
        tagged(f"jazz {number}", jazz=0.5 + number / 1000)
    tagged("calm", calm=0.59)
    names = [name for _, name, _ in shown(curator)]
    assert names == ["jazz", "jazz", "jazz", "jazz", "calm"]


def test_the_next_item_takes_as_many_queries_in_a_large_library_as_in_a_small_one(
    curator: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        tagged(f"song {number}", jazz=0.5 + number / 1000, calm=0.9, piano=0.51)
    with django_assert_max_num_queries(24):
        assert queue.next_item(curator)
    with django_assert_max_num_queries(8):
        assert queue.next_item(curator)


def test_annotations_in_the_middle_of_the_uncertain_are_read_off_an_index() -> None:
    threshold = thresholds.Threshold("ear", label("jazz").pk, 0.5, True)
    plan = candidates.annotations_beside(threshold, above=True).explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX catalog_son_label_i_d6634a_idx (label_id=? AND source=? AND weight>?" in plan
        assert "SCAN catalog_songlabel" not in plan


def test_the_library_is_searched_at_most_twice_a_minute(curator: User) -> None:
    assert waiting() == 0
    tagged("late", jazz=0.51)
    assert waiting() == 0
    cache.clear()
    assert waiting() == 1
