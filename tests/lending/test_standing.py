"""Every kind of debt counts wherever money may go out; what is asked for at once takes turns."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from puhui.kernel.clock import FixedClock, time_us_of
from puhui.ledger import lookup_accounts
from puhui.payment import wallet_account
from puhui.servicing.window import contact_figures, guarantees_of
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_capacity import view
from tests.lending.test_change import move
from tests.lending.test_desk_guard import POOR_ROW, code_of, second_product
from tests.lending.test_guarantee import ask, sign_ask
from tests.lending.test_race import at_once, pay_out, signed

ROUNDS = 3
KINDS = ("wallet_credit", "declared", "bureau", "guarantee")
LARGE = 36_000_000
"""Three times the yearly income of the good row: nothing more can be carried."""


def owe(bank: Bank, party_id: str, kind: str, debt_minor: int) -> None:
    """A debt elsewhere, of a kind."""
    bank.act("lending.record_obligation", f"{kind}-{party_id}", party_id=party_id, kind=kind,
             currency="CNY", debt_minor=debt_minor, monthly_minor=1, source="a paper")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_debt_of_each_kind_counts_wherever_money_goes_out(bank: Bank, kind: str) -> None:
    """At the application, at the drawdown, at a higher limit of one's own, at a guarantee."""
    asks, draws, raises, stands = (bank.person() for _ in range(4))
    contract_id = signed(bank, draws, "d", wanted=1_000_000)
    bank.decide(bank.apply(raises, "r", wanted=1_000_000))
    own = bank.by(raises, "customer")
    low = {"party_id": raises, "currency": "CNY", "credit_limit_minor": 1_000_000}
    own.act("lending.lower_credit_limit", "low", **low)
    loan = bank.lend(bank.person(), "g")
    asked = ask(bank, loan, stands, verified_income="12000000")
    for one in (asks, draws, raises, stands):
        owe(bank, one, kind, LARGE)
        assert any(item.kind.value == kind for item in view(bank, one).items)
    decided = bank.decide(bank.apply(asks, "a", wanted=1_000_000))
    assert decided.outcome == "refused" and "debt_over_income" in decided.reasons
    assert code_of(bank.act, "lending.disburse", "m", contract_id=contract_id) == (
        "lending.over_capacity"
    )
    high = low | {"credit_limit_minor": 9_000_000}
    assert code_of(own.act, "lending.raise_credit_limit", "high", **high) == (
        "lending.over_capacity"
    )
    assert code_of(sign_ask, bank, asked, stands) == "lending.over_capacity"


def sign_one(bank: Bank, ask_id: str, guarantor_id: str) -> Any:
    """Sign, and say that it is signed."""
    sign_ask(bank, ask_id, guarantor_id)
    return "signed"


def test_two_guarantees_at_once_do_not_both_pass_the_cap(bank: Bank) -> None:
    """An income of 30,000 yuan bears 1,250 a month; each of the two asks for about 1,080."""
    for number in range(ROUNDS):
        parent = bank.person()
        loans = [bank.lend(bank.person(), f"{number}-{n}", wanted=2_000_000) for n in range(2)]
        asked = [ask(bank, loan, parent, 600_000, verified_income="3000000") for loan in loans]
        calls = [(lambda one=one, who=parent: sign_one(bank, one, who)) for one in asked]
        assert sorted(at_once(*calls)) == ["lending.over_capacity", "signed"]
        assert view(bank, parent).monthly_minor("CNY") <= 125_000


def test_a_guarantee_and_a_loan_of_ones_own_at_once(bank: Bank) -> None:
    loan = bank.lend(bank.person(), "l", wanted=2_000_000)
    for number in range(ROUNDS):
        parent = bank.person()
        contract_id = signed(bank, parent, f"{number}", row=POOR_ROW, wanted=2_000_000)
        asked = ask(bank, loan, parent, 300_000, verified_income="1000000")
        found = at_once(
            lambda asked=asked, parent=parent: sign_one(bank, asked, parent),
            pay_out(bank, contract_id, f"{number}"),
        )
        if found == ["signed", contract_id]:
            assert view(bank, parent).debt_minor("CNY") <= 3_000_000
        with bank.node.read() as tx:
            given = [one for one in guarantees_of(tx, loan) if one.guarantor_id == parent]
        assert len(given) == (found[0] == "signed")


def test_guarantees_of_one_loan_at_once_are_no_more_than_the_whole(bank: Bank) -> None:
    """Two of 60 per cent, signed at once by two: one of them."""
    second_product(bank)
    for number in range(ROUNDS):
        loan = bank.lend(bank.person(), f"l{number}", wanted=1_000_000)
        pair = [bank.person() for _ in range(2)]
        asked = [ask(bank, loan, one, 600_000, verified_income="90000000") for one in pair]
        calls = [
            (lambda one=one, who=who: sign_one(bank, one, who))
            for one, who in zip(asked, pair, strict=True)
        ]
        assert sorted(at_once(*calls)) == ["servicing.bad_guarantee", "signed"]
        with bank.node.read() as tx:
            assert sum(one.share_millionths for one in guarantees_of(tx, loan)) == 600_000


def test_the_monthly_burden_of_a_weekly_loan_is_counted_by_months(bank: Bank) -> None:
    """At the drawdown thirteen weeks are three months, not thirteen: instalments count whole."""
    bank.act("score.register_model", "stall", name="stall_weekly", digest=bank.model_digest)
    party_id = bank.person()
    told = {"product": "stall_weekly", "term_months": 3, "wanted": 1_300_000}
    contract_id = signed(bank, party_id, "1", row={**GOOD_ROW, "income": "1000000"}, **told)
    bank.act("lending.disburse", "m", contract_id=contract_id)
    (one,) = view(bank, party_id).items
    assert one.monthly_minor >= 1_300_000 // 4


def spent(bank: Bank, *party_ids: str) -> None:
    """Take what is in their wallets out, so that nothing is debited."""
    for party_id in party_ids:
        with bank.node.read() as tx:
            (wallet,) = lookup_accounts(tx, [wallet_account(party_id, "CNY")])
        assert wallet is not None
        told = {"party_id": party_id, "currency": "CNY"}
        told |= {"amount_minor": wallet.credit_balance_minor}
        bank.act("payment.withdraw", f"gone-{party_id}", **told)


def test_two_collectors_at_once_keep_to_the_contacts_of_a_day(
    bank: Bank, clock: FixedClock
) -> None:
    """Two loans of one borrower, both late, and one contact left: one of two calls is allowed."""
    second_product(bank)
    party_id = bank.person()
    loans = [bank.lend(party_id, str(n), wanted=1_000_000, product=product)
             for n, product in enumerate(("merchant_310", "smallfirm"))]  # fmt: skip
    spent(bank, party_id)
    move(bank, clock, 40, closes=True)
    noon = datetime.fromisoformat(f"{bank.today()}T12:00:00+08:00")
    clock.set_us(time_us_of(noon))

    def call(loan: str, key: str) -> Any:
        told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
        by = bank.by(f"collector-{key}", "collector")
        return by.act("servicing.record_contact", f"c-{key}", **told).left_today

    most = contact_figures().a_day
    for number in range(most - 1):
        call(loans[number % 2], str(number))
    found = at_once(lambda: call(loans[0], "x"), lambda: call(loans[1], "y"))
    assert sorted(map(str, found)) == ["0", "servicing.contacted_enough"]


@pytest.mark.parametrize(
    ("at", "is_allowed"),
    [("07:59:59", False), ("08:00:00", True), ("21:59:59", True), ("22:00:00", False)],
)
def test_hours_of_contact_are_those_of_the_day_in_china(
    sqlite_bank: Bank, clock: FixedClock, at: str, is_allowed: bool
) -> None:
    """To the second, whatever the hour elsewhere."""
    bank = sqlite_bank
    party_id = bank.person()
    loan = bank.lend(party_id, "1", wanted=1_000_000)
    spent(bank, party_id)
    move(bank, clock, 40, closes=True)
    clock.set_us(time_us_of(datetime.fromisoformat(f"{bank.today()}T{at}+08:00")))
    told = {"loan_id": loan, "person": "borrower", "channel": "call", "result": "reached"}
    collector = bank.by("collector", "collector")
    if is_allowed:
        assert collector.act("servicing.record_contact", "c", **told).left_today > 0
    else:
        assert code_of(collector.act, "servicing.record_contact", "c", **told) == (
            "servicing.quiet_hours"
        )
