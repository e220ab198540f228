"""What people owe, each worked out by hand: how one debt counts, and that it counts once.

Amounts are yuan in the names and fen in the figures. Who earns 120,000 carries 360,000 in all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from puhui import lending
from puhui.kernel.clock import FixedClock
from puhui.lending.desk.guard import capacity
from puhui.lending.desk.shelf import DECISION
from puhui.lending.formats.capacity import load_caps
from puhui.lending.tables.capacity import READ_DECISION_FOR
from puhui.lending.window import contract_row
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_capacity import owe, view
from tests.lending.test_change import do, move
from tests.lending.test_desk_guard import code_of, second_product
from tests.lending.test_desk_money import fund
from tests.lending.test_guarantee import ask, sign_ask
from tests.lending.test_race import signed


def counted(bank: Bank, application_id: str) -> int:
    """All other debt that the decision on an application held against the income, fen."""
    with bank.node.read() as tx:
        row = tx.one(READ_DECISION_FOR, application_id=application_id)
    assert row is not None
    guards = DECISION.validate_json(row.decision).guards
    (found,) = (dict(one.facts) for one in guards if one.code == "debt_to_income")
    return found["debt_minor"]


def asks(bank: Bank, party_id: str, key: str, declared: str = "0", **more: Any) -> str:
    """An application over 10,000 that was decided, with what the person declared, yuan."""
    told = {"row": {**GOOD_ROW, "debt": declared}, "wanted": 1_000_000, **more}
    application_id = bank.apply(party_id, key, **told)
    bank.decide(application_id)
    return application_id


def test_a_loan_here_and_a_declared_debt_that_the_bureau_reports_too(bank: Bank) -> None:
    """Mrs Wang: 12,000 here, 20,000 at a bank that she declares and the bureau reports: 32,000.

    A report is no list of what was declared: of two totals the larger counts, never both.
    """
    second_product(bank)
    wang = bank.person()
    bank.lend(wang, "here", wanted=1_200_000)
    owe(bank, wang, "report", 2_000_000)
    told = {"product": "smallfirm"}
    assert counted(bank, asks(bank, wang, "same", "20000", **told)) == 3_200_000
    promised = 1_000_000
    assert counted(bank, asks(bank, wang, "more", "30000", **told)) == 4_200_000 + promised
    assert counted(bank, asks(bank, wang, "less", "5000", **told)) == 3_200_000 + promised


def test_loans_asked_for_offered_signed_and_let_go(bank: Bank) -> None:
    """Mr Li: asked for is no debt yet, offered and signed is, withdrawn is none."""
    li = bank.person()
    application_id = bank.apply(li, "1", wanted=2_000_000)
    assert view(bank, li).debt_minor("CNY") == 0
    bank.decide(application_id)
    assert view(bank, li).debt_minor("CNY") == 2_000_000, "promised"
    contract_id = bank.accept(application_id).contract_id
    assert view(bank, li).debt_minor("CNY") == 2_000_000, "signed, and not paid out"
    do(bank, "void_contract", contract_id=contract_id)
    bank.act("lending.withdraw", "w", application_id=application_id)
    assert view(bank, li).items == ()


def test_a_debt_that_is_paid_today_counts_no_more_today(bank: Bank) -> None:
    """Mrs Zhao: 10,000 here and 5,000 elsewhere, both paid off this morning."""
    zhao = bank.person()
    contract_id = bank.lend(zhao, "1", wanted=1_000_000)
    elsewhere = owe(bank, zhao, "1", 500_000)
    fund(bank, zhao, 100_000)
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed, "all")
    assert view(bank, zhao).debt_minor("CNY") == 500_000
    bank.act("lending.close_obligation", "c", obligation_id=elsewhere)
    assert view(bank, zhao).items == ()


def test_who_stands_for_half_of_a_loan_owes_half(bank: Bank) -> None:
    """Grandmother Sun stands for half of 20,000 of her grandson's: 10,000, and half of a month."""
    grandson, sun = bank.person(), bank.person()
    contract_id = bank.lend(grandson, "1", wanted=2_000_000)
    sign_ask(bank, ask(bank, contract_id, sun, 500_000, verified_income="9000000"), sun)
    (his,), (hers,) = view(bank, grandson).items, view(bank, sun).items
    assert (his.debt_minor, hers.debt_minor) == (2_000_000, 1_000_000)
    assert hers.monthly_minor == -(-his.monthly_minor // 2)


def test_who_stands_for_a_line_stands_for_all_that_may_be_drawn(
    bank: Bank, clock: FixedClock
) -> None:
    """Mr Qian signs for a line of 20,000 of which 1,000 is drawn. The rest is drawn without asking
    him: it counts from the first day, so that his own loan and the line fit his income together.
    """
    second_product(bank)
    shop, qian = bank.person(), bank.person()
    line = signed(bank, shop, "line", product="smallfirm", method="draw_at_will", wanted=2_000_000)
    do(bank, "disburse", contract_id=line, amount_minor=100_000)
    sign_ask(bank, ask(bank, line, qian, 1_000_000, verified_income="4500000"), qian)
    (one,) = view(bank, qian).items
    assert one.debt_minor == 2_000_000, "three times 10,000 leave 10,000"
    assert one.monthly_minor >= 2_000_000 // 13
    poor = {"row": {**GOOD_ROW, "income": "10000"}}
    over = bank.decide(bank.apply(qian, "over", wanted=1_000_100, **poor))
    assert "debt_over_income" in over.reasons
    assert bank.decide(bank.apply(qian, "fits", wanted=1_000_000, **poor)).outcome == "approved"
    do(bank, "draw", contract_id=line, amount_minor=1_900_000)
    (drawn,) = (item for item in view(bank, qian).items if item.reference == one.reference)
    assert drawn.debt_minor == 2_000_000


def test_of_an_unused_line_what_is_drawn_is_owed_and_all_of_it_is_promised(bank: Bank) -> None:
    """Mrs Zhou: a line of which 5,000 is drawn. 5,000 is her debt, and each draw is looked at anew;
    but the product lends 500,000 to one person, and all of the line is promised to her.
    """
    second_product(bank)
    zhou = bank.person()
    rich = {"product": "smallfirm", "row": {**GOOD_ROW, "income": "900000"}}
    line = signed(bank, zhou, "1", method="draw_at_will", wanted=50_000_000, **rich)
    do(bank, "disburse", contract_id=line, amount_minor=500_000)
    assert view(bank, zhou).debt_minor("CNY") == 500_000
    with bank.node.read() as tx:
        left = 50_000_000 - contract_row(tx, line).principal_minor
    second = bank.apply(zhou, "2", wanted=left + 100, **rich)
    assert "exposure_over_product" in bank.decide(second).reasons
    assert (
        "exposure_over_product"
        not in bank.decide(bank.apply(zhou, "3", wanted=left, **rich)).reasons
    )


def test_what_is_drawn_late_is_paid_back_in_the_months_that_are_left(
    bank: Bank, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mr Wu draws 20,000 a month before his line of a year ends: 20,000 is due in that month, not
    a twelfth of it. His income of 120,000 bears 5,000, as a household's does.
    """
    caps = replace(load_caps(bank.today()), turnover_products=())
    monkeypatch.setattr(capacity, "load_caps", lambda _: caps)
    second_product(bank)
    wu = bank.person()
    line = signed(bank, wu, "1", product="smallfirm", method="draw_at_will", wanted=2_000_000)
    do(bank, "disburse", contract_id=line, amount_minor=500_000)
    bank.repay(line, 500_000, "all")
    assert do(bank, "draw", contract_id=line, amount_minor=2_000_000).outstanding_minor == 2_000_000
    bank.repay(line, 2_000_000, "again")
    with bank.node.read() as tx:
        last_due = lending.loan_state(tx, line, bank.today()).rows[-1].due_on
    move(bank, clock, (last_due - bank.today()).days - 28)
    told = {"contract_id": line}
    assert code_of(do, bank, "draw", **told, amount_minor=2_000_000) == "lending.over_capacity"
    assert do(bank, "draw", **told, amount_minor=450_000).outstanding_minor == 450_000


def test_a_weekly_loan_that_is_signed_counts_by_months(bank: Bank) -> None:
    """Mrs Zheng signed 13,000 over thirteen weeks: 4,333 a month and interest, not 1,000."""
    bank.act("score.register_model", "stall", name="stall_weekly", digest=bank.model_digest)
    zheng = bank.person()
    told = {"product": "stall_weekly", "term_months": 3, "wanted": 1_300_000}
    signed(bank, zheng, "1", row={**GOOD_ROW, "income": "1000000"}, **told)
    (one,) = view(bank, zheng).items
    assert 1_300_000 // 3 < one.monthly_minor < 500_000
