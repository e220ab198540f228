"""The books of a borrower who was erased are put right like any others, on both stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from puhui import lending, servicing
from puhui.kernel import Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import digest_store
from puhui.kernel.replay import replay
from puhui.worker import deliver
from tests.lending.bank import Bank
from tests.lending.second import do_with_second
from tests.lending.test_change import move, state_of
from tests.lending.test_desk_erasure import empty_like
from tests.lending.test_desk_guard import code_of
from tests.lending.test_loan import in_wallet


def ended(bank: Bank) -> tuple[str, str, int]:
    """A loan repaid whole, its wallet empty and its borrower erased: loan, party, what was paid."""
    party_id = bank.person()
    contract_id = bank.lend(party_id, "1", term_months=3)
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today()).total_minor
    bank.repay(contract_id, owed, "all")
    deliver(bank.node)
    assert in_wallet(bank, party_id) == 0
    bank.act("party.erase_person", "erase", party_id=party_id)
    deliver(bank.node)
    return contract_id, party_id, owed


def test_what_an_erased_person_paid_can_be_undone(bank: Bank, clock: FixedClock) -> None:
    """The loan lives again under its number: the money lies in the wallet it came from, days,
    debits and classes go on, nobody is held or named, and it ends again.
    """
    contract_id, party_id, owed = ended(bank)
    done = do_with_second(bank, "undo_event", "undo", contract_id=contract_id, number=1)
    assert (done.status, done.outstanding_minor) == ("current", owed)
    assert in_wallet(bank, party_id) == owed
    with bank.node.read() as tx:
        row = servicing.live.take_loan(tx, contract_id)
    assert (row.status, row.outstanding_minor) == ("live", owed)
    for days in (31, 1, 29, 40):
        move(bank, clock, days, closes=True)
        deliver(bank.node)
        state = state_of(bank, contract_id)
        with bank.node.read() as tx:
            row = servicing.live.take_loan(tx, contract_id)
        assert row.outstanding_minor == state.outstanding_minor
    paid = sum(share.total_minor for share in state.shares)
    assert in_wallet(bank, party_id) == owed - paid
    assert 0 < paid <= owed, "instalments were debited from the money that came back"
    rest = bank.act("lending.charge_fee", "fee", contract_id=contract_id, amount_minor=100)
    assert rest.status in ("current", "past_due")


def test_all_kinds_of_putting_right(bank: Bank) -> None:
    """A charge-back, a payment of an earlier day and its undoing: the same refusals as for others,
    and never that the person was erased.
    """
    contract_id, party_id, owed = ended(bank)
    told = {"contract_id": contract_id, "number": 1}
    done = do_with_second(bank, "charge_back", "back", **told, amount_minor=owed // 2)
    assert done.outstanding_minor == owed // 2
    code = code_of(bank.act, "lending.undo_event", "undo", **told)
    assert code == "lending.not_undone", "it was taken back already"
    again = {"contract_id": contract_id, "amount_minor": owed // 2}
    on = bank.today().isoformat()
    paid = bank.act("lending.record_payment", "again", **again, paid_on=on)
    assert paid.status == "paid_off" and in_wallet(bank, party_id) == 0
    undo = {"contract_id": contract_id, "number": paid.number}
    assert do_with_second(bank, "undo_event", "once more", **undo).outstanding_minor == owed // 2
    code = code_of(bank.act, "party.erase_person", "twice", party_id=party_id)
    assert code == "party.erased"


def test_what_was_undone_after_an_erasure_replays(
    bank: Bank, tmp_path: Path, open_at: Callable[..., Node]
) -> None:
    contract_id, _, _ = ended(bank)
    do_with_second(bank, "undo_event", "undo", contract_id=contract_id, number=1)
    bank.node.store.settle_positions()
    other = empty_like(bank.node, tmp_path, open_at)
    assert replay(bank.node, other).differences == ()
    assert digest_store(bank.node.store) == digest_store(other.store)
