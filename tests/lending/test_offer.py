"""Offers of credit: within the need stated, seldom, answered by the person, refused for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from puhui.kernel.clock import FixedClock
from puhui.lending.window import loans_of
from puhui.lending.window import offer as offers
from tests.lending.bank import Bank
from tests.lending.test_desk_guard import code_of


def offer(bank: Bank, key: str, party_id: str, amount: int) -> Any:
    return bank.act(
        "lending.offer_credit", f"offer-{key}", party_id=party_id, product="merchant_310",
        amount_minor=amount, channel="app",
    )  # fmt: skip


def test_offers_stay_within_need_and_number_and_refusals_are_journalled(bank: Bank) -> None:
    party_id = bank.person()
    assert code_of(offer, bank, "0", party_id, 100_000).startswith("data.")
    until = bank.today() + timedelta(days=300)
    bank.act(
        "data.grant_consent", "marketing", party_id=party_id, purpose="marketing",
        fields=("name",), until=until.isoformat(),
    )  # fmt: skip
    assert code_of(offer, bank, "1", party_id, 100_000) == "lending.no_stated_need"
    application_id = bank.apply(party_id, "1", wanted=500_000)
    bank.decide(application_id)
    bank.act("lending.withdraw", "w", application_id=application_id)
    assert code_of(offer, bank, "2", party_id, 500_100) == "lending.offer_over_need"
    assert [offer(bank, str(n), party_id, 500_000).offers for n in (3, 4)] == [1, 2]
    assert code_of(offer, bank, "5", party_id, 100_000) == "lending.too_many_offers"


def offerable(bank: Bank, key: str) -> str:
    """Somebody who stated a need of 5,000 yuan and agreed to recommendations."""
    party_id = bank.person()
    until = (bank.today() + timedelta(days=360)).isoformat()
    bank.act("data.grant_consent", f"marketing-{key}", party_id=party_id, purpose="marketing",
             fields=("name",), until=until)  # fmt: skip
    application_id = bank.apply(party_id, key, wanted=500_000)
    bank.decide(application_id)
    bank.act("lending.withdraw", f"w-{key}", application_id=application_id)
    return party_id


def test_a_no_ends_offers_for_a_while(bank: Bank, clock: FixedClock) -> None:
    party_id, other = offerable(bank, "1"), offerable(bank, "2")
    first = offer(bank, "1", party_id, 300_000).offer_id
    own, stranger = bank.by(party_id, "customer"), bank.by(other, "customer")
    told = {"offer_id": first, "is_wanted": False}
    assert code_of(stranger.act, "lending.answer_offer", "s", **told) == "party.not_yours"
    officer = bank.by("desk", "loan_officer", "operator")
    assert code_of(officer.act, "lending.answer_offer", "o", **told) == "kernel.role_missing"
    odd = {"offer_id": "x", "is_wanted": True}
    assert code_of(own.act, "lending.answer_offer", "x", **odd) == "lending.no_offer"
    assert own.act("lending.answer_offer", "no", **told).status == "declined"
    assert code_of(own.act, "lending.answer_offer", "n2", **told) == "lending.offer_over"
    for days, code in ((1, "offer_declined"), (88, "offer_declined")):
        clock.set_us(clock.now_us() + days * 86_400_000_000)
        assert code_of(offer, bank, f"d{days}", party_id, 300_000) == f"lending.{code}"
    clock.set_us(clock.now_us() + 2 * 86_400_000_000)
    assert offer(bank, "2", party_id, 300_000).offers == 1


def test_an_offer_ends_by_itself_and_a_yes_binds_to_nothing(bank: Bank, clock: FixedClock) -> None:
    party_id = offerable(bank, "1")
    own = bank.by(party_id, "customer")
    first = offer(bank, "1", party_id, 300_000).offer_id
    with bank.node.read() as tx:
        (one,) = offers.open_offers(tx, party_id, now_us=clock.now_us())
    assert (one.id, one.amount_minor) == (first, 300_000)
    yes = {"offer_id": first, "is_wanted": True}
    assert own.act("lending.answer_offer", "yes", **yes).status == "taken"
    with bank.node.read() as tx:
        assert not offers.open_offers(tx, party_id, now_us=clock.now_us())
        assert not loans_of(tx, party_id)
    second = offer(bank, "2", party_id, 300_000).offer_id
    clock.set_us(clock.now_us() + 31 * 86_400_000_000)
    late = {"offer_id": second, "is_wanted": True}
    assert code_of(own.act, "lending.answer_offer", "late", **late) == "lending.offer_over"
    with bank.node.read() as tx:
        assert not offers.open_offers(tx, party_id, now_us=clock.now_us())


def test_who_wants_no_offers_gets_none_whatever_consent_staff_record(bank: Bank) -> None:
    party_id, other = offerable(bank, "1"), offerable(bank, "2")
    own = bank.by(party_id, "customer")
    never = {"party_id": party_id, "is_wanted": False}
    stranger = bank.by(other, "customer")
    assert code_of(stranger.act, "lending.choose_offers", "s", **never) == "party.not_yours"
    officer = bank.by("desk", "loan_officer", "operator")
    assert code_of(officer.act, "lending.choose_offers", "o", **never) == "kernel.role_missing"
    for key in ("never", "twice"):
        assert not own.act("lending.choose_offers", key, **never).is_wanted
    until = (bank.today() + timedelta(days=30)).isoformat()
    bank.act("data.grant_consent", "paper", party_id=party_id, purpose="marketing",
             fields=("name",), until=until, way="paper")  # fmt: skip
    assert code_of(offer, bank, "1", party_id, 100_000) == "lending.no_offers_wanted"
    own.act("lending.choose_offers", "again", party_id=party_id, is_wanted=True)
    assert offer(bank, "2", party_id, 100_000).offers == 1
