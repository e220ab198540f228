"""Credit limits move by conduct, month by month: down at once, up when the person agrees."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.data.window import accesses_of
from puhui.kernel import Act, Node, use_case
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.dump import digest_store
from puhui.kernel.event import Delivery, Event, next_events
from puhui.kernel.replay import replay
from puhui.ledger import lookup_accounts
from puhui.lending import list_loans, quote_pay_off
from puhui.lending.desk.guard.credit_limit import put_limit, review_chunks
from puhui.lending.nouns.credit_limit import CreditLimitChange
from puhui.lending.rules.dynamic_limit import average_share, months_between
from puhui.lending.tables.credit_limit import PUT_LATE, READ_LAST_LATE
from puhui.lending.window import changes_of, list_changes, obligations_of
from puhui.payment import wallet_account
from puhui.worker import close_day, deliver
from tests.lending.bank import PRODUCT, Bank
from tests.lending.test_capacity import owe, set_limit
from tests.lending.test_desk_erasure import empty_like
from tests.lending.test_desk_guard import code_of

WANTED = 6_000_000


@dataclass(frozen=True, slots=True)
class Lowered:
    """A limit to put in force, as an earlier review would have."""

    party_id: str
    to_minor: int


@use_case("sample.set_credit_limit", roles=("operator",))
def set_credit_limit(act: Act, input: Lowered) -> Lowered:
    """An act, so that a replay finds it."""
    put_limit(act, input.party_id, PRODUCT, "CNY", input.to_minor)
    return input


@dataclass(frozen=True, slots=True)
class Late:
    """Who was late with which product, as another loan would have it noted."""

    party_id: str
    product: str


@use_case("sample.note_late", roles=("operator",))
def note_other_late(act: Act, input: Late) -> Late:
    """An act, so that a replay finds it."""
    act.tx.put(PUT_LATE, **asdict(input), late_on=act.today.isoformat())
    return input


def at(bank: Bank, clock: FixedClock, day: str) -> None:
    """Noon of a day."""
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T12:00:00+08:00")))


def review(bank: Bank, clock: FixedClock, day: str, *ids: str) -> list[tuple[str, int, int]]:
    """The review of some borrowers for the month that ends on a day: reason, before, after."""
    at(bank, clock, day)
    made = bank.act("lending.review_credit_limits", f"r-{day}-{ids}", day=day, party_ids=ids)
    return [(one.reason, one.before_minor, one.after_minor) for one in made.reviewed]


def changes(bank: Bank, party_id: str) -> tuple[CreditLimitChange, ...]:
    with bank.node.read() as tx:
        return changes_of(tx, party_id)


def told(bank: Bank, name: str) -> list[dict[str, Any]]:
    """The payloads of all events of a name."""
    bank.node.store.settle_positions()
    found, payloads = 0, []
    with bank.node.read() as tx:
        for delivery in next_events(tx, "nobody", after=found):
            if delivery.event.name == name:
                payloads.append(json.loads(delivery.event.payload))
    return payloads


def pay(bank: Bank, clock: FixedClock, loans: list[str], months: int) -> None:
    """Pay what is due on the first days of some months out of the wallets."""
    for month in range(months):
        at(bank, clock, f"2026-{4 + month:02d}-02")
        for contract_id in loans:
            bank.repay(contract_id, 520_000, f"{contract_id}-{month}")


def good_borrower(bank: Bank, clock: FixedClock) -> str:
    """Half a year of punctual instalments on a loan that uses most of a lowered limit."""
    party_id = bank.person()
    pay(bank, clock, [bank.lend(party_id, "1", wanted=WANTED)], 6)
    lower(bank, party_id, 8_000_000)
    return party_id


def lower(bank: Bank, party_id: str, to: int) -> None:
    """A limit as an earlier review left it."""
    bank.act("sample.set_credit_limit", f"set-{party_id}", party_id=party_id, to_minor=to)


def test_good_conduct_is_offered_more_and_nothing_rises_without_a_yes(
    bank: Bank, clock: FixedClock
) -> None:
    party_id = good_borrower(bank, clock)
    assert review(bank, clock, "2026-09-30", party_id) == [("rise", 8_000_000, 9_600_000)]
    (offered,) = changes(bank, party_id)
    assert (offered.status, offered.month) == ("offered", "2026-09")
    assert [one["change"] for one in told(bank, "lending.credit_limit_rise_offered")] == [
        offered.id
    ]
    refused = bank.decide(bank.apply(party_id, "2", wanted=6_000_000))
    assert "credit_limit_reached" in refused.reasons
    answer = {"change_id": offered.id, "is_agreed": True}
    stranger = bank.by(bank.person(), "customer")
    assert code_of(stranger.act, "lending.answer_rise", "s", **answer) == "party.not_yours"
    made = bank.act("lending.answer_rise", "yes", **answer)
    assert (made.credit_limit_minor, made.status) == (9_600_000, "agreed")
    assert code_of(bank.act, "lending.answer_rise", "again", **answer) == "lending.no_rise"
    assert bank.decide(bank.apply(party_id, "3", wanted=6_000_000)).outcome == "approved"
    assert len(told(bank, "lending.credit_limit_raised")) == 1
    with bank.node.read() as tx:
        (row,) = list_changes(tx, party=party_id, order="-after")
        assert (row.status, row.reason, row.party_id) == ("agreed", "rise", party_id)
        assert row.answered_us is not None
        assert list_changes(tx, status="lowered") == ()
        assert changes_of(tx, party_id, is_whole=True) == (row,)
        assert code_of(list_changes, tx, order="colour") == "lending.bad_order"


def test_a_month_is_reviewed_once_and_an_old_offer_lapses(bank: Bank, clock: FixedClock) -> None:
    party_id = good_borrower(bank, clock)
    assert len(review(bank, clock, "2026-09-30", party_id)) == 1
    at(bank, clock, "2026-09-30")
    again = bank.act(
        "lending.review_credit_limits", "again", day="2026-09-30", party_ids=[party_id]
    )
    assert again.reviewed == ()
    first = changes(bank, party_id)[0]
    assert review(bank, clock, "2026-10-31", party_id)[0][0] in ("rise", "late")
    assert [one.status for one in changes(bank, party_id)][-1] == "lapsed"
    asked = {"change_id": first.id, "is_agreed": True}
    assert code_of(bank.act, "lending.answer_rise", "late", **asked) == "lending.no_rise"
    assert code_of(bank.act, "lending.answer_rise", "no", change_id="x", is_agreed=True) == (
        "lending.no_rise"
    )


def test_an_offer_ends_and_may_be_declined(sqlite_bank: Bank, clock: FixedClock) -> None:
    bank = sqlite_bank
    one, other = two_good_borrowers(bank, clock)
    review(bank, clock, "2026-09-30", one, other)
    asked = {"change_id": changes(bank, one)[0].id, "is_agreed": False}
    no = bank.act("lending.answer_rise", "no", **asked)
    assert (no.status, no.credit_limit_minor) == ("declined", 8_000_000)
    assert review(bank, clock, "2026-10-31", one)[0][0] == "kept", "no nudge soon after a no"
    at(bank, clock, "2026-10-31")
    asked = {"change_id": changes(bank, other)[0].id, "is_agreed": True}
    assert code_of(bank.act, "lending.answer_rise", "yes", **asked) == "lending.rise_over"


def two_good_borrowers(bank: Bank, clock: FixedClock) -> tuple[str, str]:
    """Two who paid punctually side by side, both with a lower limit than was sized once."""
    ids = bank.person(), bank.person()
    loans = [bank.lend(party_id, party_id, wanted=WANTED) for party_id in ids]
    pay(bank, clock, loans, 6)
    for party_id in ids:
        lower(bank, party_id, 8_000_000)
    return ids


def test_a_debt_elsewhere_stops_a_rise_at_review_and_at_the_answer(
    sqlite_bank: Bank, clock: FixedClock
) -> None:
    bank = sqlite_bank
    one, other = two_good_borrowers(bank, clock)
    owe(bank, one, "1", 33_000_000)
    found = dict(zip((one, other), review(bank, clock, "2026-09-30", one, other), strict=True))
    assert found[one] == ("debt_over_income", 8_000_000, 8_000_000)
    assert found[other][0] == "rise"
    assert changes(bank, one) == ()
    owe(bank, other, "2", 33_000_000)
    asked = {"change_id": changes(bank, other)[0].id, "is_agreed": True}
    assert code_of(bank.act, "lending.answer_rise", "yes", **asked) == "lending.over_capacity"


def test_an_own_lower_limit_is_never_offered_away(sqlite_bank: Bank, clock: FixedClock) -> None:
    bank = sqlite_bank
    party_id = good_borrower(bank, clock)
    set_limit(bank, "lower", "1", party_id, 5_000_000)
    assert review(bank, clock, "2026-09-30", party_id)[0][0] == "own_limit_reached"


def move(bank: Bank, verb: str, party_id: str, amount: int, key: str) -> None:
    """Money into a wallet from outside, or out of it."""
    bank.act(f"payment.{verb}", key, party_id=party_id, currency="CNY", amount_minor=amount)


def test_who_is_late_is_lowered_with_notice_and_told(bank: Bank, clock: FixedClock) -> None:
    """By the close of the day, as a bank runs it; no instalment can be debited."""
    party_id = bank.person()
    bank.lend(party_id, "1", wanted=WANTED)
    move(bank, "withdraw", party_id, WANTED, "gone")
    for day in ("2026-04-03", "2026-04-30", "2026-04-30"):
        at(bank, clock, day)
        close_day(bank.node, date.fromisoformat(day))
        deliver(bank.node)
    (change,) = changes(bank, party_id)
    assert (change.reason, change.status, change.month) == ("late", "lowered", "2026-04")
    assert change.after_minor == 21_000_000, "three tenths less than 300,000 yuan"
    assert change.counts_from == date(2026, 5, 16), "fifteen days of notice after the review"
    (event,) = told(bank, "lending.credit_limit_lowered")
    assert (event["after_minor"], event["reason"]) == (21_000_000, "late")
    assert review_chunks(bank.node, date(2026, 4, 29)) == []
    with bank.node.read() as tx:
        late = tx.one(READ_LAST_LATE, party_id=party_id)
    assert late is not None
    assert late.late_on == "2026-04-30"
    with bank.node.read() as tx:
        views = [
            obligations_of(tx, party_id, on=date(2026, 5, day)).credit_limit_minor(PRODUCT)
            for day in (15, 16)
        ]
    assert views == [30_000_000, 21_000_000], "the limit before stands while the notice runs"
    at(bank, clock, "2026-05-15")
    early = bank.decide(bank.apply(party_id, "2", wanted=22_000_000)).reasons
    assert "credit_limit_reached" in early or "overdue_active" in early
    at(bank, clock, "2026-05-16")
    over = bank.decide(bank.apply(party_id, "3", wanted=22_000_000)).reasons
    assert {"overdue_active", "credit_limit_reached"} <= set(over)


def test_a_late_day_stops_rises_for_half_a_year(sqlite_bank: Bank, clock: FixedClock) -> None:
    bank = sqlite_bank
    party_id = good_borrower(bank, clock)
    with bank.node.read() as tx:
        (loan,) = list_loans(tx)
    note_late(bank, party_id, loan.contract_id, "late")
    assert review(bank, clock, "2026-09-30", party_id)[0][0] == "kept"
    lost = Event("y", 1, "lending.became_past_due", party_id, '{"contract": "none"}')
    noted = bank.node.act(
        "lending.note_late", Delivery(lost, 2, 0), key="none", actor=bank.operator
    )
    assert noted.product == ""


def note_late(bank: Bank, party_id: str, contract_id: str, key: str) -> None:
    """What the end of a day says of a loan that was not paid."""
    payload = json.dumps({"contract": contract_id, "days_past_due": 1})
    event = Event("x", 1, "lending.became_past_due", party_id, payload)
    bank.node.act("lending.note_late", Delivery(event, 1, 0), key=key, actor=bank.operator)


def test_a_late_day_with_another_product_stops_a_rise_too(
    sqlite_bank: Bank, clock: FixedClock
) -> None:
    bank = sqlite_bank
    one, other = two_good_borrowers(bank, clock)
    bank.act("sample.note_late", "late", party_id=one, product="another")
    found = review(bank, clock, "2026-09-30", one, other)
    assert [reason for reason, *_ in found] == ["kept", "rise"]


def test_who_was_late_since_the_offer_gets_no_more(sqlite_bank: Bank, clock: FixedClock) -> None:
    """An offer was earned by half a year without a late day; a no is taken all the same."""
    bank = sqlite_bank
    one, other = two_good_borrowers(bank, clock)
    review(bank, clock, "2026-09-30", one, other)
    at(bank, clock, "2026-10-05")
    with bank.node.read() as tx:
        loans = {loan.party_id: loan.contract_id for loan in list_loans(tx)}
    for party_id in (one, other):
        note_late(bank, party_id, loans[party_id], f"late-{party_id}")
    asked = {"change_id": changes(bank, one)[0].id, "is_agreed": True}
    assert code_of(bank.act, "lending.answer_rise", "yes", **asked) == "lending.rise_over"
    asked = {"change_id": changes(bank, other)[0].id, "is_agreed": False}
    assert bank.act("lending.answer_rise", "no", **asked).status == "declined"


def test_notice_runs_from_the_day_that_a_person_is_told(
    sqlite_bank: Bank, clock: FixedClock
) -> None:
    """A month-end that is made up ten days late takes nobody's half month."""
    bank = sqlite_bank
    party_id = bank.person()
    bank.lend(party_id, "1", wanted=WANTED)
    lower(bank, party_id, 40_000_000)
    at(bank, clock, "2026-04-10")
    bank.act("lending.review_credit_limits", "r", day="2026-03-31", party_ids=[party_id])
    (change,) = changes(bank, party_id)
    assert (change.reason, change.month, change.status) == ("over_cap", "2026-03", "lowered")
    assert change.counts_from == date(2026, 4, 26)


def test_takings_that_fall_lower_the_limit(sqlite_bank: Bank, clock: FixedClock) -> None:
    """Three months of takings, then three of half as much; without a consent nobody looks."""
    bank = sqlite_bank
    ids = bank.person(), bank.person(consent=False)
    consent_id = bank.consent(ids[1])
    contracts = [bank.lend(party_id, party_id, wanted=WANTED) for party_id in ids]
    for month in range(6):
        at(bank, clock, f"2026-{4 + month:02d}-02")
        for party_id, contract_id in zip(ids, contracts, strict=True):
            bank.repay(contract_id, 520_000, f"{party_id}-{month}")
            taken = 900_000 if month < 3 else 400_000
            move(bank, "top_up", party_id, taken, f"t-{party_id}-{month}")
    bank.act("data.revoke_consent", "revoke", consent_id=consent_id)
    found = review(bank, clock, "2026-09-30", *ids)
    assert [one[0] for one in found] == ["inflow_fell", "kept"]
    assert found[0][2] == 21_000_000
    with bank.node.read() as tx:
        looks = [one for one in accesses_of(tx, ids[0]) if one.fields == ("wallet_flow",)]
    assert len(looks) == 1
    for month in (6, 7):
        at(bank, clock, f"2026-{4 + month:02d}-02")
        for party_id, contract_id in zip(ids, contracts, strict=True):
            bank.repay(contract_id, 520_000, f"{party_id}-{month}")
            move(bank, "top_up", party_id, 400_000, f"t-{party_id}-{month}")
    again = review(bank, clock, "2026-10-31", ids[0]) + review(bank, clock, "2026-11-30", ids[0])
    assert [one[0] for one in again] == ["kept", "kept"], "one fall is counted once"


def test_reviews_replay_after_their_people_are_gone(
    bank: Bank, clock: FixedClock, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    party_id = good_borrower(bank, clock)
    owe(bank, party_id, "1", 100_000)
    assert review(bank, clock, "2026-09-30", party_id)[0][0] == "rise"
    asked = {"change_id": changes(bank, party_id)[0].id, "is_agreed": True}
    bank.act("lending.answer_rise", "yes", **asked)
    with bank.node.read() as tx:
        (loan,) = list_loans(tx)
        owed = quote_pay_off(tx, loan.contract_id, bank.today())
    move(bank, "top_up", party_id, owed.total_minor, "more")
    bank.repay(loan.contract_id, owed.total_minor, "all")
    with bank.node.read() as tx:
        (wallet,) = lookup_accounts(tx, [wallet_account(party_id, "CNY")])
    assert wallet is not None
    move(bank, "withdraw", party_id, wallet.available_minor, "out")
    bank.act("party.erase_person", "erase", party_id=party_id)
    deliver(bank.node)
    assert changes(bank, party_id) == ()
    bank.node.store.settle_positions()
    other = empty_like(bank.node, tmp_path, open_at)
    report = replay(bank.node, other)
    assert report.differences == ()
    assert digest_store(bank.node.store) == digest_store(other.store)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60))
def test_months_are_counted_whole(start: date, more: int) -> None:
    end = start + timedelta(days=more * 31)
    assert 0 <= months_between(start, end) <= more + more // 30 + 1
    assert months_between(start, start) == 0


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [("2026-01-31", "2026-02-28", 1), ("2026-01-31", "2026-03-30", 1),
     ("2026-01-15", "2026-02-14", 0), ("2026-03-01", "2026-02-01", 0)],
)  # fmt: skip
def test_months_at_their_ends(start: str, end: str, months: int) -> None:
    assert months_between(date.fromisoformat(start), date.fromisoformat(end)) == months


def test_shares_of_a_limit() -> None:
    assert average_share(((50, 100), (200, 100), (1, 0))) == Decimal("0.5")
    assert average_share(()) == 0
