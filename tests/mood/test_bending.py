"""What a mood does to the songs that somebody is recommended: from the feeling to the ranking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User

from catalog.models import Label, LibraryRoot, Rating, Song, SongLabel
from catalog.services.labels import labels_by_name
from mood import services
from mood.labels import DEFAULT_TABLE, WAYS, Way, vocabulary
from recommender.services.reasons import LabelReason
from recommender.services.recommending import Recommendation, recommend
from recommender.snapshots import build
from tests.factories import make_rating, make_root, make_song, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

GENRES = [f"genre {number}" for number in range(12)]
MOODS = sorted(vocabulary())
LIKED = 5
COPIES = 100


def make_songs(root: LibraryRoot, labels: list[dict[str, float]], *, playable: bool = True) -> list[Song]:
    """Songs with these labels, many at once."""
    songs = Song.objects.bulk_create(
        Song(title=f"Song {number}", root=root, path=f"{number}.mp3" if playable else "")
        for number, _ in enumerate(labels)
    )
    by_name = labels_by_name(dict.fromkeys([*GENRES, *MOODS], str(Label.Kind.OTHER)))
    SongLabel.objects.bulk_create(
        SongLabel(song=song, label=by_name[name], source=SongLabel.Source.CNN, origin="test", weight=weight)
        for song, of_song in zip(songs, labels, strict=True)
        for name, weight in of_song.items()
    )
    return songs


@pytest.fixture
def labels() -> list[dict[str, float]]:
    """Those of 400 songs: one or two genres and four of the mood labels each."""
    random = np.random.default_rng(7)
    return [
        {str(name): float(random.uniform(0.2, 1)) for name in random.choice(GENRES, 2)}
        | {str(name): float(random.uniform(0.1, 0.8)) for name in random.choice(MOODS, 4, replace=False)}
        for _ in range(400)
    ]


@pytest.fixture
def listeners(db: None, snapshots: Path, labels: list[dict[str, float]]) -> tuple[User, User]:
    """One who likes 5 songs, and one who likes 500: a hundred copies of each of the same five."""
    root = make_root()
    songs = make_songs(root, labels)
    copies = make_songs(root, [labels[number % LIKED] for number in range(LIKED * COPIES)], playable=False)
    few, many = make_user(), make_user()
    Rating.objects.bulk_create(Rating(user=few, song=song, stars=5) for song in songs[:LIKED])
    Rating.objects.bulk_create(Rating(user=many, song=song, stars=5) for song in songs[:LIKED] + copies[LIKED:])
    build.build()
    return few, many


def first_ten(user: User, distribution: dict[str, float] | None = None, way: Way = "match") -> list[Recommendation]:
    if distribution is None:
        return recommend(user, "content", n=10, playable_only=True)
    asked = services.query_for(user, distribution, way)
    return recommend(user, "content", query=asked["labels"], query_share=asked["strength"], n=10, playable_only=True)


def songs(found: list[Recommendation]) -> list[int]:
    return [one.song.pk for one in found]


def changed(user: User, distribution: dict[str, float], way: Way = "match") -> int:
    """How many of the first ten songs are others in this mood."""
    return len(set(songs(first_ten(user, distribution, way))) - set(songs(first_ten(user))))


def test_a_mood_changes_as_much_after_500_likes_as_after_5(listeners: tuple[User, User]) -> None:
    few, many = listeners
    assert Rating.objects.filter(user=few).count() == 5
    assert Rating.objects.filter(user=many).count() == 500
    for mood in services.moods():
        for way in WAYS:
            assert changed(few, mood.distribution, way) == changed(many, mood.distribution, way) >= 3
            assert songs(first_ten(few, mood.distribution, way)) == songs(first_ten(many, mood.distribution, way))


def test_a_mood_changes_as_much_whatever_the_500_are(snapshots: Path, labels: list[dict[str, float]]) -> None:
    random = np.random.default_rng(3)
    songs_there = make_songs(make_root(), [*labels, *labels, *labels])
    users_of = {size: [make_user() for _ in range(4)] for size in (5, 500)}
    for size, users in users_of.items():
        for user in users:
            liked = random.choice(len(songs_there), size, replace=False)
            Rating.objects.bulk_create(Rating(user=user, song=songs_there[at], stars=5) for at in liked)
    build.build()
    average = {
        size: np.mean([changed(user, mood.distribution) for user in users for mood in services.moods()])
        for size, users in users_of.items()
    }
    assert average[5] >= 5
    assert average[500] >= 0.9 * average[5]


def test_a_reading_changes_less_the_less_sure_it_is(listeners: tuple[User, User]) -> None:
    for user in listeners:
        before = first_ten(user)
        by_chance = dict.fromkeys(("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"), 1 / 7)
        readings = [{"sad": 1.0}, {"sad": 0.6, "neutral": 0.2, "fear": 0.2}, by_chance]
        counts = [changed(user, reading) for reading in readings]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[1] > counts[2] == 0
        assert songs(first_ten(user, by_chance)) == songs(before)


def test_matching_a_mood_recommends_other_songs_than_lifting_it(listeners: tuple[User, User]) -> None:
    for user in listeners:
        match, lift = (set(songs(first_ten(user, {"sad": 1.0}, way))) for way in ("match", "lift"))
        assert len(match & lift) <= 5


def test_a_mood_bends_a_taste_and_does_not_replace_it(listeners: tuple[User, User]) -> None:
    for user in listeners:
        for one in first_ten(user, {"happy": 1.0}):
            asked = [reason.label for reason in one.reasons if isinstance(reason, LabelReason) and reason.asked]
            assert asked
        liked = {reason.label for one in first_ten(user) for reason in one.reasons if isinstance(reason, LabelReason)}
        own = {reason.label for one in first_ten(user, {"happy": 1.0}) for reason in one.reasons if not reason.asked}  # type: ignore[union-attr]
        assert own & liked


def test_somebody_of_whom_nothing_is_known_gets_the_mood_alone(snapshots: Path) -> None:
    root, nobody = make_root(), make_user()
    for number, label in enumerate(("sad", "happy", "rock")):
        make_song(label, labels={label: 0.5}, root=root, path=f"{number}.mp3")
    build.build()
    unsure = {"sad": 0.4, "neutral": 0.3, "fear": 0.3}
    asked = services.query_for(nobody, unsure, "match")
    assert asked["strength"] < 0.3
    (found,) = recommend(nobody, query={"sad": asked["labels"]["sad"]}, query_share=asked["strength"])
    assert found.song.title == "sad"
    assert found.score == pytest.approx(1.0)


def test_a_song_names_the_mood_and_the_taste_that_brought_it(snapshots: Path) -> None:
    root, user = make_root(), make_user()
    bright = dict.fromkeys(DEFAULT_TABLE["happy", "match"], 0.9)
    make_rating(user, make_song("Liked", labels={"jazz": 1.0}, root=root, path="0.mp3"), 5)
    make_song("Both", labels={**bright, "jazz": 0.5}, root=root, path="1.mp3")
    make_song("Neither", labels={"rock": 1.0}, root=root, path="2.mp3")
    build.build()
    (found,) = first_ten(user, {"happy": 1.0})
    assert found.song.title == "Both"
    assert len(found.reasons) == 5
    assert "jazz" in [reason.label for reason in found.reasons if isinstance(reason, LabelReason) and not reason.asked]
    assert found.words.endswith(" + jazz (yours)")
