import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from itertools import count
from pathlib import Path

import pytest

from catalog.parallel import in_parallel
from tests.conftest import PROJECT
from tests.processes import wait_until

_OFFSET = 0


def _prepare(offset: int) -> None:
    global _OFFSET
    _OFFSET = offset


def _inverse(number: int) -> float:
    return 1 / number + _OFFSET


def _leave_number(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def test_results_come_with_their_items_and_errors_where_they_are_asked_for() -> None:
    found: dict[int, Future[float]] = {}
    for number, future in in_parallel(_inverse, [4, 0, 2], 1, _prepare, 10):
        found[number] = future

    assert found[4].result() == 10.25
    assert found[2].result() == 10.5
    with pytest.raises(ZeroDivisionError):
        found[0].result()


def test_there_may_be_any_number_of_items() -> None:
    work = in_parallel(_inverse, count(1), 1)

    # In the order in which they are done, from the first few.
    assert len({next(work)[0], next(work)[0]} & {1, 2, 3, 4}) == 2


def test_the_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from tests.catalog.test_parallel import _leave_number; from catalog.parallel import in_parallel\n"
        "if __name__ == '__main__': next(in_parallel(_leave_number, [sys.argv[1]], 1))\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    numbers = tmp_path / "numbers"
    numbers.mkdir()
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, str(script), str(numbers)], cwd=PROJECT, env=environment) as parent:
        wait_until(lambda: any(numbers.iterdir()), lambda: "no process has begun", 60)
        child = int(next(numbers.iterdir()).name)
        parent.send_signal(signal.SIGKILL)

    wait_until(lambda: not is_running(child), lambda: f"{child} runs", 60)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
