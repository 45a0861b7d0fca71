"""Undoing what curators did, exactly: each row as it was before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import DateTimeField, Model, Q
from django.utils import timezone

from ...importing.tables import batches
from ...models import CurationAction, CurationChange, CurationItem, Label, Song, SongLabel
from ..labels import announce_labels_changed
from .log import TABLES, Row, current_rows, row_of
from .queue import TAKEN_FOR

_AT_ONCE = 1000
_UNIQUE: dict[str, tuple[str, ...]] = {
    "Label": ("key",),
    "LabelAlias": ("key",),
    "SongLabel": ("song_id", "label_id", "source", "origin"),
    "LabelAssignment": ("song_id", "label_id", "user_id"),
    "LabelDoubt": ("song_id", "label_id", "user_id"),
    "Nudge": ("user_id", "label_id"),
}
_NAMED: dict[str, type[Model]] = {"song_id": Song, "user_id": User, "label_id": Label}


class CannotUndoError(Exception):
    """Something later stands in the way; the message says what."""


@transaction.atomic
def undo(action: CurationAction, curator: User) -> CurationAction:
    """Make everything as it was before an action, and put what it decided back into the queue.

    What taggers, imports and listeners have said anew in the meantime stays as they say it now; songs and people that
    are gone are passed over.

    Raises
    ------
    CannotUndoError
        If it is undone already, or a curator has changed the same since.
    """
    action = CurationAction.objects.select_for_update().get(pk=action.pk)
    if action.undone_at:
        raise CannotUndoError(f"{_name(action.undone_by)} has undone this already.")
    changes = list(action.changes.all())
    touched = _songs_of(changes)
    restored = [change for table in TABLES for change in _to_restore(action, table, changes)]
    _restore(restored)
    action.undone_at, action.undone_by = timezone.now(), curator
    action.save(update_fields=["undone_at", "undone_by"])
    if action.item:
        _put_back(action.item, curator)
    announce_labels_changed(touched | _songs_of(changes))
    return action


def latest_of(curator: User) -> CurationAction | None:
    """The last thing that a curator did and that is not undone."""
    return CurationAction.objects.filter(user=curator, undone_at=None).first()


def _songs_of(changes: Iterable[CurationChange]) -> set[int]:
    """The songs whose labels are other than they were: by their words, or by the labels themselves."""
    songs, labels = set(), set()
    for change in changes:
        row: Row = change.before or change.after or {}
        if change.table == "SongLabel":
            songs.add(int(row["song_id"]))
        elif change.table == "Label":
            labels.add(change.row)
    return songs | set(SongLabel.objects.filter(label__in=labels).values_list("song_id", flat=True))


def _to_restore(action: CurationAction, table: str, changes: list[CurationChange]) -> list[CurationChange]:
    """Those of a table's changes that can be undone.

    Raises
    ------
    CannotUndoError
        If a curator has changed one of the rows since.
    """
    of_table = [change for change in changes if change.table == table]
    if not of_table:
        return []
    now = current_rows(TABLES[table], [change.row for change in of_table])
    gone = _gone(of_table, changes)
    taken = _taken(table, of_table, now)
    kept = []
    for change in of_table:
        if change.pk in gone:
            continue
        if _unchanged(now.get(change.row), change.after) and change.pk not in taken:
            kept.append(change)
        elif _of_curators(change):
            raise CannotUndoError(_what_stands_in_the_way(action, change, taken.get(change.pk, change.row)))
    return kept


def _unchanged(now: Row | None, then: Row | None) -> bool:
    """Whether a row is as it was written down; columns that the table has got since say nothing."""
    if now is None or then is None:
        return now is then
    return {name: value for name, value in now.items() if name in then} == then


def _of_curators(change: CurationChange) -> bool:
    """Whether only curators change such a row: not what taggers, imports and listeners say."""
    row: Row = change.before or change.after or {}
    return change.table in ("Label", "LabelAlias") or row.get("source") == SongLabel.Source.CURATOR


def _gone(of_table: list[CurationChange], changes: list[CurationChange]) -> set[int]:
    """Changes of rows whose song, listener or label is not there any more, and not to come back by this."""
    back = {change.row for change in changes if change.table == "Label" and change.before}
    missing: dict[str, set[int]] = {}
    for name, model in _NAMED.items():
        named = {row[name] for change in of_table for row in (change.before, change.after) if row and row.get(name)}
        there: set[int] = set()
        for some in batches(sorted(named), _AT_ONCE):
            there |= set(model._default_manager.filter(pk__in=some).values_list("pk", flat=True))
        missing[name] = named - there - (back if model is Label else set())

    def lacks(change: CurationChange) -> bool:
        row: Row = change.before or change.after or {}
        # A label that is gone was deleted or merged by a curator, who has to undo that before this.
        names = ("song_id", "user_id") if _of_curators(change) else tuple(_NAMED)
        return any(row.get(name) in missing[name] for name in names)

    return {change.pk for change in of_table if lacks(change)}


def _taken(table: str, of_table: list[CurationChange], now: dict[int, Row]) -> dict[int, int]:
    """Changes whose earlier row has its place taken by another one since, and which one that is."""
    places: dict[tuple[Any, ...], CurationChange] = {}
    for change in of_table:
        # A row that is where it was, or is to go, takes nobody's place.
        if change.before and now.get(change.row) != change.before:
            places[_place(table, change.before)] = change
    if not places:
        return {}
    ours = {change.row for change in of_table}
    first = _UNIQUE[table][0]
    found: dict[int, int] = {}
    for some in batches(sorted({place[0] for place in places}), _AT_ONCE):
        which = Q(**{f"{first}__in": list(some)})
        if table != "Label" and "label_id" in _UNIQUE[table]:
            labels = {change.before["label_id"] for change in places.values() if change.before}
            which &= Q(label_id__in=labels)
        for other in TABLES[table]._default_manager.filter(which):
            change = places.get(_place(table, row_of(other)))  # type: ignore[assignment]
            if change is not None and other.pk not in ours:
                found[change.pk] = int(other.pk)
    return found


def _place(table: str, row: Row) -> tuple[Any, ...]:
    """The unique key of a row; of all curators there is one annotation for a label of a song."""
    place = tuple(row[name] for name in _UNIQUE[table])
    return place[:3] if row.get("source") == SongLabel.Source.CURATOR else place


def _what_stands_in_the_way(action: CurationAction, change: CurationChange, row: int) -> str:
    later = CurationAction.objects.filter(
        pk__gt=action.pk, undone_at=None, changes__table=change.table, changes__row__in=[row, change.row]
    )
    if (other := later.select_related("user").order_by("-pk").first()) is None:
        return "What it changed has been changed again since, by something that is not in this log."
    return f"Something later changed the same, and has to be undone first: {other.summary} ({_name(other.user)})."


def _restore(changes: list[CurationChange]) -> None:
    """Delete new rows first; insert labels before rows that refer to them, and delete them after."""
    by_table: defaultdict[str, list[CurationChange]] = defaultdict(list)
    for change in changes:
        by_table[change.table].append(change)
    for table, some in by_table.items():
        if table != "Label":
            _delete(TABLES[table], [change.row for change in some if change.before is None])
    for table in TABLES:
        made = [change.before for change in by_table[table] if change.before and change.after is None]
        _insert(TABLES[table], made)
        _update(TABLES[table], [change for change in by_table[table] if change.before and change.after])
    for change in by_table["Label"]:
        if change.before is None:
            _delete_unused_label(change.row)


def _delete(model: type[Model], pks: list[int]) -> None:
    for some in batches(pks, _AT_ONCE):
        model._default_manager.filter(pk__in=some).delete()


def _insert(model: type[Model], rows: list[Row]) -> None:
    dated = [column.attname for column in model._meta.concrete_fields if isinstance(column, DateTimeField)]
    for some in batches(rows, _AT_ONCE):
        made = [model(**_values(model, row)) for row in some]
        model._default_manager.bulk_create(made)
        if dated:
            # A moment that is set when a row is made is the one at which it was made first.
            model._default_manager.bulk_update([model(**_values(model, row)) for row in some], dated)


def _update(model: type[Model], changes: list[CurationChange]) -> None:
    """Update rows that get the same values, as the annotations of a merged label do, in one query."""
    alike: defaultdict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for change in changes:
        was, now = change.before or {}, change.after or {}
        alike[tuple((name, value) for name, value in was.items() if value != now.get(name))].append(change.row)
    for values, pks in alike.items():
        for some in batches(pks, _AT_ONCE):
            model._default_manager.filter(pk__in=some).update(**_values(model, dict(values)))


def _values(model: type[Model], row: Row) -> Row:
    dated = {column.attname for column in model._meta.concrete_fields if isinstance(column, DateTimeField)}
    return {name: datetime.fromisoformat(value) if name in dated and value else value for name, value in row.items()}


def _delete_unused_label(pk: int) -> None:
    """Delete a label that the action created, unless other rows use it by now."""
    used = any(model._default_manager.filter(label=pk).exists() for name, model in TABLES.items() if name != "Label")
    if not used:
        Label.objects.filter(pk=pk).delete()


def _put_back(item: Row, curator: User) -> None:
    """Put the item back into the queue, reserved for the curator who undid the decision."""
    named = Song.objects.filter(pk=item["song_id"]).exists() and Label.objects.filter(pk=item["label_id"]).exists()
    if named:
        mine = {"taken_by": curator, "taken_until": timezone.now() + TAKEN_FOR, "skips": 0}
        CurationItem.objects.update_or_create(
            song_id=item["song_id"],
            label_id=item["label_id"],
            defaults={name: item[name] for name in ("reason", "urgency", "figures")} | mine,
        )


def _name(user: User | None) -> str:
    return user.get_username() if user else "somebody who has left"
