"""A merchant's row: read by consent alone, and own words that can only make it more careful."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import business_date
from puhui.ledger import Account
from puhui.merchant import Guarded, Stated, read_row
from puhui.merchant.rules.guarded import recorded, with_stated, years_between
from puhui.party import find_parties

FIELDS = ("birth_date", "stated_income", "wallet_flow")
KNOWN = Guarded(False, True, True, yearly_income_minor=500, existing_debt_minor=200)


@pytest.mark.parametrize(
    "stated, income, debt, overdue",
    [
        (Stated(), 500, 200, None),
        (Stated(900, 100, 0), 500, 200, 0),
        (Stated(300, 700, 50), 300, 700, 50),
    ],
)
def test_own_words_make_a_case_weaker_at_most(
    stated: Stated, income: int, debt: int, overdue: int | None
) -> None:
    found = with_stated(KNOWN, stated)
    assert found.yearly_income_minor == income
    assert found.existing_debt_minor == debt
    assert found.overdue_minor == overdue


def test_own_words_stand_alone_where_records_are_silent() -> None:
    silent = replace(KNOWN, yearly_income_minor=None, existing_debt_minor=None)
    found = with_stated(silent, Stated(900, 100, 0))
    assert (found.yearly_income_minor, found.existing_debt_minor) == (900, 100)


def test_records_tell_income_and_debts() -> None:
    records = [
        ("bureau_debt", "b/1", {"debt_minor": 70, "overdue_minor": 0, "overdue_days": 0}),
        ("stated_income", "i/1", {"yearly_income_minor": 800}),
        ("invoice", "x", {"amount_minor": 5}),
    ]
    found = recorded(replace(KNOWN, existing_debt_minor=None), records)
    assert found.yearly_income_minor == 800
    assert (found.existing_debt_minor, found.overdue_days) == (70, 0)


def test_a_birthday_counts_from_its_day_on(node: Node) -> None:
    today = business_date(node.clock.now_us())
    born = today.replace(year=today.year - 30)
    assert years_between(born.isoformat(), today) == 30
    assert years_between((born + timedelta(days=1)).isoformat(), today) == 29


def test_a_person_without_a_wallet_has_a_row_without_signals(node: Node, operator: Actor) -> None:
    person = {"name": "林小满", "id_number": "11010119900307061X", "phone": "13900000001"}
    made = node.act("party.register_person", person, key="person", actor=operator)
    today = business_date(node.clock.now_us())
    told = {"party_id": made.party_id, "purpose": "credit_decision", "fields": FIELDS}
    reader = Actor("lender", frozenset({"operator"}))
    with pytest.raises(Refused, match="no_consent"):
        node.act("data.record_access", told, key="early", actor=reader)
    consent = {**told, "until": today + timedelta(days=30)}
    node.act("data.grant_consent", consent, key="consent", actor=operator)
    access = node.act("data.record_access", told, key="look", actor=reader)
    with node.read() as tx:
        (party,) = find_parties(node, tx, party_ids=[made.party_id])
        row, guards = read_row(
            node,
            tx,
            access.access_id,
            viewer=reader.name,
            party=party,
            wallet_id=Account.id_of(f"wallet:{party.id}:CNY"),
            since=today - timedelta(days=120),
            on=today,
            stated=Stated(6_000_000, 0, 0),
        )
    assert guards.age_years == 35
    assert row["yearly_income"] == "60000.00"
    assert row["daily_inflow"] == ""
    assert row["monthly_inflow"] == ""
