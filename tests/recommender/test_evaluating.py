"""`evaluate_recommenders`, what it reads and what it keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from catalog.models import Label, LabelAssignment, Play, PlayCount, Song, SongLabel
from recommender.engine.content import Content
from recommender.engine.evaluation.baselines import EACH_ALONE, Method, baselines, of_recommender
from recommender.engine.evaluation.comparison import Step
from recommender.engine.evaluation.protocols import Protocol
from recommender.engine.evaluation.report import FIGURES
from recommender.engine.methods import METHODS
from recommender.evaluation import evaluating, evaluation_history
from recommender.models import Evaluation, Snapshot
from recommender.snapshots import build, training_data
from recommender.tasks import evaluate, recompute
from tests.factories import add_labels, make_plays, make_song, make_user

from .evaluation.conftest import N_LISTENERS, N_SONGS, made_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(db: None) -> list[User]:
    """The made-up crowd, its songs and plays in the database."""
    made = made_up()
    users = User.objects.bulk_create(User(username=f"crowd-{number}") for number in range(N_LISTENERS))
    songs = Song.objects.bulk_create(Song(title=f"Song {number}") for number in range(N_SONGS))
    labels = made.term_frequencies.toarray()
    for song, said in zip(songs, labels, strict=True):
        add_labels(song, {f"label {at}": said[at] for at in np.flatnonzero(said)}, source="import")
    played = made.played.tocoo()
    PlayCount.objects.bulk_create(
        PlayCount(user=users[row], song=songs[column], count=count)
        for row, column, count in zip(played.row, played.col, played.data.tolist(), strict=True)
    )
    return users


@pytest.fixture
def two_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement of content against chance takes no time."""
    wanted: list[Method] = [baselines()[0], of_recommender("content", Content)]
    monkeypatch.setattr(evaluating, "methods", lambda: wanted)


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("evaluate_recommenders", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.one_database
def test_every_method_and_baseline_is_measured_on_the_library(crowd: list[User]) -> None:
    found = json.loads(run("--protocol", "cold", "--format", "json")[0])
    names = [method.name for method in baselines()]
    assert list(found["methods"]) == [*names, *METHODS, "towers"]
    assert found["listeners"] == N_LISTENERS
    assert found["splits"] == 5
    for figures in found["methods"].values():
        assert all(0 <= figures[one] <= 1 for one in FIGURES)
    pairs = len(found["methods"]) * (len(found["methods"]) - 1) // 2
    assert len(found["differences"]) == pairs * len(FIGURES) * len(found["ranked_among"])
    assert any(len(repr(figures["auc"])) > 10 for figures in found["methods"].values())


def test_without_a_protocol_there_are_both(crowd: list[User], two_methods: None) -> None:
    found = json.loads(run("--format", "json")[0])
    assert list(found) == ["warm", "cold"]
    assert found["cold"]["methods"]["content"]["auc"] > found["cold"]["methods"]["random"]["auc"]


def test_the_table_says_who_is_better(crowd: list[User], two_methods: None) -> None:
    table, _ = run("--protocol", "cold")
    lines = table.splitlines()
    assert "found among these" in lines[0]
    content = next(line.split() for line in lines if line.startswith("content "))
    assert 0.5 < float(content[1]) < 1
    against = next(line for line in lines if line.startswith("  random: "))
    assert "better" in against


def test_the_figures_are_kept_with_the_snapshot_and_outlive_it(crowd: list[User], two_methods: None) -> None:
    used = build.build()
    printed = json.loads(run("--protocol", "warm", "--format", "json")[0])
    kept = evaluating.latest(Protocol.WARM)
    assert kept is not None
    assert (kept.snapshot, kept.snapshot_version) == (used, used.version)
    assert kept.figures == printed
    assert evaluating.latest(Protocol.COLD) is None
    Snapshot.objects.all().delete()
    kept.refresh_from_db()
    assert (kept.snapshot, kept.snapshot_version) == (None, used.version)


def test_the_figures_of_thirty_nights_are_together_and_very_old_ones_go(crowd: list[User], two_methods: None) -> None:
    for days in (100, 40, 3):
        figures = {"methods": {"content": {"map": 0.2, "baseline": False}, "random": {"map": 0.01, "baseline": True}}}
        old = Evaluation.objects.create(protocol="warm", seconds=1, figures=figures)
        Evaluation.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=days))
    new = evaluating.evaluate(Protocol.WARM)
    assert Evaluation.objects.count() == 3
    three_days_ago, tonight = evaluating.history(Protocol.WARM)
    assert three_days_ago.maps == {"content": 0.2, "random": 0.01}
    assert tonight.maps["content"] == new.figures["methods"]["content"]["map"]
    assert tonight.baselines == {"random"}


@pytest.mark.parametrize("arguments", [[], ["--protocol", "warm"], ["--protocol", "cold", "--format", "json"]])
def test_too_few_plays_are_one_clear_line(arguments: list[str]) -> None:
    make_plays(make_user(), make_song("only", labels={"rock": 1}))
    with pytest.raises(CommandError, match="too few plays for") as raised:
        run(*arguments)
    assert "\n" not in str(raised.value)
    assert not Evaluation.objects.exists()


def test_an_empty_library_is_said_too() -> None:
    with pytest.raises(CommandError, match="too few plays for warm"):
        run("--protocol", "warm")


def test_an_interrupted_evaluation_keeps_nothing(crowd: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_data: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluating, "methods", lambda: [Method("slow", {"": interrupted})])
    err = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("evaluate_recommenders", stdout=StringIO(), stderr=err)
    assert stopped.value.code == 130
    assert "Interrupted" in err.getvalue()
    assert not Evaluation.objects.exists()


def test_the_first_time_a_song_was_played_counts(crowd: list[User]) -> None:
    ada, bob = crowd[:2]
    counts = list(PlayCount.objects.filter(user=ada).order_by("song_id")[:3])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for days, skipped in ((5, False), (2, False), (1, True)):
        Play.objects.create(user=ada, song=counts[0].song, played_at=start + timedelta(days=days), skipped=skipped)
    PlayCount.objects.filter(pk__in=[counts[0].pk, counts[1].pk]).update(last_played=start + timedelta(days=9))
    library = training_data.read_library(lambda _: None)
    moments = evaluating._first_played(library, lambda _: None)
    row = int(np.searchsorted(library.listener_ids, ada.pk))
    of_ada = slice(library.data.played.indptr[row], library.data.played.indptr[row + 1])
    songs = library.index.song_ids[library.data.played.indices[of_ada]].tolist()
    known = dict(zip(songs, moments[of_ada].tolist(), strict=True))
    assert known[counts[0].song_id] == (start + timedelta(days=2)).timestamp()
    assert known[counts[1].song_id] == (start + timedelta(days=9)).timestamp()
    assert np.isnan(known[counts[2].song_id])
    assert np.count_nonzero(~np.isnan(moments)) == 2
    assert bob.pk in library.listener_ids


def test_labels_that_listeners_gave_are_also_taken_out(crowd: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    content = of_recommender("content", Content, own_label_groups=EACH_ALONE)
    monkeypatch.setattr(evaluating, "methods", lambda: [baselines()[0], content])
    assert "without_own_labels" not in evaluating.evaluate(Protocol.COLD).figures["methods"]["content"]
    counts = list(PlayCount.objects.filter(user__in=crowd[:20]).order_by("pk"))
    own = {user.pk: Label.objects.create(name=f"seen by {user}") for user in crowd[:20]}
    LabelAssignment.objects.bulk_create(
        LabelAssignment(user_id=count.user_id, song_id=count.song_id, label=own[count.user_id]) for count in counts
    )
    SongLabel.objects.bulk_create(
        SongLabel(song_id=count.song_id, label=own[count.user_id], source="import", origin="lastfm", weight=9)
        for count in counts
    )
    # The import's weight is more than one: others gave the label too, and only one is taken away.
    said = evaluating.evaluate(Protocol.COLD).figures["methods"]["content"]
    SongLabel.objects.filter(origin="lastfm").update(weight=1)
    alone = evaluating.evaluate(Protocol.COLD).figures["methods"]["content"]
    assert abs(said["without_own_labels"]["differences"]["auc"]["difference"]) < 0.01
    assert alone["without_own_labels"]["differences"]["auc"]["high"] < 0
    table, _ = run("--protocol", "cold")
    assert "Without each listener's own labels, content: AUC" in table


def test_recompute_does_not_wait_for_the_evaluation(crowd: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def never(_protocol: Protocol, _step: Step) -> None:
        raise AssertionError

    monkeypatch.setattr(evaluating, "evaluate", never)
    monkeypatch.setattr(evaluate, "apply_async", lambda **options: asked.append(options))
    recompute()
    assert Snapshot.objects.count() == 1
    assert len(asked) == 1


def test_recompute_works_without_a_broker(crowd: list[User]) -> None:
    recompute()
    assert Snapshot.objects.count() == 1


def test_at_night_both_protocols_are_measured_and_a_small_library_is_left_alone(
    crowd: list[User], two_methods: None
) -> None:
    evaluate()
    assert sorted(Evaluation.objects.values_list("protocol", flat=True)) == ["cold", "warm"]
    PlayCount.objects.all().delete()
    evaluate()
    assert Evaluation.objects.count() == 2


def test_figures_can_be_looked_at_in_the_admin(crowd: list[User], two_methods: None, client: Client) -> None:
    evaluating.evaluate(Protocol.COLD)
    client.force_login(make_user(is_staff=True, is_superuser=True))
    page = client.get("/admin/recommender/evaluation/").content.decode()
    assert '<td class="field-best">content</td>' in page
    assert "Songs that had lost all their plays: MAP" in page
    assert page.count("<polyline") == 2
    assert client.get(f"/admin/recommender/evaluation/{Evaluation.objects.get().pk}/change/").status_code == 200


def test_lines_run_from_the_first_night_to_the_last_and_names_stand_apart() -> None:
    for days, content, hybrid in ((20, 0.2, 0.3), (10, 0.25, 0.31), (0, 0.299, 0.3)):
        figures = {
            "hybrid": {"map": hybrid, "baseline": False},
            "content": {"map": content, "baseline": False},
            "random": {"map": 0.01, "baseline": True},
            "BM25": {"map": 0.1, "baseline": True},
        }
        made = Evaluation.objects.create(protocol="cold", seconds=1, figures={"methods": figures})
        Evaluation.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days))
    (chart,) = evaluation_history.map_charts()
    assert [line.name for line in chart.lines] == ["hybrid", "content", "BM25"]
    assert [line.baseline for line in chart.lines] == [False, False, True]
    xs = [point.x for point in chart.lines[0].points]
    assert (xs[0], xs[2]) == (chart.left, chart.right)
    assert xs[1] == pytest.approx((chart.left + chart.right) / 2, abs=1)
    assert chart.top == 0.31
    assert chart.lines[0].points[1].y == chart.upper
    heights = sorted(line.name_y for line in chart.lines)
    assert min(high - low for low, high in pairwise(heights)) >= 12


def test_the_worker_is_asked_to_measure_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(evaluate, "apply_async", lambda **options: asked.append(options))
    assert run("--queue") == ("", "")
    assert len(asked) == 1
    # What no worker takes in time is dropped.
    assert asked[0]["expires"] > 0


def test_a_queue_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_options: object) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr(evaluate, "apply_async", unreachable)
    with pytest.raises(CommandError, match="nobody listens"):
        run("--queue")
