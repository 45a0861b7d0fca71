"""The page where labels are curated, by requests: who may, what is shown, what a decision does, races, undoing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from catalog.models import CurationAction, CurationItem, Label, LabelAlias, Song, SongLabel
from catalog.services.curation import queue, thresholds
from catalog.services.curation.decisions import AlreadyDecidedError, Asked, decide
from catalog.services.curation.queue import waiting
from catalog.services.curation.undo import undo
from catalog.services.doubts import doubt
from catalog.services.labels import curate, labels_by_name
from catalog.signals import labels_changed
from tests.factories import add_labels, make_root, make_song, make_user

pytestmark = pytest.mark.django_db

DESK = "/admin/catalog/curationitem/"
LOG = "/admin/catalog/curationaction/"
NAMES = ["jazz", "calm", "piano", "rock"]


@pytest.fixture(autouse=True)
def _one_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    points = dict.fromkeys(NAMES, 0.5)
    monkeypatch.setattr(thresholds, "sources", [lambda: [thresholds.TaggerThresholds("ear", True, points)]])


@pytest.fixture
def curator(client: Client) -> User:
    """Staff who may change labels of songs and nothing else, as whom `client` is logged in."""
    user = make_user("ann", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_songlabel"))
    client.force_login(user)
    return user


def tagged(title: str, **labels: float) -> Song:
    song = make_song(
        title,
        "An artist",
        root=make_root(),
        path=f"{title}.mp3",
        duration_s=180.0,
        tagging_state=Song.Tagging.DONE,
        tagging_changed_at=timezone.now(),
    )
    labels_by_name(dict.fromkeys(NAMES, Label.Kind.GENRE))
    add_labels(song, labels, origin="ear")
    return song


def asked() -> dict[str, str]:
    """What the form of the first item sends."""
    queue.fill()
    item = queue.open_items()[0]
    return {"item": str(item.pk), "song": str(item.song_id), "label": str(item.label_id)}


def verdicts_on(song: Song) -> dict[str, float]:
    """What curators say of a song."""
    annotations = song.song_labels.filter(source=SongLabel.Source.CURATOR)
    return dict(annotations.values_list("label__name", "weight"))


def text_of(client: Client, address: str = DESK, **query: str) -> str:
    return " ".join(client.get(address, query).content.decode().split())


# --- Who may ------------------------------------------------------------------------------------


def test_listeners_are_sent_to_the_log_in_and_staff_without_the_right_are_refused(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(DESK).status_code == 302
    client.force_login(make_user("staff", is_staff=True))
    assert client.get(DESK).status_code == 403
    assert client.get(LOG).status_code == 403
    for address in ("decide/", "undo/", "same/1/"):
        assert client.post(f"{DESK}{address}").status_code == 403
    for address in ("bulk/", "labels/"):
        assert client.get(f"{DESK}{address}").status_code == 403
    action = CurationAction.objects.create(kind="kept", summary="x")
    assert client.post(f"{LOG}{action.pk}/undo/").status_code == 403
    assert client.get(f"/curation/{action.pk}/alike/").status_code == 403


def test_nothing_is_decided_by_a_link_or_from_another_site(curator: User) -> None:
    song = tagged("song", jazz=0.51)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(curator)
    data = {**asked(), "verdict": "keep"}
    assert strict.post(f"{DESK}decide/", data).status_code == 403
    for address in ("decide/", "undo/", "same/1/"):
        assert strict.get(f"{DESK}{address}").status_code == 405
    assert verdicts_on(song) == {}


# --- What is shown ------------------------------------------------------------------------------


def test_the_curation_page_says_what_is_asked_why_and_by_whom_and_plays_it_where_it_tells(
    client: Client, curator: User
) -> None:
    song = tagged("Song", jazz=0.52, calm=0.9)
    add_labels(song, {"90s": 3}, source=SongLabel.Source.IMPORT, origin="lastfm")
    page = text_of(client)
    assert "<strong>1</strong> to go" in page
    assert "Heard with 0.52: it may or may not be" in page
    assert 'Is it <strong class="curation-label">jazz</strong>?' in page
    assert "heard 0.52" in page
    assert "imported, 3 people" in page
    assert '<a href="/artists/an%20artist/">An artist</a>' in page
    assert f'src="/songs/{song.pk}/audio#t=60"' in page


@pytest.mark.parametrize(
    ("listeners", "words"), [(1, "One listener says this is wrong"), (2, "2 listeners say this is wrong")]
)
def test_doubts_are_told_in_words(client: Client, curator: User, listeners: int, words: str) -> None:
    song = tagged("Song", jazz=0.9)
    for _ in range(listeners):
        doubt(make_user(), song, Label.objects.get(key="jazz"))
    assert words in text_of(client)


@pytest.mark.parametrize(
    ("origin", "people", "words"),
    [
        ("lastfm", 12, "12 people say rock, the tagger does not hear it"),
        ("lastfm", 1, "One person says rock, the tagger does not hear it"),
        ("file", 1, "The file says rock, the tagger does not hear it"),
    ],
)
def test_contradictions_are_told_in_words(client: Client, curator: User, origin: str, people: int, words: str) -> None:
    add_labels(tagged("Song"), {"rock": people}, source=SongLabel.Source.IMPORT, origin=origin)
    assert words in text_of(client)


def test_an_empty_queue_says_what_would_come(client: Client, curator: User) -> None:
    page = text_of(client)
    assert "Nothing waits for you." in page
    assert "Labels come here when listeners say" in page


def test_the_curation_page_is_linked_from_the_admins_index(client: Client, curator: User) -> None:
    assert f'href="{DESK}"' in text_of(client, "/admin/")


def test_a_page_and_a_decision_take_few_queries(
    client: Client, curator: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        tagged(f"song {number}", jazz=0.5 + number / 1000, calm=0.9, piano=0.51)
    client.get(DESK)
    with django_assert_max_num_queries(20):
        client.get(DESK)
    data = {**asked(), "verdict": "keep"}
    with django_assert_max_num_queries(60):
        client.post(f"{DESK}decide/", data, headers={"HX-Request": "true"})


# --- Deciding -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdict", "weight", "kind"), [("keep", 1.0, "kept"), ("refuse", -1.0, "refused")])
def test_a_decision_is_stored_logged_announced_and_does_not_come_back(
    client: Client,
    curator: User,
    verdict: str,
    weight: float,
    kind: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    song = tagged("Song", jazz=0.51)
    heard_of: list[object] = []

    def listen(song_ids: object, **_: object) -> None:
        heard_of.append(song_ids)

    labels_changed.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{DESK}decide/", {**asked(), "verdict": verdict}, follow=True)
    labels_changed.disconnect(listen)
    assert heard_of == [[song.pk]]
    assert verdicts_on(song) == {"jazz": weight}
    action = CurationAction.objects.get()
    assert (action.kind, action.user, action.songs) == (kind, curator, 1)
    assert f"azz {kind} on Song - An artist." in answer.content.decode()
    assert waiting() == 0


def test_a_correction_says_no_to_one_label_and_yes_to_another_that_may_be_new(client: Client, curator: User) -> None:
    LabelAlias.objects.create(label=labels_by_name({"metal": "genre"})["metal"], name="Heavy Metal")
    for name, expected in (("HEAVY METAL", "metal"), ("Gamelan", "Gamelan")):
        song = tagged(f"song {name}", jazz=0.51)
        data = {**asked(), "verdict": "other", "name": name, "kind": "instrument"}
        client.post(f"{DESK}decide/", data)
        assert verdicts_on(song) == {"jazz": -1.0, expected: 1.0}
        cache.clear()
    assert Label.objects.get(name="Gamelan").kind == "instrument"
    assert set(CurationAction.objects.values_list("kind", flat=True)) == {"corrected"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "JAZZ", "\0"])
def test_a_correction_that_is_none_changes_nothing_and_says_why(client: Client, curator: User, name: str) -> None:
    song = tagged("song", jazz=0.51)
    page = client.post(f"{DESK}decide/", {**asked(), "verdict": "other", "name": name}, follow=True).content.decode()
    assert "Type the name of a label" in page or "It has the label jazz already" in page
    assert verdicts_on(song) == {}
    assert waiting() == 1
    assert not CurationAction.objects.exists()


def test_what_is_put_off_comes_after_the_rest(client: Client, curator: User) -> None:
    tagged("first", jazz=0.75)
    tagged("second", calm=0.55)
    page = client.post(f"{DESK}decide/", {**asked(), "verdict": "later"}, follow=True).content.decode()
    assert "second" in page
    assert waiting() == 2


def test_with_a_script_only_the_next_question_comes_back(client: Client, curator: User) -> None:
    tagged("first", jazz=0.75)
    tagged("second", calm=0.55)
    data = {**asked(), "verdict": "keep"}
    page = client.post(f"{DESK}decide/", data, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<div class="curation-page"')
    assert "second" in page
    assert "<html" not in page
    assert "<strong>1</strong> to go" in page


@pytest.mark.parametrize(
    "change", [{"verdict": "perhaps"}, {"item": "x"}, {"item": "9" * 30}, {"song": ""}, {"label": "-1"}]
)
def test_what_is_not_understood_changes_nothing(client: Client, curator: User, change: dict[str, str]) -> None:
    song = tagged("song", jazz=0.51)
    answer = client.post(f"{DESK}decide/", {**asked(), "verdict": "keep", **change}, follow=True)
    assert answer.status_code == 200
    assert "was not understood" in answer.content.decode()
    assert verdicts_on(song) == {}


def test_of_two_curators_the_slower_is_told_and_changes_nothing(client: Client, curator: User) -> None:
    song = tagged("song", jazz=0.51)
    data = asked()
    bob = make_user("bob", is_staff=True, is_superuser=True)
    other = Client()
    other.force_login(bob)
    other.post(f"{DESK}decide/", {**data, "verdict": "refuse"})
    page = client.post(f"{DESK}decide/", {**data, "verdict": "keep"}, follow=True).content.decode()
    assert "ob has already refused jazz on song - An artist. Nothing was done." in page
    assert verdicts_on(song) == {"jazz": -1.0}
    assert CurationAction.objects.count() == 1


def test_what_is_decided_on_the_songs_own_page_is_no_longer_asked(client: Client, curator: User) -> None:
    song = tagged("song", jazz=0.51)
    data = asked()
    curate(song, Label.objects.get(key="jazz"), True, make_user("bob"))
    assert waiting() == 0
    page = client.post(f"{DESK}decide/", {**data, "verdict": "refuse"}, follow=True).content.decode()
    assert "ob has already kept jazz" in page


def test_a_doubt_after_the_decision_is_asked_again(client: Client, curator: User) -> None:
    song, first = tagged("song", jazz=0.9), make_user()
    jazz = Label.objects.get(key="jazz")
    doubt(first, song, jazz)
    client.post(f"{DESK}decide/", {**asked(), "verdict": "keep"})
    assert waiting() == 0
    doubt(first, song, jazz)
    assert waiting() == 0
    doubt(make_user(), song, jazz)
    assert waiting() == 1
    client.post(f"{DESK}decide/", {**asked(), "verdict": "refuse"})
    assert verdicts_on(song) == {"jazz": -1.0}


# --- Undoing by key -----------------------------------------------------------------------------


def test_u_undoes_the_last_of_ones_own_and_asks_it_again(client: Client, curator: User) -> None:
    song, other = tagged("song", jazz=0.75), tagged("other", calm=0.55)
    client.post(f"{DESK}decide/", {**asked(), "verdict": "refuse"})
    curate(other, Label.objects.get(key="calm"), True, make_user("bob"))
    page = client.post(f"{DESK}undo/", headers={"HX-Request": "true"}).content.decode()
    assert "Undone: jazz refused on song - An artist." in page
    assert 'Is it <strong class="curation-label">jazz</strong>?' in page
    assert verdicts_on(song) == {}
    assert verdicts_on(other) == {"calm": 1.0}
    assert CurationItem.objects.get().reason == "unsure"
    page = client.post(f"{DESK}undo/", follow=True).content.decode()
    assert "There is nothing of yours to undo." in page


# --- Another label ------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "first"), [("ja", "jazz"), ("jaz", "jazz"), ("pinao", "piano"), ("JAZZ", "jazz")])
def test_labels_are_found_as_they_are_typed_errors_forgiven(
    client: Client, curator: User, typed: str, first: str
) -> None:
    tagged("song")
    page = client.get(f"{DESK}labels/", {"name": typed}).content.decode()
    assert f'data-name="{first}" aria-selected="true"' in page
    assert ("a new label" in page) == (typed not in ("JAZZ",))


@pytest.mark.parametrize("typed", ["", "  ", "\0", "<b>", "x" * 500])
def test_whatever_is_typed_is_answered(client: Client, curator: User, typed: str) -> None:
    answer = client.get(f"{DESK}labels/", {"name": typed})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_in_the_same_moment_one_does() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has no second writer to wait for the first")
    song = tagged("song", jazz=0.51)
    numbers = {name: int(value) for name, value in asked().items()}
    curators = [make_user("ann"), make_user("bob")]
    together = Barrier(2)

    def say(curator: User) -> str:
        try:
            together.wait(60)
            action = decide(Asked(**numbers), curator.username == "ann", curator)
        except AlreadyDecidedError as error:
            return str(error)
        else:
            return str(action)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(say, curators))
    first, second = (0, 1) if "already" in answers[1] else (1, 0)
    assert f"{curators[first].username} has already" in answers[second]
    assert CurationAction.objects.get().user == curators[first]
    assert verdicts_on(song) == {"jazz": 1.0 if first == 0 else -1.0}


@pytest.mark.django_db(transaction=True)
def test_of_two_who_speak_of_one_label_in_the_same_moment_both_are_heard() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has no second writer to wait for the first")
    song = tagged("song", jazz=0.51)
    curators = [make_user("ann"), make_user("bob")]
    jazz, together = Label.objects.get(key="jazz"), Barrier(2)

    def say(curator: User) -> None:
        try:
            together.wait(60)
            curate(song, jazz, curator.username == "ann", curator)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(say, curators))
    last, first = CurationAction.objects.all()
    assert verdicts_on(song) == {"jazz": 1.0 if last.user == curators[0] else -1.0}
    undo(last, curators[0])
    assert verdicts_on(song) == {"jazz": 1.0 if first.user == curators[0] else -1.0}
    undo(first, curators[0])
    assert verdicts_on(song) == {}
