"""No day and no loan waits for a wallet that is closed: what a lender is owed is kept for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puhui.kernel import Actor, Node, Refused
from puhui.kernel.act import SYSTEM
from puhui.kernel.clock import FixedClock, time_us_of
from puhui.kernel.store import change
from puhui.ledger import Transfer, lookup_accounts
from puhui.payment import own_account, wallet_account
from puhui.payment.tables import wallet as wallets
from puhui.payment.tables.wallet import blob
from puhui.servicing import noun
from puhui.servicing.nouns.lender import PayLenders
from puhui.servicing.nouns.plan import Happening
from puhui.servicing.rules.joint import takes_all
from puhui.worker import close_day
from tests.servicing.book import Book, party_id
from tests.servicing.lent import FILLED, ill_booked
from tests.servicing.ordeal import PLENTY
from tests.servicing.shares import LENDERS, Freeze, kept_for
from tests.servicing.templates import make_templates
from tests.servicing.test_joint import joint_loan
from tests.servicing.test_ordeal import BASE, PLANS, step, take

DAY = date(2026, 3, 2)
LOANS = 240
(A, _), (B, _) = LENDERS
KEYS = count(1)


def freeze(node: Node, whose: str, frees: int = 0) -> int:
    """Freeze a wallet, or let it go."""
    found = node.act("bench.freeze", Freeze(whose, frees), key=f"f{next(KEYS)}", actor=SYSTEM)
    number: int = found.number
    return number


def wallet(node: Node, whose: str) -> int:
    """What is in a wallet."""
    with node.read() as tx:
        (found,) = lookup_accounts(tx, [wallet_account(whose, "CNY")])
    assert found is not None
    return found.credit_balance_minor


@pytest.fixture
def book(store_url: str, open_at: Callable[..., Node]) -> Book:
    """Loans of which others lend one in twenty, on each kind of store."""
    templates = make_templates(DAY, ages=20, offsets=6)
    found = Book(open_at(store_url), DAY, templates, has_lenders=True)
    found.load(LOANS)
    return found


def close(book: Book, clock: FixedClock, day: date) -> Any:
    """Close a day of the whole node, and hold every loan against its replay."""
    clock.set_us(time_us_of(datetime.fromisoformat(f"{day}T20:00:00+08:00")))
    done = close_day(book.node, day)
    different = [line for n in range(LOANS) for line in book.differences(n, day)]
    different += ill_booked(book.node, book.lent)
    assert not different, "\n".join(different[:10])
    return done


def test_a_day_goes_on_over_loans_of_lenders_whose_wallets_are_frozen(
    book: Book, clock: FixedClock
) -> None:
    """Everything is counted as ever, what they are owed is kept, and paid once they thaw."""
    frozen = freeze(book.node, A)
    for n in range(40):
        close(book, clock, DAY + timedelta(days=n))
    kept = kept_for(book.node)
    assert kept[A] > 0 == kept[B]
    assert wallet(book.node, A) == FILLED < wallet(book.node, B)
    freeze(book.node, A, frozen)
    close(book, clock, DAY + timedelta(days=40))
    assert kept_for(book.node) == {A: 0, B: 0}
    assert wallet(book.node, A) >= FILLED + kept[A]


def test_a_frozen_borrower_is_short_and_pays_once_the_wallet_thaws(
    book: Book, clock: FixedClock
) -> None:
    rich = [n for n in range(LOANS) if n % 10 and n % 17 and due_on_day(book, n)]
    assert len(rich) > 2
    for n in rich:
        book.frozen = freeze(book.node, party_id(n))
    before = [wallet(book.node, party_id(n)) for n in rich]
    done = close(book, clock, DAY)
    assert done.short >= len(rich)
    assert done.debited, "others paid"
    assert [wallet(book.node, party_id(n)) for n in rich] == before
    freeze(book.node, party_id(rich[-1]), book.frozen)
    assert close(book, clock, DAY + timedelta(days=1)).debited
    after = [wallet(book.node, party_id(n)) for n in rich]
    assert after[:-1] == before[:-1]
    assert after[-1] < before[-1]


def due_on_day(book: Book, n: int) -> bool:
    """Whether an instalment of loan ``n`` falls due on the day of the book."""
    return book.columns(book.template(n))[0]["next_due_on"] == DAY.toordinal()


def test_no_account_of_ours_is_ever_closed(sqlite_node: Node, clock: FixedClock) -> None:
    """Accounts that anybody may be paid from or to without limit take no closing."""
    joint_loan(sqlite_node, clock)
    for side in (Transfer.CLOSING_DEBIT, Transfer.CLOSING_CREDIT):
        sides = [own_account(name, "CNY") for name in ("interest_receivable", "fee_income")]
        closing = Transfer(7, *sides, 0, "CNY", 1, flags=Transfer.PENDING | side)
        told = {"transfers": [closing]}
        with pytest.raises(Refused, match=r"ledger\.closing_needs_balance"):
            sqlite_node.act("ledger.create_transfers", told, key=f"c{side}", actor=SYSTEM)


mixed = st.one_of(step, st.tuples(st.sampled_from(["freeze", "thaw"]), st.just(0), st.just(0)))


@settings(
    max_examples=12,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(PLANS), st.lists(mixed, min_size=6, max_size=24))
def test_what_lenders_have_is_right_however_often_a_wallet_freezes(
    node: Node, clock: FixedClock, plan: noun.Plan, steps: list[tuple[str, int, int]]
) -> None:
    loan = joint_loan(node, clock, plan)
    frozen = 0
    for one in steps:
        if one[0] == "freeze":
            frozen = frozen or freeze(node, A)
        elif one[0] == "thaw":
            frozen = frozen and freeze(node, A, frozen) * 0
        else:
            take(loan, *one)
            loan.close()
    if frozen:
        freeze(node, A, frozen)
    before = sum(one.wallet_minor for one in loan.lenders())
    loan.act("servicing.pay_lenders", PayLenders(loan.today, "CNY"))
    assert kept_for(node) == {A: 0, B: 0}
    assert sum(wallet(node, name) for name, _ in LENDERS) == before


def test_what_is_kept_gives_back_first(node: Node, clock: FixedClock) -> None:
    """200,000 of 600,000 without interest are paid while a's wallet is frozen: 30 % are kept for
    it. 50,000 are taken back: 15,000 leave what is kept. When the wallet thaws the next payment
    brings all of it.
    """
    loan = joint_loan(node, clock, replace(BASE, annual_rate=Decimal(0)), 600_000)
    assert wallet(node, A) == PLENTY - 180_000
    frozen = freeze(node, A)
    loan.happen(Happening.REPAID, amount_minor=200_000)
    assert (wallet(node, A), kept_for(node)[A]) == (PLENTY - 180_000, 60_000)
    loan.happen(Happening.CHARGED_BACK, amount_minor=50_000, undoes="1")
    assert (wallet(node, A), kept_for(node)[A]) == (PLENTY - 180_000, 45_000)
    freeze(node, A, frozen)
    loan.happen(Happening.REPAID, amount_minor=10_000)
    assert (wallet(node, A), kept_for(node)[A]) == (PLENTY - 180_000 + 45_000 + 3_000, 0)
    assert loan.happen(Happening.UNDONE, undoes="3")
    assert loan.happen(Happening.UNDONE, undoes="2")
    assert (wallet(node, A), kept_for(node)[A]) == (PLENTY - 180_000 + 60_000, 0)


def test_more_than_is_kept_is_not_taken_from_a_frozen_wallet(
    sqlite_node: Node, clock: FixedClock
) -> None:
    loan = joint_loan(sqlite_node, clock, replace(BASE, annual_rate=Decimal(0)), 600_000)
    loan.happen(Happening.REPAID, amount_minor=100_000)
    frozen = freeze(sqlite_node, A)
    loan.happen(Happening.REPAID, amount_minor=40_000)
    refused = loan.refused
    assert not loan.happen(Happening.UNDONE, undoes="1"), "30,000 are taken, 12,000 are kept"
    assert loan.refused == refused + 1
    assert loan.code == "payment.wallet_closed"
    assert kept_for(sqlite_node)[A] == 12_000
    assert loan.happen(Happening.UNDONE, undoes="2")
    assert kept_for(sqlite_node)[A] == 0
    freeze(sqlite_node, A, frozen)
    assert loan.happen(Happening.UNDONE, undoes="1")


def test_an_operator_pays_out_what_a_closed_wallet_will_never_take(
    node: Node, clock: FixedClock, operator: Actor
) -> None:
    """A wallet that was closed by its holder takes nothing; no frozen one is got round."""
    loan = joint_loan(node, clock, replace(BASE, annual_rate=Decimal(0)), 600_000)
    with change(node.store) as tx:
        tx.put(wallets.INSERT_WALLET, account_id=blob(wallet_account(B, "CNY")), party_id=B,
               currency="CNY", tier=1, status="closed", opened_us=1)  # fmt: skip
    loan.happen(Happening.REPAID, amount_minor=100_000)
    assert kept_for(node) == {A: 0, B: 10_000}, "59,999 of 600,000, 49,999 of 500,000"
    assert wallet(node, B) == PLENTY - 59_999
    close_day(node, loan.today)
    assert kept_for(node)[B] == 10_000
    frozen = freeze(node, B)
    with pytest.raises(Refused, match=r"servicing\.lender_frozen"):
        pay_out(node, B, operator)
    freeze(node, B, frozen)
    with pytest.raises(Refused, match=r"party\.four_eyes"):
        pay_out(node, B, Actor(B, frozenset({"operator"})))
    before = loan.own()["funding"]
    assert pay_out(node, B, operator).amount_minor == 10_000
    assert loan.own()["funding"] == before - 10_000
    assert (kept_for(node)[B], wallet(node, B)) == (0, PLENTY - 59_999)
    with pytest.raises(Refused, match=r"servicing\.nothing_kept"):
        pay_out(node, B, operator)


def pay_out(node: Node, whose: str, actor: Actor) -> Any:
    """Pay what is kept for a lender to its own bank account."""
    told = {"lender_id": whose, "currency": "CNY"}
    return node.act("servicing.pay_lender_out", told, key=f"o{next(KEYS)}", actor=actor)


@pytest.mark.parametrize(
    ("room", "kept", "net", "takes"),
    [
        (None, 0, 5, True), (None, 7, 5, True), (0, 0, 5, False), (5, 0, 5, True),
        (4, 0, 5, False), (12, 7, 5, True), (11, 7, 5, False), (0, 7, -7, False),
        (0, 7, -6, False), (0, 7, -8, True), (0, 0, -1, True), (0, 0, 0, False),
    ],
)  # fmt: skip
def test_which_money_a_wallet_takes(room: int | None, kept: int, net: int, takes: bool) -> None:
    assert takes_all(room, kept, net) is takes
