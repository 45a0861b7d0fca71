"""Songs are labelled again by the recommended networks, when nothing more urgent waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from catalog.models import Label, LabelAlias, LibraryRoot, PublishedEmbedding, Song, SongEmbedding, SongLabel
from catalog.services.embeddings import embeddings, store_embedding
from catalog.services.labels import curate, labels_by_name, store_cnn_labels
from recommender.snapshots.training_data import read_library
from tagging import tasks
from tagging.frontend.sound import NOTHING
from tagging.labels import merged
from tagging.labels.merging import Merging
from tagging.labels.vocabulary import Entry, Vocabulary, vocabulary
from tagging.models import TaggingRun
from tagging.services import first_pass, loading, second_pass
from tagging.taggers import registry
from tagging.taggers.registry import LocalTagger, PublishedTagger
from tests.audio import write_tone
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import KINDS, describe, write_local

pytestmark = pytest.mark.django_db

WORDS = Vocabulary(
    entries=(
        Entry("jazz", "genre", {"tags": ("jazz",)}),
        Entry("glad", "mood", {"tags": ("happy",)}, aliases=("happy",)),
        Entry("piano", "instrument", {"tags": ("piano",)}),
        Entry("unheard of", "other", {"other": ("unheard of",)}),
    ),
    sets={"tags": ("first", "second"), "other": ("third",)},
)
"""What the networks of the tests predict; `quiet`, which the bundled tagger has too, is no label of it."""


@pytest.fixture
def root(tmp_path: Path) -> LibraryRoot:
    return make_root(tmp_path / "music")


@pytest.fixture
def networks(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two published networks and one that nobody has, with numbers by which every label is kept."""
    taggers = {name: describe(name, weights) for name in ("first", "second", "third", "outside")}
    n = (3, len(WORDS))
    there = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]], bool)
    numbers = Merging(
        networks=("first", "second", "third"),
        mean=np.where(there, -100.0, np.nan),
        deviation=np.where(there, 1.0, np.nan),
        weight=np.where(there, [[0.5], [0.5], [1.0]], 0.0),
        correlation=np.zeros(n[1]),
        slope=np.full(n[1], 0.01),
        intercept=np.zeros(n[1]),
    )
    monkeypatch.setattr(registry, "published", lambda: taggers)
    for module in (merged, second_pass):
        monkeypatch.setattr(module, "vocabulary", lambda: WORDS)
    monkeypatch.setattr(merged, "merging", lambda: numbers)
    caches: list[Any] = [second_pass._covered_by, second_pass._earlier_names, second_pass._loaded]
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


def song_with_audio(root: LibraryRoot, hz: int = 440) -> Song:
    path = write_tone(root.folder / f"{hz}.ogg", seconds=2.0, hz=hz)
    return make_song(f"{hz} Hz", root=root, path=path.name)


@pytest.fixture
def labelled_once(networks: None, bundled: LocalTagger, weights: Path, root: LibraryRoot) -> Song:
    """A song with the bundled tagger's labels, which the first network has not labelled yet."""
    song = song_with_audio(root)
    registry.install("first", weights)
    first_pass.tag_pending()
    return song


@pytest.fixture
def labelled_again(labelled_once: Song) -> Song:
    """A song with the first network's labels."""
    second_pass.label_waiting()
    return labelled_once


def labels_of(song: Song) -> dict[str, set[str]]:
    """What each tagger says of a song."""
    said: dict[str, set[str]] = {}
    for origin, name in song.song_labels.filter(source="cnn").values_list("origin", "label__name"):
        said.setdefault(origin, set()).add(name)
    return said


@pytest.mark.usefixtures("networks")
def test_a_song_has_the_bundled_labels_at_once_and_the_merged_ones_later(
    bundled: LocalTagger, weights: Path, root: LibraryRoot
) -> None:
    song = song_with_audio(root)
    registry.install("first", weights)
    assert loading.first_pass() == ["dcmrs"]
    first_pass.tag_pending()
    assert labels_of(song) == {"dcmrs": set(KINDS)}
    assert second_pass.progress() == second_pass.Progress(done=0, left=1)
    finished: list[Song] = []
    second_pass.label_waiting(report=finished.append)
    assert finished == [song]
    assert labels_of(song) == {"merged": {"jazz", "glad", "piano"}, "dcmrs": {"quiet"}}
    assert second_pass.progress() == second_pass.Progress(done=1, left=0)
    assert first_pass.sweep() == 0
    assert labels_of(song) == {"merged": {"jazz", "glad", "piano"}, "dcmrs": {"quiet"}}


def test_recommendations_weigh_labels_by_the_probability_that_a_person_agrees(labelled_again: Song) -> None:
    labelled_again.song_labels.exclude(origin="merged").delete()
    tagger = merged.load()
    agreed = dict(
        zip(tagger.labels, tagger.predict_file(labelled_again.audio_file).probabilities.tolist(), strict=True)
    )
    library = read_library(lambda _: None)
    (frequencies,) = library.data.term_frequencies[library.index.songs([labelled_again.pk])].toarray()
    read = dict(zip(library.index.label_names.tolist(), frequencies.tolist(), strict=True))
    assert {name: weight for name, weight in read.items() if weight} == {
        name: pytest.approx(agreed[name]) for name in ("jazz", "glad", "piano")
    }


def test_what_networks_find_to_be_no_music_keeps_nothing_of_the_bundled_tagger(labelled_once: Song) -> None:
    tagger = merged.load()
    nothing = merged.MergedPrediction(np.zeros(4), np.zeros(4), without_music={NOTHING: 1.0})
    second_pass.store(labelled_once, tagger, nothing)
    assert labels_of(labelled_once) == {"merged": {NOTHING}}
    assert second_pass.without_merged({labelled_once.pk: {"jazz": 0.9, "quiet": 0.8}}, "dcmrs") == {
        labelled_once.pk: {}
    }
    # And what the bundled tagger alone finds to be none gives way to networks that hear music.
    store_cnn_labels(labelled_once, "dcmrs", {NOTHING: 1.0}, tagger.kinds)
    second_pass.store(labelled_once, tagger, tagger.predict_file(labelled_once.audio_file))
    assert labels_of(labelled_once) == {"merged": {"jazz", "glad", "piano"}}


def test_a_network_that_is_installed_later_has_songs_labelled_again(labelled_again: Song, weights: Path) -> None:
    assert not second_pass.waiting().exists()
    registry.install("second", weights)
    assert list(second_pass.waiting()) == [labelled_again]
    second_pass.label_waiting()
    assert set(TaggingRun.objects.values_list("tagger", flat=True)) == {"dcmrs", "first", "second"}


@pytest.mark.usefixtures("networks")
def test_the_networks_embedding_is_kept_beside_the_local_taggers(
    bundled: LocalTagger, weights: Path, root: LibraryRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "EMBEDDING", ("first", "second"))
    song = song_with_audio(root)
    first_pass.tag_pending()
    assert embeddings()[2] == bundled.embedding
    registry.install("first", weights)
    registry.install("second", weights)
    tagger = merged.load()
    predicted = tagger.predict_file(song.audio_file)
    together = merged.embedded(
        {"second": np.array([0, 0.5], np.float32), "third": np.ones(2, np.float32), "first": np.ones(4, np.float32)},
        predicted.scores,
    )
    assert together is not None
    assert together[:6].tolist() == [0.5, 0.5, 0.5, 0.5, 0, 1]
    # Labels that no network predicts are 0, and the others in proportion.
    assert together[9] == 0
    assert together[6:9] / together[6] == pytest.approx(predicted.scores[:3] / predicted.scores[0], rel=1e-5)
    second_pass.store(song, tagger, replace(predicted, embedding=together))
    ids, vectors, model = embeddings()
    assert (ids.tolist(), model) == ([song.pk], tagger.embedded_by)
    assert vectors[0] == pytest.approx(together, rel=1e-3)
    assert SongEmbedding.objects.get(song=song).model == bundled.embedding


@pytest.mark.usefixtures("networks")
def test_embeddings_of_other_networks_are_another_version(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.install("first", weights)
    assert merged.load().embedded_by == ""
    monkeypatch.setattr(merged, "EMBEDDING", ("first",))
    alone = merged.load().embedded_by
    registry.install("second", weights)
    both = merged.load().embedded_by
    assert alone.startswith("first+labels-")
    assert both.startswith("first+labels-")
    assert both != alone
    PublishedEmbedding._meta.get_field("model").run_validators(both)


def test_a_song_whose_embedding_is_of_an_earlier_version_is_heard_again(
    labelled_again: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "EMBEDDING", ("first",))
    second_pass._loaded.cache_clear()
    store_embedding(labelled_again, "musicnn-msd+musicnn-mtt", np.ones(4), PublishedEmbedding)
    assert list(second_pass.waiting()) == [labelled_again]
    tagger = merged.load()
    monkeypatch.setattr(
        merged.MergedTagger,
        "predict_file",
        lambda *_: merged.MergedPrediction(np.zeros(4), np.zeros(4), np.ones(8, np.float32)),
    )
    second_pass.label_waiting()
    assert not second_pass.waiting().exists()
    assert PublishedEmbedding.objects.get(song=labelled_again).model == tagger.embedded_by


def test_merged_by_other_numbers_embeddings_are_of_another_version(
    labelled_again: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "EMBEDDING", ("first",))
    store_embedding(labelled_again, merged.version_of_embeddings(), np.ones(4), PublishedEmbedding)
    assert not second_pass.waiting().exists()
    monkeypatch.setattr(merged, "digest", lambda: "other numbers")
    assert list(second_pass.waiting()) == [labelled_again]


def test_a_song_that_cannot_be_heard_again_does_not_wait_for_ever(
    labelled_again: Song, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "EMBEDDING", ("first",))
    second_pass._loaded.cache_clear()
    store_embedding(labelled_again, "musicnn-msd+musicnn-mtt", np.ones(4), PublishedEmbedding)
    labelled_again.audio_file.write_bytes(b"no audio at all")
    second_pass.label_waiting()
    assert not second_pass.waiting().exists()
    assert labels_of(labelled_again)["merged"] == {"jazz", "glad", "piano"}


@pytest.mark.usefixtures("networks")
def test_without_networks_of_the_vocabulary_nothing_is_labelled_again(
    bundled: LocalTagger, weights: Path, root: LibraryRoot
) -> None:
    registry.install("outside", weights)
    assert loading.first_pass() == ["dcmrs", "outside"]
    song = song_with_audio(root)
    first_pass.tag_pending()
    second_pass.label_waiting()
    assert set(labels_of(song)) == {"dcmrs", "outside"}
    assert second_pass.progress() == second_pass.Progress(0, 0)


@pytest.mark.usefixtures("networks")
def test_what_single_networks_said_before_gives_way_and_curators_words_stay(
    bundled: LocalTagger, weights: Path, root: LibraryRoot
) -> None:
    song = song_with_audio(root)
    registry.install("outside", weights)
    first_pass.tag_pending()
    jazz = Label.objects.get(name="jazz")
    curate(song, jazz, False, make_user())
    registry.install("first", weights)
    second_pass.label_waiting()
    assert set(labels_of(song)) == {"dcmrs", "merged"}
    assert SongLabel.objects.get(song=song, source=SongLabel.Source.CURATOR).label == jazz


def test_a_tagger_that_an_owner_has_trained_speaks_beside_them(
    labelled_again: Song, bundled: LocalTagger, home: Path
) -> None:
    write_local(home / "models" / "mine.safetensors", embedding=bundled.embedding)
    registry.use("mine")
    first_pass.sweep()
    assert labels_of(labelled_again) == {"merged": {"jazz", "glad", "piano"}, "mine": set(KINDS)}
    registry.use("dcmrs")
    first_pass.sweep()
    assert labels_of(labelled_again) == {"merged": {"jazz", "glad", "piano"}, "dcmrs": {"quiet"}}


def test_a_song_that_is_tagged_anew_is_labelled_again_too(labelled_again: Song) -> None:
    assert Song.objects.all().requeue_tagging() == 1
    assert not second_pass.waiting().exists()
    first_pass.tag_pending()
    assert list(second_pass.waiting()) == [labelled_again]


@pytest.mark.usefixtures("networks")
def test_a_song_that_another_worker_is_at_is_left_to_it(bundled: LocalTagger, weights: Path, root: LibraryRoot) -> None:
    songs = [song_with_audio(root, hz) for hz in (300, 400, 500)]
    registry.install("first", weights)
    first_pass.tag_pending()
    cache.add(second_pass._claim_key(songs[1].pk), True, 60)
    second_pass.label_waiting(n_threads=2)
    assert list(second_pass.waiting()) == [songs[1]]


def test_a_file_that_can_no_longer_be_read_keeps_its_labels(labelled_once: Song, root: LibraryRoot) -> None:
    (root.folder / labelled_once.path).write_text("no music")
    second_pass.label_waiting()
    labelled_once.refresh_from_db()
    assert labelled_once.tagging_state == Song.Tagging.DONE
    assert labels_of(labelled_once) == {"dcmrs": set(KINDS)}
    assert not second_pass.waiting().exists()


@pytest.mark.usefixtures("networks")
def test_the_worker_does_both_passes(bundled: LocalTagger, weights: Path, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    registry.install("first", weights)
    tasks.tag_songs.apply()
    assert labels_of(song) == {"merged": {"jazz", "glad", "piano"}, "dcmrs": {"quiet"}}


def test_labels_of_earlier_taggers_are_followed_to_their_names_now() -> None:
    song, curator = make_song("A song"), make_user()
    earlier = labels_by_name({"female vocalists": "vocals", "rnb": "genre", "chill": "mood", "chillout": "mood"})
    curate(song, earlier["female vocalists"], True, curator)
    curate(song, earlier["chill"], True, curator)
    probabilities = dict.fromkeys(("female vocalists", "rnb", "chill"), 0.5)
    store_cnn_labels(song, "dcmrs", probabilities, {name: label.kind for name, label in earlier.items()})
    labels_by_name({"movie": "other"})
    assert second_pass.rename_earlier_labels() == 3
    assert set(Label.objects.values_list("name", flat=True)) == {
        "female vocals",
        "r&b",
        "chillout",
        "movie",
    }
    assert set(song.song_labels.values_list("label__name", flat=True)) == {"female vocals", "r&b", "chillout"}
    assert set(LabelAlias.objects.values_list("name", flat=True)) == {"female vocalists", "rnb", "chill"}
    # What the bundled tagger and imports call them goes on to mean the same.
    assert labels_by_name({"Female Vocalists": "vocals"})["Female Vocalists"].name == "female vocals"
    assert second_pass.rename_earlier_labels() == 0


def test_other_spellings_lead_to_predicted_labels_where_nothing_else_is_called_so() -> None:
    song = make_song("A song")
    store_cnn_labels(
        song, "dcmrs", {"female vocals": 0.5, "chillout": 0.5}, {"female vocals": "vocals", "chillout": "mood"}
    )
    imported = labels_by_name({"woman": "other", "trip hop": "genre"})
    second_pass.add_aliases()
    second_pass.add_aliases()
    found = labels_by_name(dict.fromkeys(("female vocalists", "chill", "woman", "trip hop", "triphop"), "other"))
    assert found["female vocalists"].name == "female vocals"
    assert found["chill"].name == "chillout"
    assert found["woman"] == imported["woman"]
    # No tagger has predicted it here: what an import calls so stays by itself.
    assert found["triphop"] != found["trip hop"]


def test_merged_labels_stand_out_from_real_songs() -> None:
    known = {name: about for name, about in registry.published().items() if name in vocabulary().networks}

    class Named:
        """A tagger of which only the name counts here."""

        def __init__(self, about: PublishedTagger) -> None:
            self.name = about.name

    tagger = merged.MergedTagger([Named(about) for about in known.values()])  # type: ignore[misc]
    assert tagger.covered == set(vocabulary().names)
    n = len(vocabulary())
    scores = np.full(n, -1.0)
    scores[:12] = np.linspace(3.0, 1.3, 12)
    kept = tagger.kept(merged.MergedPrediction(scores, np.full(n, 0.25)))
    assert list(kept) == vocabulary().names[:12]
    assert set(kept.values()) == {0.25}
    likely = np.full(n, 0.25)
    likely[-1] = 0.6
    assert list(tagger.kept(merged.MergedPrediction(scores, likely))) == [
        *vocabulary().names[:12],
        vocabulary().names[-1],
    ]
    assert len(tagger.kept(merged.MergedPrediction(np.full(n, 2.0), likely))) == 20
    scores[vocabulary().names.index("weird")] = 4.0
    assert list(tagger.kept(merged.MergedPrediction(scores, np.full(n, 0.25))))[-1] == "weird"
    scores = np.full(n, np.nan)
    scores[:4] = (0.9, 0.8, 0.75, 0.72)
    assert list(tagger.kept(merged.MergedPrediction(scores, np.full(n, 0.1)))) == vocabulary().names[:3]
    assert tagger.kept(merged.MergedPrediction(np.full(n, 0.1), np.full(n, 0.1))) == {}
    with pytest.raises(ValueError, match="a network"):
        merged.MergedTagger([])
