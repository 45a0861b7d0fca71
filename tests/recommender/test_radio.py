"""Playing on after a song, for ever, and "more like this"."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, LibraryRoot, Nudge, Song
from catalog.services.listening import rate, record_play, refuse
from recommender.services.radio import more_like, songs_after, undo_more_like
from recommender.services.recommending import recommend
from recommender.snapshots import build
from tests.factories import NO_ID, make_plays, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def songs(root: LibraryRoot) -> list[Song]:
    """Forty songs of eight artists: of the first half all are jazz, of the second rock."""
    bob = make_user("bob")
    made = []
    for number in range(40):
        labels = {"jazz" if number < 20 else "rock": 0.9, f"era {number % 5}": 0.3}
        song = make_song(f"Title {number}", f"Artist {number % 8}", labels=labels, root=root, path=f"{number}.mp3")
        if number % 4 == 0:
            make_plays(bob, song, number + 1)
        made.append(song)
    build.build()
    return made


def pks(found: list[Song]) -> list[int]:
    return [song.pk for song in found]


def after(
    user: User, seed: Song, just_played: list[int] | None = None, n: int = 10, *, bend: bool = False
) -> list[Song]:
    return [one.song for one in songs_after(user, seed, just_played or [], n, bend=bend)]


def test_songs_like_the_first_one_follow_and_say_why(ada: User, songs: list[Song]) -> None:
    found = songs_after(ada, songs[0])
    assert len(found) == 10
    assert songs[0] not in [one.song for one in found]
    assert sum("jazz" in one.why for one in found) > 5


def test_what_was_just_played_is_left_out_whoever_says_so(ada: User, songs: list[Song]) -> None:
    first = after(ada, songs[0])
    second = after(ada, songs[0], pks(first))
    assert not set(pks(first)) & set(pks(second))
    record_play(ada, second[0])
    assert second[0] not in after(ada, songs[0], pks(first))


def test_it_goes_on_for_ever_in_a_small_library(ada: User, songs: list[Song]) -> None:
    queue = [songs[0].pk]
    for _ in range(12):
        batch = pks(after(ada, songs[0], queue[::-1]))
        assert len(batch) == 10
        assert not set(batch) & set(queue[-10:])
        queue += batch
    assert len(set(queue)) >= 20


def test_what_the_listener_does_not_like_never_comes(ada: User, songs: list[Song]) -> None:
    refuse(ada, songs[1])
    rate(ada, songs[2], 1)
    queue = [songs[0].pk]
    for _ in range(8):
        queue += pks(after(ada, songs[0], queue[::-1]))
    assert not {songs[1].pk, songs[2].pk} & set(queue)


def test_one_artist_does_not_follow_another_time_at_once(ada: User, songs: list[Song]) -> None:
    artists = [song.artist for song in after(ada, songs[0])]
    assert all(one != other for one, other in pairwise(artists))


def test_bent_to_the_taste_of_the_listener_other_songs_come(ada: User, songs: list[Song]) -> None:
    plain = after(ada, songs[0], n=5, bend=True)
    for song in songs[20:28]:
        rate(ada, song, 5)
    assert after(ada, songs[0], n=5, bend=True) != plain


def test_songs_that_sound_like_it_come_whatever_is_liked(ada: User, songs: list[Song]) -> None:
    for song in songs[20:28]:
        rate(ada, song, 5)
    # Jazz of the same era.
    assert set(after(ada, songs[0], n=3)) == {songs[5], songs[10], songs[15]}


def test_taste_breaks_ties_between_songs_that_sound_alike(ada: User, songs: list[Song]) -> None:
    for song in songs[22::5]:
        rate(ada, song, 5)
    # Jazz of other eras is equally alike: that of the era that is liked comes first.
    assert set(after(ada, songs[0], pks(songs[5:20:5]), n=3)) < {songs[2], songs[7], songs[12], songs[17]}


def test_songs_without_a_file_are_not_played(ada: User, root: LibraryRoot, songs: list[Song]) -> None:
    silent = make_song("Silent", labels={"jazz": 0.9})
    build.build()
    Song.objects.filter(pk=songs[3].pk).update(path="")
    queue: list[int] = []
    for _ in range(6):
        queue += pks(after(ada, songs[0], queue[::-1]))
    assert not {silent.pk, songs[3].pk} & set(queue)


def test_a_song_that_is_newer_than_the_snapshot_is_followed_all_the_same(
    ada: User, root: LibraryRoot, songs: list[Song]
) -> None:
    new = make_song("New", root=root, path="new.mp3")
    assert len(after(ada, new)) == 10


def test_before_the_first_snapshot_the_newest_songs_follow(ada: User, library: dict[str, Song]) -> None:
    found = after(ada, library["So What"])
    assert found[0] == library["Unheard"]
    assert library["So What"] not in found


def test_the_player_reads_what_it_needs_in_few_queries(
    page: Client, songs: list[Song], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = f"/songs/{songs[0].pk}/go-on/"
    page.get(address)
    with django_assert_max_num_queries(OWN_QUERIES["player: songs that follow"]):
        answer = page.get(address, {"but": f"{songs[1].pk},{songs[2].pk}"}).content.decode()
    assert len(re.findall('data-song="/songs/', answer)) == 10
    assert f'data-song="/songs/{songs[1].pk}/"' not in answer
    assert 'data-why="jazz' in answer


@pytest.mark.parametrize("but", ["x", "1,-2", "1,2.5", "9" * 30, "٣"])
def test_a_list_that_is_none_is_refused(page: Client, songs: list[Song], but: str) -> None:
    assert page.get(f"/songs/{songs[0].pk}/go-on/", {"but": but}).status_code == 400


def test_a_song_that_is_not_there_cannot_be_followed(page: Client, songs: list[Song]) -> None:
    assert page.get(f"/songs/{NO_ID}/go-on/").status_code == 404


# --- More like this -----------------------------------------------------------------------------


def test_more_like_this_changes_what_is_recommended_at_once_and_can_be_taken_back(ada: User, songs: list[Song]) -> None:
    rate(ada, songs[39], 5)
    before = [one.song.pk for one in recommend(ada, "content")]
    wanted = more_like(ada, songs[0])
    assert wanted[0].label.name == "jazz"
    assert recommend(ada, "content")[0].song.title in {song.title for song in songs[:20]}
    undo_more_like(ada, [(one.label, one.before) for one in wanted])
    assert [one.song.pk for one in recommend(ada, "content")] == before
    assert not Nudge.objects.exists()


def test_more_like_this_goes_on_from_an_earlier_nudge_and_back_to_it(ada: User, songs: list[Song]) -> None:
    more_like(ada, songs[0])
    first = dict(Nudge.objects.values_list("label__name", "weight"))
    wanted = more_like(ada, songs[0])
    assert Nudge.objects.get(label__name="jazz").weight > first["jazz"]
    undo_more_like(ada, [(one.label, one.before) for one in wanted])
    assert dict(Nudge.objects.values_list("label__name", "weight")) == pytest.approx(first)


def test_the_page_says_what_it_did_and_offers_to_take_it_back(page: Client, ada: User, songs: list[Song]) -> None:
    address = f"/songs/{songs[0].pk}/more-like-this/"
    said = page.post(address, headers={"HX-Request": "true"}).content.decode()
    # "era 0" is predicted with a third of the probability only.
    assert "More of jazz, from now on." in said
    hidden = re.findall(r'name="(label|before)" value="([^"]*)"', said)
    data = {
        "undo": "1",
        "label": [value for name, value in hidden if name == "label"],
        "before": [value for name, value in hidden if name == "before"],
    }
    assert "as it was" in page.post(address, data, headers={"HX-Request": "true"}).content.decode()
    assert not Nudge.objects.filter(user=ada).exists()


def test_without_scripts_more_like_this_leads_back_to_the_song(page: Client, songs: list[Song]) -> None:
    assert page.post(f"/songs/{songs[0].pk}/more-like-this/")["Location"] == f"/songs/{songs[0].pk}/"


def test_of_a_song_without_labels_there_is_nothing_to_want_more_of(
    page: Client, root: LibraryRoot, songs: list[Song]
) -> None:
    new = make_song("New", root=root, path="new.mp3")
    said = page.post(f"/songs/{new.pk}/more-like-this/", headers={"HX-Request": "true"}).content.decode()
    assert "has no labels yet" in said
    assert not Nudge.objects.exists()


@pytest.mark.parametrize("before", ["much", "nan", "1e99", None])
def test_an_undo_that_says_no_numbers_is_refused(page: Client, songs: list[Song], before: str | None) -> None:
    label = Label.objects.get(name="jazz")
    data = {"undo": "1", "label": [label.pk], "before": [before] if before else []}
    assert page.post(f"/songs/{songs[0].pk}/more-like-this/", data).status_code == 400
    assert (
        page.post(f"/songs/{songs[0].pk}/more-like-this/", {"undo": "1", "label": "x", "before": "1"}).status_code
        == 400
    )
    assert not Nudge.objects.exists()


def test_only_by_post_is_anything_wanted(page: Client, songs: list[Song]) -> None:
    assert page.get(f"/songs/{songs[0].pk}/more-like-this/").status_code == 405
