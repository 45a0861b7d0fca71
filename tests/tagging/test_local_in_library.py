"""Local taggers in the library: embeddings beside labels, one tagger in use, songs tagged earlier."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.home import PROJECT_ROOT
from catalog.models import LibraryRoot, Song, SongEmbedding, SongLabel
from catalog.services.embeddings import embeddings
from catalog.services.labels import curate, labels_by_name
from tagging.models import TaggingRun
from tagging.networks.inference import predict_file
from tagging.services import first_pass, loading
from tagging.taggers import registry
from tagging.taggers.registry import LocalTagger
from tests.audio import write_tone
from tests.factories import make_root, make_song, make_user
from tests.tagging.conftest import KINDS, write_local

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> LibraryRoot:
    return make_root(tmp_path / "music")


def song_with_audio(root: LibraryRoot, hz: int = 440) -> Song:
    path = write_tone(root.folder / f"{hz}.ogg", seconds=2.0, hz=hz)
    return make_song(f"{hz} Hz", root=root, path=path.name)


def labels_of(song: Song) -> dict[str, set[str]]:
    """What each tagger says of a song."""
    said: dict[str, set[str]] = {}
    for origin, name in song.song_labels.filter(source="cnn").values_list("origin", "label__name"):
        said.setdefault(origin, set()).add(name)
    return said


def mine(home: Path, **labels: str) -> str:
    """A tagger with embeddings of its own."""
    write_local(home / "models" / "mine.safetensors", labels, embedding="mine-1")
    return "mine"


def test_a_song_gets_labels_and_embedding_without_any_installation(bundled: LocalTagger, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    first_pass.tag_pending()
    assert labels_of(song) == {"dcmrs": set(KINDS)}
    ids, vectors, version = embeddings()
    assert (ids.tolist(), version) == ([song.pk], "test-1")
    (predicted,) = predict_file(song.audio_file, loading.load())
    assert predicted.embedding is not None
    assert np.allclose(vectors[0], predicted.embedding, rtol=1e-3, atol=1e-4)
    assert set(TaggingRun.objects.values_list("tagger", flat=True)) == {"dcmrs"}


def test_songs_that_a_published_tagger_has_labelled_are_tagged_by_the_local_one(
    tagger: str, root: LibraryRoot, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = song_with_audio(root)
    first_pass.tag_pending()
    assert labels_of(song) == {tagger: set(KINDS)}
    published = registry.known()
    local = write_local(registry.BUNDLED, {"warm": "mood"})
    monkeypatch.setattr(registry, "known", lambda: {"dcmrs": local, **published})
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert labels_of(song) == {tagger: set(KINDS), "dcmrs": {"warm"}}
    assert SongEmbedding.objects.filter(song=song).exists()
    assert first_pass.sweep() == 0


def test_a_tagger_put_to_use_takes_the_place_of_its_relative_and_gives_it_back(
    bundled: LocalTagger, root: LibraryRoot, home: Path
) -> None:
    song = song_with_audio(root)
    first_pass.tag_pending()
    curate(song, labels_by_name({"happy": "mood"})["happy"], False, make_user())
    registry.use(mine(home, jazz="genre", warm="mood"))
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert labels_of(song) == {"mine": {"jazz", "warm"}}
    assert set(TaggingRun.objects.values_list("tagger", flat=True)) == {"mine"}
    assert SongLabel.objects.filter(song=song, source="curator").count() == 1
    registry.use("dcmrs")
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert labels_of(song) == {"dcmrs": set(KINDS)}


def test_labels_of_a_removed_tagger_do_not_stay(bundled: LocalTagger, root: LibraryRoot, home: Path) -> None:
    song = song_with_audio(root)
    registry.use(mine(home, warm="mood"))
    first_pass.tag_pending()
    assert labels_of(song) == {"mine": {"warm"}}
    (home / "models" / "mine.safetensors").unlink()
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert labels_of(song) == {"dcmrs": set(KINDS)}


def test_a_tagger_that_was_fitted_again_is_loaded_again(bundled: LocalTagger, home: Path) -> None:
    registry.use(mine(home, jazz="genre"))
    assert [tagger.labels for tagger in loading.load()] == [["jazz"]]
    mine(home, warm="mood")
    assert [tagger.labels for tagger in loading.load()] == [["warm"]]


def test_a_new_version_of_the_bundled_tagger_tags_every_song_anew(bundled: LocalTagger, root: LibraryRoot) -> None:
    """An update of the program: the same name, other ears."""
    song_with_audio(root)
    first_pass.tag_pending()
    assert first_pass.sweep() == 0
    write_local(registry.BUNDLED, {"warm": "mood"}, embedding="test-2")
    assert first_pass.sweep() == 1
    first_pass.tag_pending()
    assert embeddings()[2] == "test-2"
    assert first_pass.sweep() == 0


def test_a_failed_song_keeps_what_it_had(bundled: LocalTagger, root: LibraryRoot) -> None:
    song = song_with_audio(root)
    first_pass.tag_pending()
    before = embeddings()[1]
    song.audio_file.write_text("no music")
    Song.objects.requeue_tagging()
    first_pass.tag_pending()
    song.refresh_from_db()
    assert song.tagging_state == Song.Tagging.FAILED
    assert np.array_equal(embeddings()[1], before)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_only_the_one_in_use_is_asked_for_the_library(bundled: LocalTagger, root: LibraryRoot, home: Path) -> None:
    song = song_with_audio(root)
    mine(home, warm="mood")
    with pytest.raises(CommandError, match=r"dcmrs is in use, not mine: manage\.py taggers use mine"):
        run("tag_songs", "--inline", "--model", "mine")
    assert run("tag_songs", "--inline", "--model", "dcmrs") == "1 songs tagged, 0 failed.\n"
    assert labels_of(song) == {"dcmrs": set(KINDS)}


def test_a_file_is_tagged_by_the_default_one_or_by_any(bundled: LocalTagger, home: Path, tmp_path: Path) -> None:
    path = str(write_tone(tmp_path / "tone.ogg", seconds=2.0))
    (predicted,) = json.loads(run("tag_file", path, "--format", "json"))
    assert (predicted["model"], set(predicted["labels"])) == ("dcmrs", set(KINDS))
    mine(home, warm="mood")
    (predicted,) = json.loads(run("tag_file", path, "--format", "json", "--model", "mine"))
    assert (predicted["model"], set(predicted["labels"])) == ("mine", {"warm"})


def test_the_local_ones_are_listed_put_to_use_and_verified(bundled: LocalTagger, home: Path) -> None:
    mine(home, warm="mood")
    (home / "models" / "damaged.safetensors").write_bytes(b"damaged")
    assert f"dcmrs (default)\n    4 labels, untrained\n    a test; CC0-1.0\n    in use: {registry.BUNDLED}" in run(
        "taggers"
    )
    assert "to have it listen: manage.py taggers use mine" in run("taggers")
    assert run("taggers", "use", "mine") == "mine is in use: songs get its labels as the worker comes to them.\n"
    assert "mine (default)" in run("taggers")
    with pytest.raises(CommandError, match=r"damaged: damaged\.safetensors"):
        run("taggers", "verify")
    with pytest.raises(CommandError, match="no tagger is called nobody"):
        run("taggers", "use", "nobody")


@pytest.mark.one_database
def test_asking_who_tags_does_not_load_pytorch() -> None:
    """Web processes ask often, and have no use for it."""
    code = "import sys; from tagging.taggers import registry; registry.installed(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0
