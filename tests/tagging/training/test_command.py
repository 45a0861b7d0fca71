import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Label, SongLabel
from tagging.learning.library import add_library
from tagging.taggers import registry
from tagging.training.sources import Collection
from tests.factories import add_labels, make_root, make_song
from tests.tagging.training.music import write_music


def train_tagger(*arguments: str, **options: Any) -> tuple[str, str]:
    """What the command prints, and what it complains of."""
    torch.set_num_threads(1)
    out, complaints = StringIO(), StringIO()
    call_command("train_tagger", *arguments, "--processes", "1", stdout=out, stderr=complaints, **options)
    return out.getvalue(), complaints.getvalue()


def test_a_table_becomes_a_tagger_that_can_be_used_and_bad_files_are_named(tmp_path: Path, home: Path) -> None:
    table = write_music(tmp_path / "music", n=12)
    (tmp_path / "music" / "bad.mp3").write_bytes(b"no music")
    with table.open("a") as file:
        file.write("bad.mp3,low\ngone.mp3,low\n")

    out, complaints = train_tagger("--csv", str(table), "--name", "ours", "--epochs", "0.1")

    lines = out.splitlines()
    assert lines[0].split() == ["recipe", "ROC-AUC", "PR-AUC", "labels", "a", "song"]
    assert lines[1].split()[0] == "default"
    assert f"written to {home / 'models' / 'ours.safetensors'}" in lines[-1]
    assert registry.load("ours").labels == ["high", "low", "noisy"]
    assert "gone.mp3: no such file" in complaints
    assert f"{tmp_path / 'music' / 'bad.mp3'}: " in complaints
    metrics = json.loads((home / "training" / "ours" / "metrics.json").read_text())
    assert metrics["output"] == str(home / "models" / "ours.safetensors")


@pytest.mark.django_db
def test_the_library_says_what_imports_and_curators_said_of_songs_with_audio(tmp_path: Path) -> None:
    write_music(tmp_path, n=3)
    root = make_root(tmp_path)
    imported = make_song(artist="Nina", root=root, path="000.flac", labels={"Jazz": 3.0}, source="import")
    add_labels(imported, {"sad": -1.0}, source=SongLabel.Source.CURATOR, origin="curator")
    make_song(root=root, path="001.flac", labels={"Jazz": 0.9}, source=SongLabel.Source.CNN)
    make_song(labels={"Jazz": 1.0}, source=SongLabel.Source.IMPORT)
    Label.objects.filter(name="Jazz").update(kind=Label.Kind.GENRE)
    collection = Collection(print)

    add_library(collection)

    corrections = collection.rows.execute(
        "SELECT recordings.artist, labels.name, kind, weight, origin FROM annotations JOIN labels ON labels.id = label "
        "JOIN recordings ON recordings.id = recording ORDER BY labels.name"
    ).fetchall()
    assert corrections == [("Nina", "Jazz", "genre", 3.0, 1), ("Nina", "sad", "other", -1.0, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Nothing says what to learn"),
        (["--csv", "gone.csv"], "gone.csv: no such file"),
        (["--audio", ".", "--csv", "gone.csv"], "Nobody says anything of --audio"),
        (["--teacher", "nobody", "--audio", "."], "no tagger is called nobody"),
        (["--teacher", "msd-crnn", "--audio", "."], "msd-crnn is not installed"),
        (["--csv", "a.csv", "--name", "No Name"], "A tagger cannot be called No Name"),
        (["--csv", "a.csv", "--name", "msd-crnn"], "choose another --name"),
        (["--csv", "a.csv", "--output", "other.safetensors"], "--output has to end in mine.safetensors"),
        (["--csv", "a.csv", "--device", "cuda:99"], "There is no device cuda:99 here"),
        (["--csv", "a.csv", "--epochs", "0"], "have to be more than 0"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        train_tagger(*arguments)


def test_a_table_that_names_no_recording_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,label\ngone.mp3,jazz\n")

    with pytest.raises(CommandError, match="not one recording was found"):
        train_tagger("--csv", str(table))


def test_a_full_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = write_music(tmp_path / "music", n=10)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    spectrograms = tmp_path / "home" / "training" / "spectrograms"
    spectrograms.mkdir(parents=True)
    (spectrograms / "mels.f16").symlink_to(full)

    with pytest.raises(CommandError, match="No space left on device"):
        train_tagger("--csv", str(table))
