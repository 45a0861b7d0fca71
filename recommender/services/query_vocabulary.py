"""Builds the query vocabulary from the tables `Word` and `WordLabel`, and resets them to the defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from django.db import transaction
from django.db.models import Q

from catalog.models import Label, LabelAlias
from catalog.queries import first_row

from ..default_words import default_words, names_of_occasions, wider_refusals
from ..engine.query_tokens import word_key
from ..engine.vocabulary import Vocabulary
from ..models import Word, WordLabel
from ..snapshots import current
from ..snapshots.bundle import ModelBundle

_RARE_BELOW = 1 / 1000
"""Labels on less than this share of labelled songs are rare."""


_VOICES = "kind vocals"
"""Stands for all labels of the kind in `wider_refusals.txt`."""

_Stamp: TypeAlias = "tuple[object, ...]"
"""Cache key: changes whenever words, their labels or label aliases change."""

_STAMP = f"""
    SELECT
        (SELECT COUNT(*) FROM {Word._meta.db_table}), (SELECT MAX(changed_at) FROM {Word._meta.db_table}),
        (SELECT COUNT(*) FROM {WordLabel._meta.db_table}), (SELECT MAX(changed_at) FROM {WordLabel._meta.db_table}),
        (SELECT COUNT(*) FROM {LabelAlias._meta.db_table}), (SELECT MAX(id) FROM {LabelAlias._meta.db_table})
"""  # noqa: S608 (names of tables)

_cache: WeakKeyDictionary[ModelBundle, tuple[_Stamp, Vocabulary]] = WeakKeyDictionary()
_without_snapshot: dict[_Stamp, Vocabulary] = {}


def vocabulary() -> Vocabulary:
    """The current vocabulary, cached per process for a snapshot and a state of the tables."""
    bundle, stamp = current.bundle(), _stamp()
    if bundle is None:
        if stamp not in _without_snapshot:
            _without_snapshot.clear()
            _without_snapshot[stamp] = _vocabulary_with([])
        return _without_snapshot[stamp]
    cached = _cache.get(bundle)
    if cached is None or cached[0] != stamp:
        cached = _cache[bundle] = stamp, _vocabulary_of(bundle)
    return cached[1]


def _stamp() -> _Stamp:
    return first_row(_STAMP) or ()


def _vocabulary_of(bundle: ModelBundle) -> Vocabulary:
    index, content = bundle.index, bundle.content
    songs = content.songs_with_label(np.arange(len(index.song_ids)))
    labelled = int(np.count_nonzero(np.diff(content.weights.indptr)))
    names = index.label_names.tolist()
    of_pk = {pk: names[at] for pk, at in index.label_positions.items() if songs[at]}
    spellings = [(name, name) for name in of_pk.values()]
    spellings += [
        (alias, of_pk[label])
        for alias, label in LabelAlias.objects.order_by("pk").values_list("name", "label")
        if label in of_pk
    ]
    rare = {names[at] for at in np.flatnonzero(songs < _RARE_BELOW * labelled).tolist()}
    return _vocabulary_with(spellings, rare)


def _vocabulary_with(spellings: list[tuple[str, str]], rare: Collection[str] = ()) -> Vocabulary:
    """The vocabulary of the tables and of labels."""
    voices = Label.objects.filter(kind=Label.Kind.VOCALS).order_by("pk").values_list("name", flat=True)
    kinds = {_VOICES: list(voices)}
    wider = {
        word: [one for label in more for one in kinds.get(label, [label])] for word, more in wider_refusals().items()
    }
    return Vocabulary.of(
        _table(), spellings, rare, _in_names(), wider=_for_synonyms(wider), said_as=_for_synonyms(names_of_occasions())
    )


def _for_synonyms(of_words: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is said of the first words of groups, for every word of the groups."""
    by_key = {word_key(word): more for word, more in of_words.items()}
    words = Word.objects.filter(Q(key__in=by_key) | Q(same_as__key__in=by_key))
    return {text: by_key[head or key] for text, key, head in words.values_list("text", "key", "same_as__key")}


def _in_names() -> list[str]:
    """The words, with their synonyms, that titles, albums and playlists say too."""
    return list(Word.objects.filter(Q(in_names=True) | Q(same_as__in_names=True)).values_list("text", flat=True))


def _table() -> list[tuple[str, str, float]]:
    """Rows (word, label, weight); synonyms have the labels of their word."""
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
    """Replace the tables with the default vocabulary."""
    Word.objects.all().delete()
    for (first, *others), meaning, in_names in default_words():
        word = Word.objects.create(text=first, in_names=in_names)
        WordLabel.objects.bulk_create(
            WordLabel(word=word, label=label, weight=weight) for label, weight in meaning.items()
        )
        Word.objects.bulk_create(Word(text=other, key=word_key(other), same_as=word) for other in others)
