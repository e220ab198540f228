"""Lines, limits and applications of one person at once: money out never passes a cap."""

from __future__ import annotations

import pytest

from puhui.kernel.clock import FixedClock
from puhui.kernel.store.postgres import PostgresWriter
from tests.lending.bank import GOOD_ROW, Bank
from tests.lending.test_capacity import view
from tests.lending.test_change import do
from tests.lending.test_credit_limit import at, changes, lower, pay
from tests.lending.test_desk_guard import POOR_ROW, second_product
from tests.lending.test_race import at_once, check_books, pay_out, signed

ROUNDS = 4
CARRIED = 3_000_000
"""Three times the yearly income of the poor row."""


def a_line(bank: Bank, party_id: str, key: str, *, wanted: int = 2_000_000) -> str:
    """A line of which as good as nothing is drawn."""
    line = signed(bank, party_id, key, product="smallfirm", method="draw_at_will", wanted=wanted,
                  row=POOR_ROW)  # fmt: skip
    do(bank, "disburse", contract_id=line, amount_minor=100)
    return line


def test_two_draws_on_two_lines_at_once(bank: Bank) -> None:
    """Either fits the income alone; together they are 39,000 on 30,000."""
    second_product(bank)
    for number in range(ROUNDS):
        party_id = bank.person()
        lines = [a_line(bank, party_id, f"{number}-{n}") for n in range(2)]
        calls = [
            lambda one=one: do(bank, "draw", contract_id=one, amount_minor=1_950_000).number
            for one in lines
        ]
        assert sorted(map(str, at_once(*calls))) == ["1", "lending.over_capacity"]
        assert view(bank, party_id).debt_minor("CNY") <= CARRIED
    check_books(bank)


def test_an_application_and_a_draw_at_once(bank: Bank) -> None:
    """A promise is no money yet: whichever was first, the last to be paid out finds the other."""
    second_product(bank)
    for number in range(ROUNDS):
        party_id = bank.person()
        line = a_line(bank, party_id, f"{number}")
        asked = bank.apply(party_id, f"m-{number}", row=POOR_ROW, wanted=2_000_000)
        decided, drawn = at_once(
            lambda asked=asked: bank.decide(asked).outcome,
            lambda line=line: do(bank, "draw", contract_id=line, amount_minor=1_950_000).number,
        )
        assert drawn == 1 and decided in ("approved", "refused")
        if decided == "approved":
            contract_id = bank.accept(asked).contract_id
            paid = at_once(pay_out(bank, contract_id, f"{number}"))
            assert paid == ["lending.over_capacity"]
            do(bank, "void_contract", contract_id=contract_id)
            bank.act("lending.withdraw", f"w-{number}", application_id=asked)
        assert view(bank, party_id).debt_minor("CNY") <= CARRIED


def test_a_rise_and_a_review_never_wait_for_each_other(
    bank: Bank, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the person first: no act is run again, and the older offer counts or lapses."""
    seen: list[str] = []
    is_retryable = PostgresWriter.is_retryable

    def counted(self: PostgresWriter, error: Exception) -> bool:
        seen.append(repr(error))
        return is_retryable(self, error)

    ids = [bank.person() for _ in range(8)]
    pay(bank, clock, [bank.lend(one, one, wanted=6_000_000) for one in ids], 6)
    for party_id in ids:
        lower(bank, party_id, 8_000_000)
    at(bank, clock, "2026-09-30")
    bank.act("lending.review_credit_limits", "r", day="2026-09-30", party_ids=ids)
    offered = {one: changes(bank, one)[0].id for one in ids}
    at(bank, clock, "2026-10-30")
    monkeypatch.setattr(PostgresWriter, "is_retryable", counted)
    for party_id in ids:
        answered, reviewed = at_once(
            lambda one=party_id: (
                bank.act(
                    "lending.answer_rise", f"y-{one}", change_id=offered[one], is_agreed=True
                ).status
            ),
            lambda one=party_id: len(
                bank.act(
                    "lending.review_credit_limits", f"r-{one}", day="2026-10-31", party_ids=[one]
                ).reviewed
            ),
        )
        assert reviewed == 1 and answered in ("agreed", "lending.no_rise", "lending.rise_over")
    assert seen == []


def test_an_application_and_a_rise_at_once(bank: Bank, clock: FixedClock) -> None:
    """Who earns 30,000 carries 90,000: a limit of 84,000 and a loan over 40,000 do not go together.

    After a promise the rise is refused; a rise that came first is no debt, and lends no more than
    the income carries beside the loan.
    """
    second_product(bank)
    row = {**GOOD_ROW, "income": "30000"}
    ids = [bank.person() for _ in range(ROUNDS)]
    loans = [bank.lend(one, one, wanted=5_800_000, row=row) for one in ids]
    pay(bank, clock, loans, 6)
    for party_id in ids:
        lower(bank, party_id, 7_000_000)
    at(bank, clock, "2026-09-30")
    bank.act("lending.review_credit_limits", "r", day="2026-09-30", party_ids=ids)
    for number, party_id in enumerate(ids):
        (offered,) = changes(bank, party_id)
        assert offered.after_minor == 8_400_000
        asked = bank.apply(party_id, f"{number}", row=row, wanted=4_000_000, product="smallfirm")
        decided, answered = at_once(
            lambda asked=asked: bank.decide(asked).outcome,
            lambda one=offered.id: (
                bank.act("lending.answer_rise", f"y-{one}", change_id=one, is_agreed=True).status
            ),
        )
        assert decided == "approved" and answered in ("agreed", "lending.over_capacity")
        contract_id = bank.accept(asked).contract_id
        assert at_once(pay_out(bank, contract_id, f"{number}")) == [contract_id]
        more = bank.decide(bank.apply(party_id, f"more-{number}", row=row, wanted=5_000_000))
        assert more.outcome == "refused" and "debt_over_income" in more.reasons
