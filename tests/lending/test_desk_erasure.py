"""Erasure: what was read of a person stands nowhere, and everything else replays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from puhui import lending
from puhui.kernel import Actor, Node
from puhui.kernel.clock import FixedClock
from puhui.kernel.dump import digest_store, dump_store
from puhui.kernel.replay import replay
from puhui.kernel.store.journal import read_journal
from puhui.worker import deliver
from tests.lending.bank import BAD_ROW, GOOD_ROW, Bank

MARKED_ROW = {**GOOD_ROW, "income": "918273", "debt": "4321", "flow": "9876.54"}
FACTS = ("918273", "91827300", "432100", "9876.54")


def empty_like(node: Node, tmp_path: Path, open_at: Callable[..., Node]) -> Node:
    """An empty node with the same files, so that models and mappings are found."""
    other = open_at(f"sqlite:///{tmp_path / 'again' / 'puhui.sqlite'}", writers=1)
    other.home = node.home
    return other


def test_the_journal_holds_no_fact_of_a_person_in_clear(bank: Bank) -> None:
    bank.lend(bank.person(), "1", row=MARKED_ROW)
    bank.node.store.settle_positions()
    with bank.node.read() as tx:
        found = lending.list_loans(tx)
        case, _ = lending.read_case(tx, found[0].application_id)
    assert case.pd is not None
    assert case.points is not None
    for row in read_journal(bank.node.store):
        if row.name.startswith("lending."):
            text = f"{row.input} {row.outcome} {row.digests}"
            for fact in (*FACTS, repr(case.pd), f'"points":{case.points}'):
                assert fact not in text, (row.name, fact)


def lives(bank: Bank) -> list[str]:
    """Persons with all kinds of ends: paid off, refused, overridden and withdrawn, unread."""
    paid, refused, overridden, unread = (bank.person() for _ in range(4))
    contract_id = bank.lend(paid, "paid", row=MARKED_ROW, term_months=3)
    with bank.node.read() as tx:
        owed = lending.quote_pay_off(tx, contract_id, bank.today())
    bank.repay(contract_id, owed.total_minor, "all")
    bank.decide(bank.apply(refused, "refused", row=BAD_ROW))
    review(bank, overridden)
    without = bank.person(consent=False)
    bank.decide(bank.apply(without, "unread"))
    assert bank.decide(bank.apply(unread, "kept")).outcome == "approved"
    return [paid, refused, overridden, without]


def review(bank: Bank, party_id: str) -> None:
    """A refusal that two officers turn into an offer, which is then withdrawn."""
    application_id = bank.apply(party_id, "overridden", row={**GOOD_ROW, "flow": "7654.32"})
    assert bank.decide(application_id).reasons == ("score_below_cut_off",)
    named = {"application_id": application_id}
    said = {"statement": "我家里有人生病，手机号 13900000000"}
    bank.act("lending.request_review", "ask", **named, **said)
    officers = [Actor(name, bank.operator.roles) for name in ("officer one", "officer two")]
    proposal = {**named, "approve": True, "reason": "沟通过，收入稳定"}
    bank.node.act("lending.propose_review", proposal, key="propose", actor=officers[0])
    consent = {**named, "agree": True, "reason": "同意"}
    done = bank.node.act("lending.confirm_review", consent, key="confirm", actor=officers[1])
    assert done.outcome == "approved"
    assert done.principal_minor > 0
    bank.act("lending.withdraw", "withdraw", **named)


def test_persons_who_were_erased_replay_with_what_was_recorded(
    bank: Bank, tmp_path: Path, clock: FixedClock, open_at: Callable[..., Node]
) -> None:
    erased = lives(bank)
    deliver(bank.node)
    bank.node.store.settle_positions()
    written = " ".join(
        f"{row.input} {row.outcome}"
        for row in read_journal(bank.node.store)
        if row.name.startswith("lending.")
    )
    for words in ("生病", "13900000000", "收入稳定"):
        assert words not in written
    for party_id in erased:
        bank.act("party.erase_person", f"erase-{party_id}", party_id=party_id)
    deliver(bank.node)
    said = " ".join(line for _, line in dump_store(bank.node.store))
    for fact in FACTS:
        assert fact not in said
    other = empty_like(bank.node, tmp_path, open_at)
    report = replay(bank.node, other)
    assert report.differences == ()
    assert report.erased == 5, "three decisions, a review and a drawdown looked at what is gone"
    assert digest_store(bank.node.store) == digest_store(other.store)
