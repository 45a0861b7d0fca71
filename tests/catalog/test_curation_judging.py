"""A verdict on a label as a whole: which songs are heard, what it changes, that it is stored, logged and undone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from catalog.models import CurationAction, Label, LabelAlias, PlayCount, Song, SongLabel
from catalog.search import songs_with_label, standing_annotations
from catalog.services import song_index
from catalog.services.curation.judging import Effect, effect, fitting_probability, judge, to_hear
from catalog.services.curation.log import row_of
from catalog.services.curation.reach import widest_label
from catalog.services.curation.undo import CannotUndoError, undo
from catalog.services.labels import curate, labels_by_name, rename_label
from catalog.services.rows import label_strengths
from catalog.services.song_labels import labels_by_kind
from recommender.snapshots.training_data import read_library
from tests.factories import NO_ID, add_labels, make_plays, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

DESK = "/admin/catalog/curationitem/"


@pytest.fixture
def curator(client: Client) -> User:
    """Staff who may change labels of songs and nothing else, as whom `client` is logged in."""
    user = make_user("ann", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_songlabel"))
    client.force_login(user)
    return user


@pytest.fixture
def hip_hop() -> Label:
    """A label on sixty of a hundred songs, predicted with 0.400, 0.409 and so on."""
    label = labels_by_name({"Hip-Hop": Label.Kind.GENRE})["Hip-Hop"]
    root = make_root()
    for number in range(100):
        song = make_song(f"song {number:02}", root=root, path=f"{number}.mp3", duration_s=180.0)
        add_labels(song, {"Hip-Hop": 0.4 + 0.009 * number} if number < 60 else {"calm": 0.8}, origin="ear")
    return label


def with_label(label: Label) -> int:
    """How many songs pages, filters and recommendations take for labelled so, which has to be one number."""
    song_index.reset()
    found = songs_with_label(Song.objects.all(), label.name).count()
    assert found == int(song_index.current().with_label(label.pk).sum())
    library = read_library(lambda *_: None)
    column = int(library.index.labels([label.pk])[0])
    assert found == int((library.data.term_frequencies[:, [column]] > 0).sum())
    assert found == sum(
        label.name in of_song for of_song in label_strengths(Song.objects.values_list("pk", flat=True)).values()
    )
    return found


# --- What is heard ------------------------------------------------------------------------------


def test_twelve_songs_are_heard_from_the_least_sure_to_the_surest(
    hip_hop: Label, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(3):
        heard = to_hear(hip_hop)
    weights = [weight for _, weight in heard]
    assert len({song.pk for song, _ in heard}) == 12
    assert weights == sorted(weights)
    assert [weights[0], weights[-1]] == pytest.approx([0.4, 0.931])
    gaps = [upper - lower for lower, upper in pairwise(weights)]
    assert max(gaps) < 0.07


def test_what_curators_have_said_and_what_cannot_be_played_is_not_asked(hip_hop: Label, curator: User) -> None:
    first, last = (to_hear(hip_hop)[place][0] for place in (0, -1))
    curate(first, hip_hop, True, curator)
    Song.objects.filter(pk=last.pk).update(path="")
    asked = {song.pk for song, _ in to_hear(hip_hop)}
    assert asked.isdisjoint({first.pk, last.pk})


def test_fewer_songs_than_twelve_are_all_of_them_and_none_is_none() -> None:
    label = labels_by_name({"rare": Label.Kind.GENRE})["rare"]
    assert to_hear(label) == []
    for number in range(3):
        add_labels(make_song(f"{number}", root=make_root(), path=f"{number}.mp3"), {"rare": 0.5}, origin="ear")
    assert len(to_hear(label)) == 3


# --- From where on it counts --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "now", "expected"),
    [
        ([], 0.3, 0.3),
        ([(0.4, True), (0.9, True)], 0.0, 0.0),
        ([(0.4, False), (0.6, True), (0.9, True)], 0.0, 0.5),
        ([(0.4, False), (0.6, False), (0.9, False)], 0.0, 0.9001),
        ([(0.4, False), (0.5, True), (0.6, False), (0.8, True), (0.9, True)], 0.0, 0.45),
        ([(0.5, True), (0.7, False), (0.9, True)], 0.45, 0.45),
        ([(1.0, False)], 0.0, 1.0),
    ],
)
def test_it_counts_from_where_the_fewest_verdicts_are_contradicted(
    heard: list[tuple[float, bool]], now: float, expected: float
) -> None:
    assert fitting_probability(heard, now) == pytest.approx(expected)


def test_the_effect_is_what_storing_does(hip_hop: Label, curator: User) -> None:
    weakest = Song.objects.get(title="song 00")
    make_plays(make_user(), weakest, 7)
    in_file = Song.objects.get(title="song 01")
    add_labels(in_file, {"Hip-Hop": 1}, source=SongLabel.Source.IMPORT, origin="file")
    before = with_label(hip_hop)
    seen = effect(hip_hop, 0.7)
    assert seen == Effect(songs_now=60, songs_then=26, lost=33, gained=0, plays=7)
    assert with_label(hip_hop) == before == 60
    judge(hip_hop, 0.7, {}, curator)
    hip_hop.refresh_from_db()
    assert with_label(hip_hop) == 60 - 33
    assert effect(hip_hop, 0.0).gained == 33


# --- Storing and undoing ------------------------------------------------------------------------


def test_a_verdict_is_one_entry_of_the_log_and_undone_exactly(hip_hop: Label, curator: User) -> None:
    right, wrong = Song.objects.get(title="song 50"), Song.objects.get(title="song 55")
    before = row_of(hip_hop)
    action = judge(hip_hop, 0.7, {right.pk: True, wrong.pk: False}, curator)
    assert action
    assert (action.kind, action.user) == ("judged", curator)
    assert action.summary == "Hip-Hop judged as a whole: counts where it was heard with 0.7 or more"
    hip_hop.refresh_from_db()
    assert hip_hop.least_probability == 0.7
    assert hip_hop.judged_at
    assert set(standing_annotations().filter(source="curator").values_list("song", flat=True)) == {right.pk}
    assert [group for group in labels_by_kind(Song.objects.get(title="song 00")) if group.kind == "genre"] == []

    undo(action, curator)
    hip_hop.refresh_from_db()
    assert row_of(hip_hop) == before
    assert not SongLabel.objects.filter(source=SongLabel.Source.CURATOR).exists()
    assert with_label(hip_hop) == 60


def test_taggers_that_label_again_are_judged_by_it_too(hip_hop: Label, curator: User) -> None:
    judge(hip_hop, 0.7, {}, curator)
    new = make_song("new", root=make_root(), path="new.mp3")
    add_labels(new, {"Hip-Hop": 0.65}, origin="another ear")
    assert with_label(hip_hop) == 26
    curate(new, hip_hop, True, curator)
    assert with_label(hip_hop) == 27


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(hip_hop: Label, curator: User, least: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        judge(hip_hop, least, {}, curator)
    assert not CurationAction.objects.exists()


def test_a_label_written_down_before_it_had_a_column_is_undone_all_the_same(hip_hop: Label, curator: User) -> None:
    rename_label(hip_hop, "Rap", curator)
    action = CurationAction.objects.get()
    change = action.changes.get(table="Label")
    for row in (change.before or {}, change.after or {}):
        del row["least_probability"], row["judged_at"]
    change.save()
    undo(action, curator)
    hip_hop.refresh_from_db()
    assert hip_hop.name == "Hip-Hop"
    assert not LabelAlias.objects.exists()


def test_a_label_judged_since_stands_in_the_way_of_undoing_what_was_before(hip_hop: Label, curator: User) -> None:
    rename_label(hip_hop, "Rap", curator)
    renamed = CurationAction.objects.get()
    judge(hip_hop, 0.5, {}, curator)
    with pytest.raises(CannotUndoError, match="judged as a whole"):
        undo(renamed, curator)


# --- The page -----------------------------------------------------------------------------------


def text_of(client: Client, address: str) -> str:
    song_index.reset()
    return " ".join(client.get(address).content.decode().split())


def test_the_label_on_a_large_part_of_the_library_is_asked_about_first(
    client: Client, hip_hop: Label, curator: User
) -> None:
    make_plays(make_user(), Song.objects.get(title="song 00"), 7)
    page = text_of(client, DESK)
    assert "Hip-Hop</strong> is on two thirds of your library" in page
    assert "60 of 100 songs, played 7 times" in page
    assert f'href="{DESK}label/{hip_hop.pk}/"' in page
    judge(hip_hop, 0.0, {}, curator)
    assert "Hip-Hop</strong> is on" not in text_of(client, DESK)


def test_how_often_a_label_was_played_is_not_counted_anew_for_each_curator(hip_hop: Label) -> None:
    song_index.reset()
    make_plays(make_user(), Song.objects.get(title="song 00"), 7)
    assert (found := widest_label())
    with CaptureQueriesContext(connection) as asked:
        assert widest_label() == found
    assert found.plays == 7
    assert not [query for query in asked if PlayCount._meta.db_table in query["sql"]]


def test_labels_in_the_background_of_imports_and_of_few_songs_are_not_asked_about(hip_hop: Label) -> None:
    song_index.reset()
    calm = Label.objects.get(key="calm")
    assert (found := widest_label())
    assert found.label == hip_hop
    Label.objects.filter(pk=hip_hop.pk).update(background=True)
    assert (found := widest_label())
    assert found.label == calm
    SongLabel.objects.filter(label=calm).update(source=SongLabel.Source.IMPORT)
    assert widest_label() is None
    Song.objects.filter(title__gt="song 06").delete()
    song_index.reset()
    Label.objects.update(background=False)
    assert widest_label() is None


def test_nothing_is_stored_before_it_was_seen(client: Client, hip_hop: Label, curator: User) -> None:
    address = f"{DESK}label/{hip_hop.pk}/"
    heard = to_hear(hip_hop)
    said = {f"song-{song.pk}": "right" if weight > 0.6 else "wrong" for song, weight in heard}
    page = " ".join(client.post(address, {**said, "look": "1"}).content.decode().split())
    assert "Hip-Hop goes from 2" in page
    assert 'value="store"' not in page
    assert 'name="store"' in page
    assert not CurationAction.objects.exists()
    least = fitting_probability([(weight, weight > 0.6) for _, weight in heard], 0.0)
    assert f'name="least" value="{least:.4g}"' in page
    answer = client.post(address, {**said, "least": f"{least:.4g}", "store": "1"}, follow=True)
    assert "judged as a whole: counts where it was heard with" in answer.content.decode()
    hip_hop.refresh_from_db()
    assert hip_hop.least_probability == pytest.approx(least, abs=0.001)
    assert SongLabel.objects.filter(source=SongLabel.Source.CURATOR, label=hip_hop).count() == 12
    page = client.post(f"{DESK}undo/", follow=True).content.decode()
    assert "Undone: Hip-Hop judged as a whole" in page


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"look": "1"}, "Say yes or no to a song first."),
        ({"look": "1", "song-x": "right", "song-1": "perhaps"}, "Say yes or no to a song first."),
        ({"look": "1", "least": "two"}, "A probability is a number from 0 to 1."),
        ({"store": "1", "least": "2"}, "A probability is a number from 0 to 1."),
        ({"store": "1", "least": "nan"}, "A probability is a number from 0 to 1."),
        ({"store": "1"}, "Say yes or no to a song first."),
    ],
)
def test_what_is_not_understood_stores_nothing_and_says_so(
    client: Client, hip_hop: Label, curator: User, posted: dict[str, str], words: str
) -> None:
    assert words in client.post(f"{DESK}label/{hip_hop.pk}/", posted).content.decode()
    assert not CurationAction.objects.exists()


def test_only_curators_judge_labels(client: Client, hip_hop: Label) -> None:
    address = f"{DESK}label/{hip_hop.pk}/"
    client.force_login(make_user("staff", is_staff=True))
    assert client.get(address).status_code == 403
    assert client.post(address, {"store": "1", "least": "0.9"}).status_code == 403
    assert not CurationAction.objects.exists()


def test_a_label_that_is_not_there_is_not_found(client: Client, curator: User) -> None:
    for pk in (str(NO_ID), "9" * 30):
        assert client.get(f"{DESK}label/{pk}/").status_code == 404


def test_a_label_that_no_tagger_gives_has_nothing_to_judge(client: Client, curator: User) -> None:
    label = labels_by_name({"gamelan": Label.Kind.GENRE})["gamelan"]
    assert "there is nothing to judge" in text_of(client, f"{DESK}label/{label.pk}/")
