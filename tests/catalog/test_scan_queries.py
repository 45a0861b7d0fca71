"""A scan looks songs up by the index of their paths: without it, each look would read all songs of the root."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import LibraryRoot
from catalog.services.library import rescan
from catalog.services.media_cleanup import sweep
from tests.audio import tag, write_tone

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def plans(queries: list[dict[str, str]]) -> dict[str, str]:
    """How SQLite would answer each query that asks for songs by their paths."""
    asked = {
        query["sql"]
        for query in queries
        if query["sql"].startswith("SELECT")
        and 'FROM "catalog_song"' in query["sql"]
        and any(said in query["sql"] for said in ('"catalog_song"."path" IN (', 'AND "catalog_song"."path" = '))
    }
    with connection.cursor() as cursor:
        return {
            sql: " ".join(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()) for sql in asked
        }


def test_files_are_compared_with_songs_by_the_index_of_paths(tmp_path: Path) -> None:
    for number in range(3):
        tag(write_tone(tmp_path / "Nina" / f"{number}.flac", 1.0 + number), title=f"T{number}", artist="Nina")
    with CaptureQueriesContext(connection) as captured:
        call_command("import_music", str(tmp_path), verbosity=0)
        rescan(LibraryRoot.objects.get(path=str(tmp_path)))
        sweep()
    found = plans(captured.captured_queries)
    assert len(found) >= 2
    assert [sql for sql, plan in found.items() if "one_song_a_file" not in plan] == []
