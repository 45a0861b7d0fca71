"""The list of the tests that run on one database only, and how it is made."""

from __future__ import annotations

from datetime import date

import pytest

from .statements import chosen, kind, question, read
from .test_slowness import gone


def test_every_test_of_the_list_is_there() -> None:
    assert gone(read()) == [], "write the list anew, with bin/test --postgres"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT id FROM song WHERE id IN (%s, %s)", "SELECT id FROM song WHERE id IN (%s, %s, %s, %s)"),
        ("SELECT id FROM song LIMIT 21", "SELECT id FROM song LIMIT 5"),
        ("INSERT INTO song VALUES (%s, 1)", "INSERT INTO song VALUES (%s, 1), (%s, 1), (%s, 1)"),
        ('SAVEPOINT "s1399_x12"', 'SAVEPOINT "s1400_x3"'),
    ],
)
def test_statements_that_differ_in_numbers_only_ask_the_same(one: str, other: str) -> None:
    assert question(one, [[1]]) == question(other, [[2]])


@pytest.mark.parametrize(
    ("sql", "rows", "error"),
    [
        ("SELECT id FROM artist WHERE id = %s", [[1]], ""),
        ("SELECT id FROM song WHERE id = %s", [["1"]], ""),
        ("SELECT id FROM song WHERE id = %s", [[2**63]], ""),
        ("SELECT id FROM song WHERE id = %s", [[1]], "IntegrityError"),
        ("SELECT id FROM song WHERE id = %s", None, ""),
    ],
)
def test_what_databases_answer_in_ways_of_their_own_is_another_question(
    sql: str, rows: list[list[object]] | None, error: str
) -> None:
    assert question(sql, rows or [None], error) != question("SELECT id FROM song WHERE id = %s", [[1]])


def test_parameters_are_told_apart_by_what_databases_bear() -> None:
    texts = ["word", "", "a\0b", "x" * 256, "Björk"]
    numbers = [1, 2**31, 2**63, 1.5, float("nan"), True, False, None]
    others = [b"x", date(2026, 1, 1), [1, 2], ["a"]]
    kinds = [kind(value) for value in (*texts, *numbers, *others)]
    assert len(set(kinds)) == len(kinds)
    assert kind(-(2**31)) == kind(5)
    assert kind([1, 2, 3]) == kind([4])


def test_the_cheapest_tests_that_put_all_questions_are_chosen() -> None:
    questions = {"slow": {"a", "b", "c"}, "quick": {"a", "b"}, "third": {"c"}, "same": {"a"}, "server": set()}
    seconds = {"slow": 9.0, "quick": 0.1, "third": 0.1, "same": 0.1, "server": 50.0}
    assert chosen(questions, seconds, kept={"server"}) == {"quick", "third", "server"}
    assert chosen(questions, seconds, kept={"slow"}) == {"slow"}
