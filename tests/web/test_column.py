"""What a cell says in a spreadsheet, which reads more into a text than people do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from puhui.web.column import Column, Kind, cell_in_csv, cell_in_json, cell_of
from puhui.web.say import first_up, say_in, stamp

NINE_US = 1_795_309_200_000_000  # 22 November 2026, 09:00 in China


def column(kind: Kind, words: str = "") -> Column:
    """A column whose value is the row itself."""
    return Column("name", "desk.days", lambda row: row, kind, words=words)


@pytest.mark.parametrize(
    "kind, value, shown",
    [
        (Kind.TEXT, "3-29", "3–29"),
        (Kind.TEXT, "1-2", "1–2"),
        (Kind.TEXT, "180-359", "180-359"),
        (Kind.TEXT, "2026-05", "2026-05"),
        (Kind.TEXT, "0", "0"),
        (Kind.SHARE, 0.7219762870795013, 0.721976),
        (Kind.SHARE, Decimal("0.041712"), Decimal("0.041712")),
        (Kind.NUMBER, 16.623549092145463, 16.623549),
        (Kind.COUNT, 1200, 1200),
        (Kind.MONEY, 123_456_789, "1234567.89"),
        (Kind.DAY, "2026-11-22", "2026-11-22"),
        (Kind.MOMENT, NINE_US, "2026-11-22 09:00"),
        (Kind.MOMENT, None, ""),
    ],
)
def test_a_spreadsheet_reads_what_is_meant(kind: Kind, value: Any, shown: object) -> None:
    assert cell_in_csv(say_in("zh"), column(kind), value) == shown


def test_a_program_reads_spans_and_figures_as_they_are() -> None:
    assert cell_in_json(column(Kind.TEXT), "3-29") == ("name", "3-29")
    assert cell_in_json(column(Kind.SHARE), 1 / 3) == ("name", 1 / 3)
    assert cell_in_json(column(Kind.MOMENT), NINE_US) == ("name_us", NINE_US)


def test_what_stands_by_itself_begins_with_a_capital() -> None:
    word = column(Kind.WORD, "arrears.step_")
    assert cell_of(say_in("en"), word, "negotiate").text == "Negotiate"
    assert cell_in_csv(say_in("en"), word, "negotiate") == "negotiate"
    assert [first_up(text) for text in ("已还", "to come", "", "3 days")] == [
        "已还", "To come", "", "3 days",
    ]  # fmt: skip


def test_a_moment_of_a_file_is_of_china() -> None:
    assert stamp(NINE_US) == "2026-11-22 09:00"
