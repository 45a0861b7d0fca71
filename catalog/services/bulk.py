"""Writing rows by the million, as plain SQL: what the ORM does to each row costs more than the row."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Model


def store_rows(
    model: type[Model],
    fields: Sequence[str],
    rows: Sequence[tuple[str | int | bool | None, ...]],
    unique: Sequence[str],
    values: Sequence[str] = (),
) -> int:
    """Insert rows that are not there yet, in one transaction.

    Parameters
    ----------
    model : type of Model
    fields : sequence of str
        The model's fields that the rows have, in their order; all others of its table must have a default there.
    rows : sequence of sequences
        Values as the database takes them.
    unique : sequence of str
        The fields that no two rows share all of.
    values : sequence of str
        The fields, never null, that a row which is there gets anew; without them it stays as it is.

    Returns
    -------
    int
        How many rows are new or other than before.
    """
    table, quote = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name
    columns = {name: quote(str(model._meta.get_field(name).attname)) for name in (*fields, *unique)}  # type: ignore[union-attr]
    marks = ", ".join(["%s"] * len(fields))
    changed = [columns[name] for name in values]
    assigned = ", ".join(f"{column} = excluded.{column}" for column in changed)
    differs = " OR ".join(f"{table}.{column} <> excluded.{column}" for column in changed)
    action = f"UPDATE SET {assigned} WHERE {differs}" if values else "NOTHING"
    into, there = (", ".join(columns[name] for name in names) for names in (fields, unique))
    statement = f"INSERT INTO {table} ({into}) VALUES ({marks}) ON CONFLICT ({there}) DO {action}"  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)
        return max(int(cursor.rowcount), 0)
