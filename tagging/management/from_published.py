"""`train_tagger --truth`: a tagger learns from the published networks, and from recordings that people labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from django.core.management.base import OutputWrapper
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.home import home
from tagging.evaluation.labelled import read_labelled
from tagging.labels.vocabulary import vocabulary
from tagging.networks.descriptions import LocalTagger, TaggerError
from tagging.taggers import local, registry
from tagging.training.distillation_dataset import predict_with_networks
from tagging.training.distilling import DistillingPlan
from tagging.training.published_teachers import Material, learn, some_of, write
from tagging.training.sources import Complain, audio_files
from tagging.training.spectrograms import Spectrograms, key_of


@dataclass(frozen=True)
class FromPublished:
    """Options of such a training.

    Attributes
    ----------
    base : str, optional
        The local tagger that it begins with; random initial values where there is none.
    truth, audio, keep_out : sequence of Path
        Folders with a `labels.csv`; further recordings; recordings of those that are left out.
    steps, final_steps : int
        Of the training that is judged, and of the one with all recordings after it.
    seed : int
    processes : int
        How many recordings are read at once.
    device : torch.device
    licence : str
        Where there is no base, whose licence holds on.
    output : Path
    """

    base: str | None
    truth: Sequence[Path]
    audio: Sequence[Path]
    keep_out: Sequence[Path]
    steps: int
    final_steps: int
    seed: int
    processes: int
    device: torch.device
    licence: str
    output: Path


def learn_from_published(out: OutputWrapper, complain: Complain, options: FromPublished) -> LocalTagger:
    """Train a tagger, write it, and print how it does on artists that the training had not seen.

    Raises
    ------
    TaggerError
        If the base is no local tagger of the vocabulary, or a published network is not installed.
    ValueError
        If a folder cannot be used.
    """
    words = vocabulary()
    base = None if options.base is None else _local(options.base)
    labelled = read_labelled(options.truth, complain)
    left_out = {path.resolve() for place in options.keep_out for path in audio_files(place, complain)}
    others = [path for place in options.audio for path in audio_files(place, complain)]
    recordings = [*labelled.recordings, *(path for path in others if path.resolve() not in left_out)]
    folder = home() / "training" / options.output.name.removesuffix(local.SUFFIX)
    spectrograms = Spectrograms(home() / "training" / "spectrograms")
    readable = read_recordings(recordings, spectrograms, options.processes, complain)
    if not (of_labelled := readable[: len(labelled.recordings)]).all():
        # Artists are counted anew by it, and others left out.
        labelled = some_of(labelled, of_labelled)
    recordings = list(compress(recordings, readable))
    keys = [key_of(recording) for recording in recordings]
    predictions = predict_with_networks(recordings, words, home() / "training" / "published")
    material = Material(labelled, keys, spectrograms, predictions, words)
    plan = DistillingPlan(steps=options.steps, seed=options.seed)
    final = replace(plan, steps=options.final_steps, learning_rate=plan.learning_rate / 2)
    network = None if base is None or base.file is None else local.read_network(base.file, len(base.labels))
    learned = learn(material, network, plan, final, folder, options.device)
    held_out = sorted(path.name for path in left_out)
    licence = options.licence if base is None else base.licence
    tagger, figures = write(learned, base, licence, material, held_out, options.output)
    out.write(figures)
    out.write(f"{tagger.name}: {len(tagger.labels)} labels, from {tagger.source}; {tagger.score}")
    out.write(f"written to {options.output}; checkpoints are in {folder}")
    return tagger


def read_recordings(
    recordings: Sequence[Path], spectrograms: Spectrograms, processes: int, complain: Complain
) -> NDArray[np.bool_]:
    """Store recordings' spectrograms; those without any sound that can be read are complained of.

    Returns
    -------
    bool, shape (n_recordings,)
        Which can be read.
    """
    keys = [key_of(recording) for recording in recordings]
    for _ in tqdm(spectrograms.compute(keys, processes), "reading", len(keys), unit=" recordings"):
        pass
    readable = np.ones(len(keys), bool)
    for row, (recording, key) in enumerate(zip(recordings, keys, strict=True)):
        place = spectrograms.place(key)
        if place is None or not place.frames:
            readable[row] = False
            complain(f"{recording}: {place.error if place and place.error else 'no sound'}; left out")
    return readable


def _local(name: str) -> LocalTagger:
    """A local tagger with a file. Raises TaggerError if it is none."""
    base = registry.describe(name)
    if not isinstance(base, LocalTagger) or base.file is None:
        raise TaggerError(f"{base.name} is none of the local taggers, which alone can be trained on")
    return base
