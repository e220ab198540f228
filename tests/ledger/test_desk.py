"""Accounts and transfers through acts, on both stores: bounds, batches, time, history, import."""

from __future__ import annotations

import random

import pytest

from puhui import ledger
from puhui.kernel import Node, Refused
from puhui.kernel.clock import FixedClock
from puhui.ledger import Account, Transfer
from puhui.ledger.desk.transfer import CreateTransfers
from puhui.ledger.nouns import AMOUNT_MAX, ID_MAX, TrialBalance, TrialRow
from tests.ledger.books import (
    ALICE,
    BOB,
    FUND,
    OPERATOR,
    OTHER,
    advance,
    create_accounts,
    create_transfers,
    end,
    pay,
    sums_of,
)

HISTORY = Account.HISTORY


def test_money_moves_and_every_field_comes_back(books: Node, clock: FixedClock) -> None:
    sent = Transfer(
        id=ID_MAX - 1,
        debit_account_id=FUND,
        credit_account_id=ALICE,
        amount_minor=12_345,
        ledger="CNY",
        code=65_535,
        user_data_128=ID_MAX,
        user_data_64=2**64 - 1,
        user_data_32=2**32 - 1,
    )
    assert create_transfers(books, sent) == ["created"]
    with books.read() as tx:
        found, missing = ledger.lookup_transfers(tx, [sent.id, 77])
        (alice,) = ledger.lookup_accounts(tx, [ALICE])
        assert ledger.lookup_accounts(tx, []) == ledger.lookup_transfers(tx, []) == ()
    assert missing is None
    assert found is not None and found.time_us == clock.now_us()
    for name in Transfer.__slots__:
        if name != "time_us":
            assert getattr(found, name) == getattr(sent, name), name
    assert alice is not None
    assert (alice.credit_balance_minor, alice.debit_balance_minor) == (12_345, -12_345)


def test_accounts_keep_every_field_and_missing_ones_are_none(books: Node) -> None:
    account = Account(
        ID_MAX - 1,
        "USD",
        65_535,
        HISTORY,
        user_data_128=ID_MAX,
        user_data_64=2**64 - 1,
        user_data_32=2**32 - 1,
    )
    assert create_accounts(books, account, account) == ["created", "exists"]
    assert create_accounts(books, account) == ["exists"]
    with books.read() as tx:
        found, missing = ledger.lookup_accounts(tx, [account.id, 99])
    assert missing is None and found is not None
    for name in ("id", "ledger", "code", "flags", "user_data_128", "user_data_64", "user_data_32"):
        assert getattr(found, name) == getattr(account, name), name


@pytest.mark.parametrize(
    "transfer",
    [
        pay(ID_MAX + 1, FUND, ALICE, 1),
        pay(-1, FUND, ALICE, 1),
        pay(1, -1, ALICE, 1),
        pay(1, FUND, ID_MAX + 1, 1),
        pay(1, FUND, ALICE, -1),
        pay(1, FUND, ALICE, ID_MAX + 1),
        pay(1, FUND, ALICE, 1, 65_536),
        pay(1, FUND, ALICE, 1, Transfer.PENDING, timeout_s=2**32),
        pay(1, FUND, ALICE, 1, user_data_64=2**64),
        pay(1, FUND, ALICE, 1, user_data_32=2**32),
        pay(1, FUND, ALICE, 1, user_data_128=ID_MAX + 1),
        end(1, ID_MAX + 1, Transfer.POST),
        Transfer(1, FUND, ALICE, 1, "CNY", 65_536),
        Transfer(1, FUND, ALICE, 1, "C" * 17, 1),
    ],
)
def test_a_field_that_no_record_could_hold_is_refused(
    sqlite_node: Node, transfer: Transfer
) -> None:
    with pytest.raises(Refused, match="field_out_of_range"):
        create_transfers(sqlite_node, transfer)


def test_an_account_field_that_no_record_could_hold_is_refused(sqlite_node: Node) -> None:
    for account in (
        Account(ID_MAX + 1, "CNY", 1),
        Account(1, "CNY", 65_536),
        Account(-1, "CNY", 1),
    ):
        with pytest.raises(Refused, match="field_out_of_range"):
            create_accounts(sqlite_node, account)


def test_the_ends_of_the_id_range(books: Node) -> None:
    for number, status in (
        (0, "id_must_not_be_zero"),
        (ID_MAX, "id_must_not_be_int_max"),
        (ID_MAX - 1, "created"),
    ):
        assert create_transfers(books, pay(number, FUND, ALICE, 1)) == [status]
    assert create_transfers(books, pay(1, ID_MAX, ALICE, 1)) == [
        "debit_account_id_must_not_be_int_max"
    ]
    assert create_transfers(books, pay(1, FUND, ID_MAX, 1)) == [
        "credit_account_id_must_not_be_int_max"
    ]


def test_amounts_up_to_62_bits_and_overflow_by_name(books: Node) -> None:
    assert create_transfers(
        books,
        pay(1, FUND, OTHER, AMOUNT_MAX + 1),
        pay(2, FUND, OTHER, AMOUNT_MAX),
        pay(3, FUND, OTHER, AMOUNT_MAX),
        pay(4, FUND, OTHER, AMOUNT_MAX),
        pay(5, FUND, BOB, AMOUNT_MAX),
        pay(6, FUND, BOB, AMOUNT_MAX),
        pay(7, FUND, BOB, 2),
        pay(8, FUND, BOB, 1, Transfer.PENDING),
        pay(9, FUND, BOB, 1),
    ) == [
        "amount_must_not_exceed_62_bits",
        *["created"] * 5,
        "overflows_credits_posted",
        "created",
        "overflows_credits",
    ]
    # Sums of accounts without a balance row may pass 64 bits, below and above the watermark.
    total = 5 * AMOUNT_MAX
    assert sums_of(books, [FUND, OTHER]) == [(1, total, 0, 0), (0, 0, 0, 3 * AMOUNT_MAX)]
    advance(books, 3)
    assert sums_of(books, [FUND, OTHER]) == [(1, total, 0, 0), (0, 0, 0, 3 * AMOUNT_MAX)]
    advance(books)
    assert sums_of(books, [FUND, OTHER]) == [(1, total, 0, 0), (0, 0, 0, 3 * AMOUNT_MAX)]


def test_pending_sums_overflow_by_name(books: Node) -> None:
    pending = [pay(n, FUND, BOB, AMOUNT_MAX, Transfer.PENDING) for n in (1, 2)]
    assert create_transfers(books, *pending, pay(3, FUND, BOB, 2, Transfer.PENDING)) == [
        "created",
        "created",
        "overflows_credits_pending",
    ]


def test_a_batch_of_8190_with_duplicates_inside(books: Node) -> None:
    dice = random.Random(7)
    batch = [pay(n + 1, FUND, dice.choice([ALICE, BOB]), n + 1) for n in range(8_190)]
    for n in range(10, 8_190, 100):
        batch[n] = batch[n - 5]  # said twice
    for n in range(20, 8_190, 100):
        batch[n] = pay(batch[n - 5].id, FUND, ALICE, 1)  # the same id for something else
    statuses = create_transfers(books, *batch)
    assert statuses.count("exists") == 82
    assert sum(status.startswith("exists_with_different_") for status in statuses) == 82
    assert statuses.count("created") == 8_190 - 164
    moved = sum(t.amount_minor for t, s in zip(batch, statuses, strict=True) if s == "created")
    (fund, alice, bob) = sums_of(books, [FUND, ALICE, BOB])
    assert fund[1] == moved == alice[3] + bob[3]
    again = create_transfers(books, *batch)
    assert again.count("exists") == 8_190 - 82
    assert sums_of(books, [FUND, ALICE, BOB]) == [fund, alice, bob]


def test_a_batch_has_at_most_8190(books: Node) -> None:
    with pytest.raises(Refused, match="batch_too_large"):
        create_transfers(books, *[pay(n + 1, FUND, ALICE, 1) for n in range(8_191)])


def test_a_limit_holds_and_burns_the_id(books: Node) -> None:
    assert create_transfers(books, pay(1, FUND, ALICE, 100)) == ["created"]
    assert create_transfers(books, pay(2, ALICE, BOB, 101)) == ["exceeds_credits"]
    assert create_transfers(books, pay(3, FUND, ALICE, 1)) == ["created"]
    assert create_transfers(books, pay(2, ALICE, BOB, 101)) == ["id_already_failed"]
    assert create_transfers(books, pay(4, ALICE, BOB, 101)) == ["created"]
    assert create_transfers(books, pay(5, ALICE, 9, 0)) == ["credit_account_not_found"]
    assert create_transfers(books, pay(5, ALICE, BOB, 0)) == ["id_already_failed"]
    with books.read() as tx:
        assert ledger.lookup_transfers(tx, [2, 5]) == (None, None)


def test_chains_across_pendings_happen_whole_or_not_at_all(books: Node) -> None:
    assert (
        create_transfers(
            books,
            pay(1, FUND, ALICE, 100, Transfer.LINKED),
            pay(2, ALICE, BOB, 60, Transfer.LINKED | Transfer.PENDING),
            end(3, 2, Transfer.LINKED | Transfer.POST, 40),
            pay(4, ALICE, BOB, 60),
        )
        == ["created"] * 4
    )
    assert sums_of(books, [ALICE, BOB]) == [(0, 100, 0, 100), (0, 0, 0, 100)]
    held = pay(5, BOB, ALICE, 70, Transfer.PENDING)
    assert create_transfers(books, held) == ["created"]
    failing = (
        end(6, 5, Transfer.POST | Transfer.LINKED, 30),
        pay(7, BOB, ALICE, 70, Transfer.PENDING | Transfer.LINKED),
        end(8, 7, Transfer.VOID | Transfer.LINKED),
        pay(9, BOB, ALICE, 71),
    )
    assert create_transfers(books, *failing) == [*["linked_event_failed"] * 3, "exceeds_credits"]
    assert sums_of(books, [ALICE, BOB]) == [(0, 100, 70, 100), (70, 0, 0, 100)]
    assert create_transfers(books, end(6, 5, Transfer.POST, 30)) == ["created"]
    assert create_transfers(books, end(10, 5, Transfer.VOID)) == ["pending_transfer_already_posted"]
    assert sums_of(books, [ALICE, BOB]) == [(0, 100, 0, 130), (0, 30, 0, 100)]


def test_strict_is_all_or_nothing_and_burns_no_id(books: Node) -> None:
    with pytest.raises(Refused) as refused:
        strictly(books, pay(1, FUND, ALICE, 5), pay(2, ALICE, BOB, 6))
    assert refused.value.code == "ledger.exceeds_credits"
    assert refused.value.reason == "Transfer 2 of 2: exceeds credits."
    with books.read() as tx:
        assert ledger.lookup_transfers(tx, [1]) == (None,)
    strictly(books, pay(1, FUND, ALICE, 6), pay(2, ALICE, BOB, 6))
    with pytest.raises(Refused) as chained:
        strictly(books, pay(3, FUND, ALICE, 5, Transfer.LINKED), pay(4, ALICE, BOB, 6))
    assert chained.value.code == "ledger.exceeds_credits"


def strictly(node: Node, *transfers: Transfer) -> None:
    """Run strict transfers on a writer of their own, as a use case of another room would."""
    writer = node.store.writer()
    writer.begin()
    try:
        ledger.create_transfers(Bare(writer.tx, node.clock.now_us()), transfers, strict=True)
    except Refused:
        writer.roll_back()
        raise
    else:
        writer.commit()
    finally:
        writer.close()


class Bare:
    """As much of an act as the ledger needs."""

    def __init__(self, tx: object, now_us: int) -> None:
        self.tx, self.now_us = tx, now_us


def test_strict_accounts(sqlite_node: Node) -> None:
    writer = sqlite_node.store.writer()
    writer.begin()
    bare = Bare(writer.tx, 1)
    assert ledger.create_accounts(bare, []) == ()
    with pytest.raises(Refused) as refused:
        ledger.create_accounts(bare, [Account(1, "CNY", 0)], strict=True)
    assert refused.value.code == "ledger.code_must_not_be_zero"
    writer.roll_back()
    writer.close()


def test_balancing_takes_what_is_there(books: Node) -> None:
    create_transfers(books, pay(1, FUND, OTHER, 70), pay(2, FUND, ALICE, 30))
    sweep = Transfer.BALANCING_DEBIT
    assert (
        create_transfers(
            books,
            pay(3, OTHER, BOB, Transfer.ALL, sweep),
            pay(4, ALICE, BOB, 20, sweep),
            pay(5, ALICE, BOB, 20, sweep),
            pay(6, ALICE, BOB, 20, sweep),
        )
        == ["created"] * 4
    )
    with books.read() as tx:
        moved = ledger.lookup_transfers(tx, [3, 4, 5, 6])
    assert [t.amount_minor for t in moved if t] == [70, 20, 10, 0]
    assert create_transfers(books, pay(5, ALICE, BOB, 11, sweep)) == ["exists"]


def test_closed_accounts_and_reserved_flags(books: Node) -> None:
    assert create_accounts(books, Account(9, "CNY", 1, Account.CLOSED)) == ["created"]
    assert create_transfers(books, pay(1, 9, ALICE, 1), pay(2, FUND, 9, 1)) == [
        "debit_account_already_closed",
        "credit_account_already_closed",
    ]
    assert create_transfers(books, pay(3, FUND, ALICE, 1, 512)) == ["reserved_flag"]
    closing = Transfer.CLOSING_DEBIT
    assert create_transfers(books, pay(3, FUND, ALICE, 1, closing)) == [
        "closing_transfer_must_be_pending"
    ]
    assert create_accounts(books, Account(8, "CNY", 1, 64)) == ["reserved_flag"]


def test_trial_balance_by_code(books: Node) -> None:
    create_transfers(books, pay(1, FUND, ALICE, 50), pay(2, FUND, OTHER, 7, Transfer.PENDING))
    for _ in range(2):
        with books.read() as tx:
            balance = ledger.trial_balance(tx)
        assert balance == TrialBalance(
            (
                TrialRow("CNY", 1003, "Funding account", 2, 7, 50, 7, 0),
                TrialRow("CNY", 2011, "Customer deposits", 2, 0, 0, 0, 50),
            )
        )
        assert balance.difference_minor == 0
        advance(books)
        create_transfers(books, pay(1, FUND, ALICE, 50))


def test_writers_side_by_side_never_overdraw(books: Node) -> None:
    """Many acts at once on the same accounts: on PostgreSQL from several writers."""
    create_transfers(books, pay(1, FUND, ALICE, 1_000), pay(2, FUND, BOB, 1_000))
    waiting = []
    for n in range(120):
        ends = (ALICE, BOB) if n % 2 else (BOB, ALICE)
        batch = (pay(100 + n, *ends, 60), pay(1_000 + n % 7, FUND, OTHER, n % 7))
        key, name = f"race {n}", "ledger.create_transfers"
        waiting.append(books.submit(name, CreateTransfers(batch), key=key, actor=OPERATOR))
        if n % 30 == 0:
            advance(books)
    statuses = [waited.result().statuses for waited in waiting]
    assert sum(s[1] == "created" for s in statuses) == 7
    assert all(s[1] in ("created", "exists") for s in statuses)
    alice, bob = sums_of(books, [ALICE, BOB])
    assert alice[3] - alice[1] + bob[3] - bob[1] == 2_000
    assert min(alice[3] - alice[1], bob[3] - bob[1]) >= 0
    assert sums_of(books, [OTHER]) == [(0, 0, 0, 21)]


def test_the_chart_names_what_lending_needs() -> None:
    chart = ledger.chart()
    for name in ("customer_deposit", "loan_principal", "interest_receivable", "interest_income"):
        assert chart.name_of(chart.account(name)) != str(chart.account(name))
    assert chart.transfer("disbursement") > 0
    assert chart.name_of(9) == "9"
    codes = list(chart.accounts.values())
    assert len(set(codes)) == len(codes)


def test_ids_of_texts_are_stable_and_apart() -> None:
    assert Account.id_of("loan-1") == Transfer.id_of("loan-1")
    assert len({Account.id_of(str(n)) for n in range(1_000)}) == 1_000
    assert 0 < Account.id_of("") < ID_MAX
