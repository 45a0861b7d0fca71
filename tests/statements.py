"""Which tests ask PostgreSQL for nothing of their own, as measured: `tests/same_statements.txt` names them.

`bin/test --postgres` runs all tests that touch the database on PostgreSQL, and writes the list anew: tests all of whose
questions others put too. `bin/test` runs those on SQLite only. What is asked is a statement without its numbers and the
length of its lists, with the kinds of its parameters (text, text with a NUL, an integer of more than four bytes, ...)
and the error that it ended with: it is in these that PostgreSQL answers in another way than SQLite.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .slowness import name, read_list

LIST = Path(__file__).parent / "same_statements.txt"

_HEADER = """\
# Tests that put no question to PostgreSQL that another test does not put too: `bin/test` runs them on SQLite only. By
# `bin/test --postgres`.
"""
_QUESTIONS, _SECONDS = "questions of a database", "seconds on a database"
# Savepoints have a name of their own each.
_NAMES = re.compile(r'"s\d+_x\d+"')
_NUMBERS = re.compile(r"\b\d+(\.\d+)?\b")
_LISTS = re.compile(r"(%s|\?|N)(,\s*(%s|\?|N))+")
_ROWS = re.compile(r"(\([^()]*\))(,\s*\([^()]*\))+")
_LARGEST_INTEGERS = ((31, "integer"), (63, "bigint"))
_LONG_TEXT = 255


def read() -> frozenset[str]:
    """The tests that need no second database, as they were measured last."""
    return read_list(LIST)


def pytest_configure(config: pytest.Config) -> None:
    """With `-p tests.statements`, measure."""
    config.pluginmanager.register(Measuring())


class Measuring:
    """A pytest plugin that notes each test's questions and writes the list; also where pytest-xdist runs the tests."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._began = 0.0
        self._questions: dict[str, set[str]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._kept: set[str] = set()
        connection_created.connect(self._watch)

    def _watch(self, connection: BaseDatabaseWrapper, **_: object) -> None:
        if self._note not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._note)

    def _note(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        error = ""
        try:
            return execute(sql, params, many, context)
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            self._asked.add(question(sql, params[:1] if many else [params], error))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Begin anew with each test."""
        self._asked.clear()
        self._began = time.process_time()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say what the test has asked until the end of this phase; nothing where it must stay."""
        report = yield
        report.user_properties.append((_QUESTIONS, None if stays(item) else sorted(self._asked)))
        report.user_properties.append((_SECONDS, time.process_time() - self._began))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what the tests have asked, in the process that writes the list."""
        test = name(report.nodeid)
        of_test = self._questions.setdefault(test, set())
        for key, value in report.user_properties:
            if key == _QUESTIONS and value is None:
                self._kept.add(test)
            elif key == _QUESTIONS:
                of_test.update(cast("list[str]", value))
            elif key == _SECONDS and report.when == "teardown":
                self._seconds[test] += cast("float", value)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the list."""
        if hasattr(session.config, "workerinput"):
            return
        same = set(self._questions) - chosen(self._questions, self._seconds, self._kept)
        LIST.write_text(_HEADER + "".join(f"{test}\n" for test in sorted(same)))


def stays(item: pytest.Item) -> bool:
    """Whether a test runs on PostgreSQL whatever it asks: it has servers, or transactions of its own.

    What servers ask is not seen here, and transactions wait for each other in no two databases alike.
    """
    if any(item.get_closest_marker(marker) for marker in ("postgres", "redis")):
        return True
    django_db = item.get_closest_marker("django_db")
    return "transactional_db" in getattr(item, "fixturenames", ()) or bool(
        django_db and django_db.kwargs.get("transaction")
    )


def question(sql: str, rows: Iterable[Any], error: str = "") -> str:
    """A digest of what a statement asks: equal for statements that PostgreSQL does the same way.

    Parameters
    ----------
    sql : str
    rows : iterable of sequence or None
        Its parameters, or those of its first rows.
    error : str
        The name of the error that it ended with.
    """
    shape = _NUMBERS.sub("N", _NAMES.sub("savepoint", sql))
    shape = _ROWS.sub(r"\1", _LISTS.sub(r"\1, ...", shape))
    kinds = sorted({kind(value) for row in rows for value in _values(row)})
    return hashlib.sha256("\n".join([shape, *kinds, error]).encode()).hexdigest()[:12]


def _values(row: Any) -> Iterable[Any]:
    if row is None:
        return ()
    return row.values() if isinstance(row, Mapping) else row


def kind(value: object) -> str:
    """What of a parameter's value databases may treat in ways of their own."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return next((named for bits, named in _LARGEST_INTEGERS if -(2**bits) <= value < 2**bits), "numeric")
    if isinstance(value, float):
        return "float" if math.isfinite(value) else "no number"
    if isinstance(value, str):
        features = ["text", "NUL" * ("\0" in value), "long" * (len(value) > _LONG_TEXT), "empty" * (not value)]
        return " ".join([*features, "not ASCII" * (not value.isascii())])
    if isinstance(value, Collection) and not isinstance(value, bytes):
        return f"{type(value).__name__} of {sorted({kind(one) for one in value})}"
    return type(value).__name__


def chosen(
    questions: Mapping[str, Collection[str]], seconds: Mapping[str, float], kept: Collection[str] = ()
) -> set[str]:
    """Tests that put all questions together, the cheapest first: the greedy cover of sets [1]_.

    Parameters
    ----------
    questions : mapping of str to collection of str
        What each test asks.
    seconds : mapping of str to float
        What each costs.
    kept : collection of str
        Those that are chosen whatever they cost.

    References
    ----------
    .. [1] V. Chvatal, "A greedy heuristic for the set-covering problem", Mathematics of Operations Research 4, 1979.
    """
    taken = set(kept)
    open_ones = set().union(*questions.values()) - set().union(*(questions[test] for test in taken))
    left = {test: set(asked) for test, asked in questions.items() if test not in taken}
    while open_ones:
        for asked in left.values():
            asked &= open_ones
        test = max(left, key=lambda test: (len(left[test]) / (seconds.get(test, 0.0) + 0.01), test))
        taken.add(test)
        open_ones -= left.pop(test)
    return taken
