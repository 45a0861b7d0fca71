"""Queries that pages run at every request, as SQL: Django needs longer to build each than databases to answer it.

Each names its tables and columns by the models, and stands beside what reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

_PLACEHOLDER = -1.5e300


def first_row(sql: str, parameters: Sequence[str | int | datetime | None] = ()) -> tuple[Any, ...] | None:
    """The first row of a query's result, as the database gives it; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def rows_of_each(query: Callable[[float], QuerySet[Any, Any]], values: Sequence[float]) -> set[tuple[Any, ...]]:
    """The rows of one query for each of several values of a parameter, read at once and built once.

    Parameters
    ----------
    query : callable
        A queryset of plain values in no order, which compares with its argument once.
    values : sequence of float
        At least one.
    """
    sql, parameters = query(_PLACEHOLDER).query.sql_with_params()
    at = list(parameters).index(_PLACEHOLDER)
    every = [one for value in values for one in (*parameters[:at], value, *parameters[at + 1 :])]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join([sql] * len(values)), every)
        return set(cursor.fetchall())
