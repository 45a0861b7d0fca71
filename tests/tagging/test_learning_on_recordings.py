"""Training on real recordings with the bundled tagger's embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from catalog.audio_lengths import probe
from catalog.services.embeddings import embeddings, store_embedding
from catalog.services.labels import curate, labels_by_name
from tagging.frontend.mel_bands import song_windows
from tagging.learning import training_jobs
from tagging.models import TrainingJob
from tagging.networks.inference import WholeSongTagger, inference_threads
from tagging.services import loading
from tagging.taggers import registry
from tests.factories import make_root, make_song, make_user

BUNDLED = registry.BUNDLED


@pytest.mark.long
@pytest.mark.shared
@pytest.mark.django_db
def test_a_label_corrected_on_thirty_recordings_is_learned_and_no_other_changes(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The curator means one composer's game by a label; 30 of the recordings say so, the others were never named."""
    if not BUNDLED.is_file():
        pytest.skip(f"{BUNDLED} is not there")
    monkeypatch.setattr(registry, "BUNDLED", BUNDLED)
    (tagger,) = loading.load()
    assert isinstance(tagger, WholeSongTagger)
    root = make_root(shared)
    files = sorted(file for folder in ("audio", "audio_training") for file in (shared / folder).iterdir())
    with inference_threads() as threads:
        predicted = list(
            threads.map(lambda file: tagger.predict_song(song_windows(file, probe(file).duration_s)), files)
        )
    songs = [make_song(root=root, path=str(file.relative_to(shared)), tagging_state="done") for file in files]
    for song, answer in zip(songs, predicted, strict=True):
        assert answer.embedding is not None
        store_embedding(song, str(tagger.embedding), answer.embedding)
    truth = np.array(["tuxemon" in file.name for file in files])
    rng = np.random.default_rng(0)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(truth == said))[:15] for said in (True, False)])
    label, curator = labels_by_name({"punk": "genre"})["punk"], make_user()
    for n in chosen:
        curate(songs[n], label, bool(truth[n]), curator)
    job = training_jobs.run_now()
    assert job.state == TrainingJob.State.KEPT, job.message
    _, vectors, _ = embeddings()
    (learned,) = loading.load()
    assert isinstance(learned, WholeSongTagger)
    before, after = tagger.label(vectors), learned.label(vectors)
    others, place = np.setdiff1d(np.arange(len(files)), chosen), tagger.labels.index("punk")
    areas = [roc_auc_score(truth[others], answers[others, place]) for answers in (before, after)]
    assert areas[1] >= areas[0] + 0.05
    assert np.array_equal(np.delete(before, place, axis=1), np.delete(after, place, axis=1))
