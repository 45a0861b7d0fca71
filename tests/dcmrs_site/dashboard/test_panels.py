"""The dashboard: true figures, nothing for strangers, and never a page that hangs."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, Listener, Play, Song
from catalog.services.doubts import doubt
from catalog.services.labels import curate
from recommender.models import Evaluation, Snapshot, SnapshotBuildPart
from recommender.snapshots import build, current
from recommender.snapshots import parts as snapshot_parts
from tests.factories import make_root, make_song, make_user

from .desk import (
    BY_HTMX,
    CURATION,
    LIBRARY,
    PANELS,
    PEOPLE,
    RECOMPUTE,
    SNAPSHOTS,
    TRY_AGAIN,
    failed,
    in_one_line,
    tagged,
    text,
)

pytestmark = pytest.mark.django_db

# --- Who sees it --------------------------------------------------------------------------------


def test_the_dashboard_asks_for_a_panel_of_each_room_above_djangos_list(client: Client, boss: User) -> None:
    page = client.get("/admin/").text
    assert [address for address in PANELS if f'hx-get="{address}" hx-trigger="load"' not in page] == []
    assert page.index(LIBRARY) < page.index("Recent actions")
    assert LIBRARY not in client.get("/admin/catalog/").text


@pytest.mark.parametrize("address", [*PANELS, TRY_AGAIN, RECOMPUTE])
def test_panels_are_for_staff(client: Client, address: str) -> None:
    for user in (None, make_user()):
        if user is not None:
            client.force_login(user)
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]


def test_staff_without_rights_sees_figures_and_no_buttons(client: Client, helper: User, snapshots: Path) -> None:
    song = failed("cut off")[0]
    assert "1 could not be listened to" in text(client, LIBRARY)
    for address in (LIBRARY, SNAPSHOTS):
        assert "<button" not in client.get(address).text
    assert client.post(TRY_AGAIN).status_code == 403
    assert client.post(RECOMPUTE).status_code == 403
    song.refresh_from_db()
    assert song.tagging_state == "failed"


@pytest.mark.parametrize("address", [TRY_AGAIN, RECOMPUTE])
def test_what_changes_something_is_not_done_by_looking(client: Client, boss: User, address: str) -> None:
    assert client.get(address).status_code == 405


def test_panels_ask_few_queries(
    client: Client, boss: User, snapshots: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tagged(20, labels={"jazz": 0.8})
    for n in range(10):
        failed(f"reason {n}")
    for protocol in ("warm", "cold"):
        evaluation(protocol, 0.8, 0.9)
    build.build()
    for address in PANELS:
        # The first look fills the queue of curation and the index of songs, for all who look after it.
        client.get(address)
        with django_assert_max_num_queries(10):
            client.get(address)


# --- Library ------------------------------------------------------------------------------------


def test_an_empty_library_says_what_to_do(client: Client, boss: User) -> None:
    assert "manage.py import_music" in text(client, LIBRARY)


def test_the_librarys_figures_are_true(client: Client, boss: User) -> None:
    tagged(3, labels={"jazz": 0.8})
    failed("cut off")
    make_song("Known from plays")
    make_song("Known from plays and labels", labels={"jazz": 3})
    make_song("Gone", root=make_root(), path="gone.mp3", tagging_state="done", missing_since=timezone.now())
    page = text(client, LIBRARY)
    assert "<strong>7</strong> songs" in page
    assert "<strong>4</strong> can be played here" in page
    assert "<strong>4</strong> have labels" in page
    assert "<strong>1</strong> whose file is gone" in page
    assert "4 of 4 listened to: nothing waits." in page
    assert "every" not in page


def test_what_waits_is_told_with_the_time_left_and_looked_at_again(client: Client, boss: User) -> None:
    root = make_root()
    Song.objects.bulk_create(Song(title=f"{n}", root=root, path=f"{n}.mp3") for n in range(331))
    now, done = timezone.now(), list(Song.objects.order_by("pk")[:31])
    for n, song in enumerate(done):
        song.tagging_state, song.tagging_changed_at = Song.Tagging.DONE, now - timedelta(seconds=2 * n)
    Song.objects.bulk_update(done, ["tagging_state", "tagging_changed_at"])
    page = text(client, LIBRARY)
    assert "31 of 331 listened to; " in page
    assert re.search(r">300 waiting</a>, about (9|10|11) minutes left at (2[6-9]|30) songs a minute\.", page)
    assert "every 3s" in page


def test_where_nobody_listens_it_says_so_and_asks_seldom(client: Client, boss: User) -> None:
    make_song(root=make_root(), path="1.mp3")
    tagged(1)
    page = text(client, LIBRARY)
    assert "Nothing was finished in the last ten minutes" in page
    assert "every 15s" in page


def test_failures_are_counted_by_reason_and_lead_to_their_songs(client: Client, boss: User) -> None:
    failed("cut off before its end & more", 2)
    failed("no audio", 1)
    page = text(client, LIBRARY)
    assert "3 could not be listened to" in page
    assert page.index("cut off before its end &amp; more") < page.index("no audio")
    address = page.split('cut off before its end &amp; more</span> <a href="')[1].split('"')[0].replace("&amp;", "&")
    assert "2 songs" in in_one_line(client.get(address).text)


def test_songs_of_one_reason_are_tried_again(client: Client, boss: User) -> None:
    (cut, also_cut), (other,) = failed("cut off", 2), failed("no audio")
    answer = client.post(TRY_AGAIN, {"reason": "cut off"}, headers=BY_HTMX)
    page = in_one_line(answer.text)
    assert "2 songs wait again. No broker is there to call a worker" in page
    assert 'id="dashboard-library"' in page
    assert "1 could not be listened to" in page
    for song, state in ((cut, "pending"), (also_cut, "pending"), (other, "failed")):
        song.refresh_from_db()
        assert (song.tagging_state, song.tagging_attempts) == (state, 0 if state == "pending" else 3)


def test_all_are_tried_again_but_those_whose_file_is_gone(client: Client, boss: User) -> None:
    failed("cut off", 2)
    failed("no audio")
    (gone,) = failed("no file", missing_since=timezone.now())
    page = client.post(TRY_AGAIN, follow=True).text
    assert "3 songs wait again" in page
    assert Song.objects.filter(tagging_state="pending").count() == 3
    gone.refresh_from_db()
    assert gone.tagging_state == "failed"


@pytest.mark.parametrize("reason", ["cut off", "", "\x00", "x" * 5000])
def test_a_reason_that_nothing_failed_for_changes_nothing(client: Client, boss: User, reason: str) -> None:
    failed("no audio")
    assert "Nothing to try again" in client.post(TRY_AGAIN, {"reason": reason}, headers=BY_HTMX).text
    assert Song.objects.get().tagging_state == "failed"


def test_who_may_change_songs_may_try_again(client: Client, helper: User) -> None:
    failed("cut off")
    helper.user_permissions.add(Permission.objects.get(codename="change_song"))
    assert "<button" in client.get(LIBRARY).text
    assert "1 song waits again" in client.post(TRY_AGAIN, headers=BY_HTMX).text


# --- Snapshots ----------------------------------------------------------------------------------


def evaluation(protocol: str, content: float, hybrid: float, days_ago: int = 0) -> None:
    """The figures of one night."""
    methods = {"content": (content, False), "hybrid": (hybrid, False), "random": (0.5, True)}
    figures = {name: {"auc": auc, "map": 0.1, "baseline": baseline} for name, (auc, baseline) in methods.items()}
    row = Evaluation.objects.create(protocol=protocol, seconds=1, figures={"methods": figures})
    Evaluation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=days_ago))


def test_before_the_first_snapshot_it_says_so(client: Client, boss: User) -> None:
    page = text(client, SNAPSHOTS)
    assert "There is none yet" in page
    assert "Recompute now" in page
    assert "every" not in page


def test_the_last_snapshot_is_told(client: Client, boss: User, snapshots: Path) -> None:
    for n in range(3):
        make_song(labels={"jazz": 0.8, f"label {n}": 0.5})
    row = build.build()
    Snapshot.objects.filter(pk=row.pk).update(seconds=41.3)
    page = text(client, SNAPSHOTS)
    assert "</a>, 41 s, from 3 songs with labels and 0 plays." in page
    assert "Recommends by content" in page
    assert "Not by" in page, page
    assert "once 20 listeners have played" in page


def test_the_last_thirty_nights_are_drawn_and_told(client: Client, boss: User) -> None:
    for days, content, hybrid in ((40, 0.1, 0.1), (29, 0.80, 0.90), (1, 0.75, 0.70), (0, 0.88, 0.92)):
        evaluation("warm", content, hybrid, days)
    evaluation("cold", 0.84, 0.86)
    page = text(client, SNAPSHOTS)
    assert "AUC hybrid <strong>0.92</strong>, content <strong>0.88</strong>" in page
    words = "AUC over 3 nights: hybrid 0.92, from 0.90, lowest 0.70; content 0.88, from 0.80, lowest 0.75"
    assert f'aria-label="{words}"' in page
    assert 'aria-label="AUC over 1 night: hybrid 0.86; content 0.84"' in page
    assert page.count("<polyline") == 4


def test_without_a_broker_recomputing_says_what_to_do(client: Client, boss: User) -> None:
    page = in_one_line(client.post(RECOMPUTE, headers=BY_HTMX).text)
    assert "manage.py up" in page
    assert "manage.py recompute" in page
    assert "every" not in page


def test_a_snapshot_at_work_is_told_with_how_far_it_is(client: Client, boss: User, snapshots: Path) -> None:
    make_song(labels={"jazz": 0.8, "calm": 0.2})
    snapshot_build = snapshot_parts.begin()
    part = snapshot_parts.take_part(snapshot_build)
    assert part is not None
    snapshot_parts.fit(part)
    assert snapshot_parts.take_part(snapshot_build) is not None
    parts = snapshot_build.parts.count()
    page = text(client, SNAPSHOTS)
    assert f"1 of {parts} parts are done, at work on" in page
    assert "every 3s" in page
    assert "Recompute now" not in page
    assert f"One is being computed already: 1 of {parts} parts" in client.post(RECOMPUTE, headers=BY_HTMX).text
    SnapshotBuildPart.objects.update(taken_until=None)
    assert "No broker" in client.post(RECOMPUTE, headers=BY_HTMX).text, "a build left behind is to go on"


def test_a_damaged_snapshot_is_told(client: Client, boss: User, snapshots: Path) -> None:
    row = build.build()
    current.withdraw(row.folder, "content.data.npy has 7 bytes")
    assert "is damaged and not read any more (content.data.npy has 7 bytes)" in text(client, SNAPSHOTS)


@pytest.mark.parametrize("asked", ["", "x", "-1", "9" * 5000, "\u0663", "0", "9999999999"])
def test_any_moment_of_asking_is_borne(client: Client, boss: User, asked: str) -> None:
    assert client.get(SNAPSHOTS, {"asked": asked}).status_code == 200


def test_what_was_asked_for_a_moment_ago_is_looked_for_again_and_at_last_not(client: Client, boss: User) -> None:
    now = int(time.time())
    assert f"asked={now}" in text(client, f"{SNAPSHOTS}?asked={now}")
    assert "every" not in text(client, f"{SNAPSHOTS}?asked={now - 3600}")


# --- People -------------------------------------------------------------------------------------


def test_people_and_plays_are_counted(client: Client, boss: User) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    imported = make_user("lastfm-1", is_active=False)
    Listener.objects.create(user=imported, origin=Listener.Origin.IMPORTED)
    song, now = make_song(), timezone.now()
    for user, days, more in (
        (ada, 0, {}),
        (ada, 0, {"skipped": True}),
        (ada, 2, {}),
        (bob, 9, {}),
        (bob, 40, {}),
        (imported, 1, {}),
        (bob, 1, {"origin": "listenbrainz"}),
    ):
        Play.objects.create(user=user, song=song, played_at=now - timedelta(days=days, seconds=len(more)), **more)
    page = text(client, PEOPLE)
    assert "<strong>3</strong> accounts" in page
    assert "<strong>1</strong> listened this week" in page
    assert "<strong>1</strong> came with imports" in page
    assert "4 in 30 days" in page
    assert "Plays a day over the last 30 days: 4 in all, 1 on the busiest day, 1 today" in page
    assert page.count("<rect") == 4


def test_a_site_where_nothing_was_played_says_so(client: Client, boss: User) -> None:
    assert "Nothing was played in the last 30 days." in text(client, PEOPLE)


# --- To curate ----------------------------------------------------------------------------------


def test_where_nothing_waits_for_a_curator_it_says_what_would(client: Client, boss: User) -> None:
    assert "Nothing waits. Labels come here that listeners doubt" in text(client, CURATION)


def test_labels_that_wait_for_a_curator_are_counted_by_reason(client: Client, boss: User) -> None:
    song = make_song(root=make_root(), path="1.mp3", labels={"jazz": 0.8, "sad": 0.7})
    for label in Label.objects.all():
        doubt(make_user(), song, label, doubted=True)
    page = text(client, CURATION)
    assert "<strong>2</strong> labels wait for a word" in page
    assert "listeners say it is wrong</th><td>2</td>" in page
    assert 'href="/admin/catalog/curationitem/"' in page
    curate(song, Label.objects.get(name="jazz"), True, boss)
    assert "<strong>1</strong> label waits for a word" in text(client, CURATION)


def test_who_may_not_curate_sees_how_many_wait_and_no_way_there(client: Client, helper: User) -> None:
    song = make_song(root=make_root(), path="1.mp3", labels={"jazz": 0.8})
    doubt(make_user(), song, Label.objects.get(), doubted=True)
    page = text(client, CURATION)
    assert "<strong>1</strong> label waits for a word" in page
    assert "curationitem" not in page
