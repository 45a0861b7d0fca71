"""Which tests take long, as measured: `tests/slow.txt` names them, and `bin/test --fast` leaves them out.

`bin/test --slow` measures all tests that `--fast` could run and writes the file anew.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

LIST = Path(__file__).parent / "slow.txt"

LONGEST_S = 0.2
"""Seconds of processor time, with what a test's fixtures take; clocks would tell how busy the machine was."""

_HEADER = """\
# Tests that take more than {longest} s of processor time, which `bin/test --fast` leaves out; by `bin/test --slow`.
"""
_PROPERTY = "processor seconds"


def name(node_id: str) -> str:
    """A test without its parameters: what holds for one of them holds for all."""
    return node_id.split("[", 1)[0]


def read() -> frozenset[str]:
    """The tests that were slow when they were measured last."""
    return read_list(LIST)


def read_list(file: Path) -> frozenset[str]:
    """The tests of a file, a line each but for comments."""
    lines = file.read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def mark(items: list[pytest.Item]) -> None:
    """Mark the tests of the list as slow."""
    slow = read()
    for item in items:
        if name(item.nodeid) in slow:
            item.add_marker("slow")


def pytest_configure(config: pytest.Config) -> None:
    """With `-p tests.slowness`, measure."""
    config.pluginmanager.register(Measuring())


class Measuring:
    """A pytest plugin that measures each test and writes the list at the end; also where pytest-xdist runs them."""

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Keep when a test began."""
        self._began = _processor_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what the test has taken until the end of this phase."""
        report = yield
        report.user_properties.append((_PROPERTY, _processor_seconds() - self._began))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what the tests have taken, in the process that writes the list."""
        for key, seconds in report.user_properties:
            if key == _PROPERTY:
                test = name(report.nodeid)
                self._longest[test] = max(self._longest.get(test, 0.0), float(str(seconds)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the list."""
        if hasattr(session.config, "workerinput"):
            return
        slow = sorted(test for test, seconds in self._longest.items() if seconds > LONGEST_S)
        LIST.write_text(_HEADER.format(longest=LONGEST_S) + "".join(f"{test}\n" for test in slow))


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
