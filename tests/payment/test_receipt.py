"""Receipt numbers: sixteen digits that come from what is numbered, are checked, and are found."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node
from puhui.kernel.clock import FixedClock, time_of
from puhui.payment import numbers, statement
from puhui.payment.desk.message import statement_camt053
from puhui.payment.formats.iso20022 import read_camt053
from puhui.payment.rules import number as wallet_numbers
from puhui.payment.rules import receipt as rules
from puhui.payment.window import payment_of
from tests.payment.purse import batch, open_books, pay, pay_batch, person, run, self_of, today

MS = st.integers(1_577_836_800_000, 2_577_836_799_999)
LOW = st.integers(1, 2**80 - 1)


@given(MS, LOW, st.integers(0, 15), st.integers(1, 9))
def test_a_number_tells_its_second_and_wrong_digits_are_found(
    ms: int, low: int, place: int, by: int
) -> None:
    """Invariant: the second comes back; a wrong digit and a swap of neighbours never pass."""
    digits = rules.receipt_of(ms << 80 | low)
    assert len(digits) == rules.LENGTH
    assert rules.is_receipt(digits)
    assert not wallet_numbers.is_wallet_number(digits), "nobody takes one for a wallet"
    for later_us in (0, 10**12):
        assert rules.second_of(digits, ms * 1000 + later_us) == ms // 1000 * 1_000_000
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert not rules.is_receipt(wrong)
    if place < 15 and digits[place] != digits[place + 1]:
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert not rules.is_receipt(swapped)


def test_worked_cases() -> None:
    """The first second of 2020 is nought; after 10^9 of them the count begins anew (2051)."""
    first = rules.receipt_of(1_577_836_800_000 << 80 | 1)
    assert first[:9] == "000000000"
    again = rules.receipt_of(2_577_836_800_000 << 80 | 1)
    assert again[:9] == "000000000"
    assert rules.second_of(again, 2_577_836_805_000_000) == 2_577_836_800_000_000
    assert rules.number_of_id("deal-19c1234567800000000000000000000f") == 0x19C12345678 << 80 | 15
    for text in ("deal", "deal-x", "deal-019cac0f", ""):
        assert rules.number_of_id(text) is None
    assert numbers.receipt("deal-x") == "deal-x"


def test_a_receipt_is_found_by_its_payer_its_payee_and_staff(node: Node, clock: FixedClock) -> None:
    open_books(node)
    ann, bo = person(node, 1, money=10_000), person(node, 2)
    eve = person(node, 3, money=100)
    first, second = pay(node, ann, bo, 100), pay(node, ann, bo, 100)
    with node.read() as tx:
        made = payment_of(tx, first.id)
        other = payment_of(tx, second.id)
    assert made.receipt != other.receipt
    typed = numbers.grouped_digits(made.receipt).replace(" ", " - ")
    assert numbers.is_receipt(typed)
    clock.set_us(clock.now_us() + 40 * 86_400_000_000)
    now_us = clock.now_us()
    with node.read() as tx:
        assert numbers.receipted(tx, typed, now_us=now_us) == (made,)
        for party, minor in ((ann, -100), (bo, 100)):
            (line,) = numbers.own_lines(tx, typed, party, "CNY", now_us=now_us)
            assert (line.id, line.amount_minor) == (first.id, minor)
        assert numbers.own_lines(tx, typed, eve, "CNY", now_us=now_us) == ()
        assert numbers.own_lines(tx, typed, ann, "USD", now_us=now_us) == ()
        unused = rules.receipt_of((clock.now_us() // 1000 - 5_000) << 80 | 7)
        assert numbers.receipted(tx, unused, now_us=now_us) == ()


def test_every_payment_of_a_file_has_its_own(node: Node) -> None:
    """A batch has numbers that follow one another; receipts of them do not."""
    open_books(node)
    ann, bo = person(node, 1, money=100_000), person(node, 2)
    pay_batch(node, batch(*((f"wage {at}", ann, bo, 10) for at in range(200))))
    with node.read() as tx:
        lines = statement(tx, bo, "CNY", today(node))
        found = {one.receipt for one in lines}
        assert len(found) >= 198, "at most one pair in a hundred thousand is alike"
        (mine,) = numbers.receipted(tx, lines[77].receipt, now_us=node.clock.now_us())[:1]
    assert mine.receipt == lines[77].receipt
    assert mine.payment_id.startswith("wage ")


def test_the_statement_tells_it_in_every_form(sqlite_node: Node) -> None:
    """What was topped up, paid, held and refunded: each line, and camt.053 by TxId."""
    node = sqlite_node
    open_books(node)
    ann, bo = person(node, 1, money=10_000), person(node, 2)
    paid = pay(node, ann, bo, 500)
    run(node, "refund", self_of(bo), id=paid.id)
    month = today(node)
    with node.read() as tx:
        lines = statement(tx, ann, "CNY", month)
        created = time_of(node.clock.now_us())
        text = statement_camt053(tx, ann, "CNY", date(month.year, month.month, 1), created=created)
    (told,) = read_camt053(text).statements
    receipts = [one.receipt for one in lines]
    assert len(set(receipts)) == 3
    assert all(rules.is_receipt(one) for one in receipts)
    assert [one.details[0].transfer_id for one in told.entries] == receipts


@pytest.mark.parametrize("text", ["", "4711", "1234 5678 9012 3456 7", "x" * 16, "１" * 16])
def test_what_is_no_receipt_number(text: str) -> None:
    assert not numbers.is_receipt(text)
