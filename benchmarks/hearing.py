"""What the taggers of a library hear in recordings, kept from one benchmark to the next."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.home import home
from tagging.evaluation.fitting_merging import READING, fits_to_other_artists, said_of_labels
from tagging.evaluation.labelled import TABLE, Labelled, read_labelled
from tagging.evaluation.predictions import PredictionCache, Predictor
from tagging.labels import merged
from tagging.labels.merging import log_odds
from tagging.labels.vocabulary import vocabulary
from tagging.networks import inference, wholesong
from tagging.networks.inference import Prediction, Tagger, WholeSongTagger, inference_threads, predict_file
from tagging.taggers import registry

LOCAL, PUBLISHED = "local", "published"

Embeddings = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a library would have of some recordings.

    Attributes
    ----------
    by : str
        The tagger, or the networks, whose embeddings they are.
    labels : sequence of mapping of str to float
        The labels that each recording keeps, with their probabilities.
    embeddings : float32, shape (n_recordings, d)
    """

    by: str
    labels: Sequence[Mapping[str, float]]
    embeddings: Embeddings

    def of(self, places: Sequence[int]) -> Heard:
        """What it is of some of the recordings."""
        return Heard(self.by, [self.labels[place] for place in places], self.embeddings[places])


def hear(folders: Sequence[Path]) -> list[tuple[list[Path], dict[str, Heard]]]:
    """Have folders of labelled recordings heard: by the local tagger in use, and by the networks that are merged.

    Networks are merged by fits to what people said of other artists: those of the program were fitted to these
    recordings.

    Parameters
    ----------
    folders : sequence of Path
        With a `labels.csv` each; with those beside them that have one, so that what is fitted to is always the same.

    Returns
    -------
    list of (list of Path, dict of str to Heard)
        For each folder its recordings, and what they are to each that heard them.

    Raises
    ------
    TaggerError
        If a tagger cannot be loaded.
    UnreadableAudio
        If a recording cannot be read.
    ValueError
        If a table cannot be read.
    """
    beside = [table.parent for folder in folders for table in sorted(folder.resolve().parent.glob(f"*/{TABLE}"))]
    every = list(dict.fromkeys([folder.resolve() for folder in folders] + beside))
    labelled = read_labelled(every, lambda line: print(line, file=sys.stderr))
    local = registry.in_use()
    predictors = [Predictor.load(name) for name in [*([local] if local else []), *merged.networks()]]
    heard = dict(_heard(predictors, _predicted(predictors, labelled.recordings), labelled))
    found = []
    for folder in folders:
        places = [place for place, path in enumerate(labelled.recordings) if path.parent == folder.resolve()]
        recordings = [labelled.recordings[place] for place in places]
        found.append((recordings, {which: one.of(places) for which, one in heard.items()}))
    return found


def _predicted(predictors: Sequence[Predictor], recordings: Sequence[Path]) -> list[list[Prediction]]:
    """What each of them predicts of each recording."""
    cache = PredictionCache(home() / "cache" / "heard.sqlite")
    keys = [[_key(one, recording) for one in predictors] for recording in recordings]
    known = {
        key: cache.get(key, len(one.tagger.labels))
        for of_recording in keys
        for key, one in zip(of_recording, predictors, strict=True)
    }
    missing = [[number for number, key in enumerate(of_recording) if known[key] is None] for of_recording in keys]
    due = [place for place, numbers in enumerate(missing) if numbers]
    with inference_threads() as threads:
        predicted = threads.map(
            lambda place: predict_file(recordings[place], [predictors[number].tagger for number in missing[place]]), due
        )
        for place, of_file in zip(due, tqdm(predicted, total=len(due), unit=" recordings", disable=None), strict=True):
            for number, one in zip(missing[place], of_file, strict=True):
                known[keys[place][number]] = one
                cache.put(keys[place][number], one)
    cache.close()
    of_taggers = [[known[of_recording[number]] for of_recording in keys] for number in range(len(predictors))]
    return [[one for one in of_one if one is not None] for of_one in of_taggers]


def _heard(
    predictors: Sequence[Predictor], predictions: Sequence[Sequence[Prediction]], labelled: Labelled
) -> Iterator[tuple[str, Heard]]:
    """What the local tagger heard, and what the networks did together."""
    networks: dict[str, tuple[Tagger, Sequence[Prediction]]] = {}
    for one, of_tagger in zip(predictors, predictions, strict=True):
        if isinstance(one.tagger, WholeSongTagger):
            embeddings = np.array([of_song.embedding for of_song in of_tagger], np.float32)
            yield LOCAL, Heard(one.name, [one.tagger.kept(of_song) for of_song in of_tagger], embeddings)
        else:
            networks[one.name] = one.tagger, of_tagger
    if not set(READING) <= networks.keys():
        return
    by = ""
    labels: list[Mapping[str, float]] = [{}] * len(labelled.recordings)
    vectors: list[Embeddings | None] = [None] * len(labelled.recordings)
    for held_out, tagger in _merged_taggers(networks, labelled):
        by = tagger.embedded_by
        for place in np.flatnonzero(held_out).tolist():
            together = tagger.merge({name: of_tagger[place] for name, (_, of_tagger) in networks.items()})
            labels[place], vectors[place] = tagger.kept(together), together.embedding
    yield PUBLISHED, Heard(by, labels, np.array(vectors, np.float32))


def _merged_taggers(
    networks: Mapping[str, tuple[Tagger, Sequence[Prediction]]], labelled: Labelled
) -> Iterator[tuple[NDArray[np.bool_], merged.MergedTagger]]:
    """The recordings of a fifth of the artists each, and the networks merged by what was said of the others."""
    words = vocabulary()
    answers = {
        name: words.by_label(
            registry.describe(name), log_odds(np.array([one.probabilities for one in networks[name][1]]))
        )
        if name in networks
        else np.full((len(labelled.recordings), len(words)), np.nan)
        for name in words.networks
    }
    embeddings = {name: np.array([one.embedding for one in networks[name][1]]) for name in READING}
    fits = fits_to_other_artists(answers, embeddings, said_of_labels(labelled, words), labelled, words)
    taggers = [tagger for tagger, _ in networks.values()]
    return ((held_out, merged.MergedTagger(taggers, words, numbers)) for held_out, numbers in fits)


def _key(one: Predictor, recording: Path) -> str:
    status = recording.stat()
    program = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in (inference, wholesong)))
    file = f"{recording.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
    return f"{one.name}\n{one.weights}\n{program.hexdigest()}\n{file}"
