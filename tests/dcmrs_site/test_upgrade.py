"""A database of the oldest version is brought over by `manage.py migrate`: every row, right and session.

A migration that renames a table or a column has its line in `RENAMED_TABLES` or `RENAMED_COLUMNS`.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
OLD_DATABASE = Path(__file__).with_name("databases") / "1.0.0.sql.gz"
SECRET_KEY = "key-of-version-1.0.0"

RENAMED_TABLES = {
    "catalog_joinedsong": "catalog_mergedsong",
    "recommender_recomputation": "recommender_snapshotbuild",
    "recommender_recomputationpart": "recommender_snapshotbuildpart",
    "tagging_hearing": "tagging_taggingrun",
    "tagging_lesson": "tagging_trainingjob",
}
RENAMED_COLUMNS = {
    "catalog_joinedsong": {"joined_at": "merged_at", "joined_by_id": "merged_by_id"},
    "recommender_recomputationpart": {"recomputation_id": "snapshot_build_id"},
}
ADDED_TO = {"recommender_word"}
"""Tables that migrations add rows to: what was there is there beside them."""

# What Django keeps of the models themselves, and sessions, which are read by the pages below.
OF_DJANGO = {"auth_permission", "django_content_type", "django_migrations", "django_session", "sqlite_sequence"}

Rows = list[dict[str, Any]]

# Runs in a process of its own: the tests' own Django has another database.
VISIT = """
import json
import django
from django.conf import settings
# Nothing has collected the static files of this home.
settings.STORAGES["staticfiles"] = {{"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
django.setup()
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

ada = Client(SERVER_NAME="localhost")
ada.cookies["sessionid"] = {session!r}
pages = ["/", "/library/", "/ratings/", "/taste/", "/taste/history/", "/playlists/", "/songs/1/", "/accounts/export/"]
found = {{"pages": {{page: ada.get(page).status_code for page in pages}}}}
cleo = User.objects.get(username="cleo")
found["rights"] = sorted(cleo.get_user_permissions())
boss = Client(SERVER_NAME="localhost")
boss.force_login(User.objects.get(username="boss"))
lists = ["catalog/song", "catalog/mergedsong", "catalog/curationaction", "auth/user"]
found["admin"] = {{page: boss.get(f"/admin/{{page}}/").status_code for page in lists}}
tokens = {tokens!r}
program = Client(SERVER_NAME="localhost")
found["api"] = [program.get("/api/songs/", HTTP_AUTHORIZATION=f"Token {{key}}").status_code for key in tokens]
merged = apps.get_model("catalog", "MergedSong").objects.get()
from catalog.services.song_merging import unmerge_song
found["unmerged"] = str(unmerge_song(merged))
gone = User.objects.get(username="ada").pk
found["deletion"] = ada.post("/accounts/delete/", {{"password": "correct horse battery"}}).status_code
found["rows_left"] = [
    f"{{model._meta.label}}.{{field.name}}"
    for model in apps.get_models(include_auto_created=True)
    for field in model._meta.concrete_fields
    if field.related_model is User and model._default_manager.filter(**{{field.attname: gone}}).exists()
]
found["logged_in"] = ada.get("/ratings/").status_code
print(json.dumps(found))
"""


def run(home: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    settings = {"DJANGO_SETTINGS_MODULE": "dcmrs_site.settings", "DCMRS_HOME": str(home), "SECRET_KEY": SECRET_KEY}
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def tables(database: Path) -> dict[str, Rows]:
    """Every row of every table but Django's own, by the table's name."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: connection.execute(f'SELECT * FROM "{name}"') for name in names if name not in OF_DJANGO}  # noqa: S608
        rows = {name: sorted((dict(row) for row in found[name]), key=str) for name in found}
    connection.close()
    return rows


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Rows]]:
    """A home whose database came from the oldest version and was migrated, and what was in it before."""
    home = tmp_path_factory.mktemp("home")
    database = home / "db.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.executescript(gzip.decompress(OLD_DATABASE.read_bytes()).decode())
    connection.close()
    before = tables(database)
    run(home, "manage.py", "migrate", "-v0")
    return home, before


def renamed(table: str, rows: Rows) -> Rows:
    columns = RENAMED_COLUMNS.get(table, {})
    return [{columns.get(name, name): value for name, value in row.items()} for row in rows]


def test_every_row_is_there_after_the_upgrade_as_it_was(upgraded: tuple[Path, dict[str, Rows]]) -> None:
    home, before = upgraded
    after = tables(home / "db.sqlite3")
    for table, rows in before.items():
        if table == "authtoken_token":
            continue
        now = after[RENAMED_TABLES.get(table, table)]
        expected = [row for row in renamed(table, rows) if not is_dropped(table, row)]
        assert table in ADDED_TO or len(now) == len(expected), table
        columns = set(expected[0]) if expected else set()
        # A column that is new has its default; none that was there is lost.
        kept = [{name: row[name] for name in row if name in columns} for row in now]
        if table in ADDED_TO:
            assert set(contents(expected)) <= set(contents(kept)), table
        else:
            assert contents(kept) == contents(expected), table


def is_dropped(table: str, row: dict[str, Any]) -> bool:
    """Whether a migration deletes a row: the bundled tagger has other labels, and labels its songs again."""
    return table == "tagging_hearing" and row["tagger"] == "dcmrs"


def contents(rows: Rows) -> list[str]:
    """Rows without their order, nor that of their columns."""
    return sorted(str(sorted(row.items())) for row in rows)


def test_rights_sessions_and_account_deletion_outlive_the_upgrade(upgraded: tuple[Path, dict[str, Rows]]) -> None:
    home, before = upgraded
    tokens = [row["key"] for row in before["authtoken_token"]]
    with sqlite3.connect(home / "db.sqlite3") as connection:
        (session,) = connection.execute("SELECT session_key FROM django_session").fetchone()
    connection.close()
    found = json.loads(run(home, "-c", VISIT.format(session=session, tokens=tokens)))
    assert set(found["pages"].values()) == {200}, found["pages"]
    assert set(found["admin"].values()) == {200}, found["admin"]
    assert found["rights"] == [
        "accounts.change_uploadallowance",
        "catalog.add_label",
        "catalog.change_song",
        "catalog.view_mergedsong",
        "catalog.view_song",
    ]
    assert found["api"] == [200] * len(tokens)
    assert tokens, "an older version's token opens the API as before"
    assert found["unmerged"] == "Song 1 - Artist One"
    assert found["deletion"] == 302
    assert found["rows_left"] == []
    assert found["logged_in"] == 302
