"""What pages read of lending: lists with filters and orders, histories, counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from puhui.kernel import Refused
from puhui.lending import loan_state
from puhui.lending.window import (
    Decision,
    application_row,
    applications_after,
    applications_of,
    contract_row,
    contracts_for,
    cooling_off_days,
    count_by_bucket,
    count_by_day,
    count_by_rate,
    decisions_of,
    list_applications,
    list_contracts,
    list_reviews,
    loan_events,
    loans_of,
    mapping_of,
    model_of,
    plan_of,
    review_of,
)
from puhui.payment import wallet_account
from puhui.servicing import build_schedule
from tests.lending.bank import BAD_ROW, PRODUCT, Bank


def test_lists_filter_sort_and_page(bank: Bank) -> None:
    mine, other = bank.person(), bank.person()
    first = bank.apply(mine, "1", wanted=1_000_000)
    second = bank.apply(other, "2", wanted=2_000_000, row=BAD_ROW)
    bank.decide(first)
    bank.decide(second)
    with bank.node.read() as tx:
        wanted = [row.id for row in list_applications(tx, order="-wanted")]
        by_id = sorted(wanted)
        assert [row.id for row in applications_after(tx, "")] == by_id
        assert [row.id for row in applications_after(tx, by_id[0], count=1)] == by_id[1:2]
        assert applications_after(tx, by_id[-1]) == ()
        assert wanted == [second, first]
        assert [row.id for row in list_applications(tx, order="wanted", count=1)] == [first]
        assert [row.id for row in list_applications(tx, order="wanted", skip=1)] == [second]
        assert [row.id for row in list_applications(tx, status="offered")] == [first]
        assert [row.id for row in list_applications(tx, party=other)] == [second]
        assert list_applications(tx, product="small_loan") == ()
        assert [row.id for row in list_applications(tx, order="-points")] == [first, second]
        with pytest.raises(Refused, match="bad_order"):
            list_applications(tx, order="name; drop")
        assert [row.id for row in applications_of(tx, mine)] == [first]
        row = application_row(tx, first)
        assert (row.term_months, row.status) == (12, "offered")
        (decided,) = decisions_of(tx, first)
        assert decided.outcome == "approved"
        assert mapping_of(bank.node.home, row.mapping).name
        assert model_of(bank.node.home, decided.model_digest).digest == bank.model_digest
        with pytest.raises(Refused, match="no_application"):
            application_row(tx, "none")


def test_reviews_wait_in_a_queue(bank: Bank) -> None:
    application_id = bank.apply(bank.person(), "1", row=BAD_ROW)
    bank.decide(application_id)
    with bank.node.read() as tx:
        assert review_of(tx, application_id) is None
        assert list_reviews(tx) == ()
    bank.act("lending.request_review", "review", application_id=application_id, statement="看看")
    with bank.node.read() as tx:
        (row,) = list_reviews(tx, status="open", product=PRODUCT)
        assert (row.id, row.outcome) == (application_id, "refused")
        found = review_of(tx, application_id)
        assert found is not None
        assert found.status == "open"
        assert list_reviews(tx, status="closed", order="-points") == ()


def test_contracts_and_counts_tell_of_the_book(bank: Bank) -> None:
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1")
    bank.repay(contract_id, 100_000, "1")
    today = bank.today()
    with bank.node.read() as tx:
        row = contract_row(tx, contract_id)
        assert row.party_id == party_id
        state = loan_state(tx, contract_id, today)
        schedule = build_schedule(state.plan, state.disbursed_minor, today)
        assert schedule.total_minor > state.disbursed_minor == row.principal_minor
        rows = plan_of(tx, contract_id, today)
        assert sum(one.principal_minor for one in rows) == row.principal_minor
        assert sum(one.paid_minor for one in rows) == 100_000
        assert rows[-1].outstanding_after_minor == 0
        assert rows[0].due_on > today
        assert cooling_off_days(row) == 3
        assert [one.id for one in list_contracts(tx, status="current")] == [contract_id]
        assert list_contracts(tx, status="past_due", order="-days") == ()
        assert [one.id for one in contracts_for(tx, row.application_id)] == [contract_id]
        assert [one.contract_id for one in loans_of(tx, party_id)] == [contract_id]
        assert [(one.kind, one.amount_minor) for one in loan_events(tx, contract_id)] == [
            ("drawn", row.principal_minor),
            ("repaid", 100_000),
        ]
        (bucket,) = count_by_bucket(tx, currency="CNY")
        assert (bucket.bucket, bucket.loans) == ("0", 1)
        assert bucket.outstanding_minor == row.outstanding_minor
        (rate,) = count_by_rate(tx, product=PRODUCT, currency="CNY")
        assert (rate.annual_rate, rate.loans) == (row.annual_rate, 1)
        (day,) = count_by_day(tx, since=today - timedelta(days=1), until=today)
        assert (day.applications, day.approved, day.refused) == (1, 1, 0)
        assert count_by_day(tx, since=today + timedelta(days=1), until=today) == ()
        with pytest.raises(Refused, match="no_contract"):
            contract_row(tx, "none")
    assert wallet_account(party_id, "CNY") != wallet_account(party_id, "USD")
    assert Decision.__name__ == "Decision"
