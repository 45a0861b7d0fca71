"""Searches of the admin's lists with a bounded number of words.

Django makes a condition of every word, nested in the one before it: beyond some hundred, SQLite refuses the statement,
and the list and its autocompletion answer with an error of the server.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

MOST_WORDS = 20
"""Words of a search that are looked for; what follows would find no more."""


def bound_searches() -> None:
    """Have every list of the admin, Django's own too, look for the first `MOST_WORDS` words of a search."""
    search = ModelAdmin.get_search_results

    @wraps(search)
    def bounded(
        self: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        return search(self, request, queryset, shortened(search_term))

    ModelAdmin.get_search_results = bounded  # type: ignore[method-assign, assignment]


def shortened(search_term: str) -> str:
    """The first words of a search."""
    return " ".join(search_term.split()[:MOST_WORDS])
