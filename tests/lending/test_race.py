"""Two at once: real threads on both stores; of what may only happen once, one is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from puhui.kernel import Refused
from puhui.kernel.store.postgres import PostgresWriter
from puhui.ledger import verify
from puhui.lending import draft_contract, list_loans
from tests.lending.bank import Bank
from tests.lending.test_capacity import owe, set_limit, view
from tests.lending.test_desk_guard import POOR_ROW, second_product

ROUNDS = 5
SECONDS_MAX = 60.0


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call answers, or the code it was refused with; all start together."""
    found: list[Any] = [None] * len(calls)
    line = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], Any]) -> None:
        line.wait(SECONDS_MAX)
        try:
            found[place] = call()
        except Refused as refused:
            found[place] = refused.code

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS_MAX)
        assert not thread.is_alive()
    return found


def signed(bank: Bank, party_id: str, key: str, **more: Any) -> str:
    """A signed contract that waits for its money."""
    application_id = bank.apply(party_id, key, **more)
    assert bank.decide(application_id).outcome == "approved"
    contract_id: str = bank.accept(application_id).contract_id
    return contract_id


def pay_out(bank: Bank, contract_id: str, key: str) -> Callable[[], Any]:
    return lambda: bank.act("lending.disburse", f"m-{key}", contract_id=contract_id).contract_id


def check_books(bank: Bank) -> None:
    with bank.node.read() as tx:
        assert verify(tx).is_sound


def test_two_applications_at_once_do_not_both_pass_the_cap(bank: Bank) -> None:
    """An income of 10,000 yuan carries 30,000; each of the two asks for 20,000."""
    second_product(bank)
    for number in range(ROUNDS):
        party_id = bank.person()
        pair = [
            bank.apply(party_id, f"{number}-{name}", row=POOR_ROW, wanted=2_000_000, product=name)
            for name in ("merchant_310", "smallfirm")
        ]
        decided = at_once(*((lambda one=one: bank.decide(one).outcome) for one in pair))
        assert sorted(decided) == ["approved", "refused"]
        assert view(bank, party_id).debt_minor("CNY") == 2_000_000


def test_decisions_on_one_person_wait_in_line(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither holds an application that the other waits for: no act is ever run again."""
    seen: list[str] = []
    is_retryable = PostgresWriter.is_retryable

    def counted(self: PostgresWriter, error: Exception) -> bool:
        seen.append(repr(error))
        return is_retryable(self, error)

    monkeypatch.setattr(PostgresWriter, "is_retryable", counted)
    second_product(bank)
    for number in range(3 * ROUNDS):
        party_id = bank.person()
        names = ("merchant_310", "smallfirm", "merchant_310", "smallfirm")
        four = [
            bank.apply(party_id, f"{number}-{place}", wanted=1_000_000, product=name)
            for place, name in enumerate(names)
        ]
        decided = at_once(*((lambda one=one: bank.decide(one).outcome) for one in four))
        assert set(decided) <= {"approved", "refused"}, decided
    assert seen == []


def test_two_drawdowns_at_once_stay_within_a_limit_set_since(bank: Bank) -> None:
    """Both contracts were signed before; the limit leaves room for one, and never for two."""
    second_product(bank)
    for number in range(ROUNDS):
        party_id = bank.person()
        pair = [
            signed(bank, party_id, f"{number}-{name}", wanted=2_000_000, product=name)
            for name in ("merchant_310", "smallfirm")
        ]
        set_limit(bank, "lower", f"l-{number}", party_id, 3_000_000)
        paid = at_once(*(pay_out(bank, one, one) for one in pair))
        assert paid.count("lending.own_limit_reached") >= 1
        with bank.node.read() as tx:
            loans = [one for one in list_loans(tx) if one.party_id == party_id]
        assert sum(one.outstanding_minor for one in loans) <= 3_000_000
    check_books(bank)


def test_one_contract_is_paid_out_once_however_often_it_is_asked_for(bank: Bank) -> None:
    for number in range(ROUNDS):
        contract_id = signed(bank, bank.person(), f"{number}", wanted=1_000_000)
        paid = at_once(*(pay_out(bank, contract_id, f"{number}-{n}") for n in range(3)))
        assert sorted(paid) == sorted([contract_id, *["lending.not_signed"] * 2])
    check_books(bank)


def test_a_drawdown_and_a_debt_elsewhere_take_turns(bank: Bank) -> None:
    """Whichever comes first, nobody is paid out to with a debt on record that is too much."""
    for number in range(ROUNDS):
        party_id = bank.person()
        contract_id = signed(bank, party_id, f"{number}", row=POOR_ROW, wanted=2_000_000)
        _, paid = at_once(
            lambda party_id=party_id, number=number: owe(bank, party_id, f"{number}", 1_000_001),
            pay_out(bank, contract_id, f"{number}"),
        )
        assert paid in (contract_id, "lending.over_capacity")
        again = at_once(pay_out(bank, contract_id, f"again-{number}"))[0]
        expected = "lending.not_signed" if paid == contract_id else "lending.over_capacity"
        assert again == expected


def test_a_lower_limit_and_a_drawdown_take_turns(bank: Bank) -> None:
    for number in range(ROUNDS):
        party_id = bank.person()
        contract_id = signed(bank, party_id, f"{number}", wanted=2_000_000)
        _, paid = at_once(
            lambda party_id=party_id, number=number: set_limit(
                bank, "lower", f"l-{number}", party_id, 1_000_000
            ),
            pay_out(bank, contract_id, f"{number}"),
        )
        assert paid in (contract_id, "lending.own_limit_reached")


@pytest.mark.parametrize("count", [2, 4])
def test_an_offer_is_accepted_once(bank: Bank, count: int) -> None:
    application_id = bank.apply(bank.person(), "1", wanted=1_000_000)
    bank.decide(application_id)
    with bank.node.read(is_snapshot=False) as tx:
        contract, _, _ = draft_contract(tx, application_id, bank.today(), "zh")
    asked = {
        "application_id": application_id, "contract_digest": contract.digest, "language": "zh",
    }  # fmt: skip
    found = at_once(
        *(
            (lambda n=n: bank.act("lending.accept", f"a-{n}", **asked).contract_id)
            for n in range(count)
        )
    )
    assert found.count("lending.not_offered") == count - 1


def test_two_officers_at_once_do_not_each_do_half_alone(bank: Bank) -> None:
    """Each fee is within what one does alone, on a loan of its own of the same borrower."""
    party_id = bank.person()
    loans = [bank.lend(party_id, name, wanted=300_000) for name in ("1", "2", "3", "4")]
    calls = [
        lambda one=one: (
            bank.act(
                "lending.charge_fee", f"fee-{one}", contract_id=one, amount_minor=30_000
            ).number
        )
        for one in loans
    ]
    found = at_once(*calls)
    assert sorted(map(str, found)) == ["1", *["lending.needs_second"] * 3]
