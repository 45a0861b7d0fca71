"""From which probability a song keeps a label."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from catalog.home import PROJECT_ROOT
from tagging.evaluation.operating_points import operating_points
from tagging.taggers import registry
from tests.audio import write_tone
from tests.tagging.conftest import write_local


@st.composite
def tagging_runs(draw: st.DrawFn) -> NDArray[np.float32]:
    """Probabilities of a few labels for some recordings, from very small to very large ones."""
    shape = draw(st.integers(5, 60)), draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    levels = generator.uniform(-7.0, 1.0, shape[1])
    return (1.0 / (1.0 + np.exp(-generator.normal(levels, 1.5, shape)))).astype(np.float32)


@settings(max_examples=100)
@given(tagging_runs())
def test_every_label_is_kept_by_some_songs_and_by_no_more_than_two_in_five(predicted: NDArray[np.float32]) -> None:
    points = operating_points(predicted)
    kept = (predicted >= points).sum(axis=0)
    assert (points >= 0.0099).all()
    assert ((kept >= 2) | (points < 0.0101)).all()
    # Rounding down to three digits may let in what is all but equal: less than a hundredth apart.
    surely_kept = (predicted >= 1.01 * points).sum(axis=0)
    assert (surely_kept <= max(0.4 * len(predicted), 2) + 0.5).all()


@settings(max_examples=100)
@given(tagging_runs())
def test_a_label_that_is_tagged_more_often_is_kept_more_often(predicted: NDArray[np.float32]) -> None:
    predicted = np.round(predicted, 2) + np.arange(len(predicted), dtype=np.float32)[:, None] * 1e-4
    kept = (predicted >= operating_points(predicted)).sum(axis=0)
    often = np.argsort(predicted.mean(axis=0))
    assert (np.diff(kept[often]) >= -2).all()


def test_a_label_that_every_song_gets_alike_is_kept_by_some_all_the_same() -> None:
    predicted = np.linspace(0.90, 0.99, 50, dtype=np.float32)[:, None]
    assert (predicted >= operating_points(predicted)).sum() == 20


@pytest.mark.parametrize("shape", [(5,), (1, 3), (2, 3, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="probabilities must have shape"):
        operating_points(np.zeros(shape, np.float32))


@pytest.mark.shared
def test_the_command_prints_lines_for_the_registry(shared: Path, home: Path) -> None:
    registry.install("jamendo-cnn", shared / "weights")
    folder = home / "reference"
    for hz in (220, 330, 440):
        write_tone(folder / f"{hz}.ogg", seconds=21.0, hz=hz)
    write_tone(folder / "short.ogg", seconds=5.0)
    command = [sys.executable, "-m", "tagging.evaluation.operating_points", "jamendo-cnn", str(folder)]
    printed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    labels = tomllib.loads(printed)["labels"]
    assert [(label["name"], label["kind"]) for label in labels] == [
        (label.name, label.kind) for label in registry.describe("jamendo-cnn").labels
    ]
    assert all(0 < label["operating_point"] < 1 for label in labels)


def test_one_of_the_local_family_gets_them_into_its_file(home: Path, tmp_path: Path) -> None:
    described = write_local(home / "models" / "mine.safetensors", figures={"kept": 1})
    for hz in (220, 330, 440):
        write_tone(tmp_path / "reference" / f"{hz}.ogg", seconds=21.0, hz=hz)
    command = [sys.executable, "-m", "tagging.evaluation.operating_points", "mine", str(tmp_path / "reference")]
    printed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    assert "mine.safetensors: 4 operating points" in printed
    again = registry.describe("mine")
    points = [label.operating_point for label in again.labels]
    assert all(0 < point < 1 for point in points)
    assert again == replace(
        described,
        labels=tuple(replace(label, operating_point=point) for label, point in zip(again.labels, points, strict=True)),
    )
    command[-1] = str(tmp_path / "nowhere")
    refused = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert registry.describe("mine") == again
