"""Wallet numbers: nineteen digits that come from the account, are checked, and lead back to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.kernel import Node, Refused
from puhui.payment import numbers, wallet_account
from puhui.payment.desk.file import pay_file
from puhui.payment.rules import number as rules
from tests.exchange.scheme import top_up as ledger_top_up
from tests.party.people import register_person
from tests.payment.purse import STAFF, held_by, person, run, self_of

IDS = st.integers(min_value=1, max_value=2**128 - 1)


@given(IDS)
def test_a_number_leads_back_to_a_span_with_its_account(account_id: int) -> None:
    """Invariant: the account lies in the span of its number, and spans do not overlap."""
    number = rules.number_of(account_id)
    assert len(number) == rules.LENGTH
    assert int(number) % 97 == 1, "ISO/IEC 7064, MOD 97-10"
    low, high = rules.span_of(rules.grouped(number))
    assert low <= account_id <= high
    assert rules.number_of(low) == rules.number_of(high) == number
    assert low == 0 or rules.number_of(low - 1) != number
    assert high >= 2**128 - 1 or rules.number_of(high + 1) != number


@given(IDS, st.integers(0, 18), st.integers(1, 9))
def test_one_wrong_digit_and_one_swap_are_always_found(
    account_id: int, place: int, by: int
) -> None:
    number = rules.number_of(account_id)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not rules.is_wallet_number(wrong)
    if place < 18 and number[place] != number[place + 1]:
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert not rules.is_wallet_number(swapped)


@pytest.mark.parametrize(
    "account_id, number",
    [
        (0, "0000000000000000098"),
        (1 << 127, "5000000000000000041"),
        (2**128 - 1, "9999999999999999984"),
    ],
)
def test_worked_cases(account_id: int, number: str) -> None:
    """Worked apart: half the range is part 5 * 10^16; 98 less the remainder of 100 parts by 97."""
    assert rules.number_of(account_id) == number


def test_numbers_are_shown_in_groups_and_typed_in_any() -> None:
    shown = numbers.shown(1 << 127)
    assert shown == "5000 0000 0000 0000 041"
    for typed in (shown, shown.replace(" ", "-"), shown.replace(" ", "\u3000"), f" {shown} "):
        assert numbers.is_wallet_number(typed)
    for wrong in ("", "x" * 19, shown[:-1], "１" * 19):
        with pytest.raises(Refused, match="bad_wallet_number"):
            rules.span_of(wrong)


def test_a_payment_by_wallet_number_reaches_its_wallet(bank: Node, tmp_path: Path) -> None:
    """Of a wallet on record and of one that only the ledger knows; also in a file."""
    payer, one = (person(bank, at, money=1_000) for at in (1, 2))
    two = register_person(bank, 3)
    ledger_top_up(bank, two, "CNY", 1_000)
    for payee in (one, two):
        shown = numbers.shown(wallet_account(payee, "CNY"))
        told = {"payer_id": payer, "payee": shown, "amount_minor": 100, "currency": "CNY"}
        run(bank, "pay", self_of(payer), **told)
        assert held_by(bank, payee) == 1_100
    file = tmp_path / "pay.csv"
    numbered = [numbers.shown(wallet_account(party, "CNY")) for party in (payer, two)]
    nobody = numbers.shown(12345)
    file.write_text(
        f"payment_id,payer,payee,amount\na,{numbered[0]},{numbered[1]},1\n"
        f"b,{numbered[0]},{nobody},1\n",
        "utf-8",
    )
    paid = pay_file(bank, STAFF, file)
    assert (paid.posted, [one.code for one in paid.refused]) == (1, ["payment.unknown_party"])
    assert held_by(bank, two) == 1_200
    told = {"payer_id": payer, "payee": nobody, "amount_minor": 100, "currency": "CNY"}
    with pytest.raises(Refused, match="no_such_wallet"):
        run(bank, "pay", self_of(payer), **told)
    with bank.read() as tx, pytest.raises(Refused, match="bad_wallet_number"):
        numbers.find(tx, "5" * 19)


def test_a_number_that_two_wallets_have_is_refused(
    bank: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With parts as large as the whole range everybody has the same number."""
    monkeypatch.setattr(rules, "PARTS", 1)
    for at in (1, 2):
        person(bank, at, money=100)
    with bank.read() as tx, pytest.raises(Refused, match="wallet_number_shared"):
        numbers.find(tx, rules.number_of(5))
