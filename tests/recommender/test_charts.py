"""Where bars stand: heights and widths are in proportion, and nothing leaves the chart."""

from __future__ import annotations

import pytest

from recommender.evaluation import charts


def test_a_histogram_counts_in_classes_twice_as_wide_each_time() -> None:
    drawn = charts.histogram([0, 0, 1, 2, 3, 4, 7, 8, 15, 16], [5])
    assert [column.name for column in drawn.columns] == ["0", "1", "2 to 3", "4 to 7", "8 to 15", "16 to 31"]
    assert [column.left for column in drawn.columns] == [2, 1, 2, 2, 2, 1]
    assert [column.right for column in drawn.columns] == [0, 0, 0, 1, 0, 0]


def test_both_histograms_have_one_axis_and_one_scale() -> None:
    drawn = charts.histogram([0] * 4, [0] * 2 + [1])
    zero, one = drawn.columns[:2]
    assert zero.left_height == 2 * zero.right_height == 4 * one.right_height
    assert zero.left_y + zero.left_height == drawn.top
    assert zero.right_end == drawn.bottom + zero.right_height
    assert zero.left_y > 0
    assert zero.right_end < drawn.height


@pytest.mark.parametrize("values", [[], [0], [5, 1_000_000]])
def test_a_histogram_stays_within_its_width(values: list[int]) -> None:
    drawn = charts.histogram(values, [])
    assert len(drawn.columns) >= 4
    assert sum(column.left for column in drawn.columns) == len(values)
    assert all(column.x >= 0 and column.x + column.width <= drawn.width for column in drawn.columns)


def test_thousands_of_listeners_are_written_short() -> None:
    assert [column.least for column in charts.histogram([5000], []).columns][-3:] == ["1k", "2k", "4k"]


def test_bars_are_as_long_as_their_values_and_say_them() -> None:
    drawn = charts.bars("AUC", {"content": 0.9, "popular": 0.45}, aside=["popular"], line=0.5, full=1.0)
    content, popular = drawn.bars
    assert content.width == pytest.approx(2 * popular.width)
    assert drawn.line_x is not None
    assert (drawn.line_x - drawn.bars_x) / 0.5 == pytest.approx(content.width / 0.9)
    assert (content.aside, popular.aside) == (False, True)
    assert drawn.in_words == "AUC: content 0.900, popular 0.450, random 0.500"


def test_bars_of_nothing_have_no_length() -> None:
    drawn = charts.bars("MAP", {"content": 0.0})
    assert [bar.width for bar in drawn.bars] == [0]
    assert drawn.line_x is None
