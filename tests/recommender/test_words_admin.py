"""The table of words on the dashboard."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.asserts import assertContains

from catalog.models import Label, LabelAlias
from recommender.default_words import default_words
from recommender.models import Word, WordLabel
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/recommender/word/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    return client


def sent(text: str, *labels: tuple[str, str], same_as: int | str = "") -> dict[str, str]:
    """What the form of a new word sends."""
    fields = {
        "text": text,
        "same_as": str(same_as),
        "labels-TOTAL_FORMS": str(len(labels)),
        "labels-INITIAL_FORMS": "0",
    }
    for place, (label, weight) in enumerate(labels):
        fields |= {f"labels-{place}-label": label, f"labels-{place}-weight": weight}
    return fields


def test_the_default_table_is_there_from_the_start_as_it_is_written() -> None:
    assert Word.objects.count() == sum(len(block) for block, _, _ in default_words())
    assert WordLabel.objects.count() == sum(len(meaning) for _, meaning, _ in default_words())
    assert not Label.objects.exists()


def test_the_list_says_what_each_word_means_and_is_searched_by_word_and_label(staff: Client) -> None:
    assertContains(staff.get(LIST, {"q": "peaceful"}), "the same as calm")
    assertContains(staff.get(LIST, {"q": "ragtime"}), "ragtime 1, piano 0.4")
    assertContains(staff.get(LIST, {"q": "shoegaze"}), "dream pop")


def test_a_word_is_added_with_its_labels_named_as_the_library_names_them(staff: Client) -> None:
    LabelAlias.objects.create(label=Label.objects.create(name="Hip-Hop"), name="rap music")
    assert staff.post(f"{LIST}add/", sent("Grandma's  Tea", ("RAP MUSIC", "1"), ("calm", "-0.5"))).status_code == 302
    word = Word.objects.get(text="Grandma's Tea")
    assert dict(word.labels.values_list("label", "weight")) == {"Hip-Hop": 1.0, "calm": -0.5}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (sent("!!!", ("calm", "1")), "A word has letters or digits."),
        (sent("CALM", ("calm", "1")), "This word is in the table already."),
        (sent("grandma", ("calm", "7")), "A weight lies between -1 and 1, and is not 0."),
        (sent("grandma", ("!", "1")), "A label has letters or digits."),
        (sent("grandma", ("calm", "nan")), "Enter a number."),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(staff: Client, fields: dict[str, str], said: str) -> None:
    assertContains(staff.post(f"{LIST}add/", fields), said)
    assert not Word.objects.filter(text="grandma").exists()


def test_a_word_means_the_same_as_one_that_has_labels_itself(staff: Client) -> None:
    calm, peaceful = Word.objects.get(text="calm"), Word.objects.get(text="peaceful")
    answer = staff.post(f"{LIST}add/", sent("grandma", same_as=peaceful.pk))
    assertContains(answer, "Choose a word that has labels of its own.")
    assert staff.post(f"{LIST}add/", sent("grandma", ("jazz", "1"), same_as=calm.pk)).status_code == 302
    word = Word.objects.get(text="grandma")
    assert word.same_as == calm
    assert not word.labels.exists()


def test_the_table_is_put_back_by_post_alone(staff: Client) -> None:
    Word.objects.get(text="calm").delete()
    assert not Word.objects.filter(text="peaceful").exists()
    assert staff.get(f"{LIST}reset/").status_code == 405
    assertContains(staff.post(f"{LIST}reset/", follow=True), "The table is as it came.")
    assert Word.objects.filter(text="peaceful").exists()


def test_words_can_be_tried_beside_the_table(staff: Client) -> None:
    answer = staff.get(LIST, {"try": "peacful zzyzx, not calm"})
    assertContains(answer, "for “peacful”")
    assertContains(answer, "Not understood: zzyzx")
    assertContains(answer, "<strong>not calm</strong>", html=True)


def test_staff_without_the_right_see_no_table(client: Client) -> None:
    client.force_login(make_user("helper", is_staff=True))
    assert client.get(LIST).status_code == 403
    assert client.post(f"{LIST}reset/").status_code == 403
