"""bin/environment.sh on machines of every kind, which stand-ins for their programs make up; the scripts are real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from catalog.home import PROJECT_ROOT

TOOLS = ("bash", "dirname", "mkdir", "cmp", "cp", "grep", "cat", "sh")
"""What every machine has."""


class Machine:
    """A machine with a fresh copy of the two commands, and only those programs that are put on it."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.programs.mkdir()
        # A folder as people name them.
        self.project = folder / "my music, märz"
        shutil.copytree(PROJECT_ROOT / "bin", self.project / "bin")
        shutil.copy(PROJECT_ROOT / "requirements.txt", self.project)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found
            (self.programs / tool).symlink_to(found)
        self.is_a("Linux", "x86_64", "glibc 2.36")

    def put(self, name: str, script: str) -> None:
        """Put a program on the machine."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def is_a(self, system: str, processor: str, c_library: str | None) -> None:
        self.put("uname", f'[ "$1" = -s ] && echo "{system}" || echo "{processor}"')
        self.put("getconf", f"echo '{c_library}'" if c_library else "exit 1")

    def has_python(self, name: str, able_to: str) -> None:
        """Put a Python there; it notes down what it is asked for, and makes an environment with itself inside."""
        self.put(
            name,
            f"""
case "$*" in
"- "*) echo "{able_to}" ;;
--version) echo "Python 3.12.1" ;;
"-m venv"*)
    for folder; do :; done
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
esac
echo "{name} $*" >>"{self.project}/asked"
""",
        )

    def asked(self) -> list[str]:
        """What the Pythons were asked for, one after the other."""
        file = self.project / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, user: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run bin/demo, as on a machine without a locale."""
        return subprocess.run(
            [self.project / "bin" / "demo"],
            cwd="/",
            env={"PATH": str(self.programs), "HOME": "/nonexistent", "LC_ALL": "C", **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            user=user,
        )

    def refuses(self, user: str | None = None, **variables: str) -> str:
        """The one line that bin/demo ends with, before anything is made."""
        done = self.run(user, **variables)
        assert done.returncode == 1
        assert not (self.project / ".venv").exists()
        assert done.stdout == ""
        [line] = done.stderr.splitlines()
        assert line.startswith(f"{self.project}/bin/demo: ") or line.startswith("bin/demo: ")
        return line


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_two_commands_and_the_package_name_the_same_pythons() -> None:
    script = (PROJECT_ROOT / "bin" / "environment.sh").read_text()
    oldest, newest = (int(re.findall(rf"^{name}=(\d+)$", script, re.MULTILINE)[0]) for name in ("OLDEST", "NEWEST"))
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{oldest},<3.{newest + 1}"


def test_a_python_with_venv_makes_the_environment_in_a_folder_with_spaces(machine: Machine) -> None:
    machine.has_python("python3", "venv")
    assert machine.run().returncode == 0
    asked = machine.asked()
    assert "python3 -m venv --clear .venv" in asked
    assert "python3 -m pip install --quiet -r requirements.txt" in asked
    assert asked[-1] == "python3 manage.py demo"
    assert (machine.project / ".venv" / "installed-requirements.txt").exists()


def test_the_second_start_installs_nothing(machine: Machine) -> None:
    machine.has_python("python3", "venv")
    machine.run()
    before = len(machine.asked())
    assert machine.run().stdout == ""
    assert machine.asked()[before:] == ["python3 -c ", "python3 manage.py demo"]


def test_a_python_without_ensurepip_is_filled_by_its_own_pip(machine: Machine) -> None:
    """As Debian's, with python3-pip and without python3-venv."""
    machine.has_python("python3.11", "pip")
    assert machine.run().returncode == 0
    assert machine.asked()[2:4] == [
        "python3.11 -m venv --clear --without-pip .venv",
        "python3.11 -m pip --python .venv/bin/python install --quiet pip",
    ]


def test_a_python_that_can_is_taken_before_one_that_cannot(machine: Machine) -> None:
    machine.has_python("python3.11", "bare")
    machine.has_python("python3.13", "venv")
    assert machine.run().returncode == 0
    assert "python3.13 -m venv --clear .venv" in machine.asked()


def test_uv_makes_the_environment_where_no_python_can(machine: Machine) -> None:
    machine.has_python("python3", "bare")
    machine.has_python("uv", "")
    uv = machine.programs / "uv"
    uv.write_text(uv.read_text().replace('"-m venv"*)', "venv*)"))
    assert machine.run().returncode == 0
    assert "uv venv --quiet --no-cache --clear --seed --python >=3.11,<3.15 .venv" in machine.asked()


def test_uv_installs_where_it_is_there(machine: Machine) -> None:
    machine.has_python("python3", "venv")
    machine.put("uv", f'echo "uv $*" >>"{machine.project}/asked"')
    assert machine.run().returncode == 0
    assert "uv pip install --quiet --python .venv/bin/python -r requirements.txt" in machine.asked()
    assert not [asked for asked in machine.asked() if asked.endswith("-r requirements.txt") and "uv" not in asked]
    assert (machine.project / ".venv" / "installed-requirements.txt").exists()


def test_pip_installs_where_uv_cannot_or_pip_was_told_of_an_index(machine: Machine) -> None:
    machine.has_python("python3", "venv")
    machine.put("uv", "exit 1")
    done = machine.run()
    assert "uv could not install requirements.txt: pip tries." in done.stdout
    assert "python3 -m pip install --quiet -r requirements.txt" in machine.asked()
    (machine.project / ".venv" / "installed-requirements.txt").unlink()
    machine.put("uv", f'echo "uv $*" >>"{machine.project}/asked"')
    assert machine.run(PIP_INDEX_URL="http://wheels.lan/").returncode == 0
    assert not [asked for asked in machine.asked() if asked.startswith("uv")]


def test_a_python_without_venv_and_pip_is_said_so(machine: Machine) -> None:
    machine.has_python("python3", "bare")
    assert "python3 has neither venv nor pip: install python3-venv" in machine.refuses()


def test_no_python_is_said_so(machine: Machine) -> None:
    assert "Python 3.11 to 3.14 is needed, and not found" in machine.refuses()


def test_a_python_that_is_too_old_or_too_new_is_none(machine: Machine) -> None:
    machine.has_python("python3", "")
    assert "Python 3.11 to 3.14 is needed, and not found" in machine.refuses()


@pytest.mark.parametrize(
    ("system", "processor", "c_library"),
    [
        ("Linux", "x86_64", None),
        ("Linux", "x86_64", "glibc 2.27"),
        ("Linux", "x86_64", "glibc 2.5"),
        ("Linux", "armv7l", "glibc 2.36"),
        ("Darwin", "x86_64", None),
        ("FreeBSD", "amd64", None),
    ],
)
def test_a_machine_that_there_are_no_wheels_for_is_refused_before_anything_is_installed(
    machine: Machine, system: str, processor: str, c_library: str | None
) -> None:
    machine.has_python("python3", "venv")
    machine.is_a(system, processor, c_library)
    said = machine.refuses()
    assert f"there is no PyTorch for {system} on {processor}" in said
    assert machine.asked() == []


@pytest.mark.parametrize(
    ("system", "processor", "c_library"),
    [("Linux", "x86_64", "glibc 2.28"), ("Linux", "aarch64", "glibc 2.41"), ("Darwin", "arm64", None)],
)
def test_a_machine_that_there_are_wheels_for_is_taken(
    machine: Machine, system: str, processor: str, c_library: str | None
) -> None:
    machine.has_python("python3", "venv")
    machine.is_a(system, processor, c_library)
    assert machine.run().returncode == 0


def test_a_home_that_cannot_be_written_to_is_refused_before_anything_is_installed(machine: Machine) -> None:
    machine.has_python("python3", "venv")
    (machine.project / "file").touch()
    home = f"{machine.project}/file/home"
    assert f"the folder '{home}' cannot be written to: set DCMRS_HOME" in machine.refuses(DCMRS_HOME=home)


def test_a_project_that_cannot_be_written_to_is_refused_before_anything_is_installed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        machine = Machine(Path(folder))
        machine.has_python("python3", "venv")
        machine.project.chmod(0o555)
        home = Path(folder) / "home"
        home.mkdir()
        home.chmod(0o777)
        # Root writes into every folder.
        said = machine.refuses("nobody" if os.getuid() == 0 else None, DCMRS_HOME=str(home))
        machine.project.chmod(0o755)
    assert "start it from a copy of DCMRS in a folder of yours" in said


def test_what_a_python_can_do_is_asked_of_a_real_one() -> None:
    """Of the one that runs the tests; Debian's may have its pip outside of the standard library."""

    def ability(oldest: int, newest: int) -> str:
        script = f'. bin/environment.sh; OLDEST={oldest} NEWEST={newest}; ability "$1"'
        command = ["bash", "-c", script, "test", sys.executable]
        return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert ability(11, 14) in ("venv", "pip")
    assert ability(sys.version_info.minor + 1, 99) == ""
    assert ability(0, sys.version_info.minor - 1) == ""
