"""The page Mood: what a picture, a word and the way change on it, and what it never says or keeps."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from mood import services
from mood.labels import DEFAULT_TABLE
from mood.models import MoodPreference, MoodReading
from mood.picture import MAX_BYTES
from mood.throttling import PictureThrottle
from recommender.snapshots import build
from tests.factories import make_rating, make_root, make_song, make_user
from tests.mood.pictures import portrait

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
READ = r"You look (rather )?[a-z]+|Hard to tell: perhaps"
SURPRISED = {"angry": "0.0200", "happy": "0.1800", "surprise": "0.8000"}


class Answered(Protocol):
    """What a test's client gets."""

    content: Any
    status_code: int


def as_file(image: Image.Image, name: str = "me.jpg") -> SimpleUploadedFile:
    data = BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=95)
    return SimpleUploadedFile(name, data.getvalue(), "image/jpeg")


def send(page: Client, image: Image.Image, **headers: str) -> Answered:
    return page.post("/mood/picture/", {"picture": as_file(image)}, headers=headers)


def words(response: Answered) -> str:
    """What somebody reads: the text without its markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", text(response)).split())


def query(response: Answered) -> dict[str, float]:
    """The labels and weights that the answer will ask the recommender for."""
    found = re.findall(
        r'name="label" value="([^"]+)"><input type="hidden" name="weight" value="([^"]+)"', text(response)
    )
    return {label: float(weight) for label, weight in found}


def text(response: Answered) -> str:
    return str(response.content, "utf-8")


# --- The page -----------------------------------------------------------------------------------


def test_the_page_has_the_words_and_the_ways(page: Client) -> None:
    response = page.get("/mood/")
    for said in ("happy", "sad", "calm", "angry", "surprised", "tired", "match my mood", "lift my mood"):
        assert said in words(response)
    assert "Nothing of your picture is kept" in words(response)
    assert query(response) == {}


def test_strangers_are_asked_to_log_in(client: Client) -> None:
    for address in ("/mood/", "/mood/picture/", "/mood/word/"):
        assert client.get(address).headers["Location"].startswith("/accounts/login/")


def test_only_this_sites_pages_may_ask_for_the_camera(page: Client) -> None:
    assert "camera=(self)" in page.get("/mood/").headers["Permissions-Policy"]
    assert "camera=(self)" in page.get("/nowhere/").headers["Permissions-Policy"]


def test_no_browser_keeps_the_page(page: Client) -> None:
    assert "no-store" in page.get("/mood/").headers["Cache-Control"]
    assert "no-store" in page.post("/mood/word/", {"mood": "sad"}).headers["Cache-Control"]


def test_nothing_on_the_page_puts_a_mood_into_an_address(page: Client) -> None:
    response = page.post("/mood/word/", {"mood": "sad"})
    forms = re.findall(r"<form[^>]*>", text(response).partition("<main")[2])
    assert len(forms) > 3
    assert all('method="post"' in form for form in forms)
    assert not re.search(r'(href|action|hx-post|hx-get)="[^"]*(sad|hopeful|uplifting)', text(response))


def test_nothing_is_inline(page: Client) -> None:
    for response in (page.get("/mood/"), send(page, portrait()), send(page, portrait(), **HTMX)):
        assert "style=" not in text(response)
        assert "<style" not in text(response)
        assert not re.search(r"<script(?![^>]* src=)", text(response))


def test_an_address_that_takes_posts_leads_back_to_the_page(page: Client) -> None:
    for address in ("picture", "word", "way"):
        assert page.get(f"/mood/{address}/").headers["Location"] == "/mood/"


def test_the_page_asks_the_database_few_things(
    page: Client, ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    services.remember_keeping(ada, True)
    for _ in range(5):
        services.keep_reading(ada, {"sad": 1.0}, "lift")
    with django_assert_max_num_queries(10):
        page.get("/mood/")


# --- A picture ----------------------------------------------------------------------------------


def test_a_picture_without_scripts_gives_the_whole_page_without_the_picture(page: Client) -> None:
    response = send(page, portrait())
    assert response.status_code == 200
    assert "<h1>Mood</h1>" in text(response)
    assert re.search(READ, words(response))
    assert "Show the songs" in words(response)
    assert "base64" not in text(response)
    assert "mood-face-read" not in text(response)


def test_scripts_get_the_parts_that_change_and_the_frame(page: Client) -> None:
    response = send(page, portrait(600), **HTMX)
    assert "<h1>" not in text(response)
    assert 'viewBox="0 0 600 600"' in text(response)
    assert text(response).count("mood-face-read") == 1
    assert 'id="mood-songs" aria-labelledby="mood-songs-title" hx-swap-oob="true"' in text(response)


def test_the_emotions_stand_in_words_and_numbers_the_strongest_first(page: Client) -> None:
    said = words(send(page, portrait(), **HTMX))
    percents = [int(percent) for percent in re.findall(r"(\d+) %", said.partition("The mood counts")[0])]
    assert len(percents) == 7
    assert percents == sorted(percents, reverse=True)
    assert sum(percents) == pytest.approx(100, abs=4)


def test_of_several_faces_the_largest_is_read_and_the_others_are_drawn(page: Client) -> None:
    several = Image.new("L", (900, 500), 120)
    several.paste(portrait(200), (60, 150))
    several.paste(portrait(420), (420, 40))
    response = send(page, several, **HTMX)
    assert "2 faces: the largest is read" in words(response)
    frames = re.findall(r'<g class="mood-face([^"]*)"><rect[^>]* x="(\d+)"[^>]* width="(\d+)"', text(response))
    assert len(frames) == 2
    (read,) = [frame for frame in frames if "read" in frame[0]]
    assert int(read[1]) > 420
    assert int(read[2]) == max(int(width) for _, _, width in frames)


def test_a_picture_without_a_face_says_what_to_do(page: Client) -> None:
    response = send(page, Image.new("L", (300, 300), 120), **HTMX)
    assert response.status_code == 200
    assert "No face was found" in words(response)
    assert "Look straight at the camera" in words(response)
    assert query(response) == {}


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_no_picture_is_said_and_the_page_stays(page: Client, headers: dict[str, str]) -> None:
    sent = {"picture": SimpleUploadedFile("me.jpg", b"no picture at all", "image/jpeg")}
    response = page.post("/mood/picture/", sent, headers=headers)
    assert response.status_code == 400
    assert "not a picture that can be read" in words(response)
    assert 'id="mood-answer"' in text(response)
    assert ("<h1>Mood</h1>" in text(response)) is not bool(headers)


def test_no_picture_at_all_is_said(page: Client) -> None:
    response = page.post("/mood/picture/", {})
    assert response.status_code == 400
    assert "No picture was sent" in words(response)


def test_a_picture_that_is_too_large_is_said(page: Client) -> None:
    sent = {"picture": SimpleUploadedFile("me.jpg", b"\xff\xd8" * (MAX_BYTES // 2 + 100_000), "image/jpeg")}
    response = page.post("/mood/picture/", sent)
    assert response.status_code == 413
    assert "at most 20 MB" in words(response)
    assert "<h1>Mood</h1>" in text(response)


def test_too_many_pictures_in_a_minute_have_to_wait(page: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PictureThrottle, "rate", "2/min", raising=False)
    face = portrait()
    assert [send(page, face).status_code for _ in range(3)] == [200, 200, 429]
    response = send(page, face, **HTMX)
    assert re.search(r"Try again in \d+ seconds", words(response))
    # Others are not held up, and a word needs no picture.
    other = Client()
    other.force_login(make_user())
    assert send(other, face).status_code == 200
    assert page.post("/mood/word/", {"mood": "calm"}).status_code == 200


# --- A word, and the way ------------------------------------------------------------------------


def test_a_mood_that_is_picked_needs_no_picture(page: Client) -> None:
    response = page.post("/mood/word/", {"mood": "sad"}, headers=HTMX)
    assert "You feel sad" in words(response)
    assert set(query(response)) == set(DEFAULT_TABLE["sad", "lift"])
    assert "50 % beside your taste" in words(response)
    assert 'name="share" value="0.5"' in text(response)


def test_a_word_overrules_the_face_which_stays_beside_it(page: Client) -> None:
    response = page.post("/mood/word/", {"mood": "calm", **SURPRISED}, headers=HTMX)
    assert "You feel calm" in words(response)
    assert "surprised 80 %" in words(response)
    assert set(query(response)) == set(DEFAULT_TABLE["calm", "lift"])
    response = page.post("/mood/way/", {"way": "match", "mood": "calm", **SURPRISED}, headers=HTMX)
    assert "surprised 80 %" in words(response)
    assert set(query(response)) == set(DEFAULT_TABLE["calm", "match"])


@pytest.mark.parametrize("mood", ["", "hungry", "surprise", "x" * 5000])
def test_a_mood_that_is_none_is_refused(page: Client, mood: str) -> None:
    assert page.post("/mood/word/", {"mood": mood}).status_code == 400


def test_the_way_changes_the_songs_of_the_same_mood_and_is_remembered(page: Client, ada: User) -> None:
    response = page.post("/mood/way/", {"way": "match", "mood": "sad"}, headers=HTMX)
    assert "You feel sad" in words(response)
    assert set(query(response)) == set(DEFAULT_TABLE["sad", "match"])
    assert MoodPreference.objects.get(user=ada).way == "match"
    assert re.search(r'value="match" checked', text(page.get("/mood/")))
    assert set(query(page.post("/mood/word/", {"mood": "angry"}))) == set(DEFAULT_TABLE["angry", "match"])


def test_the_way_changes_the_songs_of_the_same_reading(page: Client) -> None:
    response = page.post("/mood/way/", {"way": "match", **SURPRISED}, headers=HTMX)
    assert "You look surprised" in words(response)
    assert "80 %" in words(response)
    assert next(iter(query(response))) == "energetic"


def test_the_way_alone_asks_for_no_songs(page: Client) -> None:
    response = page.post("/mood/way/", {"way": "match"}, headers=HTMX)
    assert response.status_code == 200
    assert query(response) == {}


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"way": "sideways"},
        {"way": "lift", "happy": "much"},
        {"way": "lift", "happy": "nan"},
        {"way": "lift", "happy": "inf"},
        {"way": "lift", "happy": "-1"},
        {"way": "lift", "happy": "0"},
        {"way": "lift", "happy": "9" * 5000},
    ],
)
def test_a_way_or_a_probability_that_is_none_is_refused(page: Client, form: dict[str, str]) -> None:
    assert page.post("/mood/way/", form).status_code == 400


def test_an_unsure_reading_bends_less(page: Client) -> None:
    def share(**emotions: str) -> float:
        response = page.post("/mood/way/", {"way": "lift", **emotions}, headers=HTMX)
        found = re.search(r'name="share" value="([\d.]+)"', text(response))
        assert found
        return float(found[1])

    assert (
        0.5
        >= share(happy="0.97", sad="0.03")
        > share(happy="0.6", sad="0.4")
        > share(happy="0.4", sad="0.3", fear="0.3")
    )


def test_an_unsure_reading_is_called_unsure(page: Client) -> None:
    response = page.post("/mood/way/", {"way": "lift", "happy": "0.36", "neutral": "0.34", "sad": "0.3"})
    assert "Hard to tell: perhaps happy, perhaps neutral" in words(response)


# --- The songs ----------------------------------------------------------------------------------


def test_the_answers_own_form_brings_songs_each_with_the_mood_and_the_taste_behind_it(
    page: Client, ada: User, snapshots: Path
) -> None:
    root = make_root()
    liked = make_song("Liked", labels={"piano": 1.0}, root=root, path="liked.mp3")
    make_song("Hopeful piano", labels={"hopeful": 1.0, "piano": 1.0}, root=root, path="both.mp3")
    make_song("Hopeful night", labels={"hopeful": 1.0, "night": 1.0}, root=root, path="other.mp3")
    make_song("More piano", labels={"piano": 1.0, "night": 1.0}, root=root, path="own.mp3")
    make_song("Noise", labels={"noise": 1.0}, root=root, path="noise.mp3")
    make_rating(ada, liked, 5)
    build.build()
    answer = page.post("/mood/word/", {"mood": "sad"})
    asked = query(answer)
    form = {"label": list(asked), "weight": [str(weight) for weight in asked.values()], "share": "0.5"}
    fragment = page.post("/recommendations/for-labels/", form, headers=HTMX)
    assert words(fragment).index("Hopeful piano") < words(fragment).index("Hopeful night")
    assert "hopeful + piano (yours)" in words(fragment)
    # What is asked for decides what is in the list, and taste only where.
    assert "More piano" not in words(fragment)
    assert "Play all" in words(fragment)
    assert "<h1>" not in text(fragment)
    assert "<h1>For this mood, from your taste</h1>" in text(page.post("/recommendations/for-labels/", form))


# --- What is kept -------------------------------------------------------------------------------


def test_nothing_is_kept_unless_the_listener_asks(page: Client) -> None:
    send(page, portrait())
    page.post("/mood/word/", {"mood": "sad"})
    assert not MoodReading.objects.exists()


def test_readings_are_kept_once_the_listener_asks_and_no_longer_than_that(page: Client, ada: User) -> None:
    assert "checked" in text(page.post("/mood/keep/", {"keep": "1"}, headers=HTMX))
    kept = words(send(page, portrait(), **HTMX)).partition("Your readings")[2]
    assert re.search(r"\d\d:\d\d [a-z]+ \d+ %, [a-z]+ \d+ %", kept)
    page.post("/mood/word/", {"mood": "calm"})
    page.post("/mood/keep/", {})
    page.post("/mood/word/", {"mood": "tired"})
    assert [(one.hand_picked, one.way) for one in MoodReading.objects.filter(user=ada)] == [
        (True, "lift"),
        (False, "lift"),
    ]
    assert "calm, in your own word" in words(page.get("/mood/"))
    assert "tired, in" not in words(page.get("/mood/"))


def test_readings_are_deleted_one_by_one_and_all(page: Client, ada: User) -> None:
    other = make_user()
    for user in (ada, other):
        services.remember_keeping(user, True)
        for feeling in ("sad", "calm", "happy"):
            services.keep_reading(user, {feeling: 1.0}, "lift", hand_picked=True)
    first, foreign = MoodReading.objects.filter(user=ada)[0], MoodReading.objects.filter(user=other)[0]
    response = page.post(f"/mood/readings/{first.pk}/forget/", headers=HTMX)
    assert "happy, in your own word" not in words(response)
    assert "calm, in your own word" in words(response)
    assert page.post(f"/mood/readings/{foreign.pk}/forget/").status_code == 404
    assert page.post("/mood/readings/forget/").headers["Location"] == "/mood/"
    assert MoodReading.objects.filter(user=ada).count() == 0
    assert MoodReading.objects.filter(user=other).count() == 3
