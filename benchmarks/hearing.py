"""What the taggers of a library hear in recordings, kept from one benchmark to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.home import home
from tagging import inference, merged, registry, wholesong
from tagging.evaluation.predictions import PredictionCache, Predictor
from tagging.inference import Prediction, Tagger, WholeSongTagger, inference_threads, predict_file

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


def hear(recordings: Sequence[Path]) -> dict[str, Heard]:
    """Have recordings heard by the local tagger in use and, where any is installed, by the networks that are merged.

    Raises
    ------
    TaggerError
        If a tagger cannot be loaded.
    UnreadableAudio
        If a recording cannot be read.
    """
    local = registry.in_use()
    names = [*([local] if local else []), *merged.networks()]
    predictors = [Predictor.load(name) for name in names]
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
    of_taggers = [[known[of_recording[number]] for of_recording in keys] for number in range(len(names))]
    return dict(_heard(predictors, [[one for one in of_one if one is not None] for of_one in of_taggers]))


def _heard(predictors: Sequence[Predictor], predictions: Sequence[Sequence[Prediction]]) -> Iterator[tuple[str, Heard]]:
    """What the local tagger heard, and what the networks did together."""
    networks: list[tuple[Tagger, Sequence[Prediction]]] = []
    for one, of_tagger in zip(predictors, predictions, strict=True):
        if isinstance(one.tagger, WholeSongTagger):
            embeddings = np.array([of_song.embedding for of_song in of_tagger], np.float32)
            yield LOCAL, Heard(one.name, [one.tagger.kept(of_song) for of_song in of_tagger], embeddings)
        else:
            networks.append((one.tagger, of_tagger))
    if not networks:
        return
    tagger = merged.MergedTagger([one for one, _ in networks])
    labels, vectors = [], []
    for place in range(len(networks[0][1])):
        of_song = {one.name: of_tagger[place] for one, of_tagger in networks}
        labels.append(tagger.kept(tagger.merge(of_song)))
        vectors.append(merged.side_by_side({name: heard.embedding for name, heard in of_song.items()}))
    if all(vector is not None for vector in vectors):
        yield PUBLISHED, Heard(tagger.embedded_by, labels, np.array(vectors, np.float32))


def _key(one: Predictor, recording: Path) -> str:
    status = recording.stat()
    program = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in (inference, wholesong)))
    file = f"{recording.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
    return f"{one.name}\n{one.weights}\n{program.hexdigest()}\n{file}"
