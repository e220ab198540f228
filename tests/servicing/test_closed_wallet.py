"""Lenders and guarantors whose wallets are closed or frozen, by the acts that people do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from puhui import lending
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock
from puhui.lending.nouns import GuaranteeTerms, JointShare
from puhui.servicing import joint
from puhui.servicing.tables import collect
from tests.lending.bank import Bank
from tests.lending.conftest import bank, terms  # noqa: F401  the fixtures
from tests.lending.test_desk_guard import code_of
from tests.lending.test_loan import in_wallet
from tests.servicing.partner import partner
from tests.servicing.test_purse import freeze
from tests.servicing.test_security import close, do, fund, pay

HALF = (JointShare("city_bank", Decimal("0.5")),)
FUND = (GuaranteeTerms("county_fund", Decimal("0.5"), Decimal(0), 30),)


def test_a_lender_closes_its_wallet_and_what_it_is_owed_is_kept(
    bank: Bank,  # noqa: F811
    clock: FixedClock,
    terms: Any,  # noqa: F811
) -> None:
    """Of 2,000,000 it lent half, all it had. It is kept from being erased while it is owed."""
    terms(joint=HALF)
    lender, party_id = partner(bank, "city_bank", 1_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_000_000)
    assert in_wallet(bank, lender) == 0
    key = {"party_id": lender, "currency": "CNY"}
    do(bank, "payment.close_wallet", **key)
    erasing = {"party_id": lender}
    assert code_of(do, bank, "party.erase_person", **erasing) == "servicing.lends_still"
    bank.repay(contract_id, 500_000, "some")
    close(bank, clock, 31)
    with bank.node.read() as tx:
        (aside,) = joint.list_asides(tx)
        (share,) = tx.all(collect.READ_SHARES, loan_id=contract_id)
    assert aside.kept_minor == 1_000_000 - share.outstanding_minor + share.received_minor > 250_000
    assert in_wallet(bank, lender) == 0
    told = {"lender_id": lender, "currency": "CNY"}
    assert do(bank, "servicing.pay_lender_out", **told).amount_minor == aside.kept_minor
    fund(bank, party_id, 2_000_000, 991)
    bank.repay(contract_id, owed(bank, contract_id), "rest")
    assert code_of(do, bank, "party.erase_person", **erasing) == "servicing.lends_still", "kept"
    assert do(bank, "servicing.pay_lenders", day=bank.today(), currency="CNY").paid_minor == 0
    assert do(bank, "servicing.pay_lender_out", **told).amount_minor > 0
    do(bank, "party.erase_person", **erasing)


def owed(bank: Bank, contract_id: str) -> int:  # noqa: F811
    """What ends a loan today."""
    with bank.node.read() as tx:
        return int(lending.quote_pay_off(tx, contract_id, bank.today()).total_minor)


def test_a_frozen_guarantor_is_asked_again(
    bank: Bank,  # noqa: F811
    clock: FixedClock,
    terms: Any,  # noqa: F811
) -> None:
    """The close of the day goes on, and the day after the wallet thaws it pays its share."""
    terms(guarantees=FUND)
    guarantor, party_id = partner(bank, "county_fund", 5_000_000), bank.person()
    contract_id = bank.lend(party_id, "1", wanted=2_400_000)
    friend = bank.person()
    do(bank, "payment.open_wallet", party_id=friend, currency="CNY")
    do(bank, "payment.pay", **pay(party_id, friend, 2_400_000))
    frozen = freeze(bank.node, guarantor)
    close(bank, clock, 45)
    close(bank, clock, 16)
    with bank.node.read() as tx:
        (given,) = tx.all(collect.READ_GUARANTEES, loan_id=contract_id)
    assert given.called_minor == 0
    key = {"guarantee_id": given.id}
    assert code_of(do, bank, "servicing.call_guarantee", **key) == "servicing.wallet_short"
    called = bank.node.act(
        "servicing.call_guarantees", {"day": bank.today(), "guarantee_ids": [given.id]},
        key="again", actor=SYSTEM,
    )  # fmt: skip
    assert (called.called, called.short) == (0, 1)
    freeze(bank.node, guarantor, frozen)
    close(bank, clock, 1)
    with bank.node.read() as tx:
        (given,) = tx.all(collect.READ_GUARANTEES, loan_id=contract_id)
    assert given.called_minor == 5_000_000 - in_wallet(bank, guarantor) > 0
    frozen = freeze(bank.node, guarantor)
    fund(bank, party_id, 100_000, 990)
    back = {**key, "amount_minor": 1_000}
    assert code_of(do, bank, "servicing.repay_guarantor", **back) == "payment.wallet_closed"
