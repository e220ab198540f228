"""Double spends, late halves, lost phones and payees who come at once, on both stores.

Goal: whatever a copied wallet signs is found, bounded and paid by rule; who was honest is paid.
"""

from __future__ import annotations

import threading

import pytest

from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock, business_date
from puhui.offline import exposure, revocation_list
from puhui.offline.desk.books import own_account
from puhui.offline.formats import message
from puhui.offline.window import (
    allowance_of,
    fraud_cases,
)
from puhui.party import read_party_file
from tests.offline.fair import (
    DAY_US,
    OPENED_MINOR,
    act,
    balance_of,
    branches,
    branches_texts,
    grant,
    identified,
    moved,
    people,
    resigned,
    sync,
)


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


def test_no_more_than_limit_and_cover_is_ever_paid(sqlite_node: Node, clock: FixedClock) -> None:
    """Ten copies of one device: the exposure stays what it was when the allowance was granted."""
    payer, *payees = people(sqlite_node, "A", *(f"P{n}" for n in range(10)))
    grant(sqlite_node, payer, 5_000)
    now_us = clock.now_us()
    texts = [branches_texts(payer, [payee], [3_000], now_us)[0] for payee in payees]
    statuses = [sync(sqlite_node, [text]).vouchers[0].status for text in texts]
    assert statuses == ["paid"] * 3 + ["part"] + ["unpaid"] * 6
    assert sum(balance_of(sqlite_node, one.account_id) - OPENED_MINOR for one in payees) == 10_000
    with sqlite_node.read() as tx:
        assert len(fraud_cases(tx)) == 1


def test_a_later_voucher_alone_gives_the_double_spend_away(
    sqlite_node: Node, clock: FixedClock
) -> None:
    """The second half never comes, but the one that follows it names it."""
    payer, first, second = people(sqlite_node, "A", "B", "C")
    grant(sqlite_node, payer, 9_000)
    now_us = clock.now_us()
    left = branches_texts(payer, [first], [1_000], now_us)
    right = branches_texts(payer, [second, first], [2_000, 500], now_us)
    assert sync(sqlite_node, [right[1]]).case_count == 0
    assert sync(sqlite_node, left).case_count == 1
    assert sync(sqlite_node, [right[0]]).case_count == 0, "found already"


def test_a_false_sum_is_found_when_vouchers_meet(sqlite_node: Node, clock: FixedClock) -> None:
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer, 9_000)
    one, two = branches(payer, [payee, payee], [3_000, 1_000], clock.now_us())
    lie = resigned(payer.secret, two, spent_before_minor=2_999)
    assert sync(sqlite_node, [message.write_voucher(lie)]).case_count == 0
    assert sync(sqlite_node, [message.write_voucher(one)]).case_count == 1
    with sqlite_node.read() as tx:
        assert [(case.counter, case.kind) for case in fraud_cases(tx)] == [(2, "false_sum")]


def test_the_same_content_signed_twice_is_one_voucher(sqlite_node: Node, clock: FixedClock) -> None:
    payer, payee = people(sqlite_node, "A", "B")
    grant(sqlite_node, payer)
    (one,) = branches(payer, [payee], [800], clock.now_us())
    twin = resigned(payer.secret, one)
    done = sync(sqlite_node, [message.write_voucher(one), message.write_voucher(twin)])
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


def test_a_double_spender_is_not_erased_before_the_case_ends(node: Node, clock: FixedClock) -> None:
    (payer,) = identified(node, "A")
    first, second = people(node, "B", "C")
    grant(node, payer, 5_000)
    now_us = clock.now_us()
    for payee in (first, second):
        sync(node, branches_texts(payer, [payee], [1_000], now_us))

    def reasons() -> list[str]:
        with node.read() as tx:
            file = read_party_file(tx, payer.party_id, business_date(now_us))
        return sorted(hold.reason for hold in file.holds)

    assert reasons() == ["investigation", "wallet_balance"]
    act(node, "offline.reinstate_wallet", {"party_id": payer.party_id, "currency": "CNY"})
    assert reasons() == ["wallet_balance"]
