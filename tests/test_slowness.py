"""The list of the tests that `bin/test --fast` leaves out."""

from __future__ import annotations

import re

import pytest

from .conftest import PROJECT
from .slowness import read

pytest_plugins = ["pytester"]


def test_every_test_of_the_list_is_there() -> None:
    gone = []
    for test in read():
        file, _, function = test.partition("::")
        path = PROJECT / file
        if not path.is_file() or not re.search(
            rf"^(async )?def {re.escape(function)}\(", path.read_text(), re.MULTILINE
        ):
            gone.append(test)
    assert gone == [], "write the list anew, with bin/test --slow"


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
