"""Queries that pages run at every request, as SQL: Django needs ten times as long to build them as databases to answer.

Each names its tables and columns by the models, and stands beside what reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection


def first_row(sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """The first row of a query's result, as the database gives it; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
