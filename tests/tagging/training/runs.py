"""Trainings that take seconds; `python -m tests.tagging.training.runs TABLE FOLDER` is one to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tagging.training.loop import Plan
from tagging.training.recipes import Request, Trained, train
from tagging.training.sources import Collection, add_table

PLAN = Plan(epochs=6, fewest_steps=1, batch_size=4, windows=((64, 1.0),), averaging=0.8, patience=100)


def request(folder: Path, **changes: object) -> Request:
    """What is to be trained in a folder, on one core."""
    about = {
        "name": "small",
        "teachers": (),
        "clips": 0,
        "plan": PLAN,
        "original": False,
        "processes": 1,
        "device": torch.device("cpu"),
        "spectrograms": folder / "spectrograms",
        "folder": folder / "training",
        "output": folder / "small.safetensors",
        "licence": "CC0-1.0",
    }
    return Request(**(about | changes))  # type: ignore[arg-type]


def train_on(table: Path, folder: Path, **changes: object) -> Trained:
    """Train on a table of files and labels, whose recordings are read once for all that train on them."""
    # Where several processes want the cores, threads that wait for one another take ten times as long.
    torch.set_num_threads(1)
    collection = Collection(print)
    add_table(collection, table)
    return train(collection, request(folder, spectrograms=table.parent / "spectrograms", **changes))


if __name__ == "__main__":
    train_on(Path(sys.argv[1]), Path(sys.argv[2]))
