"""Keys, numbers and amounts of rows: stable, exact, and read as the score room reads them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.intake.read import minor_of, number_of, row_key
from puhui.kernel.errors import Refused
from puhui.score.rules.value import read_number


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_keys_are_stable(row: dict[str, str], dice) -> None:  # type: ignore[no-untyped-def]
    """A key does not depend on column order or outer blanks, and on all else it does."""
    key = row_key("m", "p", row)
    items = list(row.items())
    dice.shuffle(items)
    assert row_key("m", "p", {name: f" {value}\t" for name, value in items}) == key
    name = items[0][0]
    assert row_key("m", "p", {**row, name: row[name] + "x"}) != key
    assert row_key("m", "q", row) != key
    assert row_key("n", "p", row) != key


def test_keys_of_rows_with_separators_differ() -> None:
    """Texts that hold the separator cannot pretend to be other columns."""
    one = row_key("m", "p", {"a": "1\x1fb\x1f2", "c": ""})
    other = row_key("m", "p", {"a": "1", "b": "2\x1fc\x1f"})
    assert one != other
    by_id = row_key("m", "p", {"id": "7", "x": "1"}, id_column="id")
    assert by_id == row_key("m", "p", {"id": " 7 ", "x": "2"}, id_column="id")
    assert by_id != row_key("m", "p", {"id": "7", "x": "1"})
    written_out = b"puhui application\x1fm\x1fp\x1erow\x1ea\x1f1"
    assert row_key("m", "p", {"a": "1"}) == hashlib.sha256(written_out).hexdigest()


@given(
    st.one_of(
        st.text(alphabet="0123456789.,-+eE$￥ _nax", max_size=10),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"[$¥]?-?[0-9]{1,3}(,[0-9]{3}){0,2}(\.[0-9]{2})?", fullmatch=True),
    )
)
def test_numbers_are_those_of_the_score_room(text: str) -> None:
    """What scoring can read this reads to the same value, and what it refuses this refuses."""
    try:
        wanted = repr(read_number(text))
    except Refused:
        wanted = "refused"
    try:
        found = repr(number_of(text))
    except ValueError:
        found = "refused"
    assert found == wanted


def test_amounts_are_exact() -> None:
    """Minor units, rounded half to even; not through floats."""
    assert minor_of("$43,000.00", "USD") == 4_300_000
    assert minor_of("90071992547409.93", "CNY") == 9_007_199_254_740_993
    assert minor_of("5136.48797702044", "CNY", "12") == 6_163_786
    assert minor_of("0.125", "CNY") == 12
    assert minor_of("NA", "CNY") is None
    with pytest.raises(ValueError):
        minor_of("1e15", "CNY")
