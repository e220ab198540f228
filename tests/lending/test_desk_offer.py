"""An offer is accepted as it was decided last, also where the lock on it had to be waited for."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
from sqlalchemy import bindparam, insert, literal, select, update

from puhui import lending
from puhui.kernel import Refused
from puhui.lending.tables import APPLICATION, DECISION
from tests.lending.bank import Bank

_COPIED = [column for column in DECISION.c if column.name not in ("id", "decided_us")]
COPY_DECISION = insert(DECISION).from_select(
    ["id", "decided_us", *[column.name for column in _COPIED]],
    select(literal("decision-2"), DECISION.c.decided_us + 1, *_COPIED).where(
        DECISION.c.application_id == bindparam("application_id")
    ),
)
DECIDE_AGAIN = (
    update(APPLICATION)
    .where(APPLICATION.c.id == bindparam("application_id_"))
    .values(decision_id="decision-2")
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def wait_for_a_waiter(url: str) -> None:
    """Until some act waits for a lock; bounded."""
    until = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < until:
            row = connection.execute(WAITING).fetchone()
            if row and row[0]:
                return
            threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


def test_a_decision_made_while_the_lock_was_waited_for_is_seen(bank: Bank) -> None:
    node = bank.node
    if node.store.writers == 1:
        pytest.skip("one writer runs acts one after another: none is waited for")
    application_id = bank.apply(bank.person(), "one")
    assert bank.decide(application_id).outcome == "approved"
    with node.read() as tx:
        contract, _, _ = lending.draft_contract(tx, application_id, bank.today(), "zh")
    writer = node.store.writer()
    writer.begin()
    assert writer.tx.run(COPY_DECISION, application_id=application_id) == 1
    assert writer.tx.run(DECIDE_AGAIN, application_id_=application_id) == 1
    asked = {
        "application_id": application_id,
        "contract_digest": contract.digest,
        "language": "zh",
    }
    accepted = node.submit("lending.accept", asked, key="accept", actor=bank.operator)
    wait_for_a_waiter(node.store.url)
    writer.commit()
    writer.close()
    assert accepted.result().contract_digest == contract.digest


def accept_unread(bank: Bank, application_id: str) -> str:
    """The code that an acceptance is refused with."""
    with pytest.raises(Refused) as caught:
        bank.act(
            "lending.accept",
            f"a {application_id}",
            application_id=application_id,
            contract_digest="0" * 64,
            language="zh",
        )
    return caught.value.code


def test_what_is_not_there_or_not_decided_is_not_accepted(bank: Bank) -> None:
    assert accept_unread(bank, "nothing") == "lending.no_application"
    assert accept_unread(bank, "") == "lending.no_application"
    application_id = bank.apply(bank.person(), "one")
    assert accept_unread(bank, application_id) == "lending.not_offered"
    with pytest.raises(Refused) as caught:
        bank.accept(application_id)
    assert caught.value.code == "lending.not_offered"
