"""The boundary between raw values and numbers: every written form, every refusal."""

from __future__ import annotations

import math
import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel.errors import Refused
from puhui.score import Table
from puhui.score.arrays.vector import matrix_of, plain_numbers
from puhui.score.nouns import Signal
from puhui.score.rules.value import read_day, read_number, read_text, row_reader, signal_reader

CASES = tomllib.loads((Path(__file__).parent / "cases" / "values.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["number"], ids=lambda case: repr(case["text"]))
def test_written_numbers(case: dict) -> None:
    found = read_number(case["text"])
    assert found == case["value"]
    assert math.copysign(1.0, found) == math.copysign(1.0, case["value"])


@pytest.mark.parametrize("text", CASES["missing"], ids=repr)
def test_missing_marks(text: str) -> None:
    assert math.isnan(read_number(text))
    assert read_text(text) == ""


@pytest.mark.parametrize("text", CASES["refused"], ids=repr)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(Refused) as no:
        read_number(text)
    assert no.value.code == "score.bad_number"


def test_numbers_of_other_types() -> None:
    assert read_number(7) == 7.0
    assert read_number(7.25) == 7.25
    assert math.isnan(read_number(None))
    assert math.isnan(read_number(math.nan))
    for value in (math.inf, 10**400):
        with pytest.raises(Refused, match=r"score\.bad_number"):
            read_number(value)


def test_one_category_however_it_is_written() -> None:
    assert {read_text(1), read_text(1.0), read_text("1"), read_text(" 1 ")} == {"1"}
    assert read_text(None) == ""
    assert read_text(math.nan) == ""
    assert read_text(1.5) == "1.5"


@pytest.mark.parametrize(
    "text, written, day",
    [
        ("2001-04-09", "iso", date(2001, 4, 9)),
        ("4/9/2001", "us", date(2001, 4, 9)),
        ("15074", "sas_days", date(2001, 4, 9)),
        ("0", "sas_days", date(1960, 1, 1)),
        ("", "iso", None),
        (".", "sas_days", None),
    ],
)
def test_days(text: str, written: str, day: date | None) -> None:
    assert read_day(text, written) == day


@pytest.mark.parametrize(
    "text, written",
    [("09.04.2001", "iso"), ("4/31/2001", "us"), ("x", "sas_days"), ("9e99", "sas_days")],
)
def test_bad_days(text: str, written: str) -> None:
    with pytest.raises(Refused) as no:
        read_day(text, written)
    assert no.value.code == "score.bad_date"


def signal(operation: str, columns: tuple[str, ...], **more: object) -> Signal:
    """A number signal unless told otherwise."""
    kind = str(more.pop("kind", "number"))
    return Signal("s", kind, operation, columns, "信号", "signal", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "made, row, value",
    [
        (signal("copy", ("a",)), {"a": "5"}, 5.0),
        (signal("ratio", ("a", "b")), {"a": "1,000", "b": 4}, 250.0),
        (signal("ratio", ("a", "b")), {"a": "1", "b": "0"}, math.nan),
        (signal("sum", ("a", "b", "c")), {"a": 1, "b": "2", "c": 3.5}, 6.5),
        (signal("sum", ("a", "b")), {"a": 1}, math.nan),
        (signal("difference", ("a", "b")), {"a": 1, "b": 3}, -2.0),
        (signal("above", ("a",), operand=1.0), {"a": "2"}, 1.0),
        (signal("above", ("a",), operand=1.0), {"a": "1"}, 0.0),
        (signal("above", ("a",), operand=1.0), {}, math.nan),
        (signal("same", ("a", "b")), {"a": "CA", "b": " CA"}, 1.0),
        (signal("same", ("a", "b")), {"a": "CA", "b": "NC"}, 0.0),
        (signal("same", ("a", "b")), {"a": "CA"}, math.nan),
        (signal("prefix", ("a",), kind="category", operand=2.0), {"a": 532420}, 1.0),
        (signal("year", ("a",), date_format="us"), {"a": "1/1/2004"}, 2004.0),
        (signal("year", ("a",), date_format="us"), {"a": "1/2/2004"}, 2004.0 + 1 / 365.25),
        (
            signal("years_between", ("a", "b"), date_format="iso"),
            {"a": "2020-01-01", "b": "2024-01-01"},
            1461 / 365.25,
        ),
        (signal("absent", ()), {"a": 1}, math.nan),
        (signal("stated", (), stated="36"), {}, 36.0),
        (signal("stated", (), kind="category", stated="53"), {}, 1.0),
        (signal("copy", ("a",), kind="category"), {"a": "99"}, -1.0),
    ],
)
def test_operations_alike_for_a_row_and_a_table(made: Signal, row: dict, value: float) -> None:
    codes = {"11": 0.0, "53": 1.0}
    found = row_reader(made, codes)(row)
    table = Table({name: (row.get(name),) for name in ("a", "b", "c")}, 1)
    matrix, refusals = matrix_of(table, [made], [codes])
    assert refusals == ()
    assert np.array([found]).tobytes() == matrix[:, 0].tobytes()
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_ranges_are_kept() -> None:
    bounded = signal("copy", ("a",), least=0.0, most=10.0)
    assert signal_reader(bounded, {})("10") == 10.0
    assert math.isnan(signal_reader(bounded, {})(""))
    with pytest.raises(Refused) as no:
        signal_reader(bounded, {})("-1")
    assert no.value.code == "score.out_of_range"
    table = Table({"a": ("5", "-5", "x", "11")}, 4)
    matrix, refusals = matrix_of(table, [bounded], [{}])
    assert [(r.row, r.code) for r in refusals] == [
        (1, "score.out_of_range"),
        (2, "score.bad_number"),
        (3, "score.out_of_range"),
    ]
    assert matrix[0, 0] == 5.0


RAW = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_infinity=False),
    st.floats(-1e9, 1e9).map(lambda x: f" {x:,.3f} "),
    st.decimals(-(10**9), 10**9, places=4).map(str),
    st.sampled_from([c["text"] for c in CASES["number"]] + CASES["missing"] + CASES["refused"]),
    st.text(max_size=6),
)


@given(st.lists(RAW, max_size=12))
def test_a_column_reads_as_its_values_one_by_one(values: list) -> None:
    made = signal("copy", ("a",))
    matrix, refusals = matrix_of(Table({"a": tuple(values)}, len(values)), [made], [{}])
    refused = {refusal.row for refusal in refusals}
    for place, value in enumerate(values):
        try:
            alone = read_number(value)
        except Refused:
            assert place in refused
            continue
        assert place not in refused
        assert np.array([alone]).tobytes() == matrix[place : place + 1, 0].tobytes()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_the_fast_way_equals_the_row_rule(numbers: list[float]) -> None:
    texts = [repr(number) for number in numbers]
    fast = plain_numbers(texts)
    assert fast is not None
    assert fast.tobytes() == np.array([read_number(text) for text in texts]).tobytes()


@given(st.integers(0, 30_000))
def test_sas_days_count_from_1960(days: int) -> None:
    assert read_day(str(days), "sas_days") == date(1960, 1, 1) + timedelta(days=days)
