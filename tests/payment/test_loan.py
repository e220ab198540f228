"""A loan reaches a wallet where its tier admits it: asked before the contract, and again."""

from __future__ import annotations

import pytest

from puhui import lending
from puhui.kernel import Refused
from tests.lending.bank import Bank
from tests.lending.conftest import bank  # noqa: F401  the lender's own fixture
from tests.payment.purse import held_by, identify, run, top_up

TIER_4_MINOR = 1_000_000


def offered(bank: Bank, party_id: str) -> str:  # noqa: F811
    """An approved application."""
    application_id = bank.apply(party_id, "one")
    assert bank.decide(application_id).outcome == "approved"
    return application_id


def sign(bank: Bank, application_id: str, key: str) -> str:  # noqa: F811
    """Sign today's contract."""
    with bank.node.read() as tx:
        contract, _, _ = lending.draft_contract(tx, application_id, bank.today(), "zh")
    told = {
        "application_id": application_id,
        "contract_digest": contract.digest,
        "language": "zh",
    }
    made = bank.node.act("lending.accept", told, key=key, actor=bank.operator)
    return str(made.contract_id)


def test_no_contract_is_signed_that_the_wallet_cannot_take(bank: Bank) -> None:  # noqa: F811
    anna = bank.person()
    run(bank.node, "open_wallet", party_id=anna, currency="CNY", tier=4)
    top_up(bank.node, anna, TIER_4_MINOR)
    application_id = offered(bank, anna)
    with pytest.raises(Refused, match=r"payment\.tier_balance"):
        sign(bank, application_id, "too much")
    run(bank.node, "set_tier", party_id=anna, currency="CNY", tier=bank_tier(bank, anna))
    assert sign(bank, application_id, "fits")


def bank_tier(bank: Bank, party_id: str) -> int:  # noqa: F811
    """The best tier that the person's checks allow, after an identification in person."""
    identify(bank.node, party_id)
    return 1


def test_money_that_filled_the_wallet_meanwhile_is_seen(bank: Bank) -> None:  # noqa: F811
    anna = bank.person()
    contract_id = sign(bank, offered(bank, anna), "sign")
    run(bank.node, "open_wallet", party_id=anna, currency="CNY", tier=4)
    top_up(bank.node, anna, TIER_4_MINOR)
    told = {"contract_id": contract_id}
    with pytest.raises(Refused, match=r"payment\.tier_balance"):
        bank.node.act("lending.disburse", told, key="money", actor=bank.operator)
    assert held_by(bank.node, anna) == TIER_4_MINOR


def test_a_wallet_without_a_row_takes_any_loan(bank: Bank) -> None:  # noqa: F811
    anna = bank.person()
    contract_id = sign(bank, offered(bank, anna), "sign")
    told = {"contract_id": contract_id}
    paid = bank.node.act("lending.disburse", told, key="money", actor=bank.operator)
    assert held_by(bank.node, anna) == paid.amount_minor
