"""Profiles, recommendations, similar songs and fits: the engine on a real database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog.models import Label, LabelAlias, LibraryRoot, Play, Rating, Song
from catalog.services.embeddings import store_embedding
from catalog.services.listening import nudge, rate, record_play, refuse
from recommender.engine.interface import ListenerBatch, Vector
from recommender.engine.labels_and_sound import LabelsAndSound
from recommender.services import recommending
from recommender.services import taste as taste_service
from recommender.services.fit import fits_you
from recommender.services.label_queries import UnknownLabelError
from recommender.services.profile import profile_of
from recommender.services.reasons import LabelReason, SongReason, in_words
from recommender.services.recommending import Recommendation
from recommender.services.similar import similar_songs
from recommender.services.taste import taste_of
from recommender.snapshots import build, current
from tests.factories import make_plays, make_rating, make_song, make_user

pytestmark = pytest.mark.django_db


def titles(found: list[Recommendation]) -> list[str]:
    return [one.song.title for one in found]


def scores(found: list[Recommendation]) -> dict[str, float]:
    return {one.song.title: one.score for one in found}


# --- Taste --------------------------------------------------------------------------------------


def test_stars_decide_and_plays_only_where_there_are_none(library: dict[str, Song], ada: User) -> None:
    stars = dict(zip(library, (5, 4, 3, 2, 1), strict=True))
    for title, given in stars.items():
        make_rating(ada, library[title], given)
        make_plays(ada, library[title])
    heard, skipped, refused = make_song("Heard"), make_song("Skipped"), make_song("Refused")
    record_play(ada, heard)
    record_play(ada, skipped, skipped=True)
    refuse(ada, refused)
    taste = taste_of(ada)
    assert taste.starred == [library["Blue in Green"].pk, library["So What"].pk]
    assert taste.played == [heard.pk]
    assert sorted(taste.disliked) == [library["Birdland"].pk, library["Unheard"].pk, refused.pk]
    assert taste.known == {song.pk for song in (*library.values(), heard, skipped, refused)}


def test_somebody_who_has_said_nothing_has_an_empty_taste(ada: User) -> None:
    assert taste_of(ada).empty


# --- Recommending -------------------------------------------------------------------------------


def test_scores_are_those_worked_out_by_hand(library: dict[str, Song], ada: User) -> None:
    build.build()
    make_rating(ada, library["So What"], 5)
    found = recommending.recommend(ada, "content")
    assert scores(found) == pytest.approx({"Birdland": 0.09822, "Blue in Green": 0.01587}, abs=6e-6)
    assert [one.rank for one in found] == [1, 2]
    assert found[0].reasons == [LabelReason("jazz", pytest.approx(0.09822, abs=6e-6))]  # type: ignore[arg-type]


def test_a_rating_counts_at_once(library: dict[str, Song], ada: User) -> None:
    build.build()
    assert recommending.recommend(ada) == []
    rate(ada, library["Thunder"], 5)
    assert titles(recommending.recommend(ada)) == ["Birdland"]
    rate(ada, library["Thunder"], 1)
    assert recommending.recommend(ada) == []


def test_nudges_count_and_songs_one_knows_are_left_out(library: dict[str, Song], ada: User) -> None:
    build.build()
    nudge(ada, Label.objects.get(name="rock"), 1.0)
    assert titles(recommending.recommend(ada)) == ["Thunder", "Birdland"]
    Play.objects.create(user=ada, song=library["Thunder"], skipped=True, played_at=timezone.now())
    assert titles(recommending.recommend(ada)) == ["Birdland"]
    refuse(ada, library["Birdland"])
    assert recommending.recommend(ada) == []


def test_a_query_bends_the_profile(library: dict[str, Song], ada: User) -> None:
    build.build()
    make_rating(ada, library["Thunder"], 5)
    calm = recommending.recommend(ada, "content", query={"calm": 1.0})
    assert titles(calm) == ["Blue in Green", "Birdland"]
    assert [(reason.label, reason.asked) for reason in calm[0].reasons if isinstance(reason, LabelReason)] == [
        ("calm", True)
    ]
    hardly = recommending.recommend(ada, "content", query={"calm": 1.0}, query_share=0.1)
    assert titles(hardly) == ["Birdland", "Blue in Green"]


def test_what_is_asked_for_decides_what_is_in_the_list_of_pages(library: dict[str, Song], ada: User) -> None:
    build.build()
    make_rating(ada, library["Thunder"], 5)
    calm = recommending.recommend(ada, query={"calm": 1.0})
    assert titles(calm) == ["Blue in Green"]
    assert [(reason.label, reason.asked) for reason in calm[0].reasons if isinstance(reason, LabelReason)] == [
        ("calm", True)
    ]


def test_a_query_is_everything_where_nothing_is_known(library: dict[str, Song], ada: User) -> None:
    build.build()
    assert scores(recommending.recommend(ada, "content", query={"calm": 1.0})) == pytest.approx(
        {"Blue in Green": 0.99466}, abs=6e-6
    )


def test_labels_are_found_in_any_spelling_and_by_alias(library: dict[str, Song], ada: User) -> None:
    LabelAlias.objects.create(label=Label.objects.get(name="calm"), name="Peaceful")
    build.build()
    for spelling in ("CALM", "peaceful", " Calm "):
        assert titles(recommending.recommend(ada, query={spelling: 1.0})) == ["Blue in Green"]


def test_an_unknown_label_is_refused_with_the_closest(library: dict[str, Song], ada: User) -> None:
    build.build()
    with pytest.raises(UnknownLabelError, match="no label is called 'jaz'; the closest are jazz"):
        recommending.recommend(ada, query={"jaz": 1.0})


def test_a_weight_that_is_no_number_is_refused(library: dict[str, Song], ada: User) -> None:
    build.build()
    with pytest.raises(ValueError, match="the weight of calm is not a number"):
        recommending.recommend(ada, query={"calm": float("nan")})


def test_songs_without_a_file_are_in_the_raw_ranking_only(library: dict[str, Song], ada: User) -> None:
    make_song("Silent", labels={"rock": 5}, source="import")
    build.build()
    make_rating(ada, library["Thunder"], 5)
    assert titles(recommending.recommend(ada)) == ["Silent", "Birdland"]
    assert titles(recommending.recommend(ada, playable_only=True)) == ["Birdland"]


def test_a_song_that_was_deleted_or_lost_its_file_gives_its_place_to_the_next(
    library: dict[str, Song], ada: User
) -> None:
    build.build()
    nudge(ada, Label.objects.get(name="rock"), 1.0)
    Song.objects.filter(pk=library["Thunder"].pk).update(missing_since=timezone.now())
    assert titles(recommending.recommend(ada, n=1, playable_only=True)) == ["Birdland"]
    library["Thunder"].delete()
    found = recommending.recommend(ada, n=1)
    assert [(one.rank, one.song.title) for one in found] == [(1, "Birdland")]


def test_ties_are_broken_the_same_way_every_time(root: object, ada: User) -> None:
    twins = [make_song(f"Twin {number}", labels={"jazz": 1}, source="import") for number in range(8)]
    make_song(labels={"rock": 1}, source="import")
    build.build()
    found = recommending.recommend(ada, query={"jazz": 1.0}, n=5)
    assert [one.song.pk for one in found] == [song.pk for song in twins[:5]]


def test_what_is_popular_says_how_often_it_was_played(library: dict[str, Song], ada: User) -> None:
    bob = make_user("bob")
    make_plays(bob, library["Thunder"], 5)
    make_plays(bob, library["Birdland"], 7)
    build.build()
    found = recommending.recommend(ada, "popular")
    assert scores(found) == {"Birdland": 7, "Thunder": 5}
    assert found[0].reasons == [SongReason(library["Birdland"], 7)]
    assert recommending.recommend(bob, "popular") == []


def test_popular_and_unknown_methods_refuse_what_they_cannot_do(library: dict[str, Song], ada: User) -> None:
    build.build()
    with pytest.raises(
        ValueError, match=r"no method is called 'magic'; there are content, labels_and_sound, .*popular"
    ):
        recommending.recommend(ada, "magic")
    with pytest.raises(ValueError, match="labels go with the method content"):
        recommending.recommend(ada, "popular", query={"jazz": 1.0})


def test_without_a_snapshot_there_is_nothing(library: dict[str, Song], ada: User) -> None:
    assert recommending.recommend(ada) == similar_songs(library["Thunder"]).songs == []
    assert profile_of(ada).labels == []
    assert fits_you(ada, library["Thunder"]).unknown == "snapshot"


def test_a_label_that_came_after_the_snapshot_weighs_nothing_yet(library: dict[str, Song], ada: User) -> None:
    build.build()
    nudge(ada, Label.objects.create(name="polka"), 1.0)
    assert recommending.recommend(ada) == []
    assert titles(recommending.recommend(ada, query={"polka": 1.0, "calm": 1.0})) == ["Blue in Green"]


# --- Profiles, fits ------------------------------------------------------------------------------


def test_a_profile_is_the_sum_of_what_was_liked(library: dict[str, Song], ada: User) -> None:
    build.build()
    for title, stars in {"So What": 5, "Blue in Green": 4, "Birdland": 2}.items():
        make_rating(ada, library[title], stars)
    nudge(ada, Label.objects.get(name="rock"), 0.5)
    assert {label.name: label.weight for label in profile_of(ada).labels} == pytest.approx(
        {"calm": 0.99466, "piano": 0.98810, "rock": 0.30764, "jazz": 0.09732}, abs=6e-6
    )


def test_a_fit_says_from_how_many_songs_its_labels_come(library: dict[str, Song], ada: User) -> None:
    build.build()
    for title, stars in {"So What": 5, "Blue in Green": 4, "Thunder": 1}.items():
        make_rating(ada, library[title], stars)
    fit = fits_you(ada, library["Birdland"])
    assert [(label.label, label.said) for label in fit.labels] == [
        ("rock", "from 1 song you did not like"),
        ("jazz", "from 2 songs you liked"),
    ]
    assert fit.score == pytest.approx(sum(label.weight for label in fit.labels))
    assert fit.of_100 == max(0, round(100 * fit.score))


def test_a_fit_says_what_is_not_known(library: dict[str, Song], ada: User) -> None:
    build.build()
    assert fits_you(ada, library["Thunder"]).unknown == "listener"
    make_rating(ada, library["So What"], 5)
    assert fits_you(ada, library["Unheard"]).unknown == "song"
    assert fits_you(ada, library["Thunder"]).labels == []


def test_labels_one_wants_less_of_speak_against_a_song(library: dict[str, Song], ada: User) -> None:
    build.build()
    nudge(ada, Label.objects.get(name="rock"), -1.0)
    fit = fits_you(ada, library["Thunder"])
    assert [(label.against, label.said) for label in fit.labels] == [(True, "you want less of it")]
    assert fit.of_100 == 0


def test_the_words_of_a_reason_name_what_was_asked_for_first() -> None:
    reasons = [LabelReason("jazz", 0.3), LabelReason("calm", 0.2, asked=True), LabelReason("rock", -0.5)]
    assert in_words(reasons) == "calm + jazz (yours)"
    assert in_words(reasons[:1]) == "jazz"


def test_ratings_of_others_do_not_matter(library: dict[str, Song], ada: User) -> None:
    build.build()
    Rating.objects.create(user=make_user(), song=library["Thunder"], stars=5)
    assert recommending.recommend(ada) == []


# --- Songs without labels


def test_a_song_without_labels_is_recommended_by_its_sound_and_says_what_it_sounds_like(
    library: dict[str, Song], ada: User, root: LibraryRoot
) -> None:
    new = make_song("New here", root=root, path="new.mp3")
    strange = make_song("Strange", root=root, path="strange.mp3")
    sounds = {"So What": [1, 0.1], "Blue in Green": [1, 0.2], "Thunder": [0.1, 1], "Birdland": [0.2, 1]}
    for title, vector in sounds.items():
        store_embedding(library[title], "some-1", vector)
    store_embedding(new, "some-1", [1, 0.15])
    store_embedding(strange, "some-1", [0.15, 1])
    build.build()
    make_rating(ada, library["So What"], 5)
    found = {one.song: one for one in recommending.recommend(ada)}
    assert found[new].words == "sounds like “So What”"
    assert strange not in found or found[strange].score < found[new].score
    assert new not in [one.song for one in recommending.recommend(ada, "content")]
    fit = fits_you(ada, new)
    assert fit.like == [library["So What"]]
    assert fit.of_100 > 50
    asked = recommending.recommend(ada, query={"jazz": 1.0})
    assert new in [one.song for one in asked]
    assert strange not in [one.song for one in asked]


# --- What is kept from request to request -------------------------------------------------------


def test_scores_of_a_taste_are_computed_once_and_anew_after_each_change(
    library: dict[str, Song], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rating(ada, library["So What"], 5)
    build.build()
    bundle = current.bundle()
    assert bundle is not None
    computed = []
    scoring = LabelsAndSound._taste_scores

    def counted(ranker: LabelsAndSound, batch: ListenerBatch) -> Vector:
        computed.append(batch)
        return scoring(ranker, batch)

    monkeypatch.setattr(LabelsAndSound, "_taste_scores", counted)

    def ranked() -> list[float]:
        batch = taste_of(ada).as_batch(bundle.index)
        kept = bundle.labels_and_sound.scores(batch)
        assert kept == pytest.approx(scoring(bundle.labels_and_sound, batch))
        return [float(score) for score in kept[0]]

    first = ranked()
    assert ranked() == first
    assert len(computed) == 1
    rate(ada, library["Birdland"], 1)
    second = ranked()
    assert second != first
    nudge(ada, Label.objects.get(name="calm"), 3.0)
    assert ranked() != second
    assert len(computed) == 3


def test_people_of_another_taste_share_nothing(library: dict[str, Song], ada: User) -> None:
    bob, cleo = make_user("bob"), make_user("cleo")
    for person, title in [(ada, "So What"), (bob, "Birdland"), (cleo, "So What")]:
        make_rating(person, library[title], 5)
    build.build()
    bundle = current.bundle()
    assert bundle is not None
    of_ada, of_bob, of_cleo = (taste_of(person).as_batch(bundle.index) for person in (ada, bob, cleo))
    assert of_ada is not of_bob
    assert of_cleo is of_ada
    assert bundle.content.scores(of_ada).tolist() != bundle.content.scores(of_bob).tolist()


def test_only_so_many_batches_are_kept(library: dict[str, Song], ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    build.build()
    bundle = current.bundle()
    assert bundle is not None
    monkeypatch.setattr(taste_service, "_KEPT_NUMBERS", 2 * 4 * len(bundle.index.song_ids))
    for stars in (1, 2, 3, 4, 5, 4, 3):
        for title in library:
            rate(ada, library[title], stars)
            taste_of(ada).as_batch(bundle.index)
    assert len(taste_service._kept[bundle.index]) == 2


def test_what_a_batch_remembers_is_not_of_another_query_or_other_songs(library: dict[str, Song], ada: User) -> None:
    make_rating(ada, library["So What"], 5)
    build.build()
    bundle = current.bundle()
    assert bundle is not None
    batch = taste_of(ada).as_batch(bundle.index)
    liked = bundle.content.profiles(batch)
    with pytest.raises(ValueError, match="read-only"):
        liked[0] = 0
    calm = Label.objects.get(name="calm").pk
    asked = taste_of(ada).as_batch(bundle.index, {calm: 1.0})
    assert bundle.content.profiles(asked) is liked
    assert bundle.content.directions(asked).tolist() != bundle.content.directions(batch).tolist()
    other = replace(batch, liked=batch.liked * 0)
    assert not bundle.content.profiles(other).any()
