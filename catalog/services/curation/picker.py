"""Finding a label by typed text, typing errors forgiven."""

from __future__ import annotations

from django.db.models import Q
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from ...models import Label
from ...names import label_key, storable

_READ = 50
# Names that a typing error can be in: more labels than these only a large import brings.
_MOST_COMPARED = 20_000
_FEWEST_LETTERS = 3


def labels_like(text: str, n: int = 8) -> list[Label]:
    """The labels that may be meant: those that begin so, contain the text, or are a typing error or two away."""
    try:
        key = label_key(storable(text))
    except ValueError:
        return []
    inside = Label.objects.filter(Q(key__contains=key) | Q(aliases__key__startswith=key)).distinct()
    found = sorted(inside[:_READ], key=lambda label: _place(label, key))
    exact = Label.objects.filter(Q(key=key) | Q(aliases__key=key)).distinct()
    found = list(dict.fromkeys([*exact, *found]))[:n]
    if len(found) < n and len(key) >= _FEWEST_LETTERS:
        found += _misspelled(key, n - len(found), {label.pk for label in found})
    return found


def _place(label: Label, key: str) -> tuple[bool, int, str]:
    return not label.key.startswith(key), len(label.key), label.key


def _misspelled(key: str, n: int, without: set[int]) -> list[Label]:
    most = 1 if len(key) < 6 else 2
    names = dict(Label.objects.order_by().values_list("pk", "key")[:_MOST_COMPARED])
    # What is typed so far may be only the beginning.
    close = {
        pk: errors
        for cut in (None, len(key))
        for _, errors, pk in extract(
            key, {pk: name[:cut] for pk, name in names.items()}, scorer=OSA.distance, score_cutoff=most, limit=None
        )
    }
    chosen = sorted(close.keys() - without, key=lambda pk: (close[pk], names[pk]))[:n]
    labels = Label.objects.in_bulk(chosen)
    return [labels[pk] for pk in chosen if pk in labels]
