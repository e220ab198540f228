"""Granting, synchronising and closing on both stores: money, refusals, cases, revocation.

Goal: escrow, cover, payees and wallet always add up; every refusal says why and changes nothing.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from puhui import ledger
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.event import DAY_STEPS
from puhui.ledger import Account
from puhui.offline import exposure, make_voucher, revocation_list
from puhui.offline.desk.books import escrow_account, own_account, transfer_id_of
from puhui.offline.formats import message
from puhui.offline.window import (
    allowance_of,
    allowances_of,
    find_tier,
    fraud_cases,
    offline_tiers,
    vouchers_of,
    vouchers_to,
)
from puhui.party import read_party_file
from tests.offline.fair import (
    DAY_US,
    HOUR_US,
    OPENED_MINOR,
    STAFF,
    Device,
    act,
    balance_of,
    branches,
    grant,
    identified,
    people,
    resigned,
    sync,
)


def moved(clock: FixedClock, more_us: int) -> int:
    clock.set_us(clock.now_us() + more_us)
    return clock.now_us()


def paid_texts(payer: Device, payee: Device, amounts: list[int], now_us: int) -> list[str]:
    texts = []
    for amount in amounts:
        request = payee.ask(amount, now_us)
        text = payer.pay(request, now_us)
        payee.take(text, request, now_us)
        texts.append(text)
    return texts


def shown(node: Node) -> tuple[int, ...]:
    """Exposure in yuan; what the ledger holds never differs."""
    with node.read() as tx:
        found = exposure(tx, "CNY")
    assert found.difference_minor == 0
    return (
        found.allowances, found.allowance_limit_minor, found.cover_minor, found.paid_minor,
        found.escrow_minor, found.cover_used_minor, found.unpaid_minor, found.waiting_minor,
    )  # fmt: skip


def test_a_day_of_payments_and_back(node: Node, clock: FixedClock) -> None:
    payer, payee = people(node, "A", "B")
    act(node, "offline.fund_cover", {"currency": "CNY", "amount_minor": 100_000})
    granted = grant(node, payer, 10_000)
    assert (granted.allowance_limit_minor, granted.cover_minor) == (10_000, 10_000)
    assert balance_of(node, payer.account_id) == OPENED_MINOR - 10_000
    assert shown(node) == (1, 10_000, 10_000, 0, 20_000, 0, 0, 0)
    texts = paid_texts(payer, payee, [4_000, 1_500, 1], clock.now_us())
    done = sync(node, texts[::-1])
    assert [one.status for one in done.vouchers] == ["paid"] * 3
    assert (done.new_count, done.paid_minor, done.case_count) == (3, 5_501, 0)
    assert balance_of(node, payee.account_id) == OPENED_MINOR + 5_501
    again = sync(node, texts + texts)
    assert (again.new_count, again.paid_minor) == (0, 0)
    assert {(one.status, one.is_new) for one in again.vouchers} == {("paid", False)}
    with node.read() as tx:
        kept = vouchers_of(tx, granted.allowance_id)
        assert [one.counter for one in kept] == [1, 2, 3]
        ids = [transfer_id_of(bytes.fromhex(one.digest)) for one in kept]
        found = ledger.lookup_transfers(tx, ids)
        assert [one.amount_minor for one in found if one] == [4_000, 1_500, 1]
        assert {one.digest for one in vouchers_to(tx, payee.account_id)} == {
            one.digest for one in kept
        }
    close = {"allowance_id": granted.allowance_id}
    with pytest.raises(Refused, match=r"offline\.too_early"):
        act(node, "offline.close_allowance", close)
    moved(clock, 3 * DAY_US + 1)
    ended = act(node, "offline.close_allowance", close)
    assert (ended.paid_minor, ended.returned_minor) == (5_501, 4_499)
    assert (ended.cover_used_minor, ended.unpaid_minor) == (0, 0)
    assert balance_of(node, payer.account_id) == OPENED_MINOR - 5_501
    assert balance_of(node, own_account("offline_cover", "CNY")) == 100_000
    assert balance_of(node, escrow_account(granted.allowance_id)) == 0
    with pytest.raises(Refused, match=r"offline\.closed"):
        act(node, "offline.close_allowance", close)
    assert shown(node) == (0,) * 8
    with node.read() as tx:
        assert allowance_of(tx, granted.allowance_id).is_closed
        assert [one.id for one in allowances_of(tx, payer.party_id)] == [granted.allowance_id]


@pytest.mark.parametrize(
    "code, changes",
    [
        ("over_tier", {"allowance_limit_minor": 20_001}),
        ("bad_amount", {"allowance_limit_minor": 0}),
        ("bad_currency", {"currency": "XXX"}),
        ("bad_key", {"wallet_key": "ff"}),
        ("bad_key", {"wallet_key": "no hex"}),
        ("unknown_tier", {"tier": "gold"}),
        ("tier_identity", {"tier": "standard"}),
        ("wallet_short", {"currency": "USD"}),
    ],
)
def test_allowances_that_are_not_granted(
    sqlite_node: Node, code: str, changes: dict[str, object]
) -> None:
    (payer,) = people(sqlite_node, "A")
    told = {
        "party_id": payer.party_id, "currency": "CNY", "allowance_limit_minor": 1_000,
        "wallet_key": payer.public_key, **changes,
    }  # fmt: skip
    with pytest.raises(Refused, match=rf"offline\.{code}"):
        act(sqlite_node, "offline.grant_allowance", told)
    assert balance_of(sqlite_node, payer.account_id) == OPENED_MINOR


def test_a_wallet_has_so_many_open_and_so_much(node: Node) -> None:
    (payer,) = people(node, "A")
    for _ in range(find_tier("small").open_max):
        grant(node, payer, 1_000)
    with pytest.raises(Refused, match=r"offline\.too_many_open"):
        grant(node, payer, 1_000)
    assert [tier.number for tier in offline_tiers()] == [1, 2]
    for code in ("bad_amount", "bad_currency"):
        told = {"currency": "CNY" if code == "bad_amount" else "XXX", "amount_minor": 0}
        with pytest.raises(Refused, match=rf"offline\.{code}"):
            act(node, "offline.fund_cover", told)


def test_a_customer_acts_for_their_own_wallet_alone(node: Node) -> None:
    mine, other = people(node, "A", "B")
    told = {
        "party_id": mine.party_id, "currency": "CNY", "allowance_limit_minor": 1_000,
        "wallet_key": mine.public_key,
    }  # fmt: skip
    stranger = Actor(other.party_id, frozenset({"customer"}))
    with pytest.raises(Refused, match="not_yours"):
        act(node, "offline.grant_allowance", told, actor=stranger)
    grant(node, mine)
    revoke = {"party_id": mine.party_id, "currency": "CNY"}
    with pytest.raises(Refused, match="not_yours"):
        act(node, "offline.revoke_wallet", revoke, actor=stranger)
    owner = Actor(mine.party_id, frozenset({"customer"}))
    assert act(node, "offline.revoke_wallet", revoke, actor=owner).epoch == 2
    with pytest.raises(Refused, match=r"kernel\.role_missing"):
        act(node, "offline.reinstate_wallet", revoke, actor=owner)


def test_vouchers_that_are_refused_one_by_one(node: Node, clock: FixedClock) -> None:
    payer, payee, other = people(node, "A", "B", "C")
    granted = grant(node, payer)
    now_us = clock.now_us()
    kept = payer.purse
    good = message.read_voucher(payer.pay(payee.ask(1_000, now_us), now_us))
    payer.purse = kept

    def text_of(**changes: object) -> str:
        return message.write_voucher(resigned(payer.secret, good, **changes))

    unknown = {"allowance_id": b"q" * 16}
    texts = {
        "bad_message": "PHV1:???",
        "bad_signature": message.write_voucher(replace(good, amount_minor=1_001)),
        "unknown_allowance": text_of(**unknown),
        "no_payee": text_of(payee_account_id=99),
        "own_wallet": text_of(payee_account_id=payer.account_id),
        "over_single": text_of(amount_minor=5_001),
        "over_count": text_of(counter=51, spent_before_minor=60),
        "over_allowance": text_of(counter=2, spent_before_minor=9_500),
        "broken_chain": text_of(previous=b"p" * 32),
        "expired": text_of(time_us=now_us + 2 * DAY_US),
        "not_yet": text_of(time_us=now_us - 2 * HOUR_US),
        "bad_amount": text_of(amount_minor=0),
    }
    forged = message.write_voucher(resigned(other.secret, good))
    done = sync(node, [*texts.values(), forged, message.write_voucher(good)])
    codes = [one.refusal for one in done.vouchers]
    assert codes == [f"offline.{code}" for code in texts] + ["offline.bad_signature", ""]
    assert done.new_count == 1
    assert done.case_count == 0, "what is refused proves nothing, and pays nothing"
    assert balance_of(node, payee.account_id) == OPENED_MINOR + 1_000
    assert sync(node, []).vouchers == ()
    with node.read() as tx:
        assert len(vouchers_of(tx, granted.allowance_id)) == 1
        with pytest.raises(Refused, match=r"offline\.unknown_allowance"):
            allowance_of(tx, "none")
    with pytest.raises(Refused, match=r"offline\.unknown_allowance"):
        act(node, "offline.close_allowance", {"allowance_id": "none"})


def test_verdicts_that_a_caller_makes_up_count_for_nothing(sqlite_node: Node) -> None:
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer)
    now_us = sqlite_node.clock.now_us()
    good = message.read_voucher(payer.pay(payee.ask(1_000, now_us), now_us))
    forged = message.write_voucher(replace(good, amount_minor=9))
    told = {"texts": (forged,), "verdicts": ("",)}
    done = act(sqlite_node, "offline.sync_vouchers", told)
    assert done.vouchers[0].refusal == "offline.bad_signature"


def test_a_payee_who_opens_a_wallet_is_paid_afterwards(node: Node, clock: FixedClock) -> None:
    (payer,) = people(node, "A")
    grant(node, payer)
    (text,) = branches_texts(payer, [Device("D", "party-D")], [700], clock.now_us())
    assert sync(node, [text]).vouchers[0].refusal == "offline.no_payee"
    code = ledger.chart().account("customer_deposit")
    account = Account(Device("D", "party-D").account_id, "CNY", code)
    act(node, "ledger.create_accounts", {"accounts": (account,)})
    assert sync(node, [text]).paid_minor == 700


def branches_texts(
    payer: Device, payees: list[Device], amounts: list[int], now_us: int
) -> list[str]:
    return [message.write_voucher(one) for one in branches(payer, payees, amounts, now_us)]


def test_a_double_spend_is_found_covered_and_ends_the_wallet(node: Node, clock: FixedClock) -> None:
    payer, first, second = people(node, "A", "B", "C")
    granted = grant(node, payer, 5_000)
    now_us = clock.now_us()
    left = branches_texts(payer, [first], [5_000], now_us)
    right = branches_texts(payer, [second], [4_000], now_us)
    assert sync(node, left).case_count == 0
    done = sync(node, right)
    assert (done.case_count, done.paid_minor) == (1, 4_000), "the cover pays the second"
    with node.read() as tx:
        (case,) = fraud_cases(tx)
        found = revocation_list(node, tx, now_us=now_us)
        seen = exposure(tx, "CNY")
    assert (case.party_id, case.counter, case.kind) == (payer.party_id, 1, "double_spend")
    assert len(case.digests) == 2
    assert payer.purse is not None
    assert found.covers(payer.purse.allowance)
    assert (seen.cases, seen.wallets_revoked) == (1, 1)
    with pytest.raises(Refused, match=r"offline\.wallet_revoked"):
        grant(node, payer, 1_000)
    moved(clock, 3 * DAY_US + 1)
    ended = act(node, "offline.close_allowance", {"allowance_id": granted.allowance_id})
    assert (ended.returned_minor, ended.cover_used_minor, ended.unpaid_minor) == (0, 4_000, 0)
    cover = own_account("offline_cover", "CNY")
    assert balance_of(node, cover) == -4_000, "what double spends cost before any provision"
    with node.read() as tx:
        assert revocation_list(node, tx, now_us=clock.now_us()).entries == ()


def test_no_more_than_limit_and_cover_is_ever_paid(node: Node, clock: FixedClock) -> None:
    """Ten copies of one device: the exposure stays what it was when the allowance was granted."""
    payer, *payees = people(node, "A", *(f"P{n}" for n in range(10)))
    grant(node, payer, 5_000)
    now_us = clock.now_us()
    texts = [branches_texts(payer, [payee], [3_000], now_us)[0] for payee in payees]
    statuses = [sync(node, [text]).vouchers[0].status for text in texts]
    assert statuses == ["paid"] * 3 + ["part"] + ["unpaid"] * 6
    assert sum(balance_of(node, one.account_id) - OPENED_MINOR for one in payees) == 10_000
    with node.read() as tx:
        assert len(fraud_cases(tx)) == 1


def test_a_later_voucher_alone_gives_the_double_spend_away(node: Node, clock: FixedClock) -> None:
    """The second half never comes, but the one that follows it names it."""
    payer, first, second = people(node, "A", "B", "C")
    grant(node, payer, 9_000)
    now_us = clock.now_us()
    left = branches_texts(payer, [first], [1_000], now_us)
    right = branches_texts(payer, [second, first], [2_000, 500], now_us)
    assert sync(node, [right[1]]).case_count == 0
    assert sync(node, left).case_count == 1
    assert sync(node, [right[0]]).case_count == 0, "found already"


def test_a_false_sum_is_found_when_vouchers_meet(node: Node, clock: FixedClock) -> None:
    payer, payee = people(node, "A", "B")
    grant(node, payer, 9_000)
    one, two = branches(payer, [payee, payee], [3_000, 1_000], clock.now_us())
    lie = resigned(payer.secret, two, spent_before_minor=2_999)
    assert sync(node, [message.write_voucher(lie)]).case_count == 0
    assert sync(node, [message.write_voucher(one)]).case_count == 1
    with node.read() as tx:
        assert [(case.counter, case.kind) for case in fraud_cases(tx)] == [(2, "false_sum")]


def test_the_same_content_signed_twice_is_one_voucher(node: Node, clock: FixedClock) -> None:
    payer, payee = people(node, "A", "B")
    grant(node, payer)
    (one,) = branches(payer, [payee], [800], clock.now_us())
    twin = resigned(payer.secret, one)
    done = sync(node, [message.write_voucher(one), message.write_voucher(twin)])
    assert (done.new_count, done.paid_minor, done.case_count) == (1, 800, 0)


def test_what_comes_late_is_not_paid_but_still_proves(node: Node, clock: FixedClock) -> None:
    payer, first, second = people(node, "A", "B", "C")
    granted = grant(node, payer, 5_000)
    now_us = clock.now_us()
    left = branches_texts(payer, [first], [1_000], now_us)
    right = branches_texts(payer, [second], [4_000], now_us)
    sync(node, left)
    moved(clock, 3 * DAY_US + 1)
    done = sync(node, right)
    assert ([one.status for one in done.vouchers], done.case_count) == (["late"], 1)
    act(node, "offline.close_allowance", {"allowance_id": granted.allowance_id})
    assert [one.status for one in sync(node, right + left).vouchers] == ["late", "paid"]
    third = branches_texts(payer, [second], [300], now_us)
    assert sync(node, third).vouchers[0].status == "late"
    assert balance_of(node, second.account_id) == OPENED_MINOR
    assert balance_of(node, payer.account_id) == OPENED_MINOR - 1_000


def test_who_waits_is_paid_equally_at_the_close(node: Node, clock: FixedClock) -> None:
    """Limit 10,000 and cover 5,000; payees are owed 2,000, 9,000 and 9,000 in minor units."""
    (payer,) = identified(node, "A")
    payees = people(node, "B", "C", "D")
    granted = grant(node, payer, 10_000, tier="standard")
    assert granted.cover_minor == 5_000
    now_us = clock.now_us()
    texts = [
        branches_texts(payer, [payee], [amount], now_us)[0]
        for payee, amount in zip(payees, (2_000, 9_000, 9_000), strict=True)
    ]
    assert {one.status for one in sync(node, texts[::-1]).vouchers} == {"waiting"}
    assert shown(node) == (1, 10_000, 5_000, 0, 15_000, 0, 0, 20_000)
    with node.read() as tx:
        holds = read_party_file(tx, payer.party_id, business_date(now_us)).holds
    assert [hold.reason for hold in holds] == ["wallet_balance"]
    moved(clock, 7 * DAY_US + 1)
    step = DAY_STEPS["offline.close_due"]
    assert step.chunks(node, business_date(clock.now_us())) == []
    moved(clock, DAY_US)
    day = business_date(clock.now_us())
    (chunk,) = step.chunks(node, day)
    done = act(node, "offline.close_due", chunk, key="close")
    assert (done.allowances, done.paid_minor, done.cover_used_minor) == (1, 15_000, 5_000)
    assert act(node, "offline.close_due", chunk, key="close again").allowances == 0
    assert step.chunks(node, day) == [chunk], "the list of a day stays as it is"
    gained = [balance_of(node, one.account_id) - OPENED_MINOR for one in payees]
    assert gained == [2_000, 6_500, 6_500]
    assert [one.status for one in sync(node, texts).vouchers] == ["paid", "part", "part"]
    assert shown(node)[5:] == (5_000, 5_000, 0)
    with node.read() as tx:
        assert read_party_file(tx, payer.party_id, day).holds == ()


def test_a_lost_phone_is_revoked_and_a_new_one_let_in(node: Node, clock: FixedClock) -> None:
    payer, payee = people(node, "A", "B")
    wallet = {"party_id": payer.party_id, "currency": "CNY"}
    for name in ("offline.revoke_wallet", "offline.reinstate_wallet"):
        with pytest.raises(Refused, match=r"offline\.no_wallet"):
            act(node, name, wallet)
    grant(node, payer, 1_000)
    with pytest.raises(Refused, match=r"offline\.not_revoked"):
        act(node, "offline.reinstate_wallet", wallet)
    now_us = clock.now_us()
    made = branches_texts(payer, [payee], [400], now_us)
    old = payer.purse
    assert act(node, "offline.revoke_wallet", wallet).epoch == 2
    assert act(node, "offline.revoke_wallet", wallet).epoch == 2
    assert sync(node, made).paid_minor == 400, "made before, and honest: paid"
    with pytest.raises(Refused, match=r"offline\.wallet_revoked"):
        grant(node, payer, 1_000)
    assert not act(node, "offline.reinstate_wallet", wallet).is_revoked
    grant(node, payer, 1_000)
    with node.read() as tx:
        revoked = revocation_list(node, tx, now_us=now_us)
    assert old is not None
    assert payer.purse is not None
    assert revoked.covers(old.allowance)
    assert not revoked.covers(payer.purse.allowance)


def test_two_payees_synchronise_at_once(node: Node, clock: FixedClock) -> None:
    """Both halves of ten double spends, and honest vouchers twice, from four threads."""
    payer, *payees = people(node, "A", *(f"P{n}" for n in range(8)))
    granted = grant(node, payer, 5_000)
    now_us = clock.now_us()
    texts = [branches_texts(payer, [payee], [1_000], now_us)[0] for payee in payees]
    answers: list[object] = []

    def run(order: int) -> None:
        turned = texts[order * 2 :] + texts[: order * 2]
        for text in turned if order % 2 else turned[::-1]:
            answers.append(sync(node, [text], key=f"{order} {text[-40:]}"))

    threads = [threading.Thread(target=run, args=(order,)) for order in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 32
    assert [balance_of(node, one.account_id) for one in payees] == [OPENED_MINOR + 1_000] * 8
    assert sum(one.new_count for one in answers) == 8  # type: ignore[attr-defined]
    assert sum(one.case_count for one in answers) == 1  # type: ignore[attr-defined]
    with node.read() as tx:
        assert allowance_of(tx, granted.allowance_id).paid_minor == 8_000
        assert exposure(tx, "CNY").difference_minor == 0


def test_one_act_is_one_act_however_often_it_is_sent(node: Node, clock: FixedClock) -> None:
    payer, payee = people(node, "A", "B")
    grant(node, payer)
    texts = branches_texts(payer, [payee], [100], clock.now_us())
    first = sync(node, texts, key="phone B, 1")
    assert sync(node, texts, key="phone B, 1") == first
    with pytest.raises(Refused, match=r"kernel\.key_reused"):
        sync(node, [], key="phone B, 1")


def test_a_wallet_pays_without_a_node(node: Node) -> None:
    """What the degraded mode needs: no node, store or clock is touched between grant and sync."""
    payer, payee = people(node, "A", "B")
    grant(node, payer)
    assert payer.purse is not None
    request = payee.ask(250, 0)
    now_us = payer.purse.allowance.issued_us + HOUR_US
    purse, text = make_voucher(
        payer.purse, message.write_request(request), secret=payer.secret, now_us=now_us
    )
    assert purse.counter == 1
    payee.take(text, request, now_us)
    assert sync(node, [text], actor=STAFF).paid_minor == 250
