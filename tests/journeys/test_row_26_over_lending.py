"""Row 26, over-lending: nobody is lent to beyond three times the yearly income.

Goal: the guard looks at all credit of a person, here and elsewhere. Method: a county in which
some merchants owe much elsewhere; who would owe too much is counted from what they truly owe.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from puhui.cli.lending.county import lend_county
from puhui.cli.lending.lend import figures_of
from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.ledger import verify
from puhui.lending import list_loans, read_case
from puhui.lending.window import changes_of, obligations_of
from puhui.worker import close_day, deliver
from tests.lending.bank import open_bank

SIZE, PAST = 40, 500


def test_nobody_ends_up_over_three_incomes(sqlite_node: Node) -> None:
    """Counted from outside; and a second run gives the same figures with no new act."""
    first = lend_county(sqlite_node, size=SIZE, past_borrowers=PAST)
    assert first.extra["lent_over_three_incomes"] == 0
    refused = first.extra["refused_for_debt"]
    assert isinstance(refused, int)
    assert refused >= 1
    assert first.ran.report.approved > 5

    again = lend_county(sqlite_node, size=SIZE, past_borrowers=PAST)
    assert again.extra == first.extra
    before, after = figures_of(first.ran), figures_of(again.ran)
    assert before["new_acts"] != 0
    assert after["new_acts"] == 0
    for name in before.keys() - {"new_acts", "seconds"}:
        assert after[name] == before[name], name
    with sqlite_node.read() as tx:
        assert verify(tx).is_sound


def test_every_borrower_is_within_three_incomes_in_the_one_view(sqlite_node: Node) -> None:
    """What decisions counted is what the view of all obligations shows, and a limit holds."""
    lend_county(sqlite_node, size=SIZE, past_borrowers=PAST)
    with sqlite_node.read() as tx:
        loans = list_loans(tx)
        assert len(loans) > 5
        for loan in loans:
            owed = obligations_of(tx, loan.party_id)
            assert owed.owed_here_minor("CNY") >= loan.outstanding_minor
            _, decision = read_case(tx, loan.application_id)
            assert decision is not None
            for guard in decision.guards:
                if guard.code == "debt_to_income" and guard.facts:
                    facts = dict(guard.facts)
                    declared = facts["declared_minor"]
                    assert owed.debt_minor("CNY") + declared <= facts["debt_max_minor"]


def test_a_limit_falls_by_itself_and_rises_by_a_yes(
    sqlite_node: Node, operator: Actor, clock: FixedClock, tmp_path: Path
) -> None:
    """A borrower who is late is lowered at the end of the month, told, and held to it."""
    bank = open_bank(sqlite_node, operator, tmp_path)
    party_id = bank.person()
    bank.lend(party_id, "1", wanted=6_000_000)
    money = {"party_id": party_id, "currency": "CNY", "amount_minor": 6_000_000}
    bank.act("payment.withdraw", "gone", **money)
    for day in (date(2026, 4, 3), date(2026, 4, 30)):
        clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
        close_day(sqlite_node, day)
        deliver(sqlite_node)
    with sqlite_node.read() as tx:
        (told,) = changes_of(tx, party_id)
        owed = obligations_of(tx, party_id)
    assert (told.reason, told.status, told.after_minor < told.before_minor) == (
        "late", "lowered", True,
    )  # fmt: skip
    assert owed.credit_limit_minor("merchant_310") == told.before_minor, "until the notice ends"
    clock.set_us(time_us_of(datetime.fromisoformat(f"{told.counts_from}T20:00:00+08:00")))
    close_day(sqlite_node, told.counts_from)
    with sqlite_node.read() as tx:
        owed = obligations_of(tx, party_id, on=told.counts_from)
    assert owed.credit_limit_minor("merchant_310") == told.after_minor
    refused = bank.decide(bank.apply(party_id, "2", wanted=told.after_minor)).reasons
    assert "credit_limit_reached" in refused
