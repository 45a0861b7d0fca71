"""Many at once: what a tagger is sure of, songs that sound alike, labels merged; seen before it is done."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog.models import CurationAction, Label, LabelAlias, LabelAssignment, Nudge, Song, SongLabel
from catalog.services.curation import bulk, decisions, queue
from catalog.services.curation.undo import undo
from catalog.services.doubts import doubt
from catalog.services.labels import curate, labels_by_name
from mood.models import EmotionLabel
from recommender.models import Word, WordLabel
from tests.factories import NO_ID, add_labels, make_song, make_user

pytestmark = pytest.mark.django_db

DESK = "/admin/catalog/curationitem/"
BULK = f"{DESK}bulk/"
LABELS = "/admin/catalog/label/"


@pytest.fixture
def curator(client: Client) -> User:
    user = make_user("ann", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def label(name: str) -> Label:
    return labels_by_name({name: Label.Kind.OTHER})[name]


def tagged(*weights: float, name: str = "jazz") -> list[Song]:
    return [make_song(f"{name} {weight}", labels={name: weight}, origin="ear") for weight in weights]


def yes() -> set[str]:
    """The songs that a curator has said yes to."""
    return set(SongLabel.objects.filter(source="curator", weight__gt=0).values_list("song__title", flat=True))


def text_of(client: Client, **query: str) -> str:
    return " ".join(client.get(BULK, query).content.decode().split())


# --- What a tagger is sure of -------------------------------------------------------------------


def test_it_is_seen_before_it_is_accepted_and_undone_as_one(client: Client, curator: User) -> None:
    songs = tagged(0.99, 0.95, 0.9, 0.89)
    curate(songs[1], label("jazz"), False, curator)
    page = text_of(client, name="JAZZ", lowest="0.9")
    assert "2 songs with jazz, heard with 0.90 or more" in page
    assert "jazz 0.99" in page
    assert "heard 0.90" in page
    assert "jazz 0.95" not in page
    assert yes() == set()
    answer = client.post(BULK, {"name": "jazz", "lowest": "0.9"}, follow=True)
    assert "azz kept on 2 songs where it was heard with 0.90 or more" in answer.content.decode()
    assert yes() == {"jazz 0.99", "jazz 0.9"}
    action = CurationAction.objects.latest("pk")
    assert (action.kind, action.songs, action.user) == ("bulk", 2, curator)
    undo(action, curator)
    assert yes() == set()
    assert SongLabel.objects.filter(source="curator").count() == 1


def test_a_song_that_two_taggers_hear_counts_once(curator: User) -> None:
    (song,) = tagged(0.95)
    add_labels(song, {"jazz": 0.92}, origin="other-ear")
    assert bulk.unconfirmed(label("jazz"), 0.9).songs == 1
    assert bulk.accept(label("jazz"), 0.9, curator)
    assert SongLabel.objects.filter(source="curator").count() == 1


def test_the_surest_come_first_where_there_are_too_many(curator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST", 2)
    tagged(0.91, 0.99, 0.95)
    found = bulk.unconfirmed(label("jazz"), 0.9)
    assert (found.songs, found.at_once) == (3, 2)
    bulk.accept(label("jazz"), 0.9, curator)
    assert yes() == {"jazz 0.99", "jazz 0.95"}
    bulk.accept(label("jazz"), 0.9, curator)
    assert yes() == {"jazz 0.99", "jazz 0.95", "jazz 0.91"}
    assert bulk.accept(label("jazz"), 0.9, curator) is None


def test_the_sample_goes_from_the_surest_to_the_least_sure(curator: User) -> None:
    tagged(*(0.5 + number / 100 for number in range(40)))
    weights = [weight for _, weight in bulk.unconfirmed(label("jazz"), 0.5).sample]
    assert len(weights) == 12
    assert [weights[0], weights[-1]] == pytest.approx([0.89, 0.5])
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize("lowest", ["x", "nan", "inf", "-1", "1.1", ""])
def test_a_number_that_is_none_changes_nothing(client: Client, curator: User, lowest: str) -> None:
    tagged(0.95)
    assert "A probability is a number from 0 to 1." in text_of(client, name="jazz", lowest=lowest)
    assert client.post(BULK, {"name": "jazz", "lowest": lowest}).status_code == 200
    assert yes() == set()


def test_a_label_that_is_not_there_is_asked_back(client: Client, curator: User) -> None:
    tagged(0.95)
    page = text_of(client, name="jaz", lowest="0.9")
    assert "There is no label jaz." in page
    assert ">jazz</a>" in page
    assert "Try a lower number." in text_of(client, name="jazz", lowest="0.97")


def test_accepting_many_takes_few_queries(curator: User, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    tagged(*(0.9 + number / 10_000 for number in range(300)))
    with django_assert_max_num_queries(25):
        bulk.accept(label("jazz"), 0.9, curator)
    assert len(yes()) == 300
    with django_assert_max_num_queries(25):
        undo(CurationAction.objects.get(), curator)
    assert yes() == set()


# --- Songs that sound alike ---------------------------------------------------------------------


def corrected(curator: User, song: Song, other: str | None) -> decisions.Correction:
    """What a curator said of a doubted label: no, and `other` in its place."""
    doubt(make_user(), song, song.song_labels.get().label)
    item = queue.next_item(curator)
    assert item
    asked = decisions.Asked(item.pk, item.song_id, item.label_id)
    action = decisions.correct(asked, other, "genre", curator) if other else decisions.decide(asked, False, curator)
    assert action
    correction = decisions.correction_of(action)
    assert correction
    return correction


def test_the_same_is_said_of_songs_alike_as_one_action(client: Client, curator: User) -> None:
    song, has_it, has_not, decided = tagged(0.9, 0.8, 0.7, 0.6)
    has_not.song_labels.all().delete()
    correction = corrected(curator, song, "metal")
    curate(decided, label("metal"), False, curator)
    chosen = [str(one.pk) for one in (has_it, has_not, decided)]
    answer = client.post(f"{DESK}same/{correction.action.pk}/", {"song": chosen}, follow=True)
    assert "etal in place of jazz on 2 songs that sound like jazz 0.9" in answer.content.decode()
    annotations = SongLabel.objects.filter(source="curator").values_list("song__title", "label__name", "weight")
    assert set(annotations) == {
        ("jazz 0.9", "jazz", -1.0),
        ("jazz 0.9", "metal", 1.0),
        ("jazz 0.8", "jazz", -1.0),
        ("jazz 0.8", "metal", 1.0),
        ("jazz 0.7", "metal", 1.0),
        ("jazz 0.6", "metal", -1.0),
    }
    undo(CurationAction.objects.latest("pk"), curator)
    assert yes() == {"jazz 0.9"}


def test_a_refusal_goes_on_to_songs_that_have_the_label(curator: User) -> None:
    song, has_it, has_not = tagged(0.9, 0.8, 0.7)
    has_not.song_labels.all().delete()
    correction = corrected(curator, song, None)
    assert str(correction) == "not jazz"
    assert correction.open_to([has_it.pk, has_not.pk]) == {has_it.pk}
    decisions.same_for(correction, [has_it.pk, has_not.pk], curator)
    assert set(SongLabel.objects.filter(source="curator").values_list("song", "weight")) == {
        (song.pk, -1.0),
        (has_it.pk, -1.0),
    }


@pytest.mark.parametrize("chosen", [["x"], ["-1"], ["9" * 40], [], [str(NO_ID)]])
def test_songs_that_are_none_change_nothing(client: Client, curator: User, chosen: list[str]) -> None:
    (song,) = tagged(0.9)
    correction = corrected(curator, song, "metal")
    answer = client.post(f"{DESK}same/{correction.action.pk}/", {"song": chosen}, follow=True)
    assert answer.status_code == 200
    assert CurationAction.objects.count() == 1


def test_no_more_songs_at_once_than_somebody_can_hear(client: Client, curator: User) -> None:
    (song,) = tagged(0.9)
    correction = corrected(curator, song, "metal")
    chosen = [str(one.pk) for one in tagged(*(number / 100 for number in range(51)), name="rock")]
    page = client.post(f"{DESK}same/{correction.action.pk}/", {"song": chosen}, follow=True).content.decode()
    assert "At most 50 songs at once." in page
    assert yes() == {"jazz 0.9"}


def test_what_is_undone_is_offered_to_no_other_song(client: Client, curator: User) -> None:
    (song,) = tagged(0.9)
    correction = corrected(curator, song, "metal")
    action = correction.action
    undo(action, curator)
    page = client.post(f"{DESK}same/{action.pk}/", {"song": ["1"]}, follow=True).content.decode()
    assert "This cannot be said of other songs any more." in page
    assert client.get(f"/curation/{action.pk}/alike/").status_code == 404
    assert client.post(f"{DESK}same/{NO_ID}/", {"song": ["1"]}).status_code == 404


# --- Merging ------------------------------------------------------------------------------------


def test_a_merge_says_all_that_it_will_change(client: Client, curator: User) -> None:
    both = make_song(labels={"rap": 0.5, "hip hop": 0.6})
    make_song(labels={"rap": 0.5})
    rap, hip_hop = label("rap"), label("hip hop")
    LabelAlias.objects.create(label=rap, name="rapping")
    mira, eve = make_user(), make_user()
    for user, of in ((mira, rap), (eve, rap), (eve, hip_hop)):
        Nudge.objects.create(user=user, label=of, weight=1)
    LabelAssignment.objects.create(user=mira, song=both, label=rap)
    doubt(mira, both, rap)
    curate(both, rap, True, curator)
    curate(both, hip_hop, False, curator)
    EmotionLabel.objects.create(emotion="happy", way="match", label="rap", weight=1)
    Word.objects.all().delete()
    WordLabel.objects.create(word=Word.objects.create(text="freestyle"), label="rap")
    page = client.post(LABELS, {"action": "merge", "_selected_action": [str(rap.pk), str(hip_hop.pk)]})
    text = " ".join(page.content.decode().split())
    for told in (
        "Songs with hip hop: 1 now, 2 then.",
        "Other spellings that move over: rapping.",
        "1 song is called both by the same source: the stronger word stays.",
        "1 word of curators gives way to what was said of hip hop on the same song.",
        "2 nudges of listeners move over, 1 of them not, since the listener has nudged hip hop too.",
        "1 doubt of listeners moves over.",
        "1 label that people gave elsewhere moves over.",
        "The table of moods names rap for happy, match my mood: it finds hip hop from then on.",
        "The table of words names rap for freestyle: it finds hip hop from then on.",
    ):
        assert told in text
    assert Label.objects.count() == 2
