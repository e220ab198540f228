"""Files with a quotation mark too many: every line is told of, and none between marks is paid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Refused
from puhui.payment import PaymentLine
from puhui.payment.formats.csv_file import read_csv
from puhui.payment.window import RefusedLine

HEADER = "payment_id,payer,payee,amount,currency,purpose,remark"


def read(folder: Path, *rows: str) -> list[PaymentLine | RefusedLine]:
    """The payments and refusals of a file of these rows."""
    path = folder / "payments.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
    return list(read_csv(path))


def told(found: list[PaymentLine | RefusedLine]) -> list[tuple[int, str]]:
    """Line and payment of what is paid, line and "" of what is refused."""
    return [(one.line, one.payment_id if isinstance(one, PaymentLine) else "") for one in found]


@pytest.mark.parametrize(
    "rows, lines",
    [
        (('1,a,b,1.00,,,"x', "2,a,b,1.00,,,", "3,a,b,1.00,,,"), [(2, ""), (3, ""), (4, "")]),
        (('1,a,b,1.00,,,"x', '2,a,b,1.00,,,"', "3,a,b,1.00,,,"), [(2, ""), (4, "3")]),
        (('1,a,b,1.00,,,"x', '2,a,b,1.00,,,"y"', "3,a,b,1.00,,,"), [(2, ""), (3, ""), (4, "3")]),
        (('1,a,"b"x,1.00,,,', "2,a,b,1.00,,,"), [(2, ""), (3, "2")]),
        (('1,a,b,1.00,,,"x ""y"" z"', "2,a,b,1.00,,,"), [(2, "1"), (3, "2")]),
    ],
)
def test_a_mark_that_is_not_closed_swallows_nothing_unsaid(
    tmp_path: Path, rows: tuple[str, ...], lines: list[tuple[int, str]]
) -> None:
    """What stands behind an open mark may have been meant as words: it is not paid."""
    assert told(read(tmp_path, *rows)) == lines


@pytest.mark.parametrize("end", ["", '"'])
def test_an_open_mark_in_a_long_file(tmp_path: Path, end: str) -> None:
    """Past what one cell may hold, the lines behind are still behind the mark."""
    inside = [f"{at},{'a' * 36},{'b' * 36},1.00,,," for at in range(2_000)]
    found = read(
        tmp_path, 'open,a,b,1.00,,,"x', *inside, f"shut,a,b,1.00,,,{end}", "last,a,b,1.00,,,"
    )
    assert [one.line for one in found] == list(range(2, 2_005))
    paid = [one.payment_id for one in found if isinstance(one, PaymentLine)]
    assert paid == (["last"] if end else [])
    first, second = found[:2]
    assert isinstance(first, RefusedLine)
    assert "quotation mark" in first.reason
    assert isinstance(second, RefusedLine)
    assert "line 2 opens" in second.reason


@pytest.mark.parametrize("word", ['he said ""yes""', '""', 'yes,""""', 'a ""'])
def test_a_doubled_mark_in_a_long_cell_closes_nothing(tmp_path: Path, word: str) -> None:
    """Who writes a remark must not write a payment: it is all one cell, however long it is."""
    words = ["w" * 100] * 1_500
    found = read(
        tmp_path, '1,a,b,1.00,,,"x', *words, word, "thief,a,c,9999.00,,,", 'end"', "2,a,b,1.00,,,"
    )
    assert [one.payment_id for one in found if isinstance(one, PaymentLine)] == ["2"]
    assert [one.line for one in found] == list(range(2, 2 + len(found)))


@pytest.mark.parametrize("cell", ["w" * 140_000, '12" ' + "w" * 140_000, f'"{"w" * 140_000}"'])
def test_a_cell_that_is_too_wide_opens_nothing(tmp_path: Path, cell: str) -> None:
    """The lines below are paid, and the refusal says what is wrong."""
    first, second = read(tmp_path, f"1,a,b,1.00,,,{cell}", '2,a,b,1.00,,,"y"')
    assert isinstance(first, RefusedLine)
    assert "131,072 characters" in first.reason
    assert isinstance(second, PaymentLine)


@given(st.lists(st.sampled_from(["1,a,b,1.00,,,", '2,a,b,1.00,,,"', '"', '3,a,"b",1,,,x', '"",'])))
def test_each_line_is_told_of_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    """Invariant: lines come in order, each at most once, and a payment is one whole line."""
    found = read(tmp_path_factory.getbasetemp(), *rows)
    lines = [one.line for one in found]
    assert lines == sorted(set(lines))
    for one in found:
        if isinstance(one, PaymentLine):
            assert rows[one.line - 2].startswith(one.payment_id)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is empty"),
        ("\r\n\r\n", "is empty"),
        ("付款编号，付款人，收款人，金额\n", "'付款编号，付款人，收款人，金额', lacks the column"),
        ("付款编号,付款人\n", "payee (收款人), amount (金额)"),
    ],
)
def test_a_header_that_will_not_do_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "payments.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(Refused) as refused:
        list(read_csv(path))
    assert refused.value.code == "payment.bad_header"
    assert words in refused.value.reason


def test_empty_lines_above_the_header_are_none(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_text(f"\n\r\n{HEADER}\n1,a,b,1.00,,,\n2,a,b,１２,,,\n", "utf-8-sig")
    first, second = read_csv(path)
    assert (first.line, first.payment_id) == (4, "1")
    assert isinstance(second, RefusedLine)
    assert "write it like" in second.reason
