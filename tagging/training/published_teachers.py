"""Training of a tagger by the published networks, from recordings that people labelled and any others.

First the network is trained without a quarter of the labelled artists (`distilling`): on their recordings it is judged,
and probabilities are calibrated. Then it is trained on with all recordings, and that is the network that is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from tqdm import tqdm

from tagging.evaluation.fitting_merging import Said, calibrated, said_of_labels
from tagging.evaluation.judging import Verdict, judge_labels, table
from tagging.evaluation.labelled import FEWEST, Labelled
from tagging.labels.merging import Merging
from tagging.labels.vocabulary import Vocabulary
from tagging.networks.descriptions import LocalTagger, TaggerError, TaggerLabel
from tagging.networks.wholesong import WholeSongCnn, fused
from tagging.taggers import local

from .augmentation import altered_copies
from .distillation_dataset import DistillationDataset, TeacherPredictions, make_distillation_dataset
from .distilling import Distilling, DistillingPlan
from .label_layer import LabelLayer, operating_points
from .scores import embed
from .spectrograms import Spectrograms

Floats = NDArray[np.float64]

UNSEEN = 4
"""One in so many artists is left out of the training that is judged."""

_SEED = 11


@dataclass(frozen=True)
class Material:
    """Recordings, those that people labelled first.

    Attributes
    ----------
    labelled : Labelled
    keys : sequence of str
        All recordings', in `spectrograms`.
    spectrograms : Spectrograms
    predictions : TeacherPredictions
        What the published networks predict of all.
    words : Vocabulary
    """

    labelled: Labelled
    keys: Sequence[str]
    spectrograms: Spectrograms
    predictions: TeacherPredictions
    words: Vocabulary

    @property
    def said(self) -> Said:
        """What people said of each label."""
        return said_of_labels(self.labelled, self.words)

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """The labelled recordings by artists that are left out of the training that is judged."""
        shuffled = np.random.default_rng(_SEED).permutation(int(self.labelled.artists.max()) + 1)
        left_out: NDArray[np.bool_] = (shuffled % UNSEEN == 0)[self.labelled.artists]
        return left_out


@dataclass(frozen=True)
class Learned:
    """The result of a training.

    Attributes
    ----------
    network : WholeSongCnn
        With the vocabulary's labels.
    points : float64, shape (n_labels,)
        Operating points.
    before, after : Verdict
        On recordings by artists that neither the training nor the label layer had seen: of the base's embedding, if
        there was a base, and of that of the network before it was trained on with all recordings.
    unseen : Labelled
        What they were judged by.
    went_on : bool
        Whether it was trained on with those recordings too.
    """

    network: WholeSongCnn
    points: Floats
    before: Verdict | None
    after: Verdict
    unseen: Labelled
    went_on: bool


def learn(
    material: Material,
    base: WholeSongCnn | None,
    plan: DistillingPlan,
    final: DistillingPlan,
    folder: Path,
    device: torch.device,
) -> Learned:
    """Train a network, or go on with an interrupted training.

    Parameters
    ----------
    material : Material
    base : WholeSongCnn, optional
        Random initial values where there is none.
    plan, final : DistillingPlan
        Of the training without some artists, and of the one with all that goes on from it.
    folder : Path
        For the checkpoints.
    device : torch.device
    """
    said, unseen, n = material.said, material.unseen, len(material.labelled.recordings)
    rows = np.flatnonzero(~np.concatenate([unseen, np.zeros(len(material.keys) - n, bool)]))

    def dataset_of(some: NDArray[np.intp]) -> tuple[DistillationDataset, Merging]:
        return make_distillation_dataset(
            material.predictions, said, material.words, material.spectrograms, material.keys, some
        )

    def distilled(network: WholeSongCnn | None, some: NDArray[np.intp], how: DistillingPlan, name: str) -> WholeSongCnn:
        return local.as_stored(Distilling(network, dataset_of(some)[0], how, folder / name, device).run())

    def scores(some: NDArray[np.intp]) -> Floats:
        return dataset_of(some)[1].scores(material.predictions.answers, material.predictions.embeddings)

    known = scores(rows)[rows]

    def predicted_unseen(copies: Floats) -> Floats:
        """What a label layer that has not seen them predicts of the left-out artists' recordings."""
        return LabelLayer.fit(copies[:, rows], known, material.words).log_odds(copies[0, :n][unseen])

    # The base's own label layer may have been fitted to artists that are left out now.
    judged = some_of(material.labelled, unseen)
    before = judge_labels(judged, predicted_unseen(embed_copies(base, material, device))) if base is not None else None
    network = distilled(base, rows, plan, "without-some-artists")
    copies = embed_copies(network, material, device)
    predicted = predicted_unseen(copies)
    slope, intercept = calibrated(predicted, said.counted[unseen], said.true[unseen], material.words)
    everything = np.arange(len(material.keys))
    if final.steps:
        network = distilled(network, everything, final, "all")
        copies = embed_copies(network, material, device)
    layer = LabelLayer.fit(copies, scores(everything), material.words).calibrated(slope, intercept)
    return Learned(
        network=local.with_labels(network, layer.weight.astype(np.float32), layer.bias.astype(np.float32)),
        points=operating_points(expit(layer.log_odds(copies[0]))),
        before=before,
        after=judge_labels(judged, predicted),
        unseen=judged,
        went_on=final.steps > 0,
    )


def embed_copies(network: WholeSongCnn, material: Material, device: torch.device) -> Floats:
    """Embed every recording as a library's songs are, and its altered copies.

    Returns
    -------
    float64, shape (n_copies, n_recordings, n_dimensions)
        The recordings first.
    """
    fast, frames = fused(network).to(device), material.spectrograms.frames()
    embeddings = []
    for row, key in enumerate(tqdm(material.keys, "embedding", unit=" recordings", leave=False)):
        if (place := material.spectrograms.place(key)) is None or not place.frames:
            raise ValueError(f"{key} has no spectrogram")
        mel = frames[place.start : place.start + place.frames]
        copies = [mel, *altered_copies(mel, np.random.default_rng([_SEED, row]))]
        embeddings.append([embed(fast, copy, device).cpu().numpy().astype(np.float16) for copy in copies])
    return np.array(embeddings, np.float64).transpose(1, 0, 2)


def some_of(labelled: Labelled, which: NDArray[np.bool_]) -> Labelled:
    """Some labelled recordings, and the questions that still have enough on both sides.

    Parameters
    ----------
    labelled : Labelled
    which : bool, shape (n_recordings,)
    """
    questions = [replace(one, asked=one.asked[which], true=one.true[which]) for one in labelled.questions]
    return Labelled(
        [recording for recording, chosen in zip(labelled.recordings, which, strict=True) if chosen],
        np.unique(labelled.artists[which], return_inverse=True)[1],
        [
            one
            for one in questions
            if min(np.count_nonzero(one.true & one.asked), np.count_nonzero(one.asked & ~one.true)) >= FEWEST
        ],
    )


def write(
    learned: Learned, base: LocalTagger | None, licence: str, material: Material, held_out: Sequence[str], output: Path
) -> tuple[LocalTagger, str]:
    """Write what was learned to a tagger's file.

    Parameters
    ----------
    learned : Learned
    base : LocalTagger, optional
        From which the training began; random initial values where there is none.
    licence : str
    material : Material
    held_out : sequence of str
        Names of recordings that were left out of everything.
    output : Path
        The tagger's name with `.safetensors`.

    Returns
    -------
    tagger : LocalTagger
    figures : str
        As Markdown: how it did on artists that it had not seen, beside the base.

    Raises
    ------
    TaggerError
        If the file cannot be written.
    """
    name = output.name.removesuffix(local.SUFFIX)
    if not local.is_name(name):
        raise TaggerError(f"a tagger cannot be called {name}")
    labels = tuple(
        TaggerLabel(entry.name, entry.kind, float(point))
        for entry, point in zip(material.words.entries, learned.points, strict=True)
    )
    n_unseen = len(learned.unseen.recordings)
    begun_with = "random initial values" if base is None else base.embedding
    shown = {group: round(learned.after.by_group[group][0].value, 3) for group in learned.after.by_group}
    of_genres, of_moods = (shown.get(group, float("nan")) for group in ("genres", "moods"))
    tagger = LocalTagger(
        name=name,
        network=local.NETWORK,
        labels=labels,
        embedding=f"{name}-{local.trunk_version(learned.network)}",
        source=f"{len(material.keys)} recordings that {', '.join(material.words.networks)} label, "
        f"and what people said of {len(material.labelled.recordings)} of them; begun with {begun_with}",
        licence=licence,
        score=f"ROC-AUC of genres {of_genres:.3f} and of moods {of_moods:.3f}, on {n_unseen} recordings by artists "
        f"that were left out{'; it was trained on with all after that' if learned.went_on else ''}",
        base=base.base if base else None,
        figures={"held_out": list(held_out), "unseen": shown},
    )
    verdicts = {"now": learned.after}
    if learned.before is not None:
        verdicts = {"before": learned.before, **verdicts}
    text = table(verdicts, learned.unseen)
    return local.write_weights(output, learned.network, tagger), text
