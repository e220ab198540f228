"""Nobody is talked into debt: not twice, not in parts, not by another channel or a higher limit."""

from __future__ import annotations

from datetime import timedelta

from puhui.kernel.clock import FixedClock
from puhui.lending.window import offer as offers
from tests.lending.bank import Bank
from tests.lending.test_credit_limit import changes, good_borrower, review
from tests.lending.test_desk_guard import DAY_US, code_of
from tests.lending.test_offer import offer, offerable


def agrees(bank: Bank, party_id: str) -> None:
    """A consent to recommendations."""
    until = (bank.today() + timedelta(days=200)).isoformat()
    bank.act("data.grant_consent", f"marketing-{party_id}", party_id=party_id, purpose="marketing",
             fields=("name",), until=until)  # fmt: skip


def need(bank: Bank, party_id: str) -> int | None:
    with bank.node.read() as tx:
        return offers.need_of(tx, party_id, "merchant_310", now_us=bank.node.clock.now_us())


def test_a_need_that_was_met_is_no_need(bank: Bank, clock: FixedClock) -> None:
    """Who asked for 5,000 and got it is not offered 5,000 more; nor while the promise stands."""
    party_id = bank.person()
    agrees(bank, party_id)
    asked = bank.apply(party_id, "1", wanted=500_000)
    assert need(bank, party_id) == 500_000
    bank.decide(asked)
    assert need(bank, party_id) == 0
    assert code_of(offer, bank, "1", party_id, 100_000) == "lending.offer_over_need"
    contract_id = bank.accept(asked).contract_id
    bank.act("lending.disburse", "m", contract_id=contract_id)
    assert need(bank, party_id) == 0
    assert code_of(offer, bank, "2", party_id, 100_000) == "lending.offer_over_need"
    clock.set_us(clock.now_us() + DAY_US)
    again = bank.apply(party_id, "2", wanted=300_000)
    assert need(bank, party_id) == 300_000, "said anew"
    bank.act("lending.withdraw", "w", application_id=again)
    assert offer(bank, "3", party_id, 300_000).offers == 1


def test_of_two_offers_the_newer_stands(bank: Bank) -> None:
    """5,000 were asked for: two offers of 3,000 would be 6,000, so the first one ends."""
    party_id = offerable(bank, "1")
    own = bank.by(party_id, "customer")
    first, second = (offer(bank, key, party_id, 300_000).offer_id for key in ("1", "2"))
    with bank.node.read() as tx:
        waiting = offers.open_offers(tx, party_id, now_us=bank.node.clock.now_us())
        statuses = {one.id: one.status for one in offers.offers_of(tx, party_id)}
    assert [one.id for one in waiting] == [second]
    assert statuses == {first: "replaced", second: "open"}
    told = {"offer_id": first, "is_wanted": True}
    assert code_of(own.act, "lending.answer_offer", "a", **told) == "lending.offer_over"


def test_an_old_need_is_none(bank: Bank, clock: FixedClock) -> None:
    party_id = offerable(bank, "1")
    clock.set_us(clock.now_us() + 359 * DAY_US)
    assert need(bank, party_id) == 500_000
    clock.set_us(clock.now_us() + 7 * DAY_US)
    assert need(bank, party_id) is None


def test_a_no_to_a_higher_limit_is_a_no_to_offers(bank: Bank, clock: FixedClock) -> None:
    party_id = good_borrower(bank, clock)
    agrees(bank, party_id)
    assert review(bank, clock, "2026-09-30", party_id)[0][0] == "rise"
    asked = bank.apply(party_id, "more", wanted=500_000)
    bank.act("lending.withdraw", "w", application_id=asked)
    assert offer(bank, "1", party_id, 100_000).offers == 2, "the higher limit was one"
    assert code_of(offer, bank, "2", party_id, 100_000) == "lending.too_many_offers"
    no = {"change_id": changes(bank, party_id)[0].id, "is_agreed": False}
    bank.act("lending.answer_rise", "no", **no)
    clock.set_us(clock.now_us() + 40 * DAY_US)
    assert code_of(offer, bank, "3", party_id, 100_000) == "lending.offer_declined"


def test_a_no_to_an_offer_is_a_no_to_a_higher_limit(bank: Bank, clock: FixedClock) -> None:
    party_id = good_borrower(bank, clock)
    agrees(bank, party_id)
    asked = bank.apply(party_id, "more", wanted=500_000)
    bank.act("lending.withdraw", "w", application_id=asked)
    no = {"offer_id": offer(bank, "1", party_id, 100_000).offer_id, "is_wanted": False}
    bank.by(party_id, "customer").act("lending.answer_offer", "no", **no)
    assert review(bank, clock, "2026-09-30", party_id) == [("offer_declined", 8_000_000, 8_000_000)]
    assert changes(bank, party_id) == ()
