"""Fine-tune the whole network on curators' corrections and the songs' audio.

The new tagger has an embedding version of its own, so every song is tagged again when it is put to use, and again when
an admin goes back. It is therefore kept only if, on held-out songs (by artist), it is significantly better than its
base, better than training the label layer alone, and no worse at other labels.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from catalog.audio_frames import UnreadableAudio
from catalog.home import home, models_dir
from catalog.models import Song
from tagging.evaluation.gain import Gain, Paired, gain
from tagging.evaluation.metrics import ranking
from tagging.networks.wholesong import WholeSongCnn
from tagging.taggers import local, registry
from tagging.taggers.atomic_write import atomic_write
from tagging.taggers.registry import LocalTagger, TaggerError, TaggerLabel
from tagging.training.finetuning import CuratedSongs, Tuned, TuningPlan, fine_tune
from tagging.training.fitting import SMALLEST_GAIN, is_better, threshold
from tagging.training.spectrograms import Place, Spectrograms, key_of

from .corrections import (
    Correction,
    LabelOutcome,
    artist_numbers,
    corrections_with_audio,
    count_by_label,
    rows_of_labels,
    summary,
)
from .learned_layer import (
    FEWEST_TO_COMPARE,
    NEW_POINT,
    Result,
    base_tagger,
    correlation,
    describe_trained,
    digest_of,
    figures_of,
    free_name,
    has_learned,
    log_odds_at,
    too_few,
)

LARGEST_LOSS = 0.005
"""How much the ROC-AUC of other labels, against what the base tagger keeps, may fall below 1, on average."""

_MOST_OTHER_SONGS = 800
_SHORTEST_FRAMES = 64


class AlreadyAtWork(TaggerError):
    """Another process fine-tunes the network."""


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """ROC-AUC of the tuned network on labels without corrections; truth is what the base tagger keeps."""

    mean: float
    worst: float
    worst_label: str


def learn_network(name: str | None, processes: int, device: torch.device, plan: TuningPlan | None = None) -> Result:
    """Fine-tune the network on all corrections, and write a new tagger if it is better on those held out.

    The same call resumes an interrupted training, as long as the corrections are the same.

    Parameters
    ----------
    name : str, optional
        The new tagger's name; `learned-1` and so on where it is None.
    processes : int
        How many recordings are decoded in parallel.
    device : torch.device
    plan : TuningPlan, optional

    Raises
    ------
    TaggerError
        If no local tagger is in use, the name is invalid or taken, the file cannot be written, or too few corrected
        songs can be read.
    AlreadyAtWork
        If another process fine-tunes the network.
    """
    plan = plan or TuningPlan()
    base = base_tagger(of_all_versions=True)
    name = free_name(name)
    corrections, places = corrections_with_audio(), rows_of_labels(base)
    every = count_by_label(corrections, places)
    digest = digest_of(base, corrections, "network", asdict(plan))
    if (same := has_learned(digest)) is not None:
        return Result(None, same, {})
    if not any(taught.enough for taught in every):
        return Result(None, too_few(every, base), figures_of(base, digest, every))
    with exclusive_folder() as folder:
        job = _NetworkTraining(base, [taught for taught in every if taught.enough], corrections, places)
        job.find_songs(folder, digest, processes)
        tuned = job.tune(folder, plan, device)
        result = job.judge(tuned, name, digest, every)
        if result.tagger is not None:
            shutil.rmtree(folder)
    return result


@contextmanager
def exclusive_folder() -> Iterator[Path]:
    """Lock the folder of this training, which one process uses at a time.

    Raises
    ------
    AlreadyAtWork
        If another process holds the lock.
    """
    folder = home() / "training" / "from-library"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "from-library.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyAtWork("another process is learning with the network just now") from error
        yield folder


class _NetworkTraining:
    """One training: corrected labels, their columns in the network, songs and verdicts."""

    def __init__(
        self,
        base: LocalTagger,
        taught: Sequence[LabelOutcome],
        corrections: Sequence[Correction],
        places: dict[int, list[int]],
    ) -> None:
        if base.file is None:
            raise registry.NotInstalled(f"the weights of {base.name} are not here")
        self._base, self._taught = base, taught
        self._labels = list(base.labels)
        # Merged labels have several columns, which are trained alike; a new label adds a column.
        self._columns: dict[int, list[int]] = {}
        for one in taught:
            self._columns[one.label_id] = places.get(one.label_id) or [len(self._labels)]
            if one.new:
                self._labels.append(TaggerLabel(one.label, one.kind, NEW_POINT))
        self._corrections = [correction for correction in corrections if correction.label_id in self._columns]
        self._songs: CuratedSongs | None = None
        weights, biases = local.label_layer(network := local.read_network(base.file, len(base.labels)))
        new = len(self._labels) - len(biases)
        self._network = local.with_labels(
            network,
            np.concatenate([weights, np.zeros((new, weights.shape[1]), np.float32)]),
            np.append(biases, np.zeros(new, np.float32)),
        )

    def find_songs(self, folder: Path, digest: str, processes: int) -> None:
        """Read corrected songs and a sample of others; a resumed training reads the same ones."""
        chosen = _select_songs(folder / "lesson.json", digest, {correction.song_id for correction in self._corrections})
        songs = Song.objects.select_related("root").filter(pk__in=chosen).order_by("pk")
        keys: dict[int, str] = {}
        for song in songs:
            try:
                keys[song.pk] = key_of(song.audio_file)
            except UnreadableAudio:
                continue
        spectrograms = Spectrograms(home() / "training" / "spectrograms")
        reading = spectrograms.compute(keys.values(), processes)
        for _ in tqdm(reading, "reading", len(keys), unit=" songs", leave=False, file=sys.stderr):
            pass
        found = {pk: place for pk, key in keys.items() if _long_enough(place := spectrograms.place(key))}
        rows = {pk: row for row, pk in enumerate(found)}
        verdicts = np.full((len(rows), len(self._labels)), np.nan, np.float32)
        for correction in self._corrections:
            if correction.song_id in rows:
                verdicts[rows[correction.song_id], self._columns[correction.label_id]] = correction.yes
        artist_of = {song.pk: song.artist_key for song in songs}
        artists = artist_numbers([Correction(pk, 0, False, artist_of[pk]) for pk in found])
        places = np.array([(place.start, place.frames) for place in found.values() if place], np.int64).reshape(-1, 2)
        self._songs = CuratedSongs(spectrograms.frames(), places, verdicts, artists)
        for one in self._taught:
            verdicts_of_label = verdicts[:, self._columns[one.label_id][0]]
            if min((verdicts_of_label == 1).sum(), (verdicts_of_label == 0).sum()) < one.fewest:
                raise TaggerError(f"too few of the songs corrected to {one.label} can be read")

    def tune(self, folder: Path, plan: TuningPlan, device: torch.device) -> Tuned:
        """Fine-tune, or resume it; checkpoints of other songs are removed."""
        here = folder / f"tuning-{self._found_songs.digest[:12]}"
        for other in folder.glob("tuning-*"):
            if other != here:
                shutil.rmtree(other)
        return fine_tune(self._network, self._found_songs, plan, here, device)

    def judge(self, tuned: Tuned, name: str, digest: str, every: Sequence[LabelOutcome]) -> Result:
        """Write the tuned tagger if it is good enough, and give the reason in the result."""
        answers = {one.label_id: self._paired(one, tuned.before, tuned.after) for one in self._taught}
        layers = {one.label_id: gain([self._paired(one, tuned.before, tuned.layer)]).after for one in self._taught}
        overall, layer = gain(list(answers.values())), float(np.mean(list(layers.values())))
        elsewhere = self._elsewhere(tuned)
        refusal = self._refusal(overall, layer, elsewhere)
        taught = []
        for one in every:
            if one.label_id in answers:
                gain_of_label = gain([answers[one.label_id]])
                one = replace(
                    one,
                    before=gain_of_label.before,
                    after=gain_of_label.after,
                    no_better=gain_of_label.no_better,
                    layer=layers[one.label_id],
                    kept=not refusal,
                    by_artist=self._found_songs.groups is self._found_songs.artists,
                    agreement=self._agreement(one, tuned),
                )
            taught.append(one)
        figures: dict[str, Any] = {
            **figures_of(self._base, digest, taught),
            "network": {
                "songs": len(self._found_songs),
                "layer": layer,
                "no_better": overall.no_better,
                **asdict(elsewhere),
            },
        }
        learned = summary([one for one in taught if one.label_id in answers])
        beside = f"the label layer alone {layer:.2f} on average; other labels {elsewhere.mean:.3f} of what was kept"
        if refusal:
            return Result(None, f"{refusal}: {learned}; {beside}.", figures)
        score = f"ROC-AUC on held-out corrections: {learned}"
        tagger = self._write(tuned, name, figures, score)
        return Result(tagger, f"Better than {self._base.name} on held-out corrections: {learned}; {beside}.", figures)

    @property
    def _found_songs(self) -> CuratedSongs:
        if self._songs is None:
            raise RuntimeError("the songs were not found yet")
        return self._songs

    def _refusal(self, overall: Gain, layer: float, elsewhere: _Elsewhere) -> str:
        """Explain why the tuned network is not kept; empty where it is."""
        if not is_better(overall):
            return f"Not surely better than {self._base.name} on held-out corrections"
        if overall.after < layer + SMALLEST_GAIN:
            return "The label layer alone does as well, and no song is heard again for it: leave out --network"
        if elsewhere.mean < 1.0 - LARGEST_LOSS:
            return f"It would be worse elsewhere, {elsewhere.worst_label} most of all ({elsewhere.worst:.3f})"
        return ""

    def _paired(self, one: LabelOutcome, before: NDArray[np.float32], after: NDArray[np.float32]) -> Paired:
        """Pair a label's log-odds before and after tuning, on held-out corrected songs."""
        songs, column = self._found_songs, self._columns[one.label_id][0]
        judged = ~np.isnan(songs.verdicts[:, column])
        known = np.zeros(int(judged.sum())) if one.new else before[judged, column].astype(np.float64)
        verdicts = songs.verdicts[judged, column] > 0
        return Paired(verdicts, known, after[np.newaxis, judged, column].astype(np.float64), songs.groups[judged])

    def _elsewhere(self, tuned: Tuned) -> _Elsewhere:
        """Evaluate labels without corrections on held-out songs.

        Truth is what the base tagger keeps; the songs above the median where it keeps a label of nearly all or none.
        """
        taught = {column for columns in self._columns.values() for column in columns}
        areas: dict[str, float] = {}
        for column, label in enumerate(self._labels):
            if column in taught:
                continue
            before = tuned.before[:, column]
            kept = before >= log_odds_at(label.operating_point)
            if min(kept.sum(), (~kept).sum()) < FEWEST_TO_COMPARE:
                kept = before > np.median(before)
            if kept.any() and not kept.all():
                scores = tuned.after[:, column, np.newaxis]
                areas[label.name] = ranking(scores, kept[:, np.newaxis], 0).macro_roc_auc.value
        if not areas:
            return _Elsewhere(1.0, 1.0, "")
        worst = min(areas, key=lambda label: areas[label])
        return _Elsewhere(float(np.mean(list(areas.values()))), areas[worst], worst)

    def _agreement(self, one: LabelOutcome, tuned: Tuned) -> float | None:
        """Correlate new and old log-odds over songs without a correction of the label; None where it is undefined."""
        column = self._columns[one.label_id][0]
        rest = np.isnan(self._found_songs.verdicts[:, column])
        return None if one.new else correlation(tuned.before[rest, column], tuned.after[rest, column])

    def _write(self, tuned: Tuned, name: str, figures: dict[str, Any], score: str) -> LocalTagger:
        """Write the new tagger to the folder of models, with an embedding version of its own."""
        network = self._levelled(tuned)
        trained_on = "corrections of this library, the whole network"
        description = describe_trained(self._base, name, self._labels, trained_on, score, figures)
        # The version is a digest of the weights in the file's precision.
        stored = home() / "training" / "from-library" / f"{name}{local.SUFFIX}"
        local.write_weights(stored, network, description)
        network = local.read_network(stored, len(self._labels))
        description = replace(description, embedding=f"learned-{local.trunk_version(network)}")
        return local.write_weights(models_dir() / f"{name}{local.SUFFIX}", network, description)

    def _levelled(self, tuned: Tuned) -> WholeSongCnn:
        """Shift the biases of corrected labels, so that their operating points separate curators' yes from no best."""
        weights, biases = local.label_layer(tuned.network)
        for one in self._taught:
            for column in self._columns[one.label_id]:
                judged = ~np.isnan(self._found_songs.verdicts[:, column])
                scores = tuned.after[judged, column].astype(np.float64)
                verdicts = self._found_songs.verdicts[judged, column] > 0
                biases[column] += log_odds_at(self._labels[column].operating_point) - threshold(verdicts, scores)
        return local.with_labels(tuned.network, weights, biases)


def _select_songs(place: Path, digest: str, corrected: set[int]) -> list[int]:
    """Choose all corrected songs and a random sample of others; a resumed training gets the stored choice."""
    if place.exists():
        begun = json.loads(place.read_text())
        if begun["digest"] == digest:
            return list(begun["songs"])
    audible = Song.objects.playable().filter(tagging_state=Song.Tagging.DONE)
    others = np.array(sorted(set(audible.values_list("pk", flat=True)) - corrected), np.int64)
    some = np.random.default_rng(0).permutation(others)[:_MOST_OTHER_SONGS]
    songs = sorted(corrected.union(some.tolist()))
    with atomic_write(place) as draft:
        draft.write(json.dumps({"digest": digest, "songs": songs}).encode())
    return songs


def _long_enough(place: Place | None) -> bool:
    return place is not None and place.frames >= _SHORTEST_FRAMES
