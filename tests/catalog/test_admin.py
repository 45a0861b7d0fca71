"""The dashboard."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from catalog.models import Label, LabelAlias, Listener, NotThis, Nudge, Play, PlayCount, Rating, Song, SongLabel
from catalog.services.labels import labels_by_name
from catalog.signals import labels_changed
from tests.factories import NO_ID, add_labels, make_rating, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

LABELS = "/admin/catalog/label/"
SONGS = "/admin/catalog/song/"


@pytest.fixture
def curator(client: Client) -> User:
    """An admin, as whom `client` is logged in."""
    user = make_user("curator", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@contextmanager
def announcements(capture: DjangoCaptureOnCommitCallbacks) -> Iterator[list[object]]:
    """What `labels_changed` carried once everything was committed: ids of songs."""
    received: list[object] = []

    def listen(song_ids: object, **_: object) -> None:
        received.append(song_ids)

    labels_changed.connect(listen)
    with capture(execute=True):
        yield received
    labels_changed.disconnect(listen)


def label(name: str, kind: str = "other") -> Label:
    return labels_by_name({name: kind})[name]


def form_of(song: Song, **verdicts: str) -> dict[str, str]:
    """What the browser sends for a song's form."""
    fields = {"title": song.title, "identifiers-TOTAL_FORMS": "0", "identifiers-INITIAL_FORMS": "0"}
    return {**fields, **{f"verdict-{name}": value for name, value in verdicts.items()}}


def alias_form(names: list[str], label: Label) -> dict[str, str]:
    there = list(label.aliases.all())
    form = {"aliases-TOTAL_FORMS": str(len(there) + len(names)), "aliases-INITIAL_FORMS": str(len(there))}
    for number, alias in enumerate(there):
        form |= {f"aliases-{number}-id": str(alias.pk), f"aliases-{number}-name": alias.name}
    for number, name in enumerate(names, start=len(there)):
        form[f"aliases-{number}-name"] = name
    return form


# --- Every page ---------------------------------------------------------------------------------


def test_every_list_and_every_row_opens(client: Client, curator: User) -> None:
    song = make_song(root=make_root(), path="song.mp3", labels={"jazz": 0.8}, external_id="mbid:1")
    rows = [
        song,
        song.root,
        label("jazz"),
        make_rating(curator, song, 4),
        PlayCount.objects.create(user=curator, song=song, count=2),
        Play.objects.create(user=curator, song=song, played_at="2026-01-01T00:00:00Z"),
        NotThis.objects.create(user=curator, song=song),
        Nudge.objects.create(user=curator, label=label("jazz"), weight=0.5),
        Listener.objects.create(user=curator, origin=Listener.Origin.IMPORTED),
    ]
    for row in rows:
        place = f"/admin/catalog/{row._meta.model_name}/"  # type: ignore[union-attr]
        assert client.get(place, {"q": "a"}).status_code == 200, place
        assert client.get(f"{place}{row.pk}/change/").status_code == 200, place  # type: ignore[union-attr]


def test_listeners_without_the_right_do_not_get_in(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(SONGS).status_code == 302


def test_the_admins_login_page_lets_admins_in_and_nobody_else(client: Client) -> None:
    make_user("mira")
    make_user("boss", is_staff=True)
    assert client.post("/admin/login/", {"username": "mira", "password": "correct horse"}).status_code == 200
    assert "_auth_user_id" not in client.session
    assert client.post("/admin/login/", {"username": "boss", "password": "correct horse"}).status_code == 302


@pytest.mark.parametrize("model", ["song", "rating", "play", "playcount", "notthis", "nudge", "listener"])
def test_what_is_written_elsewhere_is_not_added_here(client: Client, curator: User, model: str) -> None:
    assert client.get(f"/admin/catalog/{model}/add/").status_code == 403


# --- Songs --------------------------------------------------------------------------------------


def test_the_list_says_how_tagging_stands(client: Client, curator: User) -> None:
    root = make_root()
    for number, state in enumerate(("done", "done", "pending", "failed")):
        make_song(root=root, path=f"{number}.mp3", tagging_state=state, tagging_error="cut off")
    make_song("Without a file")
    page = client.get(SONGS).content.decode()
    assert "2 listened to" in page
    assert "1 waiting" in page
    assert "1 failed" in page
    assert "cut off" in page


@pytest.mark.parametrize(("audio", "title"), [("here", "Here"), ("missing", "Gone"), ("none", "Name")])
def test_songs_are_filtered_by_their_file(client: Client, curator: User, audio: str, title: str) -> None:
    root = make_root()
    make_song("Here", root=root, path="1.mp3")
    make_song("Gone", root=root, path="2.mp3", missing_since="2026-01-01T00:00:00Z")
    make_song("Name")
    found = client.get(SONGS, {"audio": audio}).context["cl"].result_list
    assert [song.title for song in found] == [title]


def test_a_songs_page_shows_the_taggers_word_beside_the_curators(client: Client, curator: User) -> None:
    song = make_song(labels={"jazz": 0.8, "sad": 0.3}, origin="jamendo-cnn")
    add_labels(song, {"jazz": 12}, source=SongLabel.Source.IMPORT, origin="lastfm")
    add_labels(song, {"jazz": 1}, source=SongLabel.Source.CURATOR, origin="curator")
    page = " ".join(client.get(f"{SONGS}{song.pk}/change/").content.decode().split())
    assert "0.80 (jamendo-cnn)" in page
    assert "12 (lastfm)" in page
    assert '<option value="yes" selected>' in page


def test_a_curators_word_is_stored_logged_and_announced(
    client: Client, curator: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    song = make_song(labels={"jazz": 0.8, "sad": 0.3, "calm": 0.2})
    jazz, sad = label("jazz"), label("sad")
    with announcements(django_capture_on_commit_callbacks) as received:
        client.post(f"{SONGS}{song.pk}/change/", form_of(song, **{str(jazz.pk): "yes", str(sad.pk): "no"}))
    assert [song.pk] in received
    annotations = dict(SongLabel.objects.filter(source="curator").values_list("label__name", "weight"))
    assert annotations == {"jazz": 1.0, "sad": -1.0}
    assert set(SongLabel.objects.filter(source="curator").values_list("origin", flat=True)) == {"curator"}
    assert LogEntry.objects.filter(change_message__contains="Curated jazz: yes, sad: no").exists()


def test_saving_again_changes_no_word_and_no_word_takes_one_back(client: Client, curator: User) -> None:
    song = make_song(labels={"jazz": 0.8})
    jazz = label("jazz")
    for verdict, weights in (("yes", [1.0]), ("yes", [1.0]), ("", [])):
        client.post(f"{SONGS}{song.pk}/change/", form_of(song, **{str(jazz.pk): verdict}))
        assert list(SongLabel.objects.filter(source="curator").values_list("weight", flat=True)) == weights
    assert LogEntry.objects.filter(change_message__contains="Curated").count() == 2


def test_a_curator_may_give_a_label_that_nobody_said(client: Client, curator: User) -> None:
    song = make_song()
    LabelAlias.objects.create(label=label("Hip-Hop", "genre"), name="rap")
    for name in ("accordion", "RAP", "   "):
        response = client.post(f"{SONGS}{song.pk}/change/", form_of(song, new_label=name, new_kind="instrument"))
        assert response.status_code == 302
    annotations = SongLabel.objects.filter(source="curator", weight=1.0).order_by("label__name")
    assert list(annotations.values_list("label__name", "label__kind")) == [
        ("Hip-Hop", "genre"),
        ("accordion", "instrument"),
    ]


def test_a_word_that_is_none_changes_nothing(client: Client, curator: User) -> None:
    song = make_song(labels={"jazz": 0.8})
    client.post(f"{SONGS}{song.pk}/change/", form_of(song, **{str(label("jazz").pk): "perhaps"}))
    assert not SongLabel.objects.filter(source="curator").exists()


def test_deleted_songs_are_announced(
    client: Client, curator: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    pk = make_song(labels={"jazz": 0.8}).pk
    with announcements(django_capture_on_commit_callbacks) as received:
        client.post(f"{SONGS}{pk}/delete/", {"post": "yes"})
    assert not Song.objects.exists()
    assert received == [[pk]]


# --- Labels -------------------------------------------------------------------------------------


def test_a_renamed_label_keeps_its_old_name_as_an_alias(client: Client, curator: User) -> None:
    song = make_song(labels={"Hip-Hop": 0.8})
    hip_hop = label("Hip-Hop")
    client.post(f"{LABELS}{hip_hop.pk}/change/", {"name": "Rap", "kind": "genre", **alias_form([], hip_hop)})
    hip_hop.refresh_from_db()
    assert (hip_hop.name, hip_hop.key, hip_hop.kind) == ("Rap", "rap", "genre")
    assert labels_by_name({"hip hop": "genre"})["hip hop"] == hip_hop
    assert song.song_labels.get().label == hip_hop


def test_a_label_renamed_back_is_no_alias_of_itself(client: Client, curator: User) -> None:
    one = label("one")
    for name in ("two", "one", "ONE"):
        one.refresh_from_db()
        client.post(f"{LABELS}{one.pk}/change/", {"name": name, "kind": "other", **alias_form([], one)})
    one.refresh_from_db()
    assert one.name == "ONE"
    assert list(one.aliases.values_list("name", flat=True)) == ["two"]


@pytest.mark.parametrize("name", ["JAZZ", "jass", "  "])
def test_a_name_that_is_taken_is_refused_with_advice(client: Client, curator: User, name: str) -> None:
    LabelAlias.objects.create(label=label("jazz"), name="jass")
    other = label("other")
    response = client.post(f"{LABELS}{other.pk}/change/", {"name": name, "kind": "genre", **alias_form([], other)})
    assert response.status_code == 200
    other.refresh_from_db()
    assert other.name == "other"


def test_aliases_are_added_but_none_that_is_known(client: Client, curator: User) -> None:
    label("jazz")
    rap = label("rap")
    address = f"{LABELS}{rap.pk}/change/"
    for names, status in (
        (["hip hop"], 302),
        (["Jazz"], 200),
        (["RAP"], 200),
        (["a b", "A-B"], 200),
        (["hip-hop"], 200),
    ):
        response = client.post(address, {"name": "rap", "kind": "genre", **alias_form(names, rap)})
        assert response.status_code == status, names
    assert list(rap.aliases.values_list("name", flat=True)) == ["hip hop"]


def test_a_new_label(client: Client, curator: User) -> None:
    assert client.get(f"{LABELS}add/").status_code == 200
    client.post(f"{LABELS}add/", {"name": "zither", "kind": "instrument"})
    assert client.post(f"{LABELS}add/", {"name": "ZITHER", "kind": "instrument"}).status_code == 200
    assert Label.objects.get().kind == "instrument"


def test_a_kind_is_changed_in_the_list(client: Client, curator: User) -> None:
    jazz = label("jazz")
    form = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(jazz.pk), "form-0-kind": "genre"}
    client.post(LABELS, {**form, "_save": "Save"})
    jazz.refresh_from_db()
    assert jazz.kind == "genre"


def test_merging_shows_first_what_will_change(client: Client, curator: User) -> None:
    make_song(labels={"rap": 0.5, "hip hop": 0.6})
    make_song(labels={"rap": 0.5})
    chosen = [str(label("rap").pk), str(label("hip hop").pk)]
    page = client.post(LABELS, {"action": "merge", "_selected_action": chosen})
    text = " ".join(page.content.decode().split())
    assert "Songs with rap: 2 now, 2 then." in text
    assert "Songs with hip hop: 1 now, 2 then." in text
    assert Label.objects.count() == 2


def test_merging_moves_everything_over_and_is_logged(client: Client, curator: User) -> None:
    song = make_song(labels={"rap": 0.5, "hip hop": 0.6})
    rap, hip_hop = label("rap"), label("hip hop")
    chosen = [str(rap.pk), str(hip_hop.pk)]
    response = client.post(LABELS, {"action": "merge", "_selected_action": chosen, "into": str(rap.pk)})
    assert response.status_code == 302
    assert list(Label.objects.values_list("name", flat=True)) == ["rap"]
    assert song.song_labels.get().weight == 0.6
    assert labels_by_name({"Hip-Hop": "genre"})["Hip-Hop"] == rap
    assert LogEntry.objects.filter(change_message="Merged into it: hip hop").exists()


@pytest.mark.parametrize("into", [str(NO_ID), "x", ""])
def test_merging_into_a_label_that_was_not_chosen_asks_again(client: Client, curator: User, into: str) -> None:
    chosen = [str(label("rap").pk), str(label("hip hop").pk)]
    page = client.post(LABELS, {"action": "merge", "_selected_action": chosen, "into": into})
    assert "Which one stays?" in page.content.decode()
    assert Label.objects.count() == 2


def test_one_label_alone_is_not_merged(client: Client, curator: User) -> None:
    data = {"action": "merge", "_selected_action": [str(label("rap").pk)]}
    page = client.post(LABELS, data, follow=True).content.decode()
    assert "Choose two labels or more" in page


def test_deleted_labels_take_their_words_with_them(
    client: Client, curator: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    song = make_song(labels={"jazz": 0.8, "sad": 0.4})
    data = {"action": "delete_selected", "_selected_action": [str(label("jazz").pk)], "post": "yes"}
    with announcements(django_capture_on_commit_callbacks) as received:
        client.post(LABELS, data)
    assert received == [[song.pk]]
    assert list(SongLabel.objects.values_list("label__name", flat=True)) == ["sad"]


# --- Listening ----------------------------------------------------------------------------------


def test_a_rating_is_taken_back_here(client: Client, curator: User) -> None:
    rating = make_rating(make_user(), make_song(), 4)
    data = {"action": "delete_selected", "_selected_action": [rating.pk], "post": "yes"}
    client.post("/admin/catalog/rating/", data)
    assert not Rating.objects.exists()


def test_plays_are_not_undone(client: Client, curator: User) -> None:
    play = Play.objects.create(user=curator, song=make_song(), played_at="2026-01-01T00:00:00Z")
    assert client.post(f"/admin/catalog/play/{play.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_root_with_songs_is_kept(client: Client, curator: User) -> None:
    song = make_song(root=make_root(), path="song.mp3")
    client.post(f"/admin/catalog/libraryroot/{song.root_id}/delete/", {"post": "yes"})
    assert Song.objects.get().root is not None


def test_the_admin_asks_few_queries(
    client: Client, curator: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_root()
    for number in range(20):
        make_song(root=root, path=f"{number}.mp3", labels={"jazz": 0.8, "calm": 0.1})
    for address in (SONGS, LABELS, "/admin/catalog/rating/", f"{SONGS}{Song.objects.latest('pk').pk}/change/"):
        with django_assert_max_num_queries(16):
            client.get(address)
