"""The words that music is found by: the table as the engine takes it, and the default one put back."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from django.db import transaction
from django.db.models import Count, Max, Model

from catalog.models import LabelAlias

from . import snapshot
from .default_words import default_words
from .engine.words import Vocabulary, word_key
from .models import Word, WordLabel
from .snapshot import Recommenders

_SELDOM = 1 / 1000
"""A label that fewer than this part of the labelled songs have is seldom."""


class _Stamp(NamedTuple):
    """What is another as soon as words, their labels or a label's aliases are."""

    words: tuple[object, ...]
    labels: tuple[object, ...]
    aliases: tuple[object, ...]


_made: WeakKeyDictionary[Recommenders, tuple[_Stamp, Vocabulary]] = WeakKeyDictionary()
_of_nothing: dict[_Stamp, Vocabulary] = {}


def vocabulary() -> Vocabulary:
    """What can be understood now, made once for a snapshot and a state of the table by each process."""
    recommenders, stamp = snapshot.current(), _stamp()
    if recommenders is None:
        if stamp not in _of_nothing:
            _of_nothing.clear()
            _of_nothing[stamp] = Vocabulary.of(_table(), [])
        return _of_nothing[stamp]
    made = _made.get(recommenders)
    if made is None or made[0] != stamp:
        made = _made[recommenders] = stamp, _vocabulary_of(recommenders)
    return made[1]


def _stamp() -> _Stamp:
    def state(model: type[Model], latest: str) -> tuple[object, ...]:
        return tuple(model._default_manager.aggregate(rows=Count("pk"), latest=Max(latest)).values())

    return _Stamp(state(Word, "changed_at"), state(WordLabel, "changed_at"), state(LabelAlias, "pk"))


def _vocabulary_of(recommenders: Recommenders) -> Vocabulary:
    catalogue, content = recommenders.catalogue, recommenders.content
    songs = content.songs_with_label(np.arange(len(catalogue.song_ids)))
    labelled = int(np.count_nonzero(np.diff(content.weights.indptr)))
    names = catalogue.label_names.tolist()
    of_pk = {pk: names[at] for pk, at in catalogue.label_positions.items() if songs[at]}
    spellings = [(name, name) for name in of_pk.values()]
    spellings += [
        (alias, of_pk[label])
        for alias, label in LabelAlias.objects.order_by("pk").values_list("name", "label")
        if label in of_pk
    ]
    seldom = {names[at] for at in np.flatnonzero(songs < _SELDOM * labelled).tolist()}
    return Vocabulary.of(_table(), spellings, seldom)


def _table() -> list[tuple[str, str, float]]:
    """The table, a row for each word and label; a synonym has the labels of its word."""
    labels: dict[int, list[tuple[str, float]]] = {}
    for word, label, weight in WordLabel.objects.values_list("word", "label", "weight"):
        labels.setdefault(word, []).append((label, weight))
    return [
        (text, label, weight)
        for pk, text, same_as in Word.objects.order_by("pk").values_list("pk", "text", "same_as")
        for label, weight in labels.get(same_as or pk, [])
    ]


@transaction.atomic
def reset_table() -> None:
    """Put the table that DCMRS comes with in the place of this one."""
    Word.objects.all().delete()
    for (first, *others), meaning in default_words():
        word = Word.objects.create(text=first)
        WordLabel.objects.bulk_create(
            WordLabel(word=word, label=label, weight=weight) for label, weight in meaning.items()
        )
        Word.objects.bulk_create(Word(text=other, key=word_key(other), same_as=word) for other in others)
