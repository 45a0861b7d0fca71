"""The table of labels: on the dashboard, and through what becomes of the library's labels."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.services.exporting import export
from catalog.models import Label
from catalog.services.labels import delete_labels, merge_labels, rename_label
from mood import services
from mood.labels import DEFAULT_TABLE
from mood.models import EmotionLabel, MoodPreference, MoodReading
from recommender.services.label_queries import find_labels
from tests.factories import make_song, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/mood/emotionlabel/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    return client


def test_the_table_that_dcmrs_comes_with_is_there_from_the_start() -> None:
    assert services.table() == DEFAULT_TABLE
    assert EmotionLabel.objects.count() == sum(map(len, DEFAULT_TABLE.values()))


def test_labels_of_the_table_that_no_song_has_do_not_stand_in_the_library() -> None:
    assert not Label.objects.exists()


def test_an_empty_table_stands_for_the_one_that_dcmrs_comes_with() -> None:
    EmotionLabel.objects.all().delete()
    assert services.table() == DEFAULT_TABLE


def test_a_weight_is_changed_in_the_list_and_counts_at_once(staff: Client, ada: User) -> None:
    rows = list(EmotionLabel.objects.filter(emotion="sad", way="lift"))
    form = {f"form-{at}-id": str(row.pk) for at, row in enumerate(rows)}
    form |= {f"form-{at}-weight": "0" if row.label == "happy" else str(row.weight) for at, row in enumerate(rows)}
    management = {"form-TOTAL_FORMS": len(rows), "form-INITIAL_FORMS": len(rows), "_save": "Save"}
    answer = staff.post(f"{LIST}?emotion__exact=sad&way__exact=lift", {**form, **management})
    assert answer.status_code == 302
    assert EmotionLabel.objects.get(emotion="sad", way="lift", label="happy").weight == 0
    assert "happy" not in services.query_for(ada, {"sad": 1.0}, "lift")["labels"]


def test_a_label_of_the_library_is_added_under_its_own_name(staff: Client, ada: User) -> None:
    make_song(labels={"Trip-Hop": 0.5})
    sent = {"emotion": "tired", "way": "match", "label": "trip hop", "weight": "2"}
    assert staff.post(f"{LIST}add/", sent).status_code == 302
    assert next(iter(services.query_for(ada, {"tired": 1.0}, "match")["labels"])) == "Trip-Hop"


@pytest.mark.parametrize("label", ["polka", " ", "\x00", "x" * 101])
def test_a_label_that_no_song_can_have_is_refused(staff: Client, label: str) -> None:
    before = EmotionLabel.objects.count()
    sent = {"emotion": "tired", "way": "match", "label": label, "weight": "2"}
    assert staff.post(f"{LIST}add/", sent).status_code == 200
    assert EmotionLabel.objects.count() == before


def test_a_weight_that_is_no_number_is_refused(staff: Client) -> None:
    sent = {"emotion": "tired", "way": "match", "label": "dark", "weight": "nan"}
    assert staff.post(f"{LIST}add/", sent).status_code == 200


def test_there_is_a_way_back_to_the_table_as_it_came(staff: Client) -> None:
    EmotionLabel.objects.filter(emotion="sad").delete()
    EmotionLabel.objects.filter(emotion="happy").update(weight=9)
    assert services.table() != DEFAULT_TABLE
    assert "Back to the table" in staff.get(LIST).content.decode()
    assert staff.get(f"{LIST}reset/").status_code == 405
    assert staff.post(f"{LIST}reset/").status_code == 302
    assert services.table() == DEFAULT_TABLE


def test_only_who_may_change_the_table_resets_it(client: Client) -> None:
    client.force_login(make_user("staff", is_staff=True))
    assert client.post(f"{LIST}reset/").status_code == 403


def test_the_table_goes_on_when_labels_are_renamed_merged_and_deleted(ada: User) -> None:
    make_song(labels={"sad": 0.5, "melancholic": 0.5, "emotional": 0.5, "blue": 0.5})
    sad, melancholic, emotional, blue = (
        Label.objects.get(name=name) for name in ("sad", "melancholic", "emotional", "blue")
    )
    rename_label(sad, "sorrowful")
    merge_labels([melancholic, blue], blue)
    delete_labels([emotional])
    asked = services.query_for(ada, {"sad": 1.0}, "match")["labels"]
    found = find_labels(asked)
    assert (found["sad"], found["melancholic"]) == (sad, blue)
    assert "emotional" not in found


def test_readings_are_not_at_the_dashboard(staff: Client) -> None:
    assert staff.get("/admin/mood/moodreading/").status_code == 404


def test_what_is_kept_of_moods_stands_in_the_export_and_goes_with_the_account(ada: User) -> None:
    services.remember_keeping(ada, True)
    services.keep_reading(ada, {"happy": 0.75, "sad": 0.25}, "match")
    document = "".join(export(ada))
    assert '"happy": 0.75' in document
    assert '"keep_readings": true' in document
    ada.delete()
    assert not MoodPreference.objects.exists()
    assert not MoodReading.objects.exists()
