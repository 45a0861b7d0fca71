"""Queries that pages run at every request, as SQL: Django needs longer to build each than databases to answer it.

Each names its tables and columns by the models, and stands beside what reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection


def first_row(sql: str, parameters: Sequence[str | int | datetime | None] = ()) -> tuple[Any, ...] | None:
    """The first row of a query's result, as the database gives it; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
