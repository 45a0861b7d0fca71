"""What the processes of pytest-xdist run: servers and browsers each in one row, everything else test by test."""

import pytest

from .conftest import PROJECT
from .scheduling import TOGETHER, is_waiting, scope


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/services/test_up.py::test_it[a/b::c]", "tests/services/test_worker.py::test_other"),
        ("tests/browser/test_player.py::test_it", "tests/browser/deeper/test_other.py::Tests::test_it"),
        ("tests/browser/test_accessibility.py::test_it", "tests/browser/test_accessibility.py::test_other[x]"),
    ],
)
def test_what_waits_is_not_parted(one: str, other: str) -> None:
    assert scope(one) == scope(other) in TOGETHER
    assert is_waiting(one)


def test_reading_every_page_goes_on_beside_the_other_tests_of_the_browser() -> None:
    assert scope("tests/browser/test_accessibility.py::test_it") != scope("tests/browser/test_player.py::test_it")
    assert all((PROJECT / place).exists() for place in TOGETHER)


def test_any_other_test_can_run_anywhere() -> None:
    node_id = "tests/catalog/test_names.py::test_a_name[tests/browser]"
    assert scope(node_id) == node_id
    assert not is_waiting(node_id)
