"""Accounts opened with their first transfers: as if created before them, in fewer statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from puhui import ledger
from puhui.kernel import Act, Node, Refused, use_case
from puhui.kernel.act import USE_CASES
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.account import Statuses
from puhui.ledger.tables import write
from tests.ledger.books import DEPOSIT, OPERATOR, create_accounts, end, expire, pay, sums_of

APART = 1_000_000
"""How far the ids of what is created apart lie from those of what is opened together."""

FUND, ALICE, BOB, WALLET, LOAN, SECOND = 1, 2, 3, 11, 12, 13
PENDING, POST, VOID = Transfer.PENDING, Transfer.POST, Transfer.VOID


@dataclass(frozen=True, slots=True)
class Opening:
    """Accounts and transfers, created together or apart."""

    accounts: tuple[Account, ...]
    transfers: tuple[Transfer, ...]
    together: bool = True
    strict: bool = False
    are_new: bool = False


@pytest.fixture(autouse=True)
def opening_use_case() -> Iterator[None]:
    """What a room on the right does, in a use case of its own."""

    @use_case("ledger.try_opening", roles=("system",))
    def try_opening(act: Act, input: Opening) -> Statuses:
        """Open accounts with transfers, or create them first."""
        more: dict[str, Any] = {"strict": input.strict, "are_new": input.are_new}
        if input.together:
            more["opening"] = input.accounts
        else:
            ledger.create_accounts(act, input.accounts)
        made = ledger.create_transfers(act, input.transfers, **more)
        return Statuses(tuple(status.value for status in made))

    yield
    del USE_CASES["ledger.try_opening"]


def deposit(number: int, flags: int = DEPOSIT) -> Account:
    """A customer's account with a balance row."""
    return Account(number, "CNY", ledger.chart().account("customer_deposit"), flags)


def funding(number: int, flags: int = 0) -> Account:
    """An account without a balance row."""
    return Account(number, "CNY", ledger.chart().account("funding"), flags)


def opened(node: Node, key: str, opening: Opening) -> list[str]:
    """Run the use case above."""
    made = node.act("ledger.try_opening", opening, key=key, actor=OPERATOR)
    return list(made.statuses)


def apart(item: Any) -> Any:
    """The same account or transfer among those that are created apart."""
    if isinstance(item, Account):
        return replace(item, id=item.id + APART)
    ids = ("id", "debit_account_id", "credit_account_id", "pending_id")
    return replace(
        item, **{name: getattr(item, name) and getattr(item, name) + APART for name in ids}
    )


def state(node: Node, ids: list[int], clock: FixedClock) -> list[object]:
    """All that is known of accounts: terms, sums recorded and worked out, first expiries."""
    with node.read() as tx:
        found = ledger.lookup_accounts(tx, ids)
        terms = [one and replace(one, id=one.id % APART) for one in found]
        kept = tx.all(write.FIND_BALANCES, ids=[i.to_bytes(16, "big") for i in ids])
    there = [i for i, one in zip(ids, found, strict=True) if one]
    rows = sorted((int.from_bytes(row.account_id, "big") % APART, *row[1:]) for row in kept)
    return [terms, rows, sums_of(node, there), sums_of(node, there, at_us=clock.now_us())]


@pytest.fixture
def books(node: Node) -> Node:
    """A fund and two customers with a hundred each, once together and once apart."""
    first = [funding(FUND), deposit(ALICE), deposit(BOB, DEPOSIT | Account.HISTORY)]
    assert create_accounts(node, *first, *map(apart, first)) == ["created"] * 6
    paid = (pay(101, FUND, ALICE, 100), pay(102, FUND, BOB, 100))
    assert opened(node, "paid", Opening((), (*paid, *map(apart, paid)))) == ["created"] * 4
    return node


CASES = {
    "new": ([deposit(WALLET)], [pay(1, FUND, WALLET, 70)]),
    "new ones that pay on": (
        [deposit(WALLET), deposit(LOAN, Account.CREDITS_MUST_NOT_EXCEED_DEBITS)],
        [
            pay(1, LOAN, FUND, 70, Transfer.LINKED),
            pay(2, FUND, WALLET, 70, Transfer.LINKED),
            pay(3, WALLET, FUND, 5),
        ],
    ),
    "new with history": (
        [deposit(WALLET, Account.HISTORY)],
        [pay(1, FUND, WALLET, 70), pay(2, WALLET, ALICE, 90)],
    ),
    "new without a balance row": ([funding(LOAN)], [pay(1, LOAN, ALICE, 70)]),
    "new of both kinds": ([funding(LOAN), deposit(WALLET)], [pay(1, LOAN, WALLET, 70)]),
    "there already": ([deposit(ALICE)], [pay(1, FUND, ALICE, 70)]),
    "there without a balance row": ([funding(FUND)], [pay(1, FUND, ALICE, 70)]),
    "one there and one new": (
        [deposit(ALICE), deposit(WALLET), deposit(BOB, DEPOSIT | Account.HISTORY)],
        [pay(1, ALICE, WALLET, 70), pay(2, WALLET, BOB, 30)],
    ),
    "one that nothing moves on": ([deposit(WALLET), deposit(LOAN)], [pay(1, FUND, WALLET, 70)]),
    "nothing to move": ([deposit(WALLET)], []),
    "nothing to open": ([], [pay(1, FUND, ALICE, 70)]),
    "named twice": ([deposit(WALLET), deposit(WALLET)], [pay(1, FUND, WALLET, 70)]),
    "held": (
        [deposit(WALLET)],
        [pay(1, FUND, WALLET, 70), pay(2, WALLET, ALICE, 20, PENDING, timeout_s=60)],
    ),
    "held with two expiries": (
        [deposit(WALLET), deposit(LOAN, DEPOSIT)],
        [
            pay(1, FUND, WALLET, 70),
            pay(2, WALLET, LOAN, 20, PENDING, timeout_s=60),
            pay(3, WALLET, ALICE, 30, PENDING, timeout_s=30),
            pay(4, WALLET, ALICE, 5, PENDING),
        ],
    ),
    "held and posted": (
        [deposit(WALLET)],
        [
            pay(1, FUND, WALLET, 70, PENDING, timeout_s=60),
            end(2, 1, POST, 40),
            pay(3, WALLET, ALICE, 40, PENDING, timeout_s=60),
            end(4, 3, VOID),
        ],
    ),
    "held without a balance row": (
        [funding(LOAN)],
        [pay(1, LOAN, ALICE, 20, PENDING, timeout_s=60)],
    ),
    "too little": ([deposit(WALLET)], [pay(1, WALLET, ALICE, 1), pay(2, FUND, WALLET, 9)]),
    "all that is there": (
        [deposit(WALLET), funding(LOAN)],
        [
            pay(1, FUND, WALLET, 70),
            pay(2, WALLET, LOAN, 99, Transfer.BALANCING_DEBIT),
            pay(3, LOAN, ALICE, 99, Transfer.BALANCING_DEBIT),
        ],
    ),
    "a broken chain": (
        [deposit(WALLET)],
        [pay(1, FUND, WALLET, 70, Transfer.LINKED), pay(2, WALLET, ALICE, 71)],
    ),
    "an id that comes twice": (
        [deposit(WALLET)],
        [pay(1, FUND, WALLET, 70), pay(1, FUND, WALLET, 70), pay(1, FUND, WALLET, 71)],
    ),
    "an account that is not there": ([deposit(WALLET)], [pay(1, LOAN, WALLET, 70)]),
}


@pytest.mark.parametrize("are_new", [False, True])
def test_opening_is_the_same_as_creating_first(
    books: Node, clock: FixedClock, are_new: bool
) -> None:
    """Every case in turn on books of its own accounts; then what is held expires."""
    ids: list[int] = []
    for place, (name, (accounts, transfers)) in enumerate(CASES.items()):

        def moved(item: Any, place: int = place) -> Any:
            """New accounts and transfers of each case have numbers of their own."""
            more = 1000 * (place + 1)
            if isinstance(item, Account):
                return replace(item, id=item.id + more) if item.id > BOB else item
            sides = {
                side: getattr(item, side) + (more if getattr(item, side) > BOB else 0)
                for side in ("debit_account_id", "credit_account_id")
            }
            pending_id = item.pending_id and item.pending_id + more
            return replace(item, id=item.id + more, pending_id=pending_id, **sides)

        first, paid = tuple(map(moved, accounts)), tuple(map(moved, transfers))
        together = opened(books, f"{name} together", Opening(first, paid, are_new=are_new))
        other = Opening(tuple(map(apart, first)), tuple(map(apart, paid)), together=False)
        assert together == opened(books, f"{name} apart", other), name
        assert len(together) == len(paid)
        ids += [account.id for account in first if account.id not in ids]
        assert state(books, ids, clock) == state(books, [i + APART for i in ids], clock), name
    for _ in range(3):
        clock.set_us(clock.now_us() + 31_000_000)
        assert state(books, ids, clock) == state(books, [i + APART for i in ids], clock)
        assert expire(books) % 2 == 0, "as many of each"
        assert state(books, ids, clock) == state(books, [i + APART for i in ids], clock)


@pytest.mark.parametrize(
    "account, code",
    [
        (replace(deposit(WALLET), ledger=""), "ledger.ledger_must_not_be_zero"),
        (replace(deposit(WALLET), flags=6), "ledger.flags_are_mutually_exclusive"),
        (replace(deposit(WALLET), id=0), "ledger.id_must_not_be_zero"),
        (replace(deposit(WALLET), code=2**16), "ledger.field_out_of_range"),
    ],
)
def test_an_account_that_cannot_open_is_refused(books: Node, account: Account, code: str) -> None:
    """Nothing is opened then, and nothing moves; the place that is named is the account's."""
    opening = Opening((deposit(BOB, DEPOSIT | Account.HISTORY), deposit(LOAN), account),
                      (pay(1, FUND, BOB, 70),))  # fmt: skip
    with pytest.raises(Refused) as caught:
        opened(books, "refused", opening)
    assert caught.value.code == code
    if code != "ledger.field_out_of_range":
        assert caught.value.reason.startswith("Account 3 of 3: ")
    with books.read() as tx:
        assert ledger.lookup_accounts(tx, [WALLET, LOAN]) == (None, None)
        assert ledger.lookup_transfers(tx, [1]) == (None,)
    assert sums_of(books, [BOB]) == [(0, 0, 0, 100)]


@pytest.mark.parametrize(
    "account",
    [
        deposit(ALICE, 0),
        replace(deposit(ALICE), ledger="USD"),
        replace(deposit(ALICE), code=9),
        replace(deposit(ALICE), user_data_32=1),
    ],
)
def test_an_account_that_is_there_stays_as_it_is(books: Node, account: Account) -> None:
    """Another room may have opened it with marks of its own; its own terms decide what may move."""
    with books.read() as tx:
        (before,) = ledger.lookup_accounts(tx, [ALICE])
    opened(books, "there", Opening((account, deposit(LOAN)), (pay(1, FUND, ALICE, 70),)))
    with books.read() as tx:
        after, loan = ledger.lookup_accounts(tx, [ALICE, LOAN])
    assert before is not None
    assert after is not None
    assert loan is not None
    moved = before.credits_posted_minor + 70
    assert after == replace(before, credits_posted_minor=moved)


def test_what_is_refused_strictly_opens_nothing(books: Node) -> None:
    opening = Opening((deposit(WALLET),), (pay(1, WALLET, ALICE, 1),), strict=True)
    with pytest.raises(Refused) as caught:
        opened(books, "strict", opening)
    assert caught.value.code == "ledger.exceeds_credits"
    with books.read() as tx:
        assert ledger.lookup_accounts(tx, [WALLET]) == (None,)


def test_an_account_that_another_act_opened_meanwhile_is_found(books: Node) -> None:
    """Many acts open the same account at once, each with a first transfer of its own."""
    asked = [
        books.submit(
            "ledger.try_opening",
            Opening((deposit(WALLET),), (pay(200 + n, FUND, WALLET, 1),), strict=True),
            key=f"at once {n}",
            actor=OPERATOR,
        )
        for n in range(12)
    ]
    assert [one.result().statuses for one in asked] == [("created",)] * 12
    assert sums_of(books, [WALLET]) == [(0, 0, 0, 12)]


def test_new_ids_may_end_what_was_held_before(books: Node) -> None:
    """What is pending is looked up all the same."""
    held = (pay(1, ALICE, BOB, 40, PENDING), pay(2, ALICE, BOB, 50, PENDING))
    assert opened(books, "held", Opening((), held, are_new=True)) == ["created"] * 2
    ends = (end(3, 1, POST, 30), end(4, 2, VOID), end(5, 99, VOID))
    assert opened(books, "ended", Opening((), ends, are_new=True)) == [
        "created",
        "created",
        "pending_transfer_not_found",
    ]
    assert sums_of(books, [ALICE, BOB]) == [(0, 30, 0, 100), (0, 0, 0, 130)]
