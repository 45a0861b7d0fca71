"""Training of the whole network on real audio: what is kept, what is refused, and the way back."""

from __future__ import annotations

import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from django.test import Client

from catalog.models import Song, SongEmbedding, SongLabel
from catalog.services.labels import curate, labels_by_name
from tagging.learning import learned_network, training_jobs
from tagging.learning.learned_network import AlreadyAtWork, learn_network
from tagging.models import TaggingRun, TrainingJob
from tagging.services import first_pass, relabelling
from tagging.taggers import local, registry
from tagging.training.finetuning import CuratedSongs, Tuning, TuningPlan, parts_of
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import KINDS, untrained, write_local
from tests.tagging.training.music import write_music

N_SONGS = 16
PLAN = TuningPlan(steps=24, batch_size=8, learning_rate=1e-3, frames=64, round=8, parts=2)
BRIEF = replace(PLAN, steps=8, round=4)
"""Where it does not matter what is learned."""
CPU = torch.device("cpu")

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """High and low sounds, half of them noisy, two of each artist."""
    folder = tmp_path_factory.mktemp("music")
    write_music(folder, N_SONGS, seconds=2.0)
    return folder


@pytest.fixture
def songs(music: Path) -> list[Song]:
    """Songs that the bundled tagger has tagged; one label is corrected on all of them: `jazz` is what sounds low."""
    begin = write_local(registry.BUNDLED)
    network = untrained()
    weights, biases = local.label_layer(network)
    local.write_weights(registry.BUNDLED, local.with_labels(network, weights / np.float32(50), biases), begin)
    root = make_root(music)
    songs = [make_song(artist=f"Artist {n // 2}", root=root, path=f"{n:03d}.flac") for n in range(N_SONGS)]
    first_pass.tag_pending()
    jazz, curator = labels_by_name({"jazz": "genre"})["jazz"], make_user("curator")
    for number, song in enumerate(songs):
        curate(song, jazz, number % 2 == 0, curator)
    return songs


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any tuned network is good enough, so that what follows can be tested with random weights."""
    monkeypatch.setattr(learned_network, "is_better", lambda _: True)
    monkeypatch.setattr(learned_network, "SMALLEST_GAIN", float("-inf"))
    monkeypatch.setattr(learned_network, "LARGEST_LOSS", 1.0)


def predicted_by() -> set[str]:
    return set(TaggingRun.objects.values_list("tagger", flat=True))


def test_the_whole_network_learns_and_is_a_version_of_its_own(songs: list[Song], kept: None) -> None:
    result = learn_network("mine", 1, CPU, PLAN)
    assert result.tagger is not None
    assert result.tagger == registry.describe("mine")
    assert (result.tagger.base, [label.name for label in result.tagger.labels]) == ("dcmrs", list(KINDS))
    before, after = (local.read_network(file, 4) for file in (registry.BUNDLED, result.tagger.file or Path()))
    assert result.tagger.embedding == f"learned-{local.trunk_version(after)}" != "test-1"
    assert local.trunk_version(before) != local.trunk_version(after)
    normalizations = [name for name, _ in before.named_buffers() if "running" in name]
    assert all(torch.equal(before.get_buffer(name), after.get_buffer(name)) for name in normalizations)
    (learned,) = result.figures["labels"]
    assert (learned["yes"], learned["no"], learned["by_artist"]) == (8, 8, True)
    assert learned["after"] > 0.9
    assert {"layer", "mean", "worst", "worst_label", "songs"} <= result.figures["network"].keys()
    assert learn_network("again", 1, CPU, PLAN).message.startswith("mine has learned from just these corrections")


def test_what_is_not_worth_tagging_all_songs_again_is_not_kept(songs: list[Song], home: Path) -> None:
    """The label layer alone tells high from low: what is low needs no other ears."""
    result = learn_network(None, 1, CPU, PLAN)
    assert result.tagger is None
    assert "no song is heard again for it: leave out --network" in result.message
    assert not (home / "models").exists()
    assert registry.in_use() == "dcmrs"


def test_verdicts_by_lot_are_refused(songs: list[Song]) -> None:
    label, curator = labels_by_name({"quiet": "mood"})["quiet"], make_user()
    SongLabel.objects.filter(source="curator").delete()
    for song, yes in zip(songs, np.random.default_rng(4).permutation(N_SONGS) < 8, strict=True):
        curate(song, label, bool(yes), curator)
    assert learn_network(None, 1, CPU, PLAN).message.startswith("Not surely better than dcmrs")


def test_all_songs_are_tagged_again_and_once_more_on_the_way_back(
    songs: list[Song], kept: None, client: Client
) -> None:
    labels = dict(SongLabel.objects.filter(source="cnn").values_list("pk", "weight"))
    said = set(SongLabel.objects.filter(source="cnn").values_list("song_id", "label__name", "weight"))
    job = training_jobs.record(learn_network("mine", 1, CPU, BRIEF))
    assert (job.state, registry.in_use()) == (TrainingJob.State.KEPT, "mine")
    assert relabelling.to_relabel() == 0
    assert first_pass.sweep() == N_SONGS
    assert dict(SongLabel.objects.filter(source="cnn").values_list("pk", "weight")) == labels
    first_pass.tag_pending()
    assert predicted_by() == {"mine"}
    version = registry.local_family()["mine"].embedding
    assert set(SongEmbedding.objects.values_list("model", flat=True)) == {version}

    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    page = " ".join(client.get("/admin/tagging/trainingjob/").content.decode().split())
    assert "the whole network" in page
    assert "hears otherwise: 16 songs are heard again" in page

    registry.use("dcmrs")
    assert first_pass.sweep() == N_SONGS
    first_pass.tag_pending()
    assert predicted_by() == {"dcmrs"}
    assert set(SongEmbedding.objects.values_list("model", flat=True)) == {"test-1"}
    assert set(SongLabel.objects.filter(source="cnn").values_list("song_id", "label__name", "weight")) == said
    assert SongLabel.objects.filter(source="curator").count() == N_SONGS


def test_the_next_training_job_with_the_network_begins_at_the_first_tagger_again(songs: list[Song], kept: None) -> None:
    training_jobs.record(learn_network(None, 1, CPU, BRIEF))
    assert registry.in_use() == "learned-1"
    again = learn_network(None, 1, CPU, replace(BRIEF, seed=2)).tagger
    assert again is not None
    assert (again.name, again.base) == ("learned-2", "dcmrs")


def test_an_interrupted_training_is_resumed(
    songs: list[Song], kept: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = learn_network("whole", 1, CPU, BRIEF).tagger
    registry.local_family()["whole"].file.unlink()  # type: ignore[union-attr]
    steps: list[int] = []
    step = Tuning.step

    def count(tuning: Tuning, number: int) -> float:
        steps.append(number)
        return step(tuning, number)

    def stop_in_the_second_part(tuning: Tuning, number: int) -> float:
        if len(steps) == BRIEF.steps + 5:
            raise KeyboardInterrupt
        return count(tuning, number)

    with monkeypatch.context() as patched:
        patched.setattr(Tuning, "step", stop_in_the_second_part)
        with pytest.raises(KeyboardInterrupt):
            learn_network("whole", 1, CPU, BRIEF)
        assert not (home / "models" / "whole.safetensors").exists()
        steps.clear()
        patched.setattr(Tuning, "step", count)
        resumed = learn_network("whole", 1, CPU, BRIEF).tagger
    # What was saved last, after 4 steps of the second part, is gone on from.
    assert steps == [*range(4, BRIEF.steps), *range(BRIEF.steps)]
    assert whole is not None
    assert resumed is not None
    assert resumed.embedding == whole.embedding


def test_two_at_once_are_refused(songs: list[Song]) -> None:
    with learned_network.exclusive_folder(), pytest.raises(AlreadyAtWork, match="just now"):
        learn_network(None, 1, CPU, PLAN)


def test_a_label_of_which_too_few_songs_can_be_read_is_named(songs: list[Song]) -> None:
    for song in songs[3:]:
        song.path = f"gone-{song.path}"
    Song.objects.bulk_update(songs, ["path"])
    with pytest.raises(registry.TaggerError, match="too few of the songs corrected to jazz can be read"):
        learn_network(None, 1, CPU, PLAN)


def test_the_command_says_that_songs_are_tagged_again(
    songs: list[Song], kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned_network, "TuningPlan", lambda: BRIEF)
    monkeypatch.setattr(sys, "stderr", StringIO())
    out = StringIO()
    call_command("train_tagger", "--from-library", "--network", "--processes", "1", "--device", "cpu", stdout=out)
    said = out.getvalue()
    assert said.startswith("If a new tagger comes of it, all 16 songs are heard again by it")
    assert "learned-1 is in use. Better than dcmrs on held-out corrections: jazz" in said
    assert "16 songs have not been heard yet: manage.py tag_songs" in said
    assert said.endswith("To go back: manage.py taggers use dcmrs; all songs are then heard once more\n")


def test_the_network_learns_from_the_library_only() -> None:
    with pytest.raises(CommandError, match="name both"):
        call_command("train_tagger", "--network", "--csv", "a.csv")


def test_artists_are_in_one_part_and_verdicts_in_all() -> None:
    artists = np.arange(40) // 2
    verdicts = np.full((40, 2), np.nan, np.float32)
    verdicts[:20, 0] = (np.arange(20) // 2) % 2
    songs = CuratedSongs(np.zeros((0, 96), np.float16), np.zeros((40, 2), np.int64), verdicts, artists)
    parts = parts_of(songs, 4, seed=1)
    assert all(len(set(parts[artists == artist])) == 1 for artist in range(20))
    for verdict in (0, 1):
        assert set(parts[:20][verdicts[:20, 0] == verdict]) == {0, 1, 2, 3}
    assert np.bincount(parts).min() >= 8
