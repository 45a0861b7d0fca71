"""The list of the tests that `bin/test --fast` leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from .conftest import PROJECT
from .slowness import read

pytest_plugins = ["pytester"]


def gone(tests: Iterable[str]) -> list[str]:
    """Those of which the file or the function is not there."""

    def is_there(test: str) -> bool:
        file, _, function = test.partition("::")
        path = PROJECT / file
        defined = rf"^(async )?def {re.escape(function)}\("
        return path.is_file() and bool(re.search(defined, path.read_text(), re.MULTILINE))

    return [test for test in tests if not is_there(test)]


def test_every_test_of_the_list_is_there() -> None:
    assert gone(read()) == [], "write the list anew, with bin/test --slow"


@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_takes_long_is_written_whoever_runs_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    pytester.makepyfile(
        test_two="""
        import time, pytest

        @pytest.mark.parametrize("seconds", [0.0, 0.5])
        def test_long(seconds):
            until = time.process_time() + seconds
            while time.process_time() < until:
                pass

        def test_waits():
            time.sleep(0.5)
        """
    )
    written = pytester.path / "slow.txt"
    pytester.makeconftest(
        f"""
        import pathlib, sys
        sys.path.insert(0, {str(PROJECT)!r})
        from tests import slowness
        slowness.LIST = pathlib.Path({str(written)!r})
        pytest_configure = slowness.pytest_configure
        """
    )
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.runpytest_subprocess("-p", "no:django", "-n", processes).assert_outcomes(passed=3)
    assert [line for line in written.read_text().splitlines() if not line.startswith("#")] == ["test_two.py::test_long"]
