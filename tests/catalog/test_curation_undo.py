"""Every way of curating is logged, and undone exactly; what stands in the way is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db import transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from accounts.services.account_deletion import delete_account
from accounts.services.exporting import export
from catalog.models import (
    CurationAction,
    CurationChange,
    Label,
    LabelAlias,
    LabelAssignment,
    LabelDoubt,
    Nudge,
    Song,
    SongLabel,
)
from catalog.services.curation import log
from catalog.services.curation.undo import CannotUndoError, latest_of, undo
from catalog.services.doubts import doubt
from catalog.services.labels import curate, delete_labels, labels_by_name, merge_labels, rename_label, store_cnn_labels
from catalog.signals import labels_changed
from tests.factories import NO_ID, add_labels, make_song, make_user

pytestmark = pytest.mark.django_db

LOG = "/admin/catalog/curationaction/"


@pytest.fixture
def curator(client: Client) -> User:
    user = make_user("ann", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def song() -> Song:
    """A song with words of every source, doubts, nudges and labels given by people."""
    song = make_song("Song", labels={"rap": 0.4, "hip hop": 0.7, "sad": 0.3}, origin="ear")
    add_labels(song, {"rap": 5, "hip hop": 9}, source=SongLabel.Source.IMPORT, origin="lastfm")
    other = make_song("Other", labels={"rap": 0.9, "hip hop": 0.2}, origin="ear")
    add_labels(other, {"rap": 2}, source=SongLabel.Source.IMPORT, origin="csv")
    mira, eve = make_user("mira"), make_user("eve")
    rap, hip_hop = label("rap"), label("hip hop")
    LabelAlias.objects.create(label=rap, name="rapping")
    Nudge.objects.create(user=mira, label=rap, weight=0.5)
    Nudge.objects.create(user=eve, label=rap, weight=-1)
    Nudge.objects.create(user=eve, label=hip_hop, weight=1)
    LabelAssignment.objects.create(user=mira, song=song, label=rap)
    LabelAssignment.objects.create(user=eve, song=song, label=rap)
    LabelAssignment.objects.create(user=eve, song=song, label=hip_hop)
    doubt(mira, song, rap)
    doubt(mira, song, hip_hop)
    doubt(eve, song, rap)
    return song


def label(name: str) -> Label:
    return labels_by_name({name: Label.Kind.OTHER})[name]


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row that curating can change, to the last field."""
    return {
        name: serializers.serialize("python", model._default_manager.order_by("pk"))
        for name, model in log.TABLES.items()
    }


def the_action() -> CurationAction:
    return CurationAction.objects.latest("pk")


Done = Callable[[Song, User], object]


def _keep_then_refuse(song: Song, curator: User) -> None:
    curate(song, label("rap"), False, curator)


def _word_for_nothing(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)


def _merge(song: Song, curator: User) -> None:
    merge_labels([label("rap"), label("hip hop")], label("hip hop"), curator)


def _merge_the_other_way(song: Song, curator: User) -> None:
    merge_labels([label("rap"), label("hip hop")], label("rap"), curator)


def _rename(song: Song, curator: User) -> None:
    rename_label(label("rap"), "Rap music", curator)


def _delete(song: Song, curator: User) -> None:
    delete_labels([label("rap"), label("sad")], curator)


@pytest.mark.parametrize("done", [_keep_then_refuse, _word_for_nothing, _merge, _merge_the_other_way, _rename, _delete])
@pytest.mark.parametrize("curated", [False, True])
def test_undone_everything_is_as_it_was_to_the_last_field(
    song: Song,
    curator: User,
    done: Done,
    curated: bool,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    if curated:
        bob = make_user("bob")
        curate(song, label("rap"), True, bob)
        curate(song, label("hip hop"), False, bob)
        curate(Song.objects.get(title="Other"), label("rap"), True, bob)
    before = everything()
    done(song, curator)
    assert everything() != before
    assert the_action().user == curator
    received: list[list[int]] = []

    def listen(song_ids: list[int], **_: object) -> None:
        received.append(song_ids)

    labels_changed.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        undo(the_action(), curator)
    labels_changed.disconnect(listen)
    assert everything() == before
    assert song.pk in {pk for ids in received for pk in ids}
    assert (the_action().undone_by, the_action().undone_at is None) == (curator, False)


def test_a_word_taken_back_comes_back_with_its_name(song: Song, curator: User) -> None:
    curate(song, label("rap"), True, make_user("bob"))
    before = everything()
    curate(song, label("rap"), None, curator)
    assert the_action().kind == "taken_back"
    undo(the_action(), curator)
    assert everything() == before
    assert SongLabel.objects.get(source="curator").origin == "bob"


def test_nothing_done_is_nothing_logged(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    curate(song, label("sad"), True, make_user("bob"))
    assert CurationAction.objects.count() == 1
    assert SongLabel.objects.get(source="curator").origin == "ann"


def test_it_is_undone_once(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    undo(the_action(), make_user("bob"))
    with pytest.raises(CannotUndoError, match="bob has undone this already"):
        undo(the_action(), curator)


# --- What comes later ---------------------------------------------------------------------------


def test_the_later_of_two_has_to_be_undone_first(song: Song, curator: User) -> None:
    before = everything()
    curate(song, label("sad"), True, curator)
    first = the_action()
    curate(song, label("sad"), False, make_user("bob"))
    between = everything()
    with pytest.raises(CannotUndoError, match=r"undone first: sad refused on Song \(bob\)"):
        undo(first, curator)
    assert everything() == between
    undo(the_action(), curator)
    undo(first, curator)
    assert everything() == before


@pytest.mark.parametrize("later", [_merge, _delete])
def test_a_word_on_a_label_that_is_gone_waits_for_the_label(song: Song, curator: User, later: Done) -> None:
    before = everything()
    curate(song, label("rap"), True, curator)
    first = the_action()
    later(song, curator)
    with pytest.raises(CannotUndoError, match="has to be undone first"):
        undo(first, curator)
    undo(the_action(), curator)
    undo(first, curator)
    assert everything() == before


def test_a_word_taken_back_does_not_come_back_over_a_newer_one(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    curate(song, label("sad"), None, curator)
    taken_back = the_action()
    curate(song, label("sad"), False, curator)
    with pytest.raises(CannotUndoError, match="sad refused on Song"):
        undo(taken_back, curator)
    assert SongLabel.objects.get(source="curator").weight == -1


def test_a_merge_is_undone_even_after_the_taggers_have_heard_anew(song: Song, curator: User) -> None:
    _merge(song, curator)
    store_cnn_labels(song, "ear", {"rap": 0.55}, {"rap": Label.Kind.GENRE})
    undo(the_action(), curator)
    assert {"rap", "hip hop", "sad"} == set(Label.objects.values_list("name", flat=True))
    assert not LabelAlias.objects.filter(key="rap").exists()
    annotations = song.song_labels.filter(source="cnn").values_list("label__name", "weight")
    # What was predicted in the meantime stays under the name that it had then; the next tagging run separates the two.
    assert dict(annotations) == {"rap": 0.4, "hip hop": 0.55}


def test_a_song_or_listener_that_is_gone_does_not_stand_in_the_way(song: Song, curator: User) -> None:
    _merge(song, curator)
    Song.objects.get(title="Other").delete()
    User.objects.get(username="mira").delete()
    undo(the_action(), curator)
    rap = label("rap")
    assert list(rap.nudges.values_list("user__username", flat=True)) == ["eve"]
    assert set(rap.song_labels.values_list("song__title", flat=True)) == {"Song"}


def test_a_song_that_is_gone_leaves_nothing_to_undo(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    song.delete()
    undo(the_action(), curator)
    assert the_action().undone_at


def test_a_label_that_others_use_by_now_is_kept(curator: User) -> None:
    with log.recorded(log.Kind.KEPT, curator, "new", log.label_named("gamelan")):
        label("gamelan")
    action = the_action()
    add_labels(make_song(), {"gamelan": 3}, source=SongLabel.Source.IMPORT, origin="csv")
    undo(action, curator)
    assert Label.objects.filter(name="gamelan").exists()


def test_a_new_label_goes_with_what_made_it(song: Song, curator: User) -> None:
    before = everything()
    api = APIClient()
    api.force_authenticate(curator)
    api.post(f"/api/songs/{song.pk}/labels/", {"name": "gamelan", "verdict": True, "kind": "genre"})
    assert label("gamelan").kind == "genre"
    undo(the_action(), curator)
    assert everything() == before


# --- Every way of curating ----------------------------------------------------------------------


def test_the_songs_own_form_is_logged_as_one(client: Client, song: Song, curator: User) -> None:
    before = everything()
    rap, sad = label("rap"), label("sad")
    form = {"title": song.title, "identifiers-TOTAL_FORMS": "0", "identifiers-INITIAL_FORMS": "0"}
    form |= {f"verdict-{rap.pk}": "yes", f"verdict-{sad.pk}": "no", "verdict-new_label": "gamelan"}
    client.post(f"/admin/catalog/song/{song.pk}/change/", form)
    action = CurationAction.objects.get()
    assert action.summary == "rap: yes, sad: no, gamelan: yes on Song"
    assert (action.kind, action.songs, action.user) == ("said", 1, curator)
    undo(action, curator)
    assert everything() == before


def test_a_labels_own_form_is_logged_as_one(client: Client, song: Song, curator: User) -> None:
    before = everything()
    rap = label("rap")
    alias = rap.aliases.get()
    form = {"name": "Rap music", "kind": "genre", "aliases-TOTAL_FORMS": "2", "aliases-INITIAL_FORMS": "1"}
    form |= {"aliases-0-id": str(alias.pk), "aliases-0-name": "rapped", "aliases-1-name": "MCing"}
    form |= {"aliases-0-label": str(rap.pk), "aliases-1-label": str(rap.pk)}
    assert client.post(f"/admin/catalog/label/{rap.pk}/change/", form).status_code == 302
    assert CurationAction.objects.get().kind == "changed"
    assert set(rap.aliases.values_list("name", flat=True)) == {"rap", "rapped", "MCing"}
    undo(the_action(), curator)
    assert everything() == before


def test_a_form_that_is_refused_is_nothing_to_log(client: Client, song: Song, curator: User) -> None:
    form = {"name": "SAD", "kind": "genre", "aliases-TOTAL_FORMS": "0", "aliases-INITIAL_FORMS": "0"}
    assert client.post(f"/admin/catalog/label/{label('rap').pk}/change/", form).status_code == 200
    assert not CurationAction.objects.exists()


def test_kinds_changed_in_the_list_and_labels_made_and_deleted_there_are_logged(
    client: Client, song: Song, curator: User
) -> None:
    before = everything()
    sad = label("sad")
    form = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(sad.pk), "form-0-kind": "mood"}
    client.post("/admin/catalog/label/?q=sad", {**form, "_save": "Save"})
    client.post("/admin/catalog/label/add/", {"name": "zither", "kind": "instrument"})
    delete = {"action": "delete_selected", "_selected_action": [str(sad.pk)], "post": "yes"}
    client.post("/admin/catalog/label/", delete)
    client.post(f"/admin/catalog/label/{label('rap').pk}/delete/", {"post": "yes"})
    kinds = list(CurationAction.objects.order_by("pk").values_list("kind", "summary"))
    assert kinds == [
        ("changed", "Labels changed: kind or background"),
        ("changed", "zither: a new label"),
        ("deleted", "sad: deleted"),
        ("deleted", "rap: deleted"),
    ]
    for action in CurationAction.objects.order_by("-pk"):
        undo(action, curator)
    assert everything() == before


def test_the_api_is_logged(song: Song, curator: User) -> None:
    before = everything()
    api = APIClient()
    api.force_authenticate(curator)
    api.post(f"/api/songs/{song.pk}/labels/", {"name": "rap", "verdict": False})
    assert the_action().summary == "rap refused on Song"
    undo(the_action(), curator)
    assert everything() == before


def test_what_fails_is_not_logged(song: Song, curator: User) -> None:
    with transaction.atomic():
        curate(song, label("sad"), True, curator)
        transaction.set_rollback(True)
    assert not CurationAction.objects.exists()
    assert not SongLabel.objects.filter(source="curator").exists()


# --- The log ------------------------------------------------------------------------------------


def test_the_log_is_listed_newest_first_by_person_a_page_at_a_time(client: Client, song: Song, curator: User) -> None:
    bob = make_user("bob")
    for _ in range(30):
        curate(song, label("sad"), True, curator)
        curate(song, label("sad"), False, bob)
    page = client.get(LOG)
    assert len(page.context["cl"].result_list) == 50
    assert page.context["cl"].result_list[0].user == bob
    mine = client.get(LOG, {"person": str(curator.pk)}).context["cl"]
    assert mine.result_count == 30
    assert {action.user for action in mine.result_list} == {curator}
    assert client.get(LOG, {"undone": "yes"}).context["cl"].result_count == 0
    assert client.get(LOG, {"person": "x"}).status_code == 200


def test_an_entry_says_what_was_before_and_after_and_undoes_it(client: Client, song: Song, curator: User) -> None:
    before = everything()
    _merge(song, curator)
    address = f"{LOG}{the_action().pk}/"
    page = client.get(f"{address}change/").content.decode()
    assert "rap: now hip hop" in page
    assert "rap: 0.9 (ear)" in page
    answer = client.post(f"{address}undo/", follow=True)
    assert "Undone: rap: now hip hop." in answer.content.decode()
    assert everything() == before
    page = client.post(f"{address}undo/", follow=True).content.decode()
    assert "nn has undone this already." in page
    assert client.get(f"{LOG}{NO_ID}/change/").status_code == 404
    assert client.get(f"{LOG}x/change/").status_code == 404


def test_what_stands_in_the_way_is_said_on_the_page(client: Client, song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    first = the_action()
    curate(song, label("sad"), False, curator)
    page = client.post(f"{LOG}{first.pk}/undo/", follow=True).content.decode()
    assert "has to be undone first: sad refused on Song (ann)." in page


def test_nobody_changes_the_log(client: Client, song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    pk = the_action().pk
    assert client.get(f"{LOG}add/").status_code == 403
    assert client.post(f"{LOG}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert CurationAction.objects.count() == 1


def test_the_last_of_ones_own_is_found(song: Song, curator: User) -> None:
    bob = make_user("bob")
    curate(song, label("sad"), True, curator)
    mine = the_action()
    curate(song, label("rap"), True, bob)
    assert latest_of(curator) == mine
    undo(mine, bob)
    assert latest_of(curator) is None


# --- People -------------------------------------------------------------------------------------


def test_a_curator_who_leaves_is_named_nowhere_and_the_work_can_still_be_undone(song: Song, curator: User) -> None:
    bob = make_user("bob")
    before = everything()
    curate(song, label("sad"), True, bob)
    delete_account(bob)
    action = the_action()
    assert action.user is None
    assert "bob" not in str(list(CurationChange.objects.values_list("before", "after")))
    undo(action, curator)
    assert everything() == before


def test_a_listener_who_leaves_takes_what_the_log_kept_of_them(song: Song, curator: User) -> None:
    _merge(song, curator)
    mira = User.objects.get(username="mira")
    assert CurationChange.objects.filter(listener=mira).exists()
    assert '"what": "Nudge"' in "".join(export(mira))
    delete_account(mira)
    assert "mira" not in str(everything())
    assert not CurationChange.objects.filter(after__user_id=mira.pk).exists()
    undo(the_action(), curator)
    assert not LabelDoubt.objects.filter(user=mira.pk).exists()


def test_a_curators_work_is_in_the_export(song: Song, curator: User) -> None:
    curate(song, label("sad"), True, curator)
    assert "sad kept on Song" in "".join(export(curator))
