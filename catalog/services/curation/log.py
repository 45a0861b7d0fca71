"""Writing down what curators do: every row that changes, as it was and as it is.

Code that changes labels or annotations does so inside `recorded`, which names the rows that may change.
One recording inside another becomes part of it: one thing done is one entry of the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Model, Q

from ...importing.tables import batches
from ...models import (
    CurationAction,
    CurationChange,
    Label,
    LabelAlias,
    LabelAssignment,
    LabelDoubt,
    Nudge,
    SongLabel,
)
from ...names import label_key

Kind = CurationAction.Kind
Row: TypeAlias = dict[str, Any]

TABLES: dict[str, type[Model]] = {
    model.__name__: model for model in (Label, LabelAlias, SongLabel, LabelAssignment, LabelDoubt, Nudge)
}
"""The tables that are written down."""

_OF_LISTENERS = ("LabelAssignment", "LabelDoubt", "Nudge")
_AT_ONCE = 2000
_LONGEST_SUMMARY = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Rows of one table that may change: those that are there, and where new ones may come."""

    model: type[Model]
    there: Q
    new: Q | None = None


@dataclass(slots=True)
class Recording:
    """What is being done."""

    kind: str
    summary: str
    item: Row | None = None
    action: CurationAction | None = None
    changes: dict[tuple[str, int], tuple[Row | None, Row | None]] = field(default_factory=dict)

    def add(self, table: str, row: int, before: Row | None, after: Row | None) -> None:
        """Take in one change; a row that was changed before was at first what it was then."""
        first = self.changes.get((table, row))
        self.changes[table, row] = (first[0] if first else before, after)


_current: ContextVar[Recording | None] = ContextVar("curation", default=None)


@contextmanager
def recorded(
    kind: str, curator: User | None, summary: str, *scopes: Scope, item: Row | None = None
) -> Iterator[Recording]:
    """Write down what changes inside, as one action, in one transaction; nothing, where nothing does.

    Parameters
    ----------
    kind : str
        A `CurationAction.Kind`.
    curator : User, optional
    summary : str
        What is done, in words; `Recording.summary` may be set later.
    scopes : Scope
        The rows that may change.
    item : dict, optional
        What of the queue is decided by it: see `CurationAction.item`.
    """
    with transaction.atomic():
        before = [(scope, _rows(scope.model, scope.there), _latest(scope.model)) for scope in scopes]
        recording, outer = Recording(kind, summary, item), _current.get()
        token = _current.set(recording)
        try:
            yield recording
        finally:
            _current.reset(token)
        for scope, rows, latest in before:
            _compare(recording, scope, rows, latest)
        if outer is None:
            _store(recording, curator)
            return
        for (table, row), (was, now) in recording.changes.items():
            outer.add(table, row, was, now)
        outer.item = outer.item or recording.item


def row_of(instance: Model) -> Row:
    """A row as JSON holds it, moments to the microsecond."""
    values = ((column.attname, getattr(instance, column.attname)) for column in instance._meta.concrete_fields)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values}


def annotations_on(song_ids: Iterable[int], label_ids: Iterable[int]) -> list[Scope]:
    """What may change when curators speak on these labels of these songs."""
    on = Q(song__in=list(song_ids), label__in=list(label_ids))
    by_curator = on & Q(source=SongLabel.Source.CURATOR)
    return [Scope(SongLabel, by_curator, by_curator), Scope(LabelDoubt, on)]


def everything_of(label_ids: Iterable[int], into: int | None = None) -> list[Scope]:
    """What may change when labels go, `into` another or for good."""
    gone = list(label_ids)
    of_gone = Q(label__in=gone)
    there, new = Q(), None
    if into is not None:
        songs = SongLabel.objects.filter(label__in=gone).values("song")
        there, new = Q(label=into, song__in=songs), Q(label=into)
    return [
        Scope(Label, Q(pk__in=[*gone, *([] if into is None else [into])])),
        Scope(LabelAlias, of_gone, new),
        Scope(SongLabel, of_gone | there if there else of_gone),
        Scope(LabelAssignment, of_gone, new),
        Scope(LabelDoubt, of_gone),
        Scope(Nudge, of_gone),
    ]


def label_itself(pk: int | None) -> list[Scope]:
    """What may change of a label's name, kind and other spellings; without one, a label is made."""
    if pk is None:
        return [Scope(Label, Q(pk__in=[]), Q())]
    return [Scope(Label, Q(pk=pk)), Scope(LabelAlias, Q(label=pk), Q(label=pk))]


def label_named(name: str) -> Scope:
    """What may change when a label is asked for by its name or alias: it may be new, or its kind is known only now.

    Raises
    ------
    ValueError
        If nothing is left of the name.
    """
    key = label_key(name)
    return Scope(Label, Q(key=key) | Q(pk__in=LabelAlias.objects.filter(key=key).values("label")), Q(key=key))


def current_rows(model: type[Model], pks: Iterable[int]) -> dict[int, Row]:
    """Rows as they are now, by primary key; those that are gone are left out."""
    found: dict[int, Row] = {}
    for some in batches(sorted(pks), _AT_ONCE):
        found |= _rows(model, Q(pk__in=list(some)))
    return found


def _rows(model: type[Model], which: Q) -> dict[int, Row]:
    rows = model._default_manager.filter(which).order_by("pk")
    return {int(one.pk): row_of(one) for one in rows.iterator(_AT_ONCE)}


def _latest(model: type[Model]) -> int:
    return int(model._default_manager.aggregate(latest=Max("pk"))["latest"] or 0)


def _compare(recording: Recording, scope: Scope, before: dict[int, Row], latest: int) -> None:
    after = current_rows(scope.model, before) if before else {}
    if scope.new is not None:
        after |= _rows(scope.model, scope.new & Q(pk__gt=latest))
    for pk in [*before, *(pk for pk in after if pk not in before)]:
        if before.get(pk) != after.get(pk):
            recording.add(scope.model.__name__, pk, before.get(pk), after.get(pk))


def _store(recording: Recording, curator: User | None) -> None:
    changes = {place: rows for place, rows in recording.changes.items() if rows[0] != rows[1]}
    if not changes:
        return
    songs = {(was or now or {})["song_id"] for (table, _), (was, now) in changes.items() if table == "SongLabel"}
    recording.action = CurationAction.objects.create(
        kind=recording.kind,
        summary=_cut(recording.summary),
        user=curator,
        songs=len(songs),
        item=recording.item,
    )
    rows = (
        CurationChange(
            action=recording.action,
            table=table,
            row=row,
            before=was,
            after=now,
            listener_id=(was or now or {})["user_id"] if table in _OF_LISTENERS else None,
        )
        for (table, row), (was, now) in changes.items()
    )
    for some in batches(rows, _AT_ONCE):
        CurationChange.objects.bulk_create(some)


def _cut(summary: str) -> str:
    return summary if len(summary) <= _LONGEST_SUMMARY else summary[: _LONGEST_SUMMARY - 1] + "…"
