"""Granting, synchronising and closing on both stores: money, refusals, cases, revocation.

Goal: escrow, cover, payees and wallet always add up; every refusal says why and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from puhui import ledger
from puhui.kernel import Actor, Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.kernel.event import DAY_STEPS
from puhui.ledger import Account
from puhui.offline import exposure, make_voucher
from puhui.offline.desk.books import escrow_account, own_account, transfer_id_of
from puhui.offline.formats import message
from puhui.offline.window import (
    allowance_of,
    allowances_of,
    find_tier,
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
    branches_texts,
    grant,
    identified,
    moved,
    people,
    resigned,
    sync,
)


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


def test_a_wallet_has_so_many_open_and_so_much(sqlite_node: Node) -> None:
    (payer,) = people(sqlite_node, "A")
    for _ in range(find_tier("small").open_max):
        grant(sqlite_node, payer, 1_000)
    with pytest.raises(Refused, match=r"offline\.too_many_open"):
        grant(sqlite_node, payer, 1_000)
    assert [tier.number for tier in offline_tiers()] == [1, 2]
    for code in ("bad_amount", "bad_currency"):
        told = {"currency": "CNY" if code == "bad_amount" else "XXX", "amount_minor": 0}
        with pytest.raises(Refused, match=rf"offline\.{code}"):
            act(sqlite_node, "offline.fund_cover", told)


def test_a_customer_acts_for_their_own_wallet_alone(sqlite_node: Node) -> None:
    mine, other = people(sqlite_node, "A", "B")
    told = {
        "party_id": mine.party_id, "currency": "CNY", "allowance_limit_minor": 1_000,
        "wallet_key": mine.public_key,
    }  # fmt: skip
    stranger = Actor(other.party_id, frozenset({"customer"}))
    with pytest.raises(Refused, match="not_yours"):
        act(sqlite_node, "offline.grant_allowance", told, actor=stranger)
    grant(sqlite_node, mine)
    revoke = {"party_id": mine.party_id, "currency": "CNY"}
    with pytest.raises(Refused, match="not_yours"):
        act(sqlite_node, "offline.revoke_wallet", revoke, actor=stranger)
    owner = Actor(mine.party_id, frozenset({"customer"}))
    assert act(sqlite_node, "offline.revoke_wallet", revoke, actor=owner).epoch == 2
    with pytest.raises(Refused, match=r"kernel\.role_missing"):
        act(sqlite_node, "offline.reinstate_wallet", revoke, actor=owner)


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
        "no_payee ": text_of(payee_account_id=0),
        "no_payee  ": text_of(payee_account_id=2**128 - 1),
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
    assert codes == [f"offline.{code.strip()}" for code in texts] + ["offline.bad_signature", ""]
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
    with pytest.raises(Refused, match=r"offline\.checked_input"):
        act(sqlite_node, "offline.sync_vouchers", told)
    assert sync(sqlite_node, [forged]).vouchers[0].refusal == "offline.bad_signature"


def test_a_payee_who_opens_a_wallet_is_paid_afterwards(
    sqlite_node: Node, clock: FixedClock
) -> None:
    (payer,) = people(sqlite_node, "A")
    grant(sqlite_node, payer)
    (text,) = branches_texts(payer, [Device("D", "party-D")], [700], clock.now_us())
    assert sync(sqlite_node, [text]).vouchers[0].refusal == "offline.no_payee"
    code = ledger.chart().account("customer_deposit")
    account = Account(Device("D", "party-D").account_id, "CNY", code)
    act(sqlite_node, "ledger.create_accounts", {"accounts": (account,)})
    assert sync(sqlite_node, [text]).paid_minor == 700


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
    assert sorted(hold.reason for hold in holds) == ["investigation", "wallet_balance"]
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
        holds = read_party_file(tx, payer.party_id, day).holds
    assert [hold.reason for hold in holds] == ["investigation"]


def test_one_act_is_one_act_however_often_it_is_sent(sqlite_node: Node, clock: FixedClock) -> None:
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer)
    texts = branches_texts(payer, [payee], [100], clock.now_us())
    first = sync(sqlite_node, texts, key="phone B, 1")
    assert sync(sqlite_node, texts, key="phone B, 1") == first
    with pytest.raises(Refused, match=r"kernel\.key_reused"):
        sync(sqlite_node, [], key="phone B, 1")


def test_a_wallet_pays_without_a_node(sqlite_node: Node) -> None:
    """What the degraded mode needs: nothing of the node is touched in between."""
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer)
    assert payer.purse is not None
    request = payee.ask(250, 0)
    now_us = payer.purse.allowance.issued_us + HOUR_US
    purse, text = make_voucher(
        payer.purse, message.write_request(request), secret=payer.secret, now_us=now_us
    )
    assert purse.counter == 1
    payee.take(text, request, now_us)
    assert sync(sqlite_node, [text], actor=STAFF).paid_minor == 250


def test_a_broken_wallet_cannot_fill_the_store(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With three vouchers as the most that are kept, the fourth is refused and nothing is lost."""
    monkeypatch.setattr("puhui.offline.desk.sync.VOUCHERS_MAX", 3)
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer)
    texts = branches_texts(payer, [payee] * 5, [10, 20, 30, 40, 50], sqlite_node.clock.now_us())
    first = sync(sqlite_node, [texts[0], texts[0], *texts[1:4]])
    assert [one.refusal for one in first.vouchers] == [""] * 4 + ["offline.too_many"]
    assert sync(sqlite_node, texts[4:]).vouchers[0].refusal == "offline.too_many"
    assert sync(sqlite_node, texts[:3]).new_count == 0
