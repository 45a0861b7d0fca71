"""For you, and the fragments that other pages show."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import Label, LibraryRoot, Nudge, PlayCount, Rating, Song, SongLabel
from catalog.names import label_key
from recommender.models import Dial, Snapshot
from recommender.snapshots import build, changes
from tests.factories import NO_ID, make_plays, make_rating, make_song, make_user
from tests.pages import OWN_QUERIES

pytestmark = pytest.mark.django_db


@pytest.fixture
def songs(root: LibraryRoot) -> list[Song]:
    """Sixty songs of ten artists and two moods, a third of them played by somebody."""
    made = []
    bob = make_user("bob")
    for number in range(60):
        labels = {
            f"genre {number % 4}": 0.9,
            ("calm", "wild")[number % 2]: 0.2 + number / 100,
            f"era {number % 7}": 0.4,
        }
        song = make_song(
            f"Title {number}",
            f"Artist {number % 10}",
            labels=labels,
            root=root,
            path=f"{number}.mp3",
            tagging_state=Song.Tagging.DONE,
        )
        if number % 3 == 0:
            make_plays(bob, song, number + 1)
        made.append(song)
    Label.objects.filter(name__startswith="genre").update(kind="genre")
    Label.objects.filter(name__in=["calm", "wild"]).update(kind="mood")
    Label.objects.filter(name__startswith="era").update(kind="era")
    build.build()
    return made


def text(client: Client, path: str = "/?rows=all") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def titles(page: str) -> list[str]:
    return re.findall(r'class="song-card-title"[^>]*>([^<]*)<', page)


def rows(page: str) -> list[str]:
    return re.findall(r'<h2 id="row-\d+">([^<]*)</h2>', page)


def row_called(page: str, title: str) -> str:
    """The part of a page that one row is."""
    return next(row for row in re.split(r'<h2 id="row-', page) if title in row.partition("</h2>")[0])


def artist_of(title: str) -> str:
    return Song.objects.get(title=title).artist


# --- For you ------------------------------------------------------------------------------------


def test_strangers_are_asked_to_log_in(client: Client, db: None) -> None:
    assert client.get("/").url.startswith("/accounts/login/")  # type: ignore[attr-defined]


def test_rows_say_why_they_are_there(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    make_rating(ada, songs[2], 4)
    said = rows(text(page))
    assert said[:4] == [
        "Close to your taste",
        "Because you liked “Title 2”",
        "Because you liked “Title 1”",
        "Something different",
    ]
    assert {"New here, nobody has played it yet", "Popular here"} <= set(said)


def mix_of(page: str) -> str:
    """The part of a page that is the mix."""
    return page.partition('<h2 id="mix">')[2].partition("</section>")[0]


def test_the_page_opens_with_a_mix_to_play_and_says_why(page: Client, ada: User, songs: list[Song]) -> None:
    for song, stars in ((songs[1], 5), (songs[2], 4), (songs[9], 1)):
        make_rating(ada, song, stars)
    shown = text(page)
    assert shown.index('id="mix"') < shown.index('id="row-1"')
    mix = mix_of(shown)
    said = re.search(r"<p>Because you like ([^<]*)</p>", mix)
    liked = set(SongLabel.objects.filter(song__in=songs[1:3]).values_list("label__name", flat=True))
    assert said
    assert set(re.split(", | and ", said[1])) <= liked
    inside = [Song.objects.get(title=title) for title in re.findall(r'data-title="([^"]*)"', mix)]
    assert len(inside) > 3
    assert songs[9] not in inside
    assert all(SongLabel.objects.filter(song=song, label__name__in=liked).exists() for song in inside)
    # What is asked for goes before what is liked; what follows the first rows has no second one.
    assert not mix_of(text(page, "/?label=calm"))
    assert not mix_of(text(page, "/?rows=rest"))


def test_nobody_of_whom_nothing_is_known_has_a_mix(page: Client, ada: User, songs: list[Song]) -> None:
    assert not mix_of(text(page))


def test_a_caption_says_why_this_song_and_not_what_all_of_a_row_are(page: Client, ada: User, songs: list[Song]) -> None:
    for song in songs[1:5]:
        make_rating(ada, song, 5)
    labels = set(Label.objects.values_list("name", flat=True))
    looked_at = 0
    for row in re.split(r'<h2 id="row-', text(page))[1:]:
        captions = [set(said.split(", ")) for said in re.findall(r'class="song-card-why">([^<]*)<', row)]
        if len(captions) > 1 and "Something different" not in row:
            looked_at += 1
            assert not labels & set.intersection(*captions), row[:60]
    assert looked_at > 2


def test_labels_are_shown_in_one_case(page: Client, ada: User, songs: list[Song]) -> None:
    Label.objects.filter(name="calm").update(name="Calm")
    build.build()
    make_rating(ada, songs[2], 5)
    shown = text(page, "/?rows=all&label=calm")
    assert "In the mood for calm" in shown
    assert not re.findall(r">[^<]*Calm[^<]*<", shown)


def test_the_page_begins_with_a_few_rows_and_the_others_follow(page: Client, ada: User, songs: list[Song]) -> None:
    for song, stars in zip(songs[:4], (5, 4, 3, 1), strict=True):
        make_rating(ada, song, stars)
    whole, first, rest = text(page), text(page, "/"), text(page, "/?rows=rest")
    assert len(rows(first)) == 5
    assert [*rows(first), *re.findall(r'<h2 id="more-row-\d+">([^<]*)</h2>', rest)] == rows(whole)
    assert [*titles(first), *titles(rest)] == titles(whole)
    assert len(set(titles(whole))) == len(titles(whole))
    # What follows is a fragment, asked for once; without scripts a link leads to all of it.
    assert 'hx-get="?rows=rest"' in first
    assert 'href="?rows=all#rows"' in first
    assert "<html" not in rest
    assert "more-rows" not in rest + whole


def test_of_a_newcomer_nothing_follows(page: Client, songs: list[Song]) -> None:
    assert "more-rows" not in text(page, "/")
    assert titles(text(page, "/?rows=rest")) == []


def test_the_rows_that_follow_keep_the_mood(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    first = text(page, "/?label=calm&silent=1")
    assert 'hx-get="?label=calm&amp;silent=1&amp;rows=rest"' in first


def test_a_label_has_a_row_where_there_is_enough_of_it(
    page: Client, ada: User, songs: list[Song], root: LibraryRoot
) -> None:
    make_rating(ada, songs[1], 5)
    for number in range(30):
        labels = {"genre 1": 0.5, "wild": 0.2, f"era {number % 7}": 0.1}
        make_song(f"More {number}", f"Band {number}", labels=labels, root=root, path=f"more {number}.mp3")
    build.build()
    shown = text(page)
    label_rows = [title for title in rows(shown) if title.startswith("More ")]
    assert label_rows
    assert all(len(titles(row_called(shown, title))) >= 3 for title in label_rows)


def test_songs_that_were_played_only_start_a_row_too(page: Client, ada: User, songs: list[Song]) -> None:
    make_plays(ada, songs[5])
    assert "Because you played “Title 5”" in rows(text(page))


def test_every_song_says_why_and_stands_once(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    shown = text(page)
    assert len(titles(shown)) == len(set(titles(shown))) == shown.count('class="song-card-why"') > 20


def test_no_row_is_one_artist_after_another(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    sections = text(page).split("<section")[1:]
    rows_of_artists = [re.findall(r'class="song-card-by">(.*?)</p>', section) for section in sections]
    assert any(len(artists) > 1 for artists in rows_of_artists)
    assert all(one != other for artists in rows_of_artists for one, other in pairwise(artists))


def test_songs_one_knows_are_not_on_the_page(page: Client, ada: User, songs: list[Song]) -> None:
    for song in songs[:30]:
        make_rating(ada, song, 4)
    assert not set(titles(text(page))) & {song.title for song in songs[:30]}


def test_a_rating_counts_at_once(page: Client, ada: User, songs: list[Song]) -> None:
    assert "Close to your taste" not in rows(text(page))
    page.post(f"/songs/{songs[1].pk}/rate/", {"stars": "5"})
    assert rows(text(page))[:2] == ["Close to your taste", "Because you liked “Title 1”"]


def test_what_is_called_unplayed_is_unplayed_now(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    first = re.split(r"<h2 id", text(page))
    new = next(row for row in first if "nobody has played it yet" in row)
    song = Song.objects.get(title=titles(new)[0])
    make_plays(make_user(), song)
    again = next(row for row in re.split(r"<h2 id", text(page)) if "nobody has played it yet" in row)
    assert song.title not in titles(again)
    assert len(titles(again)) == 6


def test_deleted_songs_break_nothing_and_leave_no_hole(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    gone = titles(text(page))[:2]
    Song.objects.filter(title__in=gone).delete()
    songs[1].delete()
    shown = titles(text(page))
    assert not set(shown) & set(gone)


def test_songs_without_a_file_are_behind_a_switch(page: Client, ada: User, songs: list[Song]) -> None:
    make_song("Silent", "Nobody", labels={"genre 1": 0.9, "wild": 0.3}, source="cnn")
    Song.objects.filter(pk=songs[9].pk).update(missing_since=timezone.now())
    build.build()
    make_rating(ada, songs[1], 5)
    shown = text(page)
    assert "Silent" not in titles(shown)
    assert "Also the 2 songs without a file here" in shown
    with_silent = text(page, "/?silent=1")
    assert "Silent" in titles(with_silent)
    assert "Only songs that can be played here" in with_silent


def test_something_different_names_what_is_new_to_the_listener(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    row = row_called(text(page), "Something different")
    known = set(SongLabel.objects.filter(song=songs[1]).values_list("label__name", flat=True))
    fresh = re.findall(r'class="song-card-why">([^<]*), and new to you: ([^<]*)<', row)
    assert fresh
    assert all(shared in known and new not in known for shared, new in fresh)


def test_what_was_liked_long_ago_is_rediscovered(page: Client, ada: User, songs: list[Song]) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    for song, stars in zip(songs[:4], (5, 4, 3, 1), strict=True):
        make_rating(ada, song, stars)
    make_plays(ada, songs[4], 3)
    make_plays(ada, songs[5], 2)
    for counted in (songs[4], songs[5], songs[1]):
        PlayCount.objects.filter(user=ada, song=counted).update(last_played=long_ago)
    Rating.objects.update(rated_at=long_ago)
    PlayCount.objects.create(user=ada, song=songs[1], count=1, last_played=timezone.now())
    row = row_called(text(page), "Rediscover")
    assert titles(row) == ["Title 0", "Title 4"]
    assert f"not heard since {long_ago:%B %Y}" in row


def test_what_was_heard_lately_is_not_rediscovered(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    assert "Rediscover" not in rows(text(page))


# --- The dial -----------------------------------------------------------------------------------


def test_the_dial_is_remembered_and_turns_the_rows(page: Client, ada: User, songs: list[Song]) -> None:
    for song in songs[:9:3]:
        make_rating(ada, song, 5)
    shown = {}
    for position in (-2, 0, 2):
        answer = page.post("/dial/?label=calm&silent=1", {"position": str(position)})
        assert answer["Location"] == "/?label=calm&silent=1"
        page_then = text(page)
        assert f'value="{position}"' in page_then
        shown[position] = set(titles(row_called(page_then, "Close to your taste")))
    by_known = {
        position: sum(artist_of(title) in {"Artist 0", "Artist 3", "Artist 6"} for title in those)
        for position, those in shown.items()
    }
    assert by_known[-2] > by_known[2]
    assert len({frozenset(those) for those in shown.values()}) == 3


def test_a_turned_dial_shows_the_same_page_every_time(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    page.post("/dial/", {"position": "2"})
    first = titles(text(page))
    assert first == titles(text(page))
    assert len(first) == len(set(first)) > 20


def test_the_dial_is_everybodys_own(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    Dial.objects.create(user=make_user("eve"), position=2)
    assert 'aria-valuetext="balanced"' in text(page)


@pytest.mark.parametrize("position", ["", "3", "-3", "1.5", "much", "9" * 5000])
def test_the_dial_has_an_end(page: Client, position: str) -> None:
    assert page.post("/dial/", {"position": position}).status_code == 400
    assert not Dial.objects.exists()


def has_one_of(title: str, labels: Collection[str]) -> bool:
    return SongLabel.objects.filter(song__title=title, label__name__in=labels, weight__gt=0).exists()


def test_a_mood_has_its_own_row_and_chips(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[1], 5)
    shown = text(page, "/?label=Calm&label=genre+2")
    assert rows(shown)[0] == "In the mood for calm and genre 2"
    assert all(has_one_of(title, ("calm", "genre 2")) for title in titles(re.split(r"<h2 id", shown)[1]))
    assert 'href="?label=genre+2"' in shown
    assert 'href="?label=calm&amp;label=genre+2&amp;label=' in shown


def test_everything_in_a_mood_has_some_of_it(page: Client, ada: User, songs: list[Song]) -> None:
    for song in songs[1:40:4]:
        make_rating(ada, song, 5)
    row = re.split(r"<h2 id", text(page, "/?label=calm"))[1]
    assert len(titles(row)) == 12
    assert all(has_one_of(title, ("calm",)) for title in titles(row))


def test_a_mood_that_no_song_meets_is_said(page: Client, ada: User, songs: list[Song]) -> None:
    Label.objects.create(name="polka")
    make_rating(ada, songs[1], 5)
    shown = text(page, "/?label=polka")
    assert "No song that is new to you here has this label." in shown
    assert rows(shown)[0] == "Close to your taste"


def test_an_unknown_mood_names_the_closest(page: Client, ada: User, songs: list[Song]) -> None:
    shown = text(page, "/?label=clam")
    assert "No label is called &#x27;clam&#x27;; the closest are calm" in shown


def test_the_page_asks_few_questions(
    page: Client, ada: User, songs: list[Song], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for song in songs[:20]:
        make_rating(ada, song, 5)
        make_plays(ada, song)
    Rating.objects.filter(song__in=songs[:5]).update(rated_at=timezone.now() - timedelta(days=400))
    Dial.objects.create(user=ada, position=1)
    text(page)
    with django_assert_num_queries(OWN_QUERIES["for-you"]):
        text(page)


# --- Newcomers ----------------------------------------------------------------------------------


def test_a_newcomer_sees_labels_to_pick_and_songs_to_try(
    page: Client, songs: list[Song], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    text(page)
    with django_assert_max_num_queries(OWN_QUERIES["for-you"]):
        shown = text(page)
    assert sorted(picks(shown)) == ["calm", "genre 0", "genre 1", "genre 2", "genre 3", "wild"]
    assert "Six songs to try" in shown
    tries = re.findall(r'class="song-row-title"[^>]*>([^<]*)<', shown)
    artists = {song.artist for song in songs if song.title in tries}
    assert len(tries) == len(artists) == 6
    assert rows(shown)[:2] == ["Popular here", "New here, nobody has played it yet"]
    assert sum(row.startswith("Labelled ") for row in rows(shown)) >= 2


def picks(page: str) -> list[str]:
    return re.findall(r'/pick/".*?aria-pressed="false">([^<]*)</button>', page, re.DOTALL)


def test_labels_are_to_be_picked_only_where_ten_songs_have_them(page: Client, root: LibraryRoot) -> None:
    for number in range(12):
        labels = {f"era {number % 2}": 0.5}
        labels |= {"common": 0.9} if number < 10 else {}
        labels |= {"rarer": 0.8} if number < 9 else {}
        make_song(f"Title {number}", labels=labels, root=root, path=f"{number}.mp3", tagging_state=Song.Tagging.DONE)
    build.build()
    assert picks(text(page)) == ["common"]
    Song.objects.get(title="Title 9").delete()
    build.build()
    shown = text(page)
    assert "What do you like?" not in shown
    assert "to try" in shown


def test_labels_to_pick_are_those_that_a_person_would_name_first(page: Client, root: LibraryRoot) -> None:
    kinds = {"jazz": "genre", "film": "other", "male vocals": "vocals", "calm": "mood", "minimal": "genre"}
    kinds |= {"piano": "instrument", "Hip-Hop": "genre"}
    Label.objects.bulk_create(Label(name=name, key=label_key(name), kind=kind) for name, kind in kinds.items())
    for number in range(24):
        labels = (
            {"rest": 0.9}
            if number >= 20
            else {"film": 0.9, "male vocals": 0.8, "calm": 0.7, "minimal": 0.6, "piano": 0.5}
        )
        labels |= {"Hip-Hop": 0.4} if number < 12 else {}
        labels |= {"jazz": 0.4} if 10 <= number < 20 else {}
        labels |= {"rest": 0.3} if number < 5 else {}
        make_song(f"Title {number}", labels=labels, root=root, path=f"{number}.mp3", tagging_state=Song.Tagging.DONE)
    build.build()
    assert [pick.casefold() for pick in picks(text(page))] == [
        "hip-hop",
        "jazz",
        "minimal",
        "calm",
        "piano",
        "film",
        "male vocals",
    ]


def test_a_picked_label_is_a_nudge_and_changes_the_rows(page: Client, ada: User, songs: list[Song]) -> None:
    calm = Label.objects.get(name="calm")
    assert page.post(f"/labels/{calm.pk}/pick/", {"picked": "1"}).status_code == 302
    assert Nudge.objects.get(user=ada).weight == 1.0
    shown = text(page)
    assert rows(shown)[0] == "From the labels you picked"
    assert 'aria-pressed="true">calm' in shown
    page.post(f"/labels/{calm.pk}/pick/", {"picked": "0"})
    assert not Nudge.objects.exists()


def test_picking_nonsense_is_refused(page: Client, songs: list[Song]) -> None:
    assert page.post(f"/labels/{Label.objects.get(name='calm').pk}/pick/", {"picked": "maybe"}).status_code == 400
    assert page.post(f"/labels/{NO_ID}/pick/").status_code == 404


def test_one_rating_ends_the_welcome(page: Client, ada: User, songs: list[Song]) -> None:
    make_rating(ada, songs[0], 3)
    assert "to try" not in text(page)


# --- Where there is little ----------------------------------------------------------------------


def test_before_anything_is_there_the_page_says_what_to_do(page: Client, ada: User) -> None:
    assert "Nothing to recommend yet" in text(page)
    ada.is_staff = True
    ada.save()
    assert "manage.py import_music" in text(page)


def test_an_empty_library_is_no_error(page: Client) -> None:
    build.build()
    assert "Nothing to recommend yet" in text(page)


def test_songs_nobody_has_labelled_still_make_a_page(page: Client, root: LibraryRoot) -> None:
    for number in range(3):
        make_song(f"Plain {number}", root=root, path=f"{number}.mp3", tagging_state=Song.Tagging.DONE)
    build.build()
    shown = text(page)
    assert "No song has labels yet" in shown
    assert titles(shown) == ["Plain 2", "Plain 1", "Plain 0"]


def test_a_library_without_files_offers_its_songs_behind_the_switch(page: Client) -> None:
    make_song("Silent", labels={"jazz": 1})
    build.build()
    assert "No song here has a file" in text(page)
    assert "Silent" in text(page, "/?silent=1")


# --- Fragments ----------------------------------------------------------------------------------


def test_similar_songs_name_the_labels_they_share(page: Client, library: dict[str, Song]) -> None:
    build.build()
    shown = text(page, f"/songs/{library['So What'].pk}/similar/")
    assert "Birdland" in shown
    assert "10 % alike" in shown
    assert "<html" not in shown
    assert "No other song" in text(page, f"/songs/{library['Unheard'].pk}/similar/")


def test_where_nobody_has_played_the_list_of_both_is_left_out(
    page: Client, ada: User, library: dict[str, Song]
) -> None:
    build.build()
    where = f"/songs/{library['So What'].pk}/similar/"
    shown = text(page, where)
    assert "So there is no list of both together." in shown
    assert "Both" not in shown
    for user in (ada, make_user()):
        for title in ("So What", "Blue in Green"):
            make_plays(user, library[title], 2)
    build.build()
    shown = text(page, where)
    assert "So there is no list" not in shown
    assert "Both" in shown


def test_fits_you_names_the_labels_and_where_they_come_from(page: Client, ada: User, library: dict[str, Song]) -> None:
    build.build()
    where = f"/songs/{library['Birdland'].pk}/fits-you/"
    assert "Rate a few songs to see how this one fits" in text(page, where)
    make_rating(ada, library["Thunder"], 5)
    assert "77 of 100" in text(page, where)
    assert "from 1 song you liked" in text(page, where)
    assert "once it has labels" in text(page, f"/songs/{library['Unheard'].pk}/fits-you/")
    # Once: what says why it is not recommended says so too.
    assert text(page, f"/songs/{library['So What'].pk}/fits-you/").count("shares no label") == 1


@pytest.mark.parametrize("fragment", ["similar", "fits-you"])
def test_fragments_of_no_song_are_not_there(page: Client, fragment: str) -> None:
    assert page.get(f"/songs/{NO_ID}/{fragment}/").status_code == 404
    assert page.get(f"/songs/{2**70}/{fragment}/").status_code == 404


def test_songs_for_labels_by_json_and_by_form(page: Client, library: dict[str, Song]) -> None:
    build.build()
    asked = {"labels": {"calm": 1, "never heard of": 2}, "share": 0.7}
    by_json = page.post("/recommendations/for-labels/", json.dumps(asked), content_type="application/json")
    by_form = page.post(
        "/recommendations/for-labels/", {"label": ["calm", "polka"], "weight": ["1", "2"], "share": "0.7"}
    )
    for response in (by_json, by_form):
        assert response.status_code == 200
        assert "Blue in Green" in response.content.decode()
        assert "of 100" not in response.content.decode()


def test_songs_for_labels_that_nobody_knows_say_so(page: Client, library: dict[str, Song]) -> None:
    build.build()
    response = page.post("/recommendations/for-labels/", {"label": "polka", "weight": "1"})
    assert "No song here has a label for that yet (polka)." in response.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"labels": {}}',
        '{"labels": {"calm": "much"}}',
        '{"labels": {"calm": 1}, "share": 2}',
        '{"labels": {"calm": NaN}}',
        "1" * 5000,
    ],
)
def test_songs_for_nonsense_are_refused(page: Client, library: dict[str, Song], body: str) -> None:
    response = page.post("/recommendations/for-labels/", body, content_type="application/json")
    assert response.status_code == 400


def test_a_mood_is_never_asked_for_in_an_address(page: Client, library: dict[str, Song]) -> None:
    assert page.get("/recommendations/for-labels/?label=calm").status_code == 405


def test_pages_do_not_wait_for_what_changed(page: Client, ada: User, songs: list[Song]) -> None:
    changes.labels_changed()
    text(page)
    assert Snapshot.objects.count() == 1


def test_beside_songs_told_apart_by_labels_one_without_others_is_told_by_what_all_share(
    page: Client, ada: User, root: LibraryRoot
) -> None:
    said = [{"jazz": 0.9, "piano": 0.8}, {"jazz": 0.9}, {"jazz": 0.8, "piano": 0.9}, {"jazz": 0.7, "piano": 0.4}]
    said += [{"rock": 0.9, "loud": 0.5}] * 3
    songs = [
        make_song(f"Title {number}", f"Artist {number}", labels=labels, root=root, path=f"{number}.mp3")
        for number, labels in enumerate(said)
    ]
    make_rating(ada, songs[0], 5)
    build.build()
    shown = text(page, "/")
    cards = re.findall(r'class="song-card-title"[^>]*>([^<]*)<.*?(?:class="song-card-why">([^<]*)<|</li>)', shown)
    assert ("Title 1", "jazz, as all of these") in cards
    assert ("Title 2", "piano") in cards
