"""Training on corrections: which labels are trained, which stay, what songs get, and the way back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import Label, Song, SongLabel
from catalog.services.embeddings import store_embedding
from catalog.services.labels import curate, labels_by_name, merge_labels
from catalog.signals import labels_changed
from tagging import tasks
from tagging.learning import learned_layer, training_jobs
from tagging.models import TaggingRun, TrainingJob
from tagging.services import first_pass, loading, relabelling
from tagging.taggers import local, registry
from tagging.taggers.registry import LocalTagger, TaggerError
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import KINDS, untrained, write_local
from tests.tagging.sounds import Sounds, make_sounds

pytestmark = [pytest.mark.django_db, pytest.mark.long]

N_SONGS = 60
SOUNDS = make_sounds(N_SONGS)


@pytest.fixture
def bundled() -> LocalTagger:
    """The bundled tagger, as sure of its labels as a trained one is."""
    begin = write_local(registry.BUNDLED)
    network = untrained()
    weights, biases = local.label_layer(network)
    return local.write_weights(registry.BUNDLED, local.with_labels(network, weights / np.float32(50), biases), begin)


@pytest.fixture
def songs(bundled: LocalTagger) -> list[Song]:
    """Songs that the bundled tagger has labelled, two of each artist."""
    root = make_root()
    songs = [
        make_song(artist=f"Artist {n // 2}", root=root, path=f"{n}.ogg", tagging_state="done") for n in range(N_SONGS)
    ]
    for song, vector in zip(songs, SOUNDS.embeddings, strict=True):
        store_embedding(song, bundled.embedding, vector)
    relabelling.relabel_from_embeddings()
    return songs


@pytest.fixture
def curator() -> User:
    return make_user("curator")


Correct = Callable[..., Label]


@pytest.fixture
def correct(songs: list[Song], curator: User) -> Correct:
    """A curator says of so many songs whether a label is true of them."""

    def correct(name: str, truth: NDArray[np.bool_], n: int = 30, first: int = 0) -> Label:
        label = labels_by_name({name: "genre"})[name]
        for song, yes in list(zip(songs, truth.tolist(), strict=True))[first : first + n]:
            curate(song, label, yes, curator)
        return label

    return correct


def trait(number: int, sounds: Sounds = SOUNDS) -> NDArray[np.bool_]:
    return sounds.traits[:, number] > 0


def corrections(**conditions: Any) -> dict[tuple[int, str], float]:
    """What taggers say, by song and label."""
    rows = SongLabel.objects.filter(source="cnn", **conditions).values_list("song_id", "label__name", "weight")
    return {(song_id, name): weight for song_id, name, weight in rows}


def layer(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    tagger = registry.describe(name)
    assert tagger.weights is not None
    return local.label_layer(local.read_network(tagger.weights, len(tagger.labels)))


# --- What is learned ----------------------------------------------------------------------------


def test_corrections_become_a_tagger_of_the_librarys_own(correct: Correct) -> None:
    correct("jazz", trait(0))
    result = learned_layer.learn("blue-note")
    assert result.tagger is not None
    assert registry.describe("blue-note") == result.tagger
    assert (result.tagger.base, result.tagger.embedding) == ("dcmrs", "test-1")
    assert result.tagger.figures == result.figures
    (learned,) = result.figures["labels"]
    assert (learned["label"], learned["kept"], learned["yes"] + learned["no"]) == ("jazz", True, 30)
    assert learned["after"] >= learned["before"] + 0.05
    assert "jazz" in result.message


def test_songs_that_nobody_corrected_are_judged_better(correct: Correct, songs: list[Song]) -> None:
    correct("jazz", trait(0), n=30)
    job = training_jobs.run_now("blue-note")
    assert job.state == TrainingJob.State.KEPT
    relabelling.relabel_from_embeddings()
    said = corrections(label__name="jazz")
    others = songs[30:]
    yes, no = (
        [said.get((song.pk, "jazz"), 0.0) for song, true in zip(others, trait(0)[30:], strict=True) if true == verdict]
        for verdict in (True, False)
    )
    assert np.mean([y > n for y in yes for n in no]) > 0.8


def test_rows_of_other_labels_are_the_same_to_the_last_bit(correct: Correct) -> None:
    correct("happy", trait(0), n=N_SONGS)
    learned_layer.learn("mine")
    place = list(KINDS).index("happy")
    for before, after in zip(layer("dcmrs"), layer("mine"), strict=True):
        assert not np.array_equal(before[place], after[place])
        assert np.array_equal(np.delete(before, place, axis=0), np.delete(after, place, axis=0))


def test_embeddings_are_the_same_to_the_last_bit(correct: Correct) -> None:
    correct("happy", trait(0), n=N_SONGS)
    learned_layer.learn("mine")
    windows = np.random.default_rng(0).uniform(0.0, 1.0, (2, 96, 200)).astype(np.float32)
    before, after = (tagger.predict_song(windows) for tagger in loading.load(["dcmrs", "mine"]))  # type: ignore[attr-defined]
    assert np.array_equal(before.embedding, after.embedding)


def test_verdicts_by_lot_make_no_tagger(correct: Correct, home: Path) -> None:
    correct("jazz", np.random.default_rng(2).random(N_SONGS) < 0.5, n=40)
    result = learned_layer.learn("mine")
    assert result.tagger is None
    assert result.message.startswith("Not better than dcmrs on held-out corrections: jazz 0.")
    assert not (home / "models").exists()
    assert registry.in_use() == "dcmrs"


def test_one_label_is_learned_and_another_left(correct: Correct) -> None:
    correct("jazz", trait(0))
    correct("happy", np.random.default_rng(2).random(N_SONGS) < 0.5, n=40)
    result = learned_layer.learn("mine")
    assert {label["label"]: label["kept"] for label in result.figures["labels"]} == {"jazz": True, "happy": False}
    assert "As it was, because it would not be better: happy" in result.message
    place = list(KINDS).index("happy")
    assert np.array_equal(layer("dcmrs")[0][place], layer("mine")[0][place])


def test_a_curators_own_annotation_becomes_a_label(correct: Correct) -> None:
    correct("kitchen music", trait(3), n=N_SONGS)
    result = learned_layer.learn("mine")
    assert result.tagger is not None
    assert [label.name for label in result.tagger.labels] == [*KINDS, "kitchen music"]
    registry.use("mine")
    relabelling.relabel_from_embeddings()
    assert 10 < len(corrections(label__name="kitchen music")) < N_SONGS - 10


def test_a_label_that_was_merged_into_another_is_learned_under_both_names(correct: Correct, songs: list[Song]) -> None:
    jazz = correct("jazz", trait(0))
    merge_labels([labels_by_name({"quiet": "mood"})["quiet"]], jazz)
    learned_layer.learn("mine")
    changed = (layer("dcmrs")[0] != layer("mine")[0]).any(axis=1)
    assert changed.tolist() == [name in ("jazz", "quiet") for name in KINDS]


@pytest.mark.parametrize(
    ("n", "message"),
    [
        (0, "There are no corrections to learn from."),
        (5, "Too few corrections to learn from: jazz 3 yes and 2 no of 4 each."),
    ],
)
def test_too_few_corrections_are_reported(correct: Correct, n: int, message: str) -> None:
    correct("jazz", np.arange(N_SONGS) % 2 == 0, n=n)
    result = learned_layer.learn()
    assert (result.tagger, result.message) == (None, message)


def test_corrections_of_songs_that_were_not_tagged_yet_wait(correct: Correct, songs: list[Song]) -> None:
    correct("jazz", trait(0), n=10)
    for song in songs[:10]:
        song.embedding.delete()
    message = "There are no corrections to learn from. 10 more are of songs that dcmrs has not heard yet."
    assert learned_layer.learn().message == message


def test_every_training_job_begins_at_the_first_tagger_and_forgets_what_was_taken_back(
    correct: Correct, songs: list[Song], curator: User
) -> None:
    jazz = correct("jazz", trait(0))
    assert training_jobs.run_now().tagger == "learned-1"
    correct("happy", trait(1))
    for song in songs:
        curate(song, jazz, None, curator)
    assert training_jobs.run_now().tagger == "learned-2"
    tagger = registry.describe("learned-2")
    assert isinstance(tagger, LocalTagger)
    assert tagger.base == "dcmrs"
    place = list(KINDS).index("jazz")
    assert np.array_equal(layer("dcmrs")[0][place], layer("learned-2")[0][place])


def test_the_same_corrections_are_learned_once(correct: Correct) -> None:
    correct("jazz", trait(0))
    training_jobs.run_now()
    again = training_jobs.run_now()
    assert (again.state, again.tagger) == (TrainingJob.State.REFUSED, "")
    assert again.message == "learned-1 has learned from just these corrections."
    registry.use("dcmrs")
    assert training_jobs.run_now().message.endswith("it has only to be put to use.")
    assert set(registry.local_family()) == {"dcmrs", "learned-1"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [("dcmrs", "there is a tagger called dcmrs already"), ("../x", "cannot be called"), ("msd-crnn", "already")],
)
def test_a_name_that_cannot_be_had_is_refused(correct: Correct, name: str, reason: str) -> None:
    correct("jazz", trait(0))
    with pytest.raises(TaggerError, match=reason):
        training_jobs.run_now(name)
    assert not TrainingJob.objects.exists()


def test_without_a_tagger_of_the_local_family_there_is_nothing_to_begin_with() -> None:
    with pytest.raises(TaggerError, match="nothing to begin with"):
        learned_layer.learn()


# --- Relabelling --------------------------------------------------------------------------------


def test_going_back_gives_every_song_its_old_labels_exactly(correct: Correct, songs: list[Song]) -> None:
    before = corrections()
    correct("jazz", trait(0))
    training_jobs.run_now()
    relabelling.relabel_from_embeddings()
    between = corrections()
    assert set(TaggingRun.objects.values_list("tagger", flat=True)) == {"learned-1"}
    assert {key for key in before if before[key] != between[key]} == {(song.pk, "jazz") for song in songs}
    registry.use("dcmrs")
    assert relabelling.to_relabel() == N_SONGS
    relabelling.relabel_from_embeddings()
    assert corrections() == before
    assert set(SongLabel.objects.filter(source="cnn").values_list("origin", flat=True)) == {"dcmrs"}
    assert relabelling.to_relabel() == 0


def test_what_was_tagged_and_what_is_relabelled_are_the_same_to_the_last_bit(bundled: LocalTagger, home: Path) -> None:
    song = make_song()
    windows = np.random.default_rng(0).uniform(0.0, 1.0, (3, 96, 200)).astype(np.float32)
    (tagger,) = loading.load()
    first_pass.store_prediction(song, tagger, tagger.predict_song(windows))  # type: ignore[attr-defined]
    predicted = corrections()
    TaggingRun.objects.all().delete()
    relabelling.relabel_from_embeddings()
    assert corrections() == predicted


def test_annotations_of_curators_imports_and_published_taggers_stay(correct: Correct, songs: list[Song]) -> None:
    correct("jazz", trait(0))
    label = labels_by_name({"live": "other"})["live"]
    for source, origin in (("import", "lastfm"), ("cnn", "msd-crnn")):
        SongLabel.objects.create(song=songs[0], label=label, source=source, origin=origin, weight=0.4)
    TaggingRun.objects.create(song=songs[0], tagger="msd-crnn")
    others = SongLabel.objects.exclude(source="cnn", origin__in=["dcmrs", "learned-1"]).order_by("pk")
    before = list(others.values())
    training_jobs.run_now()
    relabelling.relabel_from_embeddings()
    assert list(others.values()) == before
    assert set(songs[0].tagging_runs.values_list("tagger", flat=True)) == {"msd-crnn", "learned-1"}


def test_relabelling_that_is_broken_off_goes_on_where_it_was(
    songs: list[Song], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_local(home / "models" / "mine.safetensors", {"warm": "mood"})
    registry.use("mine")
    monkeypatch.setattr(relabelling, "RELABELLED_AT_ONCE", 7)

    def break_off(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relabelling.relabel_from_embeddings(break_off)
    assert relabelling.to_relabel() == N_SONGS - 7
    assert len(corrections(origin="mine")) == 7
    counted: list[int] = []
    relabelling.relabel_from_embeddings(counted.append)
    assert sum(counted) == N_SONGS - 7
    assert set(SongLabel.objects.filter(source="cnn").values_list("origin", flat=True)) == {"mine"}


def test_another_tagger_put_to_use_meanwhile_labels_all_songs(
    songs: list[Song], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "yours"):
        write_local(home / "models" / f"{name}.safetensors", {"warm": "mood"})
    registry.use("mine")
    monkeypatch.setattr(relabelling, "RELABELLED_AT_ONCE", 7)
    relabelling.relabel_from_embeddings(lambda _: registry.use("yours"))
    assert set(TaggingRun.objects.values_list("tagger", flat=True)) == {"yours"}
    assert len(corrections(origin="yours")) == N_SONGS


def test_songs_without_an_embedding_are_tagged_again(songs: list[Song], home: Path) -> None:
    songs[0].embedding.delete()
    write_local(home / "models" / "mine.safetensors", {"warm": "mood"})
    registry.use("mine")
    assert first_pass.sweep() == 1
    songs[0].refresh_from_db()
    assert songs[0].tagging_state == Song.Tagging.PENDING
    assert len(corrections(origin="mine")) == N_SONGS - 1


def test_changed_labels_are_announced(
    songs: list[Song], home: Path, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    announced: set[int] = set()

    def predict_spectrogram(song_ids: list[int], **_: object) -> None:
        announced.update(song_ids)

    write_local(home / "models" / "mine.safetensors", {"warm": "mood"})
    registry.use("mine")
    labels_changed.connect(predict_spectrogram)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            relabelling.relabel_from_embeddings()
    finally:
        labels_changed.disconnect(predict_spectrogram)
    assert announced == {song.pk for song in songs}


# --- Training jobs ------------------------------------------------------------------------------


def test_one_training_job_waits_however_many_ask(curator: User) -> None:
    assert training_jobs.ask(curator) == training_jobs.ask(None) == TrainingJob.objects.get()
    assert training_jobs.is_waiting()


def test_the_worker_runs_the_training_job_and_songs_get_its_labels(correct: Correct, curator: User) -> None:
    correct("jazz", trait(0))
    training_jobs.ask(curator)
    tasks.learn()
    job = TrainingJob.objects.get()
    assert (job.state, job.tagger, job.asked_by) == (TrainingJob.State.KEPT, "learned-1", curator)
    assert registry.in_use() == "learned-1"
    assert relabelling.to_relabel() == 0
    assert not training_jobs.is_waiting()
    tasks.learn()
    assert TrainingJob.objects.count() == 1


def test_a_training_job_that_fails_says_why(curator: User) -> None:
    training_jobs.ask(curator)
    tasks.learn()
    job = TrainingJob.objects.get()
    assert job.state == TrainingJob.State.FAILED
    assert "nothing to begin with" in job.message


def test_two_training_jobs_do_not_run_at_once(correct: Correct, curator: User) -> None:
    correct("jazz", trait(0))
    TrainingJob.objects.create(state=TrainingJob.State.RUNNING)
    training_jobs.ask(curator)
    assert training_jobs.run_waiting() is None
    with pytest.raises(training_jobs.AlreadyTraining):
        training_jobs.run_now()
    assert registry.in_use() == "dcmrs"


def test_a_training_job_whose_worker_was_killed_waits_again(curator: User) -> None:
    job = TrainingJob.objects.create(state=TrainingJob.State.RUNNING)
    assert not training_jobs.is_waiting()
    long_ago = timezone.now() - training_jobs.STALE_AFTER - timedelta(seconds=1)
    TrainingJob.objects.update(changed_at=long_ago)
    assert training_jobs.is_waiting()
    job.refresh_from_db()
    assert job.state == TrainingJob.State.WAITING
    TrainingJob.objects.create(state=TrainingJob.State.RUNNING)
    TrainingJob.objects.update(changed_at=long_ago)
    assert training_jobs.is_waiting()
    assert set(TrainingJob.objects.values_list("state", flat=True)) == {
        TrainingJob.State.WAITING,
        TrainingJob.State.FAILED,
    }


def test_an_interrupted_training_job_is_deleted(correct: Correct, home: Path) -> None:
    correct("jazz", trait(0))

    def break_off(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training_jobs.run_now(report=break_off)
    assert not TrainingJob.objects.exists()
    assert not (home / "models").exists()


# --- The command --------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", StringIO())


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("train_tagger", "--from-library", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_command_learns_and_puts_to_use(correct: Correct) -> None:
    correct("jazz", trait(0))
    out = run("--name", "blue-note")
    assert "blue-note is in use. Better than dcmrs on held-out corrections: jazz" in out
    assert out.endswith("To go back: manage.py taggers use dcmrs\n")
    assert registry.in_use() == "blue-note"
    assert len(corrections(origin="blue-note", label__name="happy")) == N_SONGS


def test_the_command_says_why_nothing_was_learned(correct: Correct) -> None:
    correct("jazz", np.arange(N_SONGS) % 2 == 0, n=5)
    assert run().endswith("No new tagger. Too few corrections to learn from: jazz 3 yes and 2 no of 4 each.\n")
    assert registry.in_use() == "dcmrs"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--name", "No"], "a tagger cannot be called No"),
        (["--library", "--generated", "3"], "leave out --library, --generated"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(correct: Correct, arguments: list[str], line: str) -> None:
    correct("jazz", trait(0), n=10)
    with pytest.raises(CommandError, match=line):
        run(*arguments)
