"""Ids in requests: any number of leading zeros, and nothing that a database cannot hold."""

from __future__ import annotations

import pytest

from catalog.http import LARGEST_ID, IdConverter, bad_request, parse_id


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7", 7), ("007", 7), ("0" * 5000 + "7", 7), ("0" * 40, 0), (str(LARGEST_ID), LARGEST_ID)],
)
def test_parse_id_reads_decimal_digits(text: str, number: int) -> None:
    assert parse_id(text) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1.0", "1e3", "1_0", " 1", "٣", "²", str(LARGEST_ID + 1), "0" * 20 + "9" * 30, "9" * 5000],
)
def test_parse_id_refuses_what_no_row_can_have(text: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        parse_id(text)
    with pytest.raises(ValueError, match="is no id"):
        IdConverter().to_python(text)


def test_bad_request_says_in_plain_text_what_is_wrong() -> None:
    answer = bad_request("<b>but</b>")
    assert (answer.status_code, answer["Content-Type"], answer.text) == (400, "text/plain; charset=utf-8", "<b>but</b>")
