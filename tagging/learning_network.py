"""Learning from curators with the whole network: it is tuned to songs' audio, and hears otherwise from then on.

What comes of it is a tagger with embeddings of its own version, so every song has to be heard again, and once more
where somebody goes back. So it is kept only where it is worth that: on songs that it was not tuned to, by artist, it
has to be surely better than the tagger it was made from, better than the label layer alone, and as good at others.
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

from catalog.audio import UnreadableAudio
from catalog.home import home, models_dir
from catalog.models import Song

from . import own, registry
from .corrections import Taught, Word, artists_of, counted, named, places_of_labels, words_on_audible
from .drafts import draft_of
from .evaluation.gain import Gain, Paired, gain
from .evaluation.metrics import ranking
from .fitting import SMALLEST_GAIN, is_better, threshold
from .learning import (
    NEW_POINT,
    Result,
    digest_of,
    figures_of,
    free_name,
    has_learned,
    log_odds_at,
    origin,
    too_few,
)
from .registry import OwnTagger, TaggerError, TaggerLabel
from .training.finetuning import CuratedSongs, Tuned, TuningPlan, fine_tune
from .training.spectrograms import Place, Spectrograms, key_of
from .wholesong import WholeSongCnn

LARGEST_LOSS = 0.005
"""What other labels' songs are told apart by may be worse by so much, on average over labels."""

_MOST_OTHER_SONGS = 800
_FEWEST_TO_COMPARE = 3
_SHORTEST_FRAMES = 64


class AlreadyAtWork(TaggerError):
    """Another process tunes the network."""


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """How much of what the tagger kept before is told from the rest by the tuned one: areas under ROC curves."""

    mean: float
    worst: float
    worst_label: str


def learn_network(name: str | None, processes: int, device: torch.device, plan: TuningPlan | None = None) -> Result:
    """Tune the network to all corrections, and write a new tagger if it is better on those held out.

    Killed at any moment, the same call goes on where it was, as long as the corrections are the same.

    Parameters
    ----------
    name : str, optional
        The new tagger's; `learned-1` and so on where it is None.
    processes : int
        How many recordings are read at once.
    device : torch.device
    plan : TuningPlan, optional

    Raises
    ------
    TaggerError
        If there is nothing to begin with, the new tagger cannot be called so or not be written, or another process
        is at it.
    """
    plan = plan or TuningPlan()
    begin = origin(of_all_versions=True)
    name = free_name(name)
    words, places = words_on_audible(), places_of_labels(begin)
    every = counted(words, places)
    digest = digest_of(begin, words, "network", asdict(plan))
    if (same := has_learned(digest)) is not None:
        return Result(None, same, {})
    if not any(taught.enough for taught in every):
        return Result(None, too_few(every, begin), figures_of(begin, digest, every))
    with _alone() as folder:
        lesson = _Lesson(begin, [taught for taught in every if taught.enough], words, places)
        lesson.find_songs(folder, digest, processes)
        tuned = lesson.tune(folder, plan, device)
        result = lesson.judge(tuned, name, digest, every)
        if result.tagger is not None:
            shutil.rmtree(folder)
    return result


@contextmanager
def _alone() -> Iterator[Path]:
    """The folder of such a lesson, for one process at a time."""
    folder = home() / "training" / "from-library"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "from-library.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyAtWork("another process is learning with the network just now") from error
        yield folder


class _Lesson:
    """One lesson: labels, the columns that they have in the network, songs, and what is said of them."""

    def __init__(
        self, begin: OwnTagger, taught: Sequence[Taught], words: Sequence[Word], places: dict[int, list[int]]
    ) -> None:
        if begin.file is None:
            raise registry.NotInstalled(f"the weights of {begin.name} are not here")
        self._begin, self._taught = begin, taught
        self._labels = list(begin.labels)
        # A label under two names is two rows, which learn the same; a new one is a row more.
        self._columns: dict[int, list[int]] = {}
        for one in taught:
            self._columns[one.label_id] = places.get(one.label_id) or [len(self._labels)]
            if one.new:
                self._labels.append(TaggerLabel(one.label, one.kind, NEW_POINT))
        self._words = [word for word in words if word.label_id in self._columns]
        self._songs: CuratedSongs | None = None
        weights, biases = own.label_layer(network := own.read_network(begin.file, len(begin.labels)))
        new = len(self._labels) - len(biases)
        self._network = own.with_labels(
            network,
            np.concatenate([weights, np.zeros((new, weights.shape[1]), np.float32)]),
            np.append(biases, np.zeros(new, np.float32)),
        )

    def find_songs(self, folder: Path, digest: str, processes: int) -> None:
        """Corrected songs and some others, read once; the same as before where the lesson was begun before."""
        chosen = _chosen(folder / "lesson.json", digest, {word.song_id for word in self._words})
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
        found = {pk: place for pk, key in keys.items() if _audible(place := spectrograms.place(key))}
        rows = {pk: row for row, pk in enumerate(found)}
        verdicts = np.full((len(rows), len(self._labels)), np.nan, np.float32)
        for word in self._words:
            if word.song_id in rows:
                verdicts[rows[word.song_id], self._columns[word.label_id]] = word.yes
        artist_of = {song.pk: song.artist_key for song in songs}
        artists = artists_of([Word(pk, 0, False, artist_of[pk]) for pk in found])
        places = np.array([(place.start, place.frames) for place in found.values() if place], np.int64).reshape(-1, 2)
        self._songs = CuratedSongs(spectrograms.frames(), places, verdicts, artists)
        for one in self._taught:
            said = verdicts[:, self._columns[one.label_id][0]]
            if min((said == 1).sum(), (said == 0).sum()) < one.fewest:
                raise TaggerError(f"too few of the songs corrected to {one.label} can be read")

    def tune(self, folder: Path, plan: TuningPlan, device: torch.device) -> Tuned:
        """Tune, or go on with it; begin anew where the songs are others than when it was begun."""
        here = folder / f"tuning-{self._at_hand.digest[:12]}"
        for other in folder.glob("tuning-*"):
            if other != here:
                shutil.rmtree(other)
        return fine_tune(self._network, self._at_hand, plan, here, device)

    def judge(self, tuned: Tuned, name: str, digest: str, every: Sequence[Taught]) -> Result:
        """Write the tuned tagger if it is worth it, and say why or why not."""
        answers = {one.label_id: self._paired(one, tuned.before, tuned.after) for one in self._taught}
        layers = {one.label_id: gain([self._paired(one, tuned.before, tuned.layer)]).after for one in self._taught}
        overall, layer = gain(list(answers.values())), float(np.mean(list(layers.values())))
        elsewhere = self._elsewhere(tuned)
        refusal = self._refusal(overall, layer, elsewhere)
        taught = []
        for one in every:
            if one.label_id in answers:
                own_gain = gain([answers[one.label_id]])
                one = replace(
                    one,
                    before=own_gain.before,
                    after=own_gain.after,
                    no_better=own_gain.no_better,
                    layer=layers[one.label_id],
                    kept=not refusal,
                    by_artist=self._at_hand.groups is self._at_hand.artists,
                    agreement=self._agreement(one, tuned),
                )
            taught.append(one)
        figures: dict[str, Any] = {
            **figures_of(self._begin, digest, taught),
            "network": {
                "songs": len(self._at_hand),
                "layer": layer,
                "no_better": overall.no_better,
                **asdict(elsewhere),
            },
        }
        learned = named([one for one in taught if one.label_id in answers])
        beside = f"the label layer alone {layer:.2f} on average; other labels {elsewhere.mean:.3f} of what was kept"
        if refusal:
            return Result(None, f"{refusal}: {learned}; {beside}.", figures)
        score = f"ROC-AUC on held-out corrections: {learned}"
        tagger = self._write(tuned, name, figures, score)
        return Result(tagger, f"Better than {self._begin.name} on held-out corrections: {learned}; {beside}.", figures)

    @property
    def _at_hand(self) -> CuratedSongs:
        if self._songs is None:
            raise RuntimeError("the songs were not found yet")
        return self._songs

    def _refusal(self, overall: Gain, layer: float, elsewhere: _Elsewhere) -> str:
        """Why the tuned network is not kept; empty where it is."""
        if not is_better(overall):
            return f"Not surely better than {self._begin.name} on held-out corrections"
        if overall.after < layer + SMALLEST_GAIN:
            return "The label layer alone does as well, and no song is heard again for it: leave out --network"
        if elsewhere.mean < 1.0 - LARGEST_LOSS:
            return f"It would be worse elsewhere, {elsewhere.worst_label} most of all ({elsewhere.worst:.3f})"
        return ""

    def _paired(self, one: Taught, before: NDArray[np.float32], after: NDArray[np.float32]) -> Paired:
        """A label's answers before and after in the songs that were corrected, held out."""
        songs, column = self._at_hand, self._columns[one.label_id][0]
        spoken = ~np.isnan(songs.verdicts[:, column])
        known = np.zeros(int(spoken.sum())) if one.new else before[spoken, column].astype(np.float64)
        verdicts = songs.verdicts[spoken, column] > 0
        return Paired(verdicts, known, after[np.newaxis, spoken, column].astype(np.float64), songs.groups[spoken])

    def _elsewhere(self, tuned: Tuned) -> _Elsewhere:
        """Other labels, in songs that were held out: where nearly all keep one or none, their upper half counts."""
        taught = {column for columns in self._columns.values() for column in columns}
        areas: dict[str, float] = {}
        for column, label in enumerate(self._labels):
            if column in taught:
                continue
            before = tuned.before[:, column]
            kept = before >= log_odds_at(label.operating_point)
            if min(kept.sum(), (~kept).sum()) < _FEWEST_TO_COMPARE:
                kept = before > np.median(before)
            if kept.any() and not kept.all():
                scores = tuned.after[:, column, np.newaxis]
                areas[label.name] = ranking(scores, kept[:, np.newaxis], 0).macro_roc_auc.value
        if not areas:
            return _Elsewhere(1.0, 1.0, "")
        worst = min(areas, key=lambda label: areas[label])
        return _Elsewhere(float(np.mean(list(areas.values()))), areas[worst], worst)

    def _agreement(self, one: Taught, tuned: Tuned) -> float | None:
        """The correlation of new and old log-odds in songs whose label nobody corrected."""
        column = self._columns[one.label_id][0]
        rest = np.isnan(self._at_hand.verdicts[:, column])
        before, after = tuned.before[rest, column], tuned.after[rest, column]
        if one.new or len(before) < _FEWEST_TO_COMPARE or min(before.std(), after.std()) == 0:
            return None
        return float(np.corrcoef(before, after)[0, 1])

    def _write(self, tuned: Tuned, name: str, figures: dict[str, Any], score: str) -> OwnTagger:
        """The new tagger, among the models: a version of its own."""
        network = self._levelled(tuned)
        description = replace(
            self._begin,
            name=name,
            labels=tuple(self._labels),
            source=f"{self._begin.source}; corrections of this library, the whole network",
            score=score,
            base=self._begin.name,
            figures=figures,
            file=None,
        )
        # The version is of the weights as they are stored.
        stored = home() / "training" / "from-library" / f"{name}{own.SUFFIX}"
        own.write_weights(stored, network, description)
        network = own.read_network(stored, len(self._labels))
        description = replace(description, embedding=f"learned-{own.trunk_version(network)}")
        return own.write_weights(models_dir() / f"{name}{own.SUFFIX}", network, description)

    def _levelled(self, tuned: Tuned) -> WholeSongCnn:
        """The tuned network, such that songs keep the corrected labels where curators would."""
        weights, biases = own.label_layer(tuned.network)
        for one in self._taught:
            for column in self._columns[one.label_id]:
                spoken = ~np.isnan(self._at_hand.verdicts[:, column])
                scores = tuned.after[spoken, column].astype(np.float64)
                verdicts = self._at_hand.verdicts[spoken, column] > 0
                biases[column] += log_odds_at(self._labels[column].operating_point) - threshold(verdicts, scores)
        return own.with_labels(tuned.network, weights, biases)


def _chosen(place: Path, digest: str, corrected: set[int]) -> list[int]:
    """The songs of a lesson: all that were corrected, and some others; those of the time when it was begun."""
    if place.exists():
        begun = json.loads(place.read_text())
        if begun["digest"] == digest:
            return list(begun["songs"])
    audible = Song.objects.filter(missing_since=None, tagging_state=Song.Tagging.DONE).exclude(path="")
    others = np.array(sorted(set(audible.values_list("pk", flat=True)) - corrected), np.int64)
    some = np.random.default_rng(0).permutation(others)[:_MOST_OTHER_SONGS]
    songs = sorted(corrected.union(some.tolist()))
    with draft_of(place) as draft:
        draft.write(json.dumps({"digest": digest, "songs": songs}).encode())
    return songs


def _audible(place: Place | None) -> bool:
    return place is not None and place.frames >= _SHORTEST_FRAMES
