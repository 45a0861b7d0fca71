"""The taggers on the dashboard: who may see them, have them learn, and put them to use."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog.services.embeddings import store_embedding
from catalog.services.labels import curate, labels_by_name
from tagging.models import TaggingRun, TrainingJob
from tagging.services import relabelling
from tagging.taggers import registry
from tagging.taggers.registry import LocalTagger
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import write_local
from tests.tagging.sounds import make_sounds

pytestmark = pytest.mark.django_db

PAGE = "/admin/tagging/trainingjob/"
USE, LEARN, STATE = f"{PAGE}use/", f"{PAGE}learn/", f"{PAGE}state/"


@pytest.fixture
def admin(client: Client) -> User:
    user = make_user("admin", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture
def mine(bundled: LocalTagger, home: Path) -> LocalTagger:
    """A tagger that has learned `jazz`."""
    learned = {"label": "jazz", "kept": True, "new": False, "before": 0.61, "after": 0.83}
    left = {"label": "piano", "kept": False, "new": False, "before": 0.9, "after": 0.88}
    return write_local(home / "models" / "mine.safetensors", base="dcmrs", figures={"labels": [learned, left]})


def staff(client: Client, *permissions: str) -> None:
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)


def text(client: Client, address: str = PAGE) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_the_page_shows_what_was_learned_and_which_is_in_use(client: Client, admin: User, mine: LocalTagger) -> None:
    page = text(client)
    assert "jazz: 0.61 to 0.83" in page
    assert "piano" not in page
    assert page.index("dcmrs</th>") < page.index("<strong>in use</strong>") < page.index("mine</th>")
    assert "Use this one" in page
    assert "Go back" not in page
    assert '<a href="/admin/tagging/trainingjob/"' in text(client, "/admin/")


def test_corrections_are_counted(client: Client, admin: User, bundled: LocalTagger) -> None:
    jazz, new = labels_by_name({"jazz": "genre", "kitchen music": "other"}).values()
    for n, vector in enumerate(make_sounds(9).embeddings):
        song = make_song(root=make_root(), path=f"{n}.ogg")
        if n:
            store_embedding(song, bundled.embedding, vector)
        curate(song, jazz, n % 2 == 0, admin)
        if n < 3:
            curate(song, new, True, admin)
    page = text(client)
    assert "10 corrections of songs that dcmrs has heard, and 2 more of songs that it has not heard yet." in page
    assert "1 label has enough of them" in page
    assert '<th scope="row">jazz</th><td>4</td><td>4</td><td>yes</td>' in page
    assert "kitchen music (new)</th><td>2</td><td>0</td><td>not yet: 20 of each</td>" in page


def test_another_tagger_is_put_to_use_and_the_first_one_again(client: Client, admin: User, mine: LocalTagger) -> None:
    page = client.post(USE, {"name": "mine"}, follow=True).content.decode()
    assert "In use: mine. Songs get its labels once a worker runs." in page
    assert "Go back to this one" in page
    assert registry.in_use() == "mine"
    client.post(USE, {"name": "dcmrs"})
    assert registry.in_use() == "dcmrs"
    said = list(LogEntry.objects.order_by("pk").values_list("user", "object_repr", "change_message"))
    assert said == [
        (admin.pk, "Tagger mine", "Put to use, in place of dcmrs"),
        (admin.pk, "Tagger dcmrs", "Put to use, in place of mine"),
    ]
    assert client.get(f"{PAGE}mine/change/").headers["Location"] == PAGE


def test_the_tagger_that_is_in_use_stays_so_without_a_note(client: Client, admin: User, mine: LocalTagger) -> None:
    client.post(USE, {"name": "dcmrs"})
    assert registry.in_use() == "dcmrs"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["", "nobody", "../../etc/passwd", "msd-crnn"])
def test_what_is_no_local_tagger_is_not_put_to_use(client: Client, admin: User, mine: LocalTagger, name: str) -> None:
    assert "It stays as it was" in client.post(USE, {"name": name}, follow=True).content.decode()
    assert registry.in_use() == "dcmrs"
    assert not LogEntry.objects.exists()


def test_songs_that_wait_for_labels_are_counted_until_they_have_them(
    client: Client, admin: User, mine: LocalTagger
) -> None:
    for n, vector in enumerate(make_sounds(3).embeddings):
        song = make_song(root=make_root(), path=f"{n}.ogg", tagging_state="done")
        store_embedding(song, mine.embedding, vector)
        TaggingRun.objects.create(song=song, tagger="dcmrs")
    client.post(USE, {"name": "mine"})
    assert "3 songs wait for the labels" in text(client, STATE)
    assert 'hx-trigger="every 3s"' in text(client, STATE)
    relabelling.relabel_from_embeddings()
    assert "wait for the labels" not in text(client, STATE)
    assert "hx-trigger" not in text(client, STATE)


def test_a_training_job_waits_for_a_worker(client: Client, admin: User, bundled: LocalTagger) -> None:
    page = client.post(LEARN, follow=True).content.decode()
    assert "The training job waits; no worker is running." in page
    client.post(LEARN)
    job = TrainingJob.objects.get()
    assert (job.state, job.asked_by) == (TrainingJob.State.WAITING, admin)
    assert '<td data-head="State">Waiting</td>' in text(client, STATE)
    assert LogEntry.objects.filter(user=admin, change_message="Asked to learn from the corrections").count() == 2


def test_without_a_local_tagger_the_page_says_so(client: Client, admin: User) -> None:
    page = text(client)
    assert "No tagger of this program&#x27;s own is in use: there is nothing to begin with." in page
    assert "Learn from the corrections" not in page


def test_figures_from_elsewhere_may_be_anything(client: Client, admin: User, bundled: LocalTagger, home: Path) -> None:
    figures = {"labels": [7, {"kept": True}, {"kept": True, "label": "<script>", "before": "x", "after": None}]}
    write_local(home / "models" / "odd.safetensors", base="dcmrs", figures=figures)
    write_local(home / "models" / "odder.safetensors", figures={"labels": "none"})
    page = text(client)
    assert "&lt;script&gt;" in page
    assert "odder" in page


def test_looking_learning_and_using_are_three_permissions(client: Client, mine: LocalTagger) -> None:
    staff(client)
    assert [client.get(address).status_code for address in (PAGE, STATE)] == [403, 403]
    staff(client, "view_trainingjob")
    page = text(client)
    assert "jazz: 0.61 to 0.83" in page
    assert "Use this one" not in page
    assert "Learn from the corrections" not in page
    assert [client.post(address, {"name": "mine"}).status_code for address in (USE, LEARN)] == [403, 403]
    staff(client, "view_trainingjob", "add_trainingjob")
    assert [client.post(address, {"name": "mine"}).status_code for address in (USE, LEARN)] == [403, 302]
    staff(client, "view_trainingjob", "change_trainingjob")
    assert [client.post(address, {"name": "mine"}).status_code for address in (USE, LEARN)] == [302, 403]
    assert registry.in_use() == "mine"


def test_listeners_and_guests_are_sent_to_log_in(client: Client, mine: LocalTagger) -> None:
    for _ in range(2):
        for address in (PAGE, STATE):
            assert client.get(address).status_code == 302
        for address in (USE, LEARN):
            assert client.post(address, {"name": "mine"}).status_code == 302
        client.force_login(make_user())
    assert registry.in_use() == "dcmrs"
    assert not TrainingJob.objects.exists()


def test_nothing_changes_by_a_link_or_from_another_site(admin: User, mine: LocalTagger) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    assert [strict.get(address).status_code for address in (USE, LEARN)] == [405, 405]
    assert [strict.post(address, {"name": "mine"}).status_code for address in (USE, LEARN)] == [403, 403]
    assert registry.in_use() == "dcmrs"
    assert not TrainingJob.objects.exists()


def test_training_jobs_are_neither_made_nor_deleted_by_hand(client: Client, admin: User, bundled: LocalTagger) -> None:
    job = TrainingJob.objects.create(state=TrainingJob.State.KEPT)
    assert client.get(f"{PAGE}add/").status_code == 403
    assert client.post(f"{PAGE}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert TrainingJob.objects.filter(pk=job.pk).exists()
