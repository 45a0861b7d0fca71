"""Compare: two methods side by side for a listener, why a song is missing, and who may look at whom."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import LibraryRoot, Listener, Play, PlayCount, Song
from catalog.services.listening import rate, refuse
from recommender.engine.content import Content
from recommender.engine.cooccurrence import Cooccurrence
from recommender.engine.evaluation.baselines import baselines, of_recommender
from recommender.engine.evaluation.protocols import Protocol
from recommender.evaluation import evaluating
from recommender.services import comparison
from recommender.services.comparison import Ground
from recommender.services.placements import Placement, PlacementReason, explain
from recommender.snapshots import build
from tests.factories import add_labels, make_plays, make_rating, make_root, make_song, make_user
from tests.pages import OWN_QUERIES

from .evaluation.conftest import made_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(library: dict[str, Song], ada: User) -> dict[str, Song]:
    """Ada plays So What; of twenty others, all imported, four play it with Thunder, one plays Birdland alone."""
    make_plays(ada, library["So What"])
    for number in range(20):
        user = make_user(f"lastfm-{number}", is_active=False)
        Listener.objects.create(user=user, origin=Listener.Origin.IMPORTED)
        if number < 4:
            make_plays(user, library["So What"])
            make_plays(user, library["Thunder"])
        else:
            make_plays(user, library["Birdland"])
    return library


def compared(user: User, left: str = "cooccurrence", right: str = "content", **options: Any) -> comparison.Comparison:
    comparator = comparison.comparator(user, **options)
    assert comparator is not None
    return comparator.compare(left, right)


def place(user: User, song: Song, method: str, **options: Any) -> Placement:
    comparator = comparison.comparator(user, **options)
    assert comparator is not None
    return explain(comparator, [song], [method])[0].places[0]


def titles(side: comparison.Side) -> list[str]:
    return [entry.song.title for entry in side.entries]


def text(client: Client, path: str, status: int = 200, **more: Any) -> str:
    response = client.get(path, **more)
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def main(page: str) -> str:
    """What stands between the head and the player of a page."""
    return page.split("<main")[1].split("</main")[0]


# --- Side by side -------------------------------------------------------------------------------


def test_the_left_side_goes_by_plays_and_the_right_by_labels(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    both = compared(ada)
    assert titles(both.left) == ["Thunder"]
    assert both.left.entries[0].score == pytest.approx(4 / 5)
    assert [reason.song.title for reason in both.left.entries[0].reasons] == ["So What"]  # type: ignore[union-attr]
    assert titles(both.right) == ["Birdland", "Blue in Green"]
    assert both.overlap == 0
    assert (both.left.reached, both.right.reached, both.candidates) == (1, 2, 4)


def test_songs_nobody_has_played_are_marked_and_never_on_the_left(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    both = compared(ada)
    assert [(entry.song.title, entry.listeners, entry.unplayed) for entry in both.right.entries] == [
        ("Birdland", 16, False),
        ("Blue in Green", 0, True),
    ]
    assert both.left.unplayed == 0
    assert both.right.unplayed == 1


def test_a_song_on_both_sides_says_where_it_stands_on_the_other(crowd: dict[str, Song], ada: User) -> None:
    rate(ada, crowd["Blue in Green"], 5)
    add_labels(crowd["Thunder"], {"piano": 1}, source="import")
    build.build()
    both = compared(ada)
    assert (both.overlap, both.listed) == (1, len(both.right.entries))
    (thunder,) = both.left.entries
    assert thunder.other_rank == titles(both.right).index("Thunder") + 1
    assert both.right.entries[thunder.other_rank - 1].other_rank == 1


def test_songs_without_a_file_are_left_out_where_only_playable_ones_are_asked_for(
    crowd: dict[str, Song], ada: User
) -> None:
    make_song("Silent", labels={"jazz": 3, "piano": 4}, source="import")
    build.build()
    assert "Silent" in titles(compared(ada).right)
    playable = compared(ada, playable_only=True)
    assert "Silent" not in titles(playable.right)
    assert playable.candidates == compared(ada).candidates - 1


def test_a_side_says_whether_it_stands_on_listeners_or_on_sittings(library: dict[str, Song], ada: User) -> None:
    now = timezone.now()
    for title in ("So What", "Thunder"):
        make_plays(ada, library[title])
        Play.objects.create(user=ada, song=library[title], played_at=now)
    build.build()
    evidence = compared(ada).left.evidence
    assert (evidence.ground, evidence.count) == (Ground.SESSIONS, 1)
    for _ in range(20):
        make_plays(make_user(), library["Thunder"])
    build.build()
    evidence = compared(ada).left.evidence
    assert (evidence.ground, evidence.count) == (Ground.LISTENERS, 21)
    assert compared(ada).right.evidence.count == 4


def test_an_unknown_method_is_refused(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    with pytest.raises(ValueError, match=r"no method is called 'magic'; there are content, "):
        compared(ada, "magic")


# --- Why a song is missing ----------------------------------------------------------------------


def test_what_nobody_has_played_co_occurrence_cannot_see(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    found = place(ada, crowd["Blue in Green"], "cooccurrence")
    assert (found.why, found.rank) == (PlacementReason.NOBODY_PLAYED_IT, None)
    assert found.text == "Nobody has played it. Co-occurrence cannot see it."


def test_what_shares_no_listener_is_said_to(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    assert place(ada, crowd["Birdland"], "cooccurrence").why is PlacementReason.SHARES_NO_LISTENER
    assert place(make_user(), crowd["Birdland"], "cooccurrence").why is PlacementReason.LISTENER_PLAYED_NOTHING


@pytest.mark.parametrize("method", ["cooccurrence", "content", "popular"])
def test_what_is_known_already_says_how(crowd: dict[str, Song], ada: User, method: str) -> None:
    make_rating(ada, crowd["Thunder"], 3)
    refuse(ada, crowd["Birdland"])
    build.build()
    for title, how in {"So What": "played", "Thunder": "rated", "Birdland": "refused"}.items():
        found = place(ada, crowd[title], method)
        assert found.why is PlacementReason.KNOWN
        assert f"({how})" in found.text


def test_labels_that_are_missing_or_shared_with_nothing_are_said(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    assert place(ada, crowd["Unheard"], "content").why is PlacementReason.NO_LABEL
    assert place(ada, crowd["Thunder"], "content").why is PlacementReason.SHARES_NO_LABEL
    assert place(make_user(), crowd["Thunder"], "content").why is PlacementReason.NO_TASTE
    rate(ada, crowd["Birdland"], 1)
    against = place(ada, crowd["Thunder"], "content")
    assert against.why is PlacementReason.LABELS_AGAINST_IT
    assert against.text == "Its labels speak against it: rock."


def test_a_method_that_scores_every_song_says_when_one_is_below_the_average(
    crowd: dict[str, Song], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.build()
    comparator = comparison.comparator(ada, n=1)
    assert comparator is not None
    scores = np.zeros(len(comparator.index.song_ids))
    for title, score in {"Birdland": -0.2, "Blue in Green": 0.00002, "Thunder": 0.5}.items():
        scores[comparator.index.songs([crowd[title].pk])] = score
    monkeypatch.setitem(comparator._scores, "hybrid", scores)
    below, tiny = explain(comparator, [crowd["Birdland"], crowd["Blue in Green"]], ["hybrid"])
    assert below.places[0].text == "It fits this listener no better than songs do on average, so it is not listed."
    assert tiny.places[0].text == (
        "It scores less than 0.0001 and is number 2. The list ends with number 1, which scores 0.5000."
    )


def test_a_song_below_the_end_of_the_list_says_its_score_and_number(crowd: dict[str, Song], ada: User) -> None:
    build.build()
    found = place(ada, crowd["Blue in Green"], "content", n=1)
    assert (found.why, found.rank) == (PlacementReason.SCORES_TOO_LOW, 2)
    assert found.text == ("It scores 0.0159 and is number 2. The list ends with number 1, which scores 0.0982.")
    assert place(ada, crowd["Blue in Green"], "content", n=2).why is PlacementReason.LISTED


def test_ranks_are_those_of_the_list(crowd: dict[str, Song], ada: User) -> None:
    for number in range(8):
        make_song(f"Twin {number}", labels={"jazz": 2, "rock": 1}, source="import")
    build.build()
    for entry in compared(ada).right.entries:
        assert place(ada, entry.song, "content").rank == entry.rank


def test_songs_without_a_file_and_songs_of_today_are_said_to_be(crowd: dict[str, Song], ada: User) -> None:
    silent = make_song("Silent", labels={"jazz": 1}, source="import")
    build.build()
    assert place(ada, silent, "content", playable_only=True).why is PlacementReason.NO_FILE
    assert place(ada, make_song("New"), "content").why is PlacementReason.NEW


def test_a_title_means_the_song_called_so_or_else_those_with_its_words(library: dict[str, Song]) -> None:
    make_song("So What (Live)", "Somebody")
    assert [song.title for song in comparison.songs_titled("so what!")] == ["So What"]
    assert [song.title for song in comparison.songs_titled("green blue")] == ["Blue in Green"]
    assert comparison.songs_titled("?") == comparison.songs_titled("zzz") == []


# --- The page -----------------------------------------------------------------------------------


def test_the_page_shows_both_lists_and_their_reasons(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    shown = text(page, "/compare/")
    left, right = re.findall(r'<ol class="song-lines">.*?</ol>', shown)
    assert "Thunder" in left
    assert "with <a" in left
    assert "0.800" in left
    assert re.findall(r'song-line-title"[^>]*>([^<]*)<', right) == ["Birdland", "Blue in Green"]
    assert "nobody has played it" in right
    assert "nobody has played it" not in left
    # Of the songs of the longer list, not of as many as a list may have.
    assert "<strong>0</strong> of 2 songs are on both sides." in shown
    assert "On both sides: 0 %" in shown
    assert "listeners" in shown
    assert "<svg viewBox" in shown


def test_where_nobody_plays_anything_no_song_is_marked_for_it_and_nothing_is_counted_on_both_sides(
    page: Client, ada: User, library: dict[str, Song]
) -> None:
    make_rating(ada, library["So What"], 5)
    build.build()
    shown = text(page, "/compare/")
    assert re.findall(r'song-line-title"[^>]*>([^<]*)<', shown) == ["Birdland", "Blue in Green"]
    assert "nobody has played it" not in shown
    assert "on both sides" not in shown
    assert "One side is empty, so no song is on both." in shown


def test_the_page_asks_few_questions_however_long_its_lists_are(
    page: Client, crowd: dict[str, Song], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root = make_root()
    for number in range(60):
        song = make_song(
            f"More {number}", labels={"jazz": 2, "rock": number}, source="import", root=root, path=f"{number}.ogg"
        )
        make_plays(User.objects.get(username=f"lastfm-{number % 4}"), song)
    build.build()
    text(page, "/compare/")
    with django_assert_max_num_queries(OWN_QUERIES["compare"]):
        shown = text(page, "/compare/")
    assert shown.count('class="song-line ') == 40


def test_htmx_gets_what_changes_and_no_more(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    shown = text(page, "/compare/?left=popular", headers={"HX-Request": "true"})
    assert "<html" not in shown
    assert 'compare-form"' not in shown.split("Why is a song")[0]
    assert "Everybody plays it" in shown


def test_what_cannot_be_understood_in_an_address_is_passed_over(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    assert main(text(page, "/compare/?left=magic&right=&silent=yes&page=x")) == main(text(page, "/compare/"))


def test_why_is_answered_on_the_page_and_as_a_part_of_it(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    for address in ("/compare/?title=blue+in+green", "/compare/why/?title=blue+in+green"):
        assert "Nobody has played it. Co-occurrence cannot see it." in text(page, address)
    assert "No song here has “zzz” in its title." in text(page, "/compare/why/?title=zzz")


def test_silent_songs_are_behind_the_switch_which_an_empty_side_points_to(page: Client, ada: User) -> None:
    make_plays(ada, make_song("Played", labels={"jazz": 1}, source="import"))
    make_song("Silent", labels={"jazz": 1, "calm": 1}, source="import")
    make_song("Other", labels={"rock": 1}, source="import")
    build.build()
    shown = text(page, "/compare/")
    assert "Silent" not in shown
    assert 'href="?left=cooccurrence&amp;right=content&amp;silent=1"' in shown
    assert "Silent" in text(page, "/compare/?silent=1")


def test_before_there_is_anything_the_pages_say_so(page: Client, ada: User) -> None:
    assert "Nothing to compare yet" in text(page, "/compare/")
    assert "Nothing to compare yet" in text(page, "/compare/why/?title=x")


def test_where_nobody_has_measured_staff_are_told_what_to_run(page: Client, ada: User, crowd: dict[str, Song]) -> None:
    build.build()
    shown = text(page, "/compare/")
    assert "Nobody has measured that here yet." in shown
    assert "evaluate_recommenders" not in shown
    ada.is_staff = True
    ada.save()
    assert "manage.py evaluate_recommenders" in text(page, "/compare/")


def test_how_it_works_shows_the_formulas_and_asks_nobody_else(page: Client) -> None:
    shown = text(page, "/how-it-works/")
    assert shown.count("<math") > 8
    assert shown.count("<math") == shown.count("</math>")
    assert "2018 report" in shown
    assert "http" not in shown.split("<article")[1].split("</article")[0]


# --- Who may look at whom -----------------------------------------------------------------------


@pytest.fixture
def bob(db: None) -> User:
    """A person with an account here."""
    return make_user("bob")


ADDRESSES = ["/compare/?listener={}", "/compare/why/?title=x&listener={}", "/api/compare/?listener={}"]
ADDRESSES += ["/api/compare/why/?title=x&listener={}"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_sees_another_persons_comparison_but_staff(
    page: Client, ada: User, bob: User, crowd: dict[str, Song], address: str
) -> None:
    build.build()
    assert page.get(address.format("bob")).status_code == 404
    assert page.get(address.format("nobody-at-all")).status_code == 404
    assert page.get(address.format("ada")).status_code == 200
    ada.is_staff = True
    ada.save()
    assert page.get(address.format("bob")).status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_imported_and_simulated_listeners_are_open_to_everybody_signed_in(
    page: Client, crowd: dict[str, Song], address: str
) -> None:
    simulated = make_user("simulated-x", is_active=False)
    Listener.objects.create(user=simulated, origin=Listener.Origin.SIMULATED)
    build.build()
    assert page.get(address.format("lastfm-1")).status_code == 200
    assert page.get(address.format("simulated-x")).status_code == 200
    assert Client().get(address.format("lastfm-1")).status_code in (302, 401, 403)


def test_an_imported_listener_who_uses_the_account_is_a_person(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    User.objects.filter(username="lastfm-1").update(is_active=True)
    assert page.get("/compare/?listener=lastfm-1").status_code == 404


def test_whether_a_person_is_here_is_not_told(page: Client, bob: User, crowd: dict[str, Song]) -> None:
    build.build()
    said = main(text(page, "/compare/?listener=bob", 404))
    assert said.replace("bob", "zzz") == main(text(page, "/compare/?listener=zzz", 404))


def test_names_are_suggested_of_those_who_may_be_seen(
    page: Client, ada: User, bob: User, crowd: dict[str, Song]
) -> None:
    assert "lastfm-1" in text(page, "/compare/listeners/?listener=last")
    assert "bob" not in text(page, "/compare/listeners/?listener=b")
    ada.is_staff = True
    ada.save()
    assert "bob" in text(page, "/compare/listeners/?listener=b")


# --- The API ------------------------------------------------------------------------------------


def test_the_api_compares_as_the_page_does(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    found = page.get("/api/compare/").json()
    assert (found["listener"], found["n"], found["candidates"], found["overlap"]) == ("ada", 20, 4, 0)
    left, right = found["left"], found["right"]
    assert left["method"] == "cooccurrence"
    assert left["evidence"] == {"ground": "listeners", "count": 21, "nearest": 0, "loss": 0.0}
    assert [(one["title"], one["listeners"], one["other_rank"]) for one in left["songs"]] == [("Thunder", 4, None)]
    assert left["songs"][0]["reasons"][0]["title"] == "So What"
    assert [one["title"] for one in right["songs"]] == ["Birdland", "Blue in Green"]
    assert (right["reached"], right["unplayed"]) == (2, 1)
    assert found["held_out"] == []


def test_the_api_explains_what_is_missing(page: Client, crowd: dict[str, Song]) -> None:
    build.build()
    (found,) = page.get("/api/compare/why/?title=blue+in+green&n=1").json()
    assert found["song"] == crowd["Blue in Green"].pk
    assert [(one["method"], one["why"], one["rank"]) for one in found["places"]] == [
        ("cooccurrence", "nobody played it", None),
        ("content", "scores too low", 2),
    ]


@pytest.mark.parametrize("query", ["left=magic", "n=0", "n=101", "n=x", "left=hybrid"])
def test_bad_questions_are_refused(page: Client, crowd: dict[str, Song], query: str) -> None:
    build.build()
    answer = page.get(f"/api/compare/?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["errors"]
    assert page.get("/api/compare/why/").status_code == 400


def test_who_has_said_nothing_yet_sees_a_listener_of_an_import(client: Client, crowd: dict[str, Song]) -> None:
    build.build()
    client.force_login(make_user("newcomer"))
    shown = client.get("/compare/").content.decode()
    assert "the lists of <strong>lastfm-0</strong>, who came with an import" in shown
    assert "Rate three songs to see yours" in shown
    assert shown.index('id="left-list"') < shown.index('id="glance"')
    Listener.objects.update(origin=Listener.Origin.SIMULATED)
    assert "a listener of the demo" in client.get("/compare/").content.decode()


def test_without_anybody_to_be_seen_a_newcomer_sees_their_own_lists(client: Client, library: dict[str, Song]) -> None:
    build.build()
    client.force_login(make_user("newcomer"))
    shown = client.get("/compare/").content.decode()
    assert "the lists of" not in shown
    assert "Rate three songs to see yours" in shown
    assert "Both sides are empty." in shown
    # Nothing is drawn of nothing, and no column stands empty.
    assert 'id="left-list"' not in shown
    assert "At a glance" not in shown


def test_stars_count_as_plays_where_no_play_is_known_and_the_page_says_so(
    client: Client, crowd: dict[str, Song]
) -> None:
    build.build()
    user = make_user("stars")
    make_rating(user, crowd["So What"], 5)
    assert [entry.song for entry in compared(user).left.entries] == [crowd["Thunder"]]
    client.force_login(user)
    assert "count as played" in client.get("/compare/").content.decode()
    make_plays(user, crowd["Birdland"])
    assert compared(user).left.entries == []
    shown = client.get("/compare/").content.decode()
    assert "count as played" not in shown
    assert "choose another method for it above" in shown


def test_before_the_first_snapshot_there_is_nothing_to_compare(page: Client) -> None:
    assert page.get("/api/compare/").status_code == 404


# --- On held-back plays -------------------------------------------------------------------------


@pytest.fixture
def measured(root: LibraryRoot, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up crowd in the database; content and co-occurrence measured on it against chance."""
    made = made_up()
    users = User.objects.bulk_create(User(username=f"crowd-{number}") for number in range(made.played.shape[0]))
    songs = Song.objects.bulk_create(
        Song(title=f"Song {number}", root=root, path=f"{number}.ogg") for number in range(made.n_songs)
    )
    for song, said in zip(songs, made.term_frequencies.toarray(), strict=True):
        add_labels(song, {f"label {at}": said[at] for at in np.flatnonzero(said)}, source="import")
    # Before there are plays: fitting every method on them would take most of the test's time.
    build.build()
    played = made.played.tocoo()
    PlayCount.objects.bulk_create(
        PlayCount(user=users[row], song=songs[column], count=count)
        for row, column, count in zip(played.row, played.col, played.data.tolist(), strict=True)
    )
    chance = baselines()[0]
    wanted = [chance, of_recommender("content", Content), of_recommender("cooccurrence", Cooccurrence)]
    monkeypatch.setattr(evaluating, "methods", lambda: wanted)
    for protocol in Protocol:
        evaluating.evaluate(protocol)


@pytest.mark.one_database
def test_figures_on_held_back_plays_are_drawn_and_told(page: Client, measured: None) -> None:
    shown = text(page, "/compare/")
    assert "Songs that had lost all their plays" in shown
    assert "Songs held back from each listener" in shown
    for figure in ("AUC", "MAP", "Recall@50"):
        assert re.search(rf'aria-label="{figure}: Content \d\.\d{{3}}, .*random 0\.\d{{3}}"', shown)
    assert "chart-line" in shown
    content = evaluating.latest(Protocol.COLD).figures["methods"]["content"]["auc"]  # type: ignore[union-attr]
    assert f"Content {content:.3f}" in shown
    assert re.search(r"Content is better than Co-occurrence \(MAP \+0\.\d{3} to \+0\.\d{3}, 95 % interval\)", shown)


@pytest.mark.one_database
def test_figures_on_held_back_plays_are_in_the_api(page: Client, measured: None) -> None:
    cold, warm = page.get("/api/compare/").json()["held_out"]
    assert (cold["protocol"], warm["protocol"]) == ("cold", "warm")
    assert [ranking["name"] for ranking in cold["rankings"]] == ["cold", "rare"]
    by_method = {one["method"]: one for one in cold["rankings"][0]["methods"]}
    assert by_method["content"]["auc"] > by_method["random"]["auc"]
    assert by_method["random"]["baseline"]
    assert not by_method["content"]["baseline"]
    assert all(one["auc"] != by_method[one["method"]]["auc"] for one in cold["rankings"][1]["methods"])
    first_ten = {one["method"]: one for one in cold["lists"]}
    assert first_ten["cooccurrence"]["cold_share"] == 0 < first_ten["content"]["cold_share"]
    assert first_ten["random"]["coverage"] > 0


def test_what_else_was_measured_is_said(page: Client, measured: None) -> None:
    evaluation = evaluating.latest(Protocol.COLD)
    assert evaluation is not None
    content = evaluation.figures["methods"]["content"]
    costs = {figure: {"difference": -0.125, "low": -0.2, "high": -0.1} for figure in ("auc", "map")}
    content["without_own_labels"] = {"auc": 0.5, "map": 0.25, "differences": costs}
    content["predicted_popularity"] = [0.5, 0.75]
    evaluation.save()
    shown = text(page, "/compare/")
    assert "rank correlation with what was predicted: Content 0.625." in shown
    assert "Without the labels that a listener gave: Content MAP 0.250 in place of 0.375." in shown
