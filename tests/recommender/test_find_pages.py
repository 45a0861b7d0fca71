"""The page Find, and the words that a listener keeps."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.services.exporting import export
from catalog.models import Song
from recommender.models import ListeningContext
from recommender.services.contexts import LONGEST_NAME, MOST_CONTEXTS
from recommender.snapshots.build import build as recompute
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _computed(library: dict[str, Song]) -> None:
    recompute()


@pytest.fixture
def work(ada: User) -> ListeningContext:
    return ListeningContext.objects.create(user=ada, name="work", words="calm piano")


def test_a_stranger_has_to_log_in(client: Client) -> None:
    for address in ("/find/", "/find/?q=jazz"):
        assert client.get(address)["Location"].startswith("/accounts/login/")
    assert client.post("/find/contexts/", {"name": "a", "words": "b"}).status_code == 302
    assert not ListeningContext.objects.exists()


def test_before_anything_is_asked_the_page_says_what_can_be_said(page: Client) -> None:
    answer = page.get("/find/")
    assertContains(answer, "Say what you want to hear")
    assertNotContains(answer, "Understood as")


def test_every_page_has_the_box(page: Client) -> None:
    for address in ("/", "/library/", "/taste/", "/playlists/"):
        assertContains(page.get(address), 'id="head-find"')
    assertNotContains(Client().get("/accounts/login/"), "head-find")


def test_the_box_says_nothing_of_what_another_page_was_asked_for(page: Client) -> None:
    assertContains(page.get("/artists/", {"q": "xyzzy"}), 'value="xyzzy"', count=1)


def test_words_show_as_chips_each_with_the_address_without_it(page: Client) -> None:
    answer = page.get("/find/", {"q": "calm jazz but not rock"})
    assertContains(answer, 'href="/find/?q=jazz%2C+not+rock"')
    assertContains(answer, 'href="/find/?q=calm%2C+not+rock"')
    assertContains(answer, 'href="/find/?q=calm%2C+jazz"')
    assertContains(answer, "<span>not rock</span>", html=True)
    assertContains(answer, "Blue in Green")
    assertNotContains(answer, "Birdland")


def test_a_typing_error_is_shown_beside_what_it_was_taken_for(page: Client) -> None:
    assertContains(page.get("/find/", {"q": "pinao"}), "for “pinao”")


def test_what_is_not_understood_is_said_and_what_could_be_said_instead(page: Client) -> None:
    answer = page.get("/find/", {"q": "zzyzx jazz"})
    assertContains(answer, "Not understood: “zzyzx”. The rest is.")
    assertContains(page.get("/find/", {"q": "zzyzx"}), "Nothing found")


def test_what_no_song_here_has_is_said(page: Client) -> None:
    answer = page.get("/find/", {"q": "opera"})
    assertContains(answer, "No song here has a label for")


def test_songs_that_are_called_so_come_first(page: Client) -> None:
    answer = page.get("/find/", {"q": "so what"}).content.decode()
    assert "Called “so what”" in answer
    assert 'aria-label="Play all: called so what"' in answer
    assert "Not understood" not in answer


def test_only_new_songs_on_demand_and_the_chips_keep_that(page: Client, ada: User, library: dict[str, Song]) -> None:
    page.post(f"{library['So What'].get_absolute_url()}rate/", {"stars": "5"})
    assertContains(page.get("/find/", {"q": "jazz"}), "So What")
    answer = page.get("/find/", {"q": "jazz, calm", "new": "1"})
    assertNotContains(answer, "So What")
    assertContains(answer, 'href="/find/?q=calm&amp;new=1"')


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "'\" onload=x", "\0", "a" * 5000, "🙂" * 300, "%00%ff", "not " * 200, "-" * 400],
)
def test_whatever_is_typed_is_answered_and_nothing_of_it_is_markup(page: Client, text: str) -> None:
    answer = page.get("/find/", {"q": text})
    assert answer.status_code == 200
    assertNotContains(answer, "<script>alert")


def test_the_number_of_queries_does_not_grow_with_the_songs(
    page: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    page.get("/find/", {"q": "jazz"})
    with django_assert_max_num_queries(25):
        page.get("/find/", {"q": "jazz"})


# --- Contexts


def test_words_are_kept_and_one_tap_away_on_find_and_for_you(page: Client, ada: User) -> None:
    page.post(f"/songs/{Song.objects.get(title='So What').pk}/rate/", {"stars": "5"})
    answer = page.post("/find/contexts/", {"name": " late  evening ", "words": "calm jazz"})
    assertRedirects(answer, "/find/?q=calm+jazz", fetch_redirect_response=False)
    kept = ListeningContext.objects.get()
    assert (kept.user, kept.name, kept.words) == (ada, "late evening", "calm jazz")
    for address in ("/find/", "/"):
        assertContains(page.get(address), 'href="/find/?q=calm+jazz"')
    shown = page.get("/find/", {"q": "calm jazz"})
    assertContains(shown, 'aria-current="true"')
    assertNotContains(shown, "Keep these words as")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "A context needs a name."),
        ("x" * (LONGEST_NAME + 1), "at most 40 characters"),
        ("Work", "You have a context called Work already."),
    ],
)
def test_what_cannot_be_kept_is_said_and_nothing_is_lost(
    page: Client, work: ListeningContext, name: str, said: str
) -> None:
    answer = page.post("/find/contexts/", {"name": name, "words": "calm jazz"})
    assertContains(answer, said, status_code=400)
    assertContains(answer, 'value="calm jazz"', status_code=400)
    assert ListeningContext.objects.count() == 1


def test_there_is_a_limit_to_how_many_are_kept(page: Client, ada: User) -> None:
    ListeningContext.objects.bulk_create(
        ListeningContext(user=ada, name=f"{number}", words="calm") for number in range(MOST_CONTEXTS)
    )
    answer = page.post("/find/contexts/", {"name": "one more", "words": "jazz"})
    assertContains(answer, "There can be 30 contexts.", status_code=400)


def test_a_context_is_renamed_and_deleted(page: Client, work: ListeningContext) -> None:
    page.post(f"/find/contexts/{work.pk}/rename/", {"name": "office"})
    work.refresh_from_db()
    assert work.name == "office"
    answer = page.post(f"/find/contexts/{work.pk}/delete/")
    assertRedirects(answer, "/find/?q=calm+piano", fetch_redirect_response=False)
    assert not ListeningContext.objects.exists()


def test_nobody_touches_or_sees_the_contexts_of_others(client: Client, work: ListeningContext) -> None:
    client.force_login(make_user())
    assert client.post(f"/find/contexts/{work.pk}/rename/", {"name": "mine"}).status_code == 404
    assert client.post(f"/find/contexts/{work.pk}/delete/").status_code == 404
    assertNotContains(client.get("/find/"), "Your contexts")
    work.refresh_from_db()
    assert work.name == "work"


def test_changes_are_made_by_post_alone(page: Client, work: ListeningContext) -> None:
    for address in ("/find/contexts/", f"/find/contexts/{work.pk}/rename/", f"/find/contexts/{work.pk}/delete/"):
        assert page.get(address).status_code == 405
    assert page.post("/find/").status_code == 405


def test_contexts_are_exported_and_go_with_the_account(ada: User, work: ListeningContext) -> None:
    assert '"name": "work", "words": "calm piano"' in "".join(export(ada))
    ada.delete()
    assert not ListeningContext.objects.exists()


def test_while_songs_are_listened_to_a_word_without_label_may_yet_get_one(
    page: Client, library: dict[str, Song]
) -> None:
    hope = "what is heard in them counts here within minutes"
    Song.objects.update(tagging_state=Song.Tagging.DONE)
    assertNotContains(page.get("/find/?q=80s"), hope)
    Song.objects.filter(pk=library["Thunder"].pk).update(tagging_state=Song.Tagging.PENDING)
    assertContains(page.get("/find/?q=80s"), "No song here has a label for")
    assertContains(page.get("/find/?q=80s"), hope)
    assertNotContains(page.get("/find/?q=jazz"), hope)
