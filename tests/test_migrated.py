"""Each process of the tests has the tables that migrations make, whichever of them has migrated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from tests.factories import make_song
from tests.migrated import made_once

pytestmark = pytest.mark.django_db

SCHEMA = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
SONGS = "SELECT id, title FROM catalog_song"


def test_nothing_is_left_to_migrate() -> None:
    call_command("migrate", "--check", verbosity=0)


@pytest.mark.one_database
@pytest.mark.django_db(transaction=True)
def test_the_first_process_keeps_what_the_next_one_begins_with(tmp_path: Path) -> None:
    make_song("Kept")
    with made_once(tmp_path) as tables:
        tables.keep()
    with closing(sqlite3.connect(tmp_path / "migrated")) as kept, connection.cursor() as cursor:
        for contents in (SCHEMA, SONGS):
            assert kept.execute(contents).fetchall() == cursor.execute(contents).fetchall() != []
