from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Label, NotThis, Nudge, Play, PlayCount, Rating
from catalog.services.listening import nudge, rate, record_play, refuse
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db


def test_a_later_rating_replaces_an_earlier_one_and_none_takes_it_back() -> None:
    user, song = make_user(), make_song()
    rate(user, song, 2)
    rate(user, song, 5)
    assert Rating.objects.get().stars == 5
    rate(user, song, None)
    assert not Rating.objects.exists()


@pytest.mark.parametrize("stars", [0, 6, -1, 100])
def test_stars_outside_one_to_five_are_refused(stars: int) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        rate(make_user(), make_song(), stars)


def test_plays_add_up_and_the_last_one_is_remembered() -> None:
    user, song, now = make_user(), make_song(), timezone.now()
    record_play(user, song, played_at=now)
    record_play(user, song, played_at=now - timedelta(days=2))
    count = PlayCount.objects.get()
    assert (count.count, count.last_played) == (2, now)


def test_a_skipped_play_is_an_event_but_no_play() -> None:
    record_play(make_user(), make_song(), skipped=True)
    assert Play.objects.get().skipped
    assert not PlayCount.objects.exists()


def test_the_same_moment_twice_is_one_play() -> None:
    user, song, now = make_user(), make_song(), timezone.now()
    record_play(user, song, played_at=now)
    record_play(user, song, played_at=now)
    assert PlayCount.objects.get().count == 1


def test_refusing_twice_is_once_and_can_be_forgotten() -> None:
    user, song = make_user(), make_song()
    refuse(user, song)
    refuse(user, song)
    assert NotThis.objects.count() == 1
    refuse(user, song, refused=False)
    assert not NotThis.objects.exists()


def test_a_nudge_is_set_changed_and_taken_back() -> None:
    user, jazz = make_user(), Label.objects.create(name="jazz")
    nudge(user, jazz, 1.0)
    nudge(user, jazz, -0.5)
    assert Nudge.objects.get().weight == -0.5
    nudge(user, jazz, None)
    assert not Nudge.objects.exists()
