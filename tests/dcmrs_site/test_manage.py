import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", [["recommend", "ann"], ["recompute"]])
def test_a_command_before_the_first_migration_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    ran = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env={**environment, "DCMRS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].endswith("run manage.py migrate first.")
    assert "Traceback" not in ran.stderr
