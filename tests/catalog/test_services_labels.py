import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from catalog.models import Label, LabelAlias, LabelAssignment, Nudge, Song, SongLabel
from catalog.services.labels import curate, labels_by_name, merge_labels, store_cnn_labels
from catalog.signals import labels_changed
from tests.factories import add_labels, make_song, make_user

pytestmark = pytest.mark.django_db


def weights_of(song: Song, source: str) -> dict[str, float]:
    return {
        annotation.label.name: annotation.weight for annotation in SongLabel.objects.filter(song=song, source=source)
    }


def test_names_that_mean_the_same_lead_to_one_label() -> None:
    labels = labels_by_name({"Hip-Hop": "genre", "hip hop": "genre"})
    assert labels["Hip-Hop"] == labels["hip hop"]
    assert Label.objects.count() == 1


def test_an_alias_leads_to_its_label() -> None:
    rnb = Label.objects.create(name="rnb", kind="genre")
    LabelAlias.objects.create(label=rnb, name="Rhythm and Blues")
    assert labels_by_name({"rhythm & blues": "other", "rhythm and blues": "other"})["rhythm and blues"] == rnb


def test_a_label_of_vague_kind_learns_it_and_a_known_kind_stays() -> None:
    labels_by_name({"jazz": "other", "calm": "mood"})
    labels_by_name({"jazz": "genre", "calm": "genre"})
    assert dict(Label.objects.values_list("name", "kind")) == {"jazz": "genre", "calm": "mood"}


def test_a_tagger_replaces_its_own_labels_and_nobody_elses() -> None:
    song = make_song(labels={"rock": 0.9}, origin="other-tagger")
    add_labels(song, {"folk": 3}, source="import", origin="file")
    store_cnn_labels(song, "tagger", {"jazz": 0.8, "calm": 0.4}, {"jazz": "genre", "calm": "mood"})
    store_cnn_labels(song, "tagger", {"jazz": 0.7}, {"jazz": "genre"})
    assert weights_of(song, "cnn") == {"rock": 0.9, "jazz": 0.7}
    assert weights_of(song, "import") == {"folk": 3}


def test_a_tagger_never_undoes_a_curator() -> None:
    song, curator = make_song(labels={"jazz": 0.9}), make_user("ann")
    curate(song, Label.objects.get(name="jazz"), False, curator)
    store_cnn_labels(song, "test", {"jazz": 0.99}, {"jazz": "genre"})
    assert weights_of(song, "curator") == {"jazz": -1.0}


def test_a_curator_can_change_and_take_back_a_word() -> None:
    song, curator = make_song(labels={"jazz": 0.9}), make_user("ann")
    jazz = Label.objects.get(name="jazz")
    curate(song, jazz, True, curator)
    curate(song, jazz, False, make_user("bob"))
    assert weights_of(song, "curator") == {"jazz": -1.0}
    curate(song, jazz, None, curator)
    assert weights_of(song, "curator") == {}


def test_changes_are_announced_once_they_are_committed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    received: list[list[int]] = []

    def receive(song_ids: list[int], **kwargs: object) -> None:
        received.append(song_ids)

    labels_changed.connect(receive)
    try:
        song = make_song()
        with django_capture_on_commit_callbacks(execute=True):
            store_cnn_labels(song, "test", {"jazz": 0.5}, {"jazz": "genre"})
            assert received == []
    finally:
        labels_changed.disconnect(receive)
    assert received == [[song.pk]]


def test_merging_keeps_every_song_alias_and_nudge() -> None:
    only_old, both = make_song(labels={"trip-hop": 0.6}), make_song(labels={"trip-hop": 0.9, "triphop": 0.4})
    old, new = Label.objects.get(name="trip-hop"), Label.objects.get(name="triphop")
    LabelAlias.objects.create(label=old, name="Bristol sound")
    ann, bob = make_user(), make_user()
    Nudge.objects.create(user=ann, label=old, weight=1)
    Nudge.objects.create(user=bob, label=old, weight=1)
    Nudge.objects.create(user=bob, label=new, weight=2)

    for user, label in ((ann, old), (bob, old), (bob, new)):
        LabelAssignment.objects.create(user=user, song=both, label=label)

    merge_labels([old], into=new)

    assert weights_of(only_old, "cnn") == {"triphop": 0.6}
    assert weights_of(both, "cnn") == {"triphop": 0.9}
    assert not Label.objects.filter(pk=old.pk).exists()
    assert set(new.aliases.values_list("name", flat=True)) == {"Bristol sound", "trip-hop"}
    assert dict(Nudge.objects.values_list("user__username", "weight")) == {ann.username: 1, bob.username: 2}
    assert set(new.assignments.values_list("user", "song")) == {(ann.pk, both.pk), (bob.pk, both.pk)}


def test_merging_two_curators_words_keeps_the_one_on_the_label_that_stays() -> None:
    song, ann = make_song(labels={"chill": 0.5, "chillout": 0.5}), make_user("ann")
    chill, chillout = Label.objects.get(name="chill"), Label.objects.get(name="chillout")
    curate(song, chill, False, ann)
    curate(song, chillout, True, make_user("bob"))
    merge_labels([chill], into=chillout)
    assert weights_of(song, "curator") == {"chillout": 1.0}


def test_merging_a_label_into_itself_changes_nothing() -> None:
    song = make_song(labels={"jazz": 0.5})
    jazz = Label.objects.get(name="jazz")
    merge_labels([jazz], into=jazz)
    assert weights_of(song, "cnn") == {"jazz": 0.5}


def test_singular_and_plural_lead_to_one_label() -> None:
    guitar = labels_by_name({"guitar": "instrument"})["guitar"]
    labels = labels_by_name({"Guitars": "other", "female vocalists": "vocals", "female vocalist": "vocals"})
    assert labels["Guitars"] == guitar
    assert labels["female vocalists"] == labels["female vocalist"]
    assert set(Label.objects.values_list("name", flat=True)) == {"guitar", "female vocalist"}
    assert set(LabelAlias.objects.values_list("key", flat=True)) == {"guitars", "female vocalists"}
    # Once it is known it is an alias like any other.
    assert labels_by_name({"guitars": "other"})["guitars"] == guitar


def test_a_plural_that_was_there_first_keeps_its_name() -> None:
    strings = labels_by_name({"strings": "instrument"})["strings"]
    assert labels_by_name({"string": "instrument"})["string"] == strings


def test_what_only_looks_like_a_plural_is_a_label_of_its_own() -> None:
    labels_by_name({"blue": "mood", "blues": "genre", "80s": "era", "80": "other", "bass": "instrument"})
    assert Label.objects.count() == 5
